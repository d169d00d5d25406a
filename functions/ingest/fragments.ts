import { ABSENT, type Cells } from '../../contract/cells.ts';
import { RemoteWriteBuffer, sampleTime } from '../../contract/remote-write.ts';
import { snappyCompress } from '../../contract/snappy.ts';
import type { Fragment } from '../model.ts';

/** Bytes of a fragment before compression; a fragment can be forwarded alone, so it must pass every receiver's limit. */
export const MAX_FRAGMENT_BYTES = 512 * 1024;
/** Of a sample in a `TimeSeries`: tag, length, value, time. */
const MAX_SAMPLE_BYTES = 2 + 9 + 1 + 10;
/** Tag and length of a `TimeSeries`. */
const MAX_SERIES_HEADER = 6;

/**
 * Cuts a stream of series into fragments. They are to be forwarded in the order given: only a series that alone is larger
 * than a fragment, or is added in parts, is in more than one.
 */
export class FragmentWriter {
  readonly #maxSamples: number;
  readonly #buffer = new RemoteWriteBuffer();
  readonly #fragments: Fragment[] = [];
  #rawBytes = 0;
  #series = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = Number.NEGATIVE_INFINITY;

  constructor(maxSamples: number) {
    this.#maxSamples = maxSamples;
  }

  /** Bytes before compression, of all fragments so far. */
  get rawBytes(): number {
    return this.#rawBytes + this.#buffer.length;
  }

  /** Adds the scrapes `from` to `to` (exclusive) of a row. Its times ascend. */
  add(labelFields: Uint8Array, cells: Cells, row: number, times: readonly number[], from: number, to: number): void {
    const count = countCells(cells, row, from, to);
    const size = labelFields.length + MAX_SERIES_HEADER + count * MAX_SAMPLE_BYTES;
    if (this.#buffer.length > 0 && (this.#buffer.length + size > MAX_FRAGMENT_BYTES || this.#buffer.samples + count > this.#maxSamples))
      this.#cut();
    const room = Math.floor((MAX_FRAGMENT_BYTES - labelFields.length - MAX_SERIES_HEADER) / MAX_SAMPLE_BYTES);
    const most = Math.max(1, Math.min(this.#maxSamples, room));
    let start = from;
    for (let rest = count; rest > 0; rest -= most) {
      const end = rest > most ? endOfCells(cells, row, start, most) : to;
      this.#addPart(labelFields, cells, row, times, start, end);
      if (rest > most) this.#cut();
      start = end;
    }
  }

  finish(): readonly Fragment[] {
    this.#cut();
    return this.#fragments;
  }

  #addPart(labelFields: Uint8Array, cells: Cells, row: number, times: readonly number[], from: number, to: number): void {
    this.#buffer.add(labelFields, cells, row, times, from, to);
    this.#series++;
    const own = cells.ownTimes?.get(row);
    const start = row * cells.scrapes;
    let first = from;
    while (cells.states[start + first] === ABSENT) first++;
    let last = to - 1;
    while (cells.states[start + last] === ABSENT) last--;
    this.#minMs = Math.min(this.#minMs, sampleTime(cells.states[start + first] as number, own, times, first));
    this.#maxMs = Math.max(this.#maxMs, sampleTime(cells.states[start + last] as number, own, times, last));
  }

  #cut(): void {
    const { samples } = this.#buffer;
    if (samples === 0) return;
    const raw = this.#buffer.take();
    const block = snappyCompress(raw);
    this.#fragments.push({ block, rawBytes: raw.length, samples, series: this.#series, minMs: this.#minMs, maxMs: this.#maxMs });
    this.#rawBytes += raw.length;
    this.#series = 0;
    this.#minMs = Number.POSITIVE_INFINITY;
    this.#maxMs = Number.NEGATIVE_INFINITY;
  }
}

/** Samples of a row among the scrapes `from` to `to` (exclusive). */
export function countCells(cells: Cells, row: number, from: number, to: number): number {
  let count = 0;
  for (let i = row * cells.scrapes + from; i < row * cells.scrapes + to; i++) if (cells.states[i] !== ABSENT) count++;
  return count;
}

/** Behind the `count`-th sample of a row from scrape `from` on; the row has that many. */
function endOfCells(cells: Cells, row: number, from: number, count: number): number {
  let i = from;
  for (let rest = count; rest > 0; i++) if (cells.states[row * cells.scrapes + i] !== ABSENT) rest--;
  return i;
}
