import { ByteReader, type ByteWriter, FormatError } from './binary.ts';
import { isTime } from './cells.ts';
import { bitsOfDouble, doubleOfBits } from './double.ts';
import { EXEMPLAR_LABEL_RUNES, type Exemplar } from './exemplar.ts';
import { compareText, isValidName, type Label, type Labels, utf8Length } from './labels.ts';
import { attachmentLimits } from './limits.ts';

/**
 * Exemplars beside columns: each names a row and a scrape, never labels of a series, so the edge can relabel the series.
 * Used twice: for the scrapes of one target in a push, and (one scrape) in the device's log. Meant to be deflated afterwards.
 *
 * None are no bytes at all. Else `varint count`, `varint labels of all of them`, the texts (`varint count`, then `string` each,
 * names and values alike, each once), then per exemplar, ascending by row and scrape:
 * `varint row` less the one before; `varint scrape`, in the same row less the one before; `varint labels`, then per label
 * `varint name, varint value` as indexes into the texts; 8 bytes value, low half first; `varint time`: 0 the scrape's,
 * else 1 + zigzag(time - scrape's time).
 */

/** An exemplar among several scrapes. */
export interface PushExemplar extends Exemplar {
  /** Index of the scrape. */
  readonly scrape: number;
}

/** Known before anything is decoded. */
export interface ExemplarCounts {
  readonly exemplars: number;
  /** Labels of all of them. */
  readonly labels: number;
}

/** UTF-8 takes at most four bytes a character. */
const MAX_TEXT_BYTES = EXEMPLAR_LABEL_RUNES * 4;
/** Row, scrape, number of labels, value, time, and its share of the counts. */
const EXEMPLAR_BYTES = 40;
/** Two indexes and, for the texts, two lengths. */
const LABEL_BYTES = 12;

/** Bytes that it takes at most once encoded. */
export function exemplarBytes({ labels }: Exemplar): number {
  let bytes = EXEMPLAR_BYTES;
  for (const [name, value] of labels) bytes += LABEL_BYTES + utf8Length(name) + utf8Length(value);
  return bytes;
}

/** @param times of the scrapes, ms. Throws RangeError where the order or a value breaks the rules above. */
export function encodeExemplars(exemplars: readonly PushExemplar[], times: ArrayLike<number>, writer: ByteWriter): void {
  if (exemplars.length === 0) return;
  const texts = new Map<string, number>();
  let labels = 0;
  for (const exemplar of exemplars) {
    labels += exemplar.labels.length;
    for (const text of exemplar.labels.flat()) if (!texts.has(text)) texts.set(text, texts.size);
  }
  writer.varint(exemplars.length);
  writer.varint(labels);
  writer.varint(texts.size);
  for (const text of texts.keys()) writer.string(text);
  const order = new Order();
  for (const { row, scrape, labels: own, value, ms } of exemplars) {
    const time = times[scrape];
    if (time === undefined || (ms !== undefined && !isTime(ms)) || !order.next(row, scrape))
      throw new RangeError(`exemplar: expected rows, scrapes and times in range and in order, got row ${row}, scrape ${scrape}, ${ms} ms`);
    writer.varint(order.rowStep);
    writer.varint(order.scrapeStep);
    writer.varint(own.length);
    for (const text of own.flat()) writer.varint(texts.get(text) as number);
    const [low, high] = bitsOfDouble(value);
    writer.u32(low);
    writer.u32(high);
    if (ms === undefined) writer.varint(0);
    else writer.varint(1 + zigzag(ms - time));
  }
}

/** Throws {@link FormatError}. */
export function countExemplars(bytes: Uint8Array): ExemplarCounts {
  if (bytes.length === 0) return { exemplars: 0, labels: 0 };
  const reader = new ByteReader(bytes);
  const exemplars = reader.varint();
  const labels = reader.varint();
  if (exemplars === 0) throw new FormatError('exemplars: expected at least one');
  if (exemplars > reader.remaining || labels > reader.remaining)
    throw new FormatError(`exemplars: expected ${exemplars} with ${labels} labels, got ${reader.remaining} bytes`);
  return { exemplars, labels };
}

/**
 * Reads what {@link encodeExemplars} wrote, to the end of `bytes`. `rows`: of the table. Throws {@link FormatError}. The
 * counts must have been checked.
 */
export function decodeExemplars(bytes: Uint8Array, rows: number, times: ArrayLike<number>): readonly PushExemplar[] {
  const counts = countExemplars(bytes);
  if (counts.exemplars === 0) return [];
  const reader = new ByteReader(bytes);
  reader.varint();
  reader.varint();
  const texts = readTexts(reader, counts.labels);
  const exemplars: PushExemplar[] = [];
  const order = new Order();
  let labelsLeft = counts.labels;
  for (let i = 0; i < counts.exemplars; i++) {
    const rowStep = reader.varint();
    const scrapeStep = reader.varint();
    const row = order.row + rowStep;
    const scrape = rowStep === 0 ? order.scrape + scrapeStep : scrapeStep;
    const time = times[scrape];
    if (row >= rows || time === undefined) throw new FormatError(`exemplar ${i}: row ${row}, scrape ${scrape} of ${rows}, ${times.length}`);
    if (!order.next(row, scrape)) throw new FormatError(`exemplar ${i}: more than ${attachmentLimits.exemplarsPerSample} of one sample`);
    const count = reader.varint();
    labelsLeft -= count;
    if (labelsLeft < 0) throw new FormatError(`exemplar ${i}: more labels than the ${counts.labels} announced`);
    const labels = readLabels(reader, count, texts, i);
    const value = doubleOfBits(reader.u32(), reader.u32());
    const coded = reader.varint();
    const ms = coded === 0 ? undefined : time + unzigzag(coded - 1);
    if (ms !== undefined && !isTime(ms)) throw new FormatError(`exemplar ${i}: time out of range`);
    exemplars.push({ row, scrape, labels, value, ms });
  }
  if (labelsLeft !== 0) throw new FormatError(`exemplars: expected ${counts.labels} labels, got ${labelsLeft} fewer`);
  reader.end();
  return exemplars;
}

function readTexts(reader: ByteReader, labels: number): readonly string[] {
  const count = reader.varint();
  if (count > 2 * labels) throw new FormatError(`exemplars: expected at most ${2 * labels} texts, got ${count}`);
  const texts: string[] = [];
  for (let i = 0; i < count; i++) texts.push(reader.string(MAX_TEXT_BYTES));
  return texts;
}

function readLabels(reader: ByteReader, count: number, texts: readonly string[], i: number): Labels {
  const labels: Label[] = [];
  let runes = 0;
  while (labels.length < count) {
    const name = texts[reader.varint()];
    const value = texts[reader.varint()];
    if (name === undefined || value === undefined) throw new FormatError(`exemplar ${i}: expected a text below ${texts.length}`);
    if (!isValidName(name) || value === '') throw new FormatError(`exemplar ${i}: expected a name and a value`);
    const before = labels.at(-1);
    if (before !== undefined && compareText(before[0], name) >= 0) throw new FormatError(`exemplar ${i}: expected names unique and sorted`);
    runes += countRunes(name) + countRunes(value);
    if (runes > EXEMPLAR_LABEL_RUNES) throw new FormatError(`exemplar ${i}: expected at most ${EXEMPLAR_LABEL_RUNES} characters of labels`);
    labels.push([name, value]);
  }
  return labels;
}

/** Where a list of exemplars stands: ascending, and at most so many of one sample. */
class Order {
  row = 0;
  scrape = 0;
  rowStep = 0;
  scrapeStep = 0;
  #same = 0;

  next(row: number, scrape: number): boolean {
    this.rowStep = row - this.row;
    this.scrapeStep = this.rowStep === 0 ? scrape - this.scrape : scrape;
    this.#same = this.rowStep === 0 && this.scrapeStep === 0 ? this.#same + 1 : 1;
    this.row = row;
    this.scrape = scrape;
    return this.rowStep >= 0 && this.scrapeStep >= 0 && this.#same <= attachmentLimits.exemplarsPerSample;
  }
}

/** Unicode characters, of well-formed text. */
export function countRunes(text: string): number {
  let runes = 0;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) !== 0xdc00) runes++;
  return runes;
}

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);
