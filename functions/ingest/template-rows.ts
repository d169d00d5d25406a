import { ABSENT, type Cells } from '../../contract/cells.ts';
import { encodeTime } from '../../contract/remote-write.ts';
import type { BlockWriter } from './block-writer.ts';
import type { SeriesEntry } from './series-cache.ts';
import { FIRST_SLOT, LITERAL } from './template-ops.ts';

/** How far a copy reaches back. */
const MAX_OFFSET = 0xffff;
const MAX_HEADER = 6;
/** `0x12 length 0x09`, which stands before a sample's value. */
const SAMPLE_HEADER = 3;
const VALUE_BYTES = 8;

/** Some scrapes of a target, whose times are the same for all its rows. */
export class ScrapeTimes {
  readonly all: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** `0x10 time` of each scrape, one after the other. */
  readonly bytes: Uint8Array;
  /** By scrape, and one more: where it starts in `bytes`. */
  readonly starts: Uint16Array;
  /** Bytes of a row's samples where none is absent. */
  readonly wholeLength: number;

  /** Scrapes `from` to `to` (exclusive). */
  constructor(times: readonly number[], from: number, to: number) {
    this.all = times;
    this.from = from;
    this.to = to;
    this.firstMs = times[from] as number;
    this.lastMs = times[to - 1] as number;
    const bytes: number[] = [];
    this.starts = new Uint16Array(to - from + 1);
    for (let i = from; i < to; i++) {
      bytes.push(0x10, ...encodeTime(times[i] as number));
      this.starts[i - from + 1] = bytes.length;
    }
    this.bytes = Uint8Array.from(bytes);
    this.wholeLength = (SAMPLE_HEADER + VALUE_BYTES) * (to - from) + bytes.length;
  }
}

/** Writes rows of templates as `TimeSeries`, each by what it has in common with the row before. */
export class TemplateRows {
  readonly #out: BlockWriter;
  #entry: SeriesEntry | undefined;
  #cells: Cells | undefined;
  #times: ScrapeTimes | undefined;
  #row = -1;
  /** Of the row before: where it starts, its bytes, those before its labels, and those of its labels. */
  #start = 0;
  #body = 0;
  #header = 0;
  #labels = 0;
  /** By row of the entry: where its labels start in the block; -1: it has not been written. */
  #labelStarts = new Int32Array(0);

  constructor(out: BlockWriter) {
    this.#out = out;
  }

  /** What was written last was not by this. */
  forget(): void {
    this.#entry = undefined;
    this.#cells = undefined;
  }

  /** Adds the samples of a row's scrapes, `count` of which are not absent. */
  add(entry: SeriesEntry, row: number, cells: Cells, times: ScrapeTimes, count: number): void {
    const out = this.#out;
    const whole = count === times.to - times.from;
    const labels = entry.labelLength(row);
    const body = labels + (whole ? times.wholeLength : samplesLength(cells, row, times));
    // A copy of two bytes, a short time, takes three.
    out.reserve(2 * body + 8);
    const start = out.rawLength;
    const distance = start - this.#start;
    if (this.#entry !== entry) {
      if (this.#labelStarts.length < entry.template.rows) this.#labelStarts = new Int32Array(entry.template.rows);
      this.#labelStarts.fill(-1);
    }
    const near = this.#entry === entry && distance + body + MAX_HEADER <= MAX_OFFSET;
    const header = headerLength(body);
    if (near && body === this.#body) out.copy(distance, header);
    else writeHeader(out, body);
    this.#labelStarts[row] = start + header;
    writeLabels(out, entry, row, this.#labelStarts);
    if (!whole) writeSamples(out, cells, row, times);
    else if (near && this.#cells === cells && this.#times === times)
      followSamples(out, cells, row, this.#row, times, start + header + labels - (this.#start + this.#header + this.#labels));
    else writeWhole(out, cells, row, times);
    this.#entry = entry;
    this.#row = row;
    this.#cells = whole ? cells : undefined;
    this.#times = times;
    this.#start = start;
    this.#body = body;
    this.#header = header;
    this.#labels = labels;
  }
}

const headerLength = (body: number): number => (body < 0x80 ? 2 : body < 0x4000 ? 3 : body < 0x20_0000 ? 4 : 5);

function writeHeader(out: BlockWriter, body: number): void {
  out.byte(0x0a);
  let rest = body;
  for (; rest >= 0x80; rest >>>= 7) out.byte((rest & 0x7f) | 0x80);
  out.byte(rest);
}

/** @param labelStarts by row: where its labels start, or -1 */
function writeLabels(out: BlockWriter, { template: { ops }, fields, setLengths }: SeriesEntry, row: number, labelStarts: Int32Array): void {
  const { steps, stepStarts, symbols } = ops;
  const end = stepStarts[row + 1] as number;
  for (let at = stepStarts[row] as number; at < end; ) {
    if (steps[at] === LITERAL) {
      writeSymbols(out, symbols, steps[at + 1] as number, steps[at + 2] as number, fields);
      at += 3;
      continue;
    }
    const other = labelStarts[steps[at + 1] as number] as number;
    const offset = out.rawLength - other - (steps[at + 2] as number) - (setLengths[steps[at + 3] as number] as number);
    if (other >= 0 && offset <= MAX_OFFSET) out.copy(offset, (steps[at + 4] as number) + (setLengths[steps[at + 5] as number] as number));
    else writeSymbols(out, symbols, steps[at + 6] as number, steps[at + 7] as number, fields);
    at += 8;
  }
}

function writeSymbols(out: BlockWriter, symbols: Uint16Array, from: number, to: number, fields: readonly Uint8Array[]): void {
  for (let at = out.symbols(symbols, from, to); at < to; at = out.symbols(symbols, at + 1, to)) {
    const field = fields[(symbols[at] as number) - FIRST_SLOT] as Uint8Array;
    out.bytes(field, 0, field.length);
  }
}

function samplesLength({ states, scrapes }: Cells, row: number, { from, to, starts }: ScrapeTimes): number {
  let length = 0;
  for (let i = from; i < to; i++) {
    if (states[row * scrapes + i] === ABSENT) continue;
    length += SAMPLE_HEADER + VALUE_BYTES + (starts[i - from + 1] as number) - (starts[i - from] as number);
  }
  return length;
}

/** Where scrapes are absent. */
function writeSamples(out: BlockWriter, { states, words, scrapes }: Cells, row: number, { from, to, starts, bytes }: ScrapeTimes): void {
  for (let i = from; i < to; i++) {
    const cell = row * scrapes + i;
    if (states[cell] === ABSENT) continue;
    const start = starts[i - from] as number;
    const end = starts[i - from + 1] as number;
    writeSampleHeader(out, end - start);
    out.word(words[2 * cell] as number, 0);
    out.word(words[2 * cell + 1] as number, 0);
    out.bytes(bytes, start, end);
  }
}

function writeSampleHeader(out: BlockWriter, timeLength: number): void {
  out.byte(0x12);
  out.byte(1 + VALUE_BYTES + timeLength);
  out.byte(0x09);
}

/** No scrape is absent, and nothing is there to copy from but the row itself. */
function writeWhole(out: BlockWriter, cells: Cells, row: number, times: ScrapeTimes): void {
  const { words, scrapes } = cells;
  const { from, to, starts, bytes } = times;
  for (let i = from; i < to; i++) {
    const cell = row * scrapes + i;
    const start = starts[i - from] as number;
    const end = starts[i - from + 1] as number;
    writeSampleHeader(out, end - start);
    const low = words[2 * cell] as number;
    const high = words[2 * cell + 1] as number;
    if (i > from && low === words[2 * cell - 2] && high === words[2 * cell - 1]) {
      out.copy(SAMPLE_HEADER + VALUE_BYTES + start - (starts[i - from - 1] as number), VALUE_BYTES);
    } else {
      out.word(low, 0);
      out.word(high, 0);
    }
    out.bytes(bytes, start, end);
  }
}

/** No scrape is absent, neither in the row before, whose samples are `distance` back. */
function followSamples(out: BlockWriter, cells: Cells, row: number, before: number, times: ScrapeTimes, distance: number): void {
  const { words, scrapes } = cells;
  const { from, to, starts } = times;
  for (let i = from; i < to; i++) {
    const cell = 2 * (row * scrapes + i);
    const other = 2 * (before * scrapes + i);
    const low = words[cell] as number;
    const high = words[cell + 1] as number;
    const start = starts[i - from] as number;
    const timeLength = (starts[i - from + 1] as number) - start;
    const differentLow = low ^ (words[other] as number);
    const differentHigh = high ^ (words[other + 1] as number);
    if (i === from) {
      // After a literal a copy of three bytes spares nothing, if nothing follows it.
      if (differentLow === 0 || out.copies(distance)) out.copy(distance, SAMPLE_HEADER);
      else writeSampleHeader(out, timeLength);
    }
    if (differentLow === 0 && differentHigh === 0) {
      out.copy(distance, VALUE_BYTES);
    } else if (i > from && low === words[cell - 2] && high === words[cell - 1]) {
      out.copy(SAMPLE_HEADER + VALUE_BYTES + start - (starts[i - from - 1] as number), VALUE_BYTES);
    } else {
      const same = differentLow === 0 ? 4 + equalBytes(differentHigh) : equalBytes(differentLow);
      if (same > 0 && out.copies(distance)) {
        out.copy(distance, same);
        if (same < 4) out.word(low, same);
        out.word(high, Math.max(0, same - 4));
      } else {
        out.word(low, 0);
        out.word(high, 0);
      }
    }
    out.copy(distance, i + 1 < to ? timeLength + SAMPLE_HEADER : timeLength);
  }
}

/** Of a word's bytes, from the low end, those that are 0. The word is not. */
const equalBytes = (word: number): number => ((word & 0xff) !== 0 ? 0 : (word & 0xffff) !== 0 ? 1 : (word & 0xffffff) !== 0 ? 2 : 3);
