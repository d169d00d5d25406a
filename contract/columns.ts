import { type ByteReader, type ByteWriter, FormatError } from './binary.ts';
import { type Cells, createCells, STALE, setStale, VALUE } from './cells.ts';

/**
 * The columnar form of {@link Cells}, used twice: for the scrapes of one target in a push, and (one scrape, against the
 * scrape before) in the device's log. Meant to be deflated afterwards. Five sections without lengths of their own:
 *
 * 1. kinds: one byte a row, `class * 32 + exponent + 8`. Classes are the constants below.
 * 2. exceptions, the rows whose cells are not all values: `varint count`, then per row `varint gap` (rows skipped since the
 *    last exception) and its states, 2 bits a cell, the first in the lowest bits. Class {@link NONE}: states only.
 * 3. firsts: per row of class STEADY, DELTA and DELTA2 in turn, `zigzag` of the first value's mantissa, less the
 *    predecessor's mantissa at the same exponent where a predecessor exists. RAW rows have none.
 * 4. deltas: per row of class DELTA `zigzag(m[i] - m[i-1])`, of class DELTA2 the same once and then
 *    `zigzag(difference of differences)`. RAW: per value 8 bytes, low first. Absent and stale cells are passed over.
 * 5. own times: `varint count`, then per row `varint gap` and per value cell `zigzag(time - scrape time)`, ms.
 *
 * A value is `mantissa * 10^-exponent`, taken only where that gives back all 64 bits; else the row is RAW.
 * The predecessor of a row is its cell in `previous`, if that is a value.
 */

/** No value in any cell. */
const NONE = 0;
/** Every value equals the predecessor's bits; nothing more is written. Only with a predecessor. */
const SAME = 1;
/** Every value equals the first. */
const STEADY = 2;
const DELTA = 3;
const DELTA2 = 4;
const RAW = 5;
/** Every value equals the first, which is written as 8 bytes. */
const STEADY_RAW = 6;

const MIN_EXPONENT = -8;
const MAX_EXPONENT = 23;
/** Bounds the mantissa so that differences of differences stay exact. */
const MAX_MANTISSA = 2 ** 50;
/** Scrape times and own times lie within plus or minus this (the year 37648), so that their differences fit a varint. */
export const MAX_TIME_MS = 2 ** 50;
const POWERS = Array.from({ length: MAX_EXPONENT + 1 }, (_, i) => Number(`1e${i}`));

/** `value * 10^exponent` as an integer if that integer stands for exactly this value, else NaN. No integer stands for -0. */
function mantissa(value: number, exponent: number): number {
  if (value === 0) return Object.is(value, 0) ? 0 : Number.NaN;
  if (exponent >= 0) {
    const power = POWERS[exponent] as number;
    const m = Math.round(value * power);
    return Math.abs(m) <= MAX_MANTISSA && Object.is(m / power, value) ? m : Number.NaN;
  }
  const power = POWERS[-exponent] as number;
  const m = Math.round(value / power);
  return Math.abs(m) <= MAX_MANTISSA && Object.is(m * power, value) ? m : Number.NaN;
}

function fromMantissa(m: number, exponent: number): number {
  return exponent >= 0 ? m / (POWERS[exponent] as number) : m * (POWERS[-exponent] as number);
}

/** The least exponent of 0 and up under which `value` is a mantissa, or a negative one for huge integers; NaN if none. */
function findExponent(value: number, atLeast: number): number {
  const size = Math.abs(value);
  if (size > MAX_MANTISSA) {
    if (atLeast > MIN_EXPONENT) return Number.NaN;
    for (let e = -1; e >= MIN_EXPONENT; e--) if (!Number.isNaN(mantissa(value, e))) return e;
    return Number.NaN;
  }
  for (let e = Math.max(0, atLeast); e <= MAX_EXPONENT; e++) {
    if (size * (POWERS[e] as number) > MAX_MANTISSA) return Number.NaN;
    if (!Number.isNaN(mantissa(value, e))) return e;
  }
  return Number.NaN;
}

/** One exponent for all values of a row, or NaN where there is none. */
function rowExponent(cells: Cells, start: number, end: number): number {
  let exponent = MIN_EXPONENT;
  for (let i = start; i < end; i++) {
    if (cells.states[i] !== VALUE) continue;
    const value = cells.floats[i] as number;
    if (exponent === MIN_EXPONENT || Number.isNaN(mantissa(value, exponent))) {
      exponent = findExponent(value, exponent);
      if (Number.isNaN(exponent)) return exponent;
    }
  }
  // A later value may have raised the exponent past what an earlier, larger one can take.
  for (let i = start; i < end; i++) {
    if (cells.states[i] === VALUE && Number.isNaN(mantissa(cells.floats[i] as number, exponent))) return Number.NaN;
  }
  return exponent;
}

const sameBits = (a: Cells, i: number, b: Cells, j: number): boolean =>
  a.words[2 * i] === b.words[2 * j] && a.words[2 * i + 1] === b.words[2 * j + 1];

const varintSize = (value: number): number => {
  const size = Math.abs(value);
  return size < 64 ? 1 : size < 8192 ? 2 : size < 1048576 ? 3 : size < 134217728 ? 4 : 6;
};

/**
 * @param times the scrapes' times in ms, to which own times are relative. Throws RangeError where either is not an integer
 *   within {@link MAX_TIME_MS}: a scrape with such a timestamp must be refused before it comes here
 * @param previous the cells of the scrape before (one scrape, same rows), where the reader is sure to have them
 */
export function encodeColumns(cells: Cells, times: ArrayLike<number>, writer: ByteWriter, previous?: Cells): void {
  const { rows, scrapes, states } = cells;
  const classes = new Uint8Array(rows);
  const exponents = new Int8Array(rows);
  const exceptions: number[] = [];
  for (let row = 0; row < rows; row++) {
    const start = row * scrapes;
    const end = start + scrapes;
    let first = -1;
    let whole = true;
    let steady = true;
    for (let i = start; i < end; i++) {
      if (states[i] !== VALUE) whole = false;
      else if (first === -1) first = i;
      else if (steady) steady = sameBits(cells, i, cells, first);
    }
    if (!whole) exceptions.push(row);
    let kind = NONE;
    if (first !== -1) {
      if (steady && previous !== undefined && previous.states[row] === VALUE && sameBits(cells, first, previous, row)) {
        kind = SAME;
      } else {
        const exponent = rowExponent(cells, start, end);
        if (Number.isNaN(exponent)) {
          kind = steady ? STEADY_RAW : RAW;
        } else {
          exponents[row] = exponent;
          kind = steady ? STEADY : deltaClass(cells, start, end, exponent);
        }
      }
    }
    classes[row] = kind;
    writer.u8(kind * 32 + (exponents[row] as number) - MIN_EXPONENT);
  }

  // A row without any cell needs no exception: absence is what class NONE means by itself.
  const listed = exceptions.filter((row) => classes[row] !== NONE || states.subarray(row * scrapes, (row + 1) * scrapes).includes(STALE));
  writer.varint(listed.length);
  let last = -1;
  for (const row of listed) {
    writer.varint(row - last - 1);
    last = row;
    for (let i = 0; i < scrapes; i += 4) {
      let byte = 0;
      for (let j = 0; j < 4 && i + j < scrapes; j++) byte |= (states[row * scrapes + i + j] as number) << (2 * j);
      writer.u8(byte);
    }
  }

  for (let row = 0; row < rows; row++) {
    const kind = classes[row];
    if (kind !== STEADY && kind !== DELTA && kind !== DELTA2) continue;
    let i = row * scrapes;
    while (states[i] !== VALUE) i++;
    const exponent = exponents[row] as number;
    writer.zigzag(mantissa(cells.floats[i] as number, exponent) - predecessor(previous, row, exponent));
  }

  for (let row = 0; row < rows; row++) {
    const kind = classes[row];
    if (kind === STEADY_RAW || kind === RAW) {
      for (let i = row * scrapes; i < (row + 1) * scrapes; i++) {
        if (states[i] !== VALUE) continue;
        writer.u32(cells.words[2 * i] as number);
        writer.u32(cells.words[2 * i + 1] as number);
        if (kind === STEADY_RAW) break;
      }
    } else if (kind === DELTA || kind === DELTA2) {
      writeDeltas(cells, row, exponents[row] as number, kind, writer);
    }
  }

  encodeOwnTimes(cells, times, writer);
}

function predecessor(previous: Cells | undefined, row: number, exponent: number): number {
  if (previous === undefined || previous.states[row] !== VALUE) return 0;
  const m = mantissa(previous.floats[row] as number, exponent);
  return Number.isNaN(m) ? 0 : m;
}

function deltaClass(cells: Cells, start: number, end: number, exponent: number): number {
  let first = 0;
  let second = 0;
  let before = Number.NaN;
  let change = 0;
  for (let i = start; i < end; i++) {
    if (cells.states[i] !== VALUE) continue;
    const m = mantissa(cells.floats[i] as number, exponent);
    if (!Number.isNaN(before)) {
      const delta = m - before;
      first += varintSize(delta);
      second += varintSize(delta - change);
      change = delta;
    }
    before = m;
  }
  return second < first ? DELTA2 : DELTA;
}

function writeDeltas(cells: Cells, row: number, exponent: number, kind: number, writer: ByteWriter): void {
  let before = Number.NaN;
  let change = 0;
  for (let i = row * cells.scrapes; i < (row + 1) * cells.scrapes; i++) {
    if (cells.states[i] !== VALUE) continue;
    const m = mantissa(cells.floats[i] as number, exponent);
    if (!Number.isNaN(before)) {
      const delta = m - before;
      writer.zigzag(kind === DELTA2 ? delta - change : delta);
      change = delta;
    }
    before = m;
  }
}

function encodeOwnTimes(cells: Cells, times: ArrayLike<number>, writer: ByteWriter): void {
  const rows = [...(cells.ownTimes ?? [])].sort((a, b) => a[0] - b[0]);
  writer.varint(rows.length);
  let last = -1;
  for (const [row, own] of rows) {
    writer.varint(row - last - 1);
    last = row;
    for (let i = 0; i < cells.scrapes; i++) {
      if (cells.states[row * cells.scrapes + i] !== VALUE) continue;
      const time = own[i] as number;
      if (!isTime(time)) throw new RangeError(`columns row ${row}: expected a time in ms within 2^50, got ${time}`);
      writer.zigzag(time - (times[i] as number));
    }
  }
}

export const isTime = (ms: number): boolean => Number.isInteger(ms) && Math.abs(ms) <= MAX_TIME_MS;

/**
 * Reads what {@link encodeColumns} wrote; `rows` and `times.length` must have been checked against the limits, since they
 * size the memory. Throws {@link FormatError} on anything else, and never yields a value that was not encoded.
 */
export function decodeColumns(reader: ByteReader, rows: number, times: ArrayLike<number>, previous?: Cells): Cells {
  const scrapes = times.length;
  if (reader.remaining < rows) throw new FormatError(`columns: expected ${rows} kinds, got ${reader.remaining} bytes`);
  const cells = createCells(rows, scrapes);
  const kinds = reader.raw(rows);
  const { states } = cells;
  for (let row = 0; row < rows; row++) {
    const kind = (kinds[row] as number) >> 5;
    if (kind > STEADY_RAW) throw new FormatError(`columns row ${row}: unknown class ${kind}`);
    if (kind !== NONE) states.fill(VALUE, row * scrapes, (row + 1) * scrapes);
  }
  for (const row of readGaps(reader, rows, 'exception')) readStates(reader, cells, row, (kinds[row] as number) >> 5);

  const firsts = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const kind = (kinds[row] as number) >> 5;
    if (kind !== STEADY && kind !== DELTA && kind !== DELTA2) continue;
    firsts[row] = reader.zigzag() + predecessor(previous, row, exponentOf(kinds, row));
  }
  for (let row = 0; row < rows; row++) readValues(reader, cells, row, kinds, firsts[row] as number, previous);

  for (const row of readGaps(reader, rows, 'own time')) {
    const own = new Float64Array(scrapes);
    for (let i = 0; i < scrapes; i++) {
      if (states[row * scrapes + i] !== VALUE) continue;
      const time = (times[i] as number) + reader.zigzag();
      if (!isTime(time)) throw new FormatError(`columns row ${row}: own time out of range`);
      own[i] = time;
    }
    cells.ownTimes ??= new Map();
    cells.ownTimes.set(row, own);
  }
  return cells;
}

const exponentOf = (kinds: Uint8Array, row: number): number => ((kinds[row] as number) & 31) + MIN_EXPONENT;

function* readGaps(reader: ByteReader, rows: number, what: string): Generator<number> {
  const count = reader.varint();
  if (count > rows) throw new FormatError(`columns: expected at most ${rows} ${what} rows, got ${count}`);
  let row = -1;
  for (let i = 0; i < count; i++) {
    row += reader.varint() + 1;
    if (row >= rows) throw new FormatError(`columns: ${what} for row ${row} of ${rows}`);
    yield row;
  }
}

function readStates(reader: ByteReader, cells: Cells, row: number, kind: number): void {
  const start = row * cells.scrapes;
  let values = 0;
  for (let i = 0; i < cells.scrapes; i += 4) {
    const byte = reader.u8();
    for (let j = 0; j < 4 && i + j < cells.scrapes; j++) {
      const state = (byte >> (2 * j)) & 3;
      if (state > STALE) throw new FormatError(`columns row ${row}: unknown cell state ${state}`);
      if (state === STALE) setStale(cells, start + i + j);
      else cells.states[start + i + j] = state;
      if (state === VALUE) values++;
    }
  }
  if (kind === NONE ? values > 0 : values === 0) throw new FormatError(`columns row ${row}: class ${kind} with ${values} values`);
}

function readValues(reader: ByteReader, cells: Cells, row: number, kinds: Uint8Array, first: number, previous: Cells | undefined): void {
  const kind = (kinds[row] as number) >> 5;
  if (kind === NONE) return;
  const { states, words, floats, scrapes } = cells;
  const start = row * scrapes;
  const end = start + scrapes;
  let low = 0;
  let high = 0;
  if (kind === SAME) {
    if (previous === undefined || previous.states[row] !== VALUE) throw new FormatError(`columns row ${row}: expected a predecessor`);
    low = previous.words[2 * row] as number;
    high = previous.words[2 * row + 1] as number;
  } else if (kind === STEADY_RAW) {
    low = reader.u32();
    high = reader.u32();
  }
  const exponent = exponentOf(kinds, row);
  let m = first;
  let change = 0;
  let seen = false;
  for (let i = start; i < end; i++) {
    if (states[i] !== VALUE) continue;
    if (kind === RAW) {
      low = reader.u32();
      high = reader.u32();
    } else if (kind !== SAME && kind !== STEADY_RAW) {
      if (seen && kind !== STEADY) {
        const coded = reader.zigzag();
        change = kind === DELTA2 ? change + coded : coded;
        m += change;
      }
      if (!(Math.abs(m) <= MAX_MANTISSA)) throw new FormatError(`columns row ${row}: mantissa out of range`);
      floats[i] = fromMantissa(m, exponent);
      seen = true;
      continue;
    }
    words[2 * i] = low;
    words[2 * i + 1] = high;
  }
}
