import { ABSENT, type Cells } from '../../contract/cells.ts';
import { type EncodedEntry, nestedSize, RemoteWriteBuffer, sampleTime } from '../../contract/remote-write.ts';
import { snappyElements } from '../../contract/snappy.ts';
import type { Fragment } from '../model.ts';
import { BlockWriter } from './block-writer.ts';
import type { SeriesEntry } from './series-cache.ts';
import { type ScrapeTimes, TemplateRows } from './template-rows.ts';

/** Bytes of a fragment before compression; a fragment can be forwarded alone, so it must pass every receiver's limit. */
export const MAX_FRAGMENT_BYTES = 512 * 1024;
/** Of a sample in a `TimeSeries`: tag, length, value, time. */
const MAX_SAMPLE_BYTES = 2 + 9 + 1 + 10;
/** Tag and length of a `TimeSeries`. */
const MAX_SERIES_HEADER = 6;

/** An exemplar of the row that is added, from `encodeExemplar`. */
export interface RowExemplar {
  readonly scrape: number;
  readonly bytes: Uint8Array;
}
const NO_EXEMPLARS: readonly RowExemplar[] = [];

/** A series that writes itself, by what it has in common with the one before. */
export interface SeriesSource {
  /** Bytes of labels and samples. */
  readonly bodyLength: number;
  readonly samples: number;
  readonly firstMs: number;
  readonly lastMs: number;
  write(out: BlockWriter, start: number): void;
  /** What was written last was not of this source. */
  forget(): void;
}

/**
 * Cuts a stream of series into fragments. They are to be forwarded in the order given: only a series that alone is larger
 * than a fragment, or is added in parts, is in more than one.
 */
export class FragmentWriter {
  readonly #maxSamples: number;
  /** Series that are compressed by searching what repeats; the block's end. */
  readonly #buffer = new RemoteWriteBuffer();
  /** What is compressed already. */
  readonly #block: BlockWriter;
  readonly #rows: TemplateRows;
  readonly #fragments: Fragment[] = [];
  /** Which wrote to the block last. */
  #source: SeriesSource | undefined;
  #rawBytes = 0;
  /** In the block. */
  #samples = 0;
  #series = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = Number.NEGATIVE_INFINITY;

  /** @param block of which one after the other may use the memory */
  constructor(maxSamples: number, block = new BlockWriter()) {
    this.#maxSamples = maxSamples;
    block.clear();
    this.#block = block;
    this.#rows = new TemplateRows(block);
  }

  /** Bytes before compression, of all fragments so far. */
  get rawBytes(): number {
    return this.#rawBytes + this.#length;
  }

  get #length(): number {
    return this.#block.rawLength + this.#buffer.length;
  }

  /**
   * Adds samples of a template's row, without exemplars and times of its own, by what it has in common with the row before.
   *
   * @param count its samples that are not absent; at least one
   */
  addRow(entry: SeriesEntry, row: number, cells: Cells, times: ScrapeTimes, count: number): void {
    const size = entry.labelLength(row) + MAX_SERIES_HEADER + count * MAX_SAMPLE_BYTES;
    this.#makeRoom(size, count);
    if (size > MAX_FRAGMENT_BYTES || count > this.#maxSamples) {
      this.add(entry.labelFields(row), cells, row, times.all, times.from, times.to);
      return;
    }
    if (this.#buffer.length > 0) this.#flush();
    this.#forgetSource();
    this.#rows.add(entry, row, cells, times, count);
    this.#samples += count;
    this.#series++;
    const whole = count === times.to - times.from;
    this.#minMs = Math.min(this.#minMs, whole ? times.firstMs : (times.all[firstCell(cells, row, times.from)] as number));
    this.#maxMs = Math.max(this.#maxMs, whole ? times.lastMs : (times.all[lastCell(cells, row, times.to)] as number));
  }

  /** Adds what the source has read last. False: it is larger than a fragment, and not added. */
  addSource(source: SeriesSource): boolean {
    const { bodyLength, samples, firstMs, lastMs } = source;
    const size = bodyLength + MAX_SERIES_HEADER;
    if (size > MAX_FRAGMENT_BYTES || samples > this.#maxSamples) return false;
    this.#makeRoom(size, samples);
    if (this.#buffer.length > 0) this.#flush();
    this.#rows.forget();
    // A copy of two bytes takes three.
    this.#block.reserve(2 * size);
    source.write(this.#block, this.#block.rawLength);
    this.#source = source;
    this.#samples += samples;
    this.#series++;
    this.#minMs = Math.min(this.#minMs, firstMs);
    this.#maxMs = Math.max(this.#maxMs, lastMs);
    return true;
  }

  #forgetSource(): void {
    this.#source?.forget();
    this.#source = undefined;
  }

  /** Starts a new fragment where this much does not fit any more. */
  #makeRoom(size: number, samples: number): void {
    const all = this.#samples + this.#buffer.samples + samples;
    if (this.#length > 0 && (this.#length + size > MAX_FRAGMENT_BYTES || all > this.#maxSamples)) this.#cut();
  }

  /** Compresses what was added one by one. */
  #flush(): void {
    const { samples } = this.#buffer;
    const raw = this.#buffer.take();
    this.#samples += samples;
    this.#block.elements(snappyElements(raw), raw.length);
    this.#rows.forget();
    this.#forgetSource();
  }

  /**
   * Adds the scrapes `from` to `to` (exclusive) of a row. Its times ascend.
   *
   * @param exemplars of these scrapes, ascending by scrape, each beside a sample
   */
  add(
    labelFields: Uint8Array,
    cells: Cells,
    row: number,
    times: readonly number[],
    from: number,
    to: number,
    exemplars: readonly RowExemplar[] = NO_EXEMPLARS,
  ): void {
    const count = countCells(cells, row, from, to);
    if (count === 0) return;
    const overhead = labelFields.length + MAX_SERIES_HEADER;
    const size = overhead + count * MAX_SAMPLE_BYTES + sizeOf(exemplars);
    this.#makeRoom(size, count);
    if (size <= MAX_FRAGMENT_BYTES && count <= this.#maxSamples) {
      this.#addPart(labelFields, cells, row, times, from, to, exemplars);
      return;
    }
    for (let start = from; start < to; ) {
      const end = endOfPart(cells, row, start, to, exemplars, MAX_FRAGMENT_BYTES - overhead, this.#maxSamples);
      const own = exemplars.filter(({ scrape }) => scrape >= start && scrape < end);
      this.#addPart(labelFields, cells, row, times, start, end, own);
      if (end < to) this.#cut();
      start = end;
    }
  }

  /** Adds a series whose samples, histograms and exemplars are encoded already, in that order. */
  addEncoded(labelFields: Uint8Array, entries: readonly EncodedEntry[], isSample: (entry: EncodedEntry) => boolean): void {
    const overhead = labelFields.length + MAX_SERIES_HEADER;
    const count = entries.filter(isSample).length;
    const size = entries.reduce((sum, { bytes }) => sum + nestedSize(bytes), overhead);
    this.#makeRoom(size, count);
    for (let from = 0; from < entries.length; ) {
      let to = from;
      let bytes = overhead;
      let samples = 0;
      for (let entry = entries[to]; entry !== undefined; entry = entries[++to]) {
        const one = isSample(entry) ? 1 : 0;
        bytes += nestedSize(entry.bytes);
        if (to > from && (bytes > MAX_FRAGMENT_BYTES || samples + one > this.#maxSamples)) break;
        samples += one;
        this.#minMs = Math.min(this.#minMs, entry.ms);
        this.#maxMs = Math.max(this.#maxMs, entry.ms);
      }
      this.#buffer.addEncoded(labelFields, entries.slice(from, to), samples);
      this.#series++;
      if (to < entries.length) this.#cut();
      from = to;
    }
  }

  /** @param family from `encodeFamily`. `atMs`: the time of a fragment that has nothing but metadata. */
  addFamily(family: Uint8Array, atMs: number): void {
    if (this.#length > 0 && this.#length + nestedSize(family) > MAX_FRAGMENT_BYTES) this.#cut();
    this.#buffer.addFamily(family);
    if (this.#samples + this.#buffer.samples > 0) return;
    this.#minMs = atMs;
    this.#maxMs = atMs;
  }

  /** What was added. Nothing of it is held any more. */
  finish(): readonly Fragment[] {
    this.#cut();
    return this.#fragments.splice(0);
  }

  #addPart(
    labelFields: Uint8Array,
    cells: Cells,
    row: number,
    times: readonly number[],
    from: number,
    to: number,
    exemplars: readonly RowExemplar[],
  ): void {
    const encoded = exemplars.map(({ bytes }) => bytes);
    this.#buffer.add(labelFields, cells, row, times, from, to, encoded);
    this.#series++;
    const own = cells.ownTimes?.get(row);
    const start = row * cells.scrapes;
    const first = firstCell(cells, row, from);
    const last = lastCell(cells, row, to);
    this.#minMs = Math.min(this.#minMs, sampleTime(cells.states[start + first] as number, own, times, first));
    this.#maxMs = Math.max(this.#maxMs, sampleTime(cells.states[start + last] as number, own, times, last));
  }

  #cut(): void {
    if (this.#length === 0) return;
    if (this.#buffer.length > 0) this.#flush();
    const rawBytes = this.#block.rawLength;
    const block = this.#block.take();
    this.#rows.forget();
    this.#forgetSource();
    this.#fragments.push({ block, rawBytes, samples: this.#samples, series: this.#series, minMs: this.#minMs, maxMs: this.#maxMs });
    this.#rawBytes += rawBytes;
    this.#samples = 0;
    this.#series = 0;
    this.#minMs = Number.POSITIVE_INFINITY;
    this.#maxMs = Number.NEGATIVE_INFINITY;
  }
}

/** The first scrape from `from` on, and the last before `to`, that a row has a sample of. */
function firstCell({ states, scrapes }: Cells, row: number, from: number): number {
  let first = from;
  while (states[row * scrapes + first] === ABSENT) first++;
  return first;
}
function lastCell({ states, scrapes }: Cells, row: number, to: number): number {
  let last = to - 1;
  while (states[row * scrapes + last] === ABSENT) last--;
  return last;
}

/** Samples of a row among the scrapes `from` to `to` (exclusive). */
export function countCells(cells: Cells, row: number, from: number, to: number): number {
  let count = 0;
  for (let i = row * cells.scrapes + from; i < row * cells.scrapes + to; i++) if (cells.states[i] !== ABSENT) count++;
  return count;
}

/** As far as a part of a row may go: what follows begins with a sample. At least one sample, whatever its size. */
function endOfPart(
  cells: Cells,
  row: number,
  from: number,
  to: number,
  exemplars: readonly RowExemplar[],
  maxBytes: number,
  maxSamples: number,
): number {
  let bytes = 0;
  let samples = 0;
  let next = exemplars.findIndex(({ scrape }) => scrape >= from);
  for (let i = from; i < to; i++) {
    if (cells.states[row * cells.scrapes + i] === ABSENT) continue;
    bytes += MAX_SAMPLE_BYTES;
    for (; next >= 0 && exemplars[next]?.scrape === i; next++) bytes += nestedSize((exemplars[next] as RowExemplar).bytes);
    if (samples > 0 && (bytes > maxBytes || samples >= maxSamples)) return i;
    samples++;
  }
  return to;
}

const sizeOf = (exemplars: readonly RowExemplar[]): number => exemplars.reduce((sum, { bytes }) => sum + nestedSize(bytes), 0);
