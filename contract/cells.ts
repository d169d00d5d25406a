/**
 * The values of some series (rows) over some scrapes, row after row: cell `(row, scrape)` is at `row * scrapes + scrape`.
 *
 * A cell is absent, a value, or a staleness marker. Values are kept as their 64 bits: `words` and `floats` are two views of
 * the same memory. Calculate with `floats`, copy through `words`: a NaN that passes through a JavaScript number may lose its
 * payload. All platforms of this project are little-endian, so `words[2 * i]` is the low half.
 */
export interface Cells {
  readonly rows: number;
  readonly scrapes: number;
  readonly states: Uint8Array;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly floats: Float64Array<ArrayBuffer>;
  /**
   * Rows whose samples carry timestamps of their own (`name value timestamp` in the exposition): per scrape the time in ms,
   * meaningful where the cell is a value. Rows not listed have the scrape's time. `undefined`: no such row.
   */
  ownTimes: Map<number, Float64Array> | undefined;
}

export const ABSENT = 0;
export const VALUE = 1;
export const STALE = 2;

/** Prometheus' staleness marker, model/value/value.go `StaleNaN`. */
export const STALE_NAN = { high: 0x7ff00000, low: 0x00000002 } as const;
/** Prometheus' `NormalNaN`: every NaN in an exposition becomes this one, so a target cannot inject a marker. */
export const NORMAL_NAN = { high: 0x7ff80000, low: 0x00000001 } as const;

export function createCells(rows: number, scrapes: number): Cells {
  const words = new Uint32Array(rows * scrapes * 2);
  return { rows, scrapes, states: new Uint8Array(rows * scrapes), words, floats: new Float64Array(words.buffer), ownTimes: undefined };
}

/** Makes all of them absent, for another use. */
export function clearCells(cells: Cells): void {
  cells.states.fill(ABSENT);
  cells.words.fill(0);
  cells.ownTimes = undefined;
}

/** Of no series; nothing can be written to them. */
export const NO_CELLS: Cells = createCells(0, 0);

/** Sets a value as an exposition gives it: NaN becomes {@link NORMAL_NAN}. */
export function setValue(cells: Cells, index: number, value: number): void {
  cells.states[index] = VALUE;
  if (Number.isNaN(value)) {
    cells.words[2 * index] = NORMAL_NAN.low;
    cells.words[2 * index + 1] = NORMAL_NAN.high;
  } else {
    cells.floats[index] = value;
  }
}

/** Marks a cell stale; its bits are the marker's, so copying the bits alone is right too. */
export function setStale(cells: Cells, index: number): void {
  cells.states[index] = STALE;
  cells.words[2 * index] = STALE_NAN.low;
  cells.words[2 * index + 1] = STALE_NAN.high;
}

/** Copies one cell, bits and state. Own times are the caller's business. */
export function copyCell(from: Cells, fromIndex: number, to: Cells, toIndex: number): void {
  to.states[toIndex] = from.states[fromIndex] as number;
  to.words[2 * toIndex] = from.words[2 * fromIndex] as number;
  to.words[2 * toIndex + 1] = from.words[2 * fromIndex + 1] as number;
}

/** Samples in these cells: values and markers. */
export function countSamples(cells: Cells): number {
  let count = 0;
  for (const state of cells.states) if (state !== ABSENT) count++;
  return count;
}

/** Scrape times and own times lie within plus or minus this (the year 37648), so that their differences stay exact. */
export const MAX_TIME_MS = 2 ** 50;
export const isTime = (ms: number): boolean => Number.isInteger(ms) && Math.abs(ms) <= MAX_TIME_MS;
