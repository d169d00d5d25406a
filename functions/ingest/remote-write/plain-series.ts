import type { Labels } from '../../../contract/labels.ts';
import { encodeLabelFields } from '../../../contract/remote-write.ts';
import { finalLabels, type SeriesRules } from '../labels.ts';
import { sumOfFields } from '../series-hash.ts';
import { LabelIds, type LabelMemory } from './label-ids.ts';
import { MAX_INSERTS } from './label-parts.ts';
import { compare, isAscii, Layout, MAX_LABELS, sharedLength } from './plain-layout.ts';

/**
 * The short way of a series as standard senders make them, where the tenant has no rules: labels in order and in ASCII, then samples. Its
 * bytes go on as they came, between labels that are put in; what it has in common with the series before is not checked again. Whatever
 * is not as plain takes the other way, with the same outcome.
 */

/** Of a label in a `TimeSeries`. */
const LABEL_TAG = 0x0a;
const METRIC_NAME = new TextEncoder().encode('__name__');

/** A label that each series gets. */
export interface Insert {
  readonly name: Uint8Array;
  readonly field: Uint8Array;
}

export class PlainSeries {
  /** Of the series that was read last: the sum of its labels' hashes, those put in included. */
  sum = 0;
  /** Bytes of its labels, those put in included. */
  labelLength = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #rules: SeriesRules;
  readonly ids: LabelIds;
  /** By name. */
  readonly inserts: readonly Insert[];
  readonly #insertSum: number;
  readonly #insertLength: number;
  readonly #reserved: readonly Uint8Array[];
  /** Names that are put in or taken out. */
  readonly #touched: ReadonlySet<string>;
  #now = new Layout();
  #before = new Layout();

  private constructor(bytes: Uint8Array, rules: SeriesRules, inserted: Labels, memory: LabelMemory) {
    this.ids = new LabelIds(bytes, rules.hash, memory);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#rules = rules;
    const encoder = new TextEncoder();
    this.inserts = inserted.map((label) => ({ name: encoder.encode(label[0]), field: encodeLabelFields([label]) }));
    this.#insertLength = this.inserts.reduce((sum, { field }) => sum + field.length, 0);
    this.#insertSum = this.inserts.reduce((sum, { field }) => (sum + sumOfFields(rules.hash, field)) | 0, 0);
    this.#touched = new Set([...inserted.map(([name]) => name), ...rules.reservedLabels]);
    this.#reserved = [...rules.reservedLabels].map((name) => encoder.encode(name));
  }

  /** undefined: the tenant has rules, and any series may be changed. */
  static of(request: Uint8Array, device: string, rules: SeriesRules, memory: LabelMemory): PlainSeries | undefined {
    const { final } = finalLabels([], rules.externalLabels, device, rules);
    if (rules.rules.steps.length > 0 || final === undefined || final.length > MAX_INSERTS) return undefined;
    return new PlainSeries(request, rules, final, memory);
  }

  /** Bytes of the labels as they came. */
  get ownLabelLength(): number {
    return this.labelLength - this.#insertLength;
  }

  /** Where its labels are. */
  get layout(): Layout {
    return this.#now;
  }

  /** The series that was read last goes out: the next one is held against it. */
  accept(): void {
    const now = this.#now;
    this.#now = this.#before;
    this.#before = now;
  }

  /** Whether a series with these labels would go out by them and those that every series gets. */
  changesOnlyBy(labels: Labels): boolean {
    return !labels.some(([name]) => this.#touched.has(name));
  }

  /** Reads the labels of the series at `[from, to)` of the request. False: they are not plain, or nothing that could be read. */
  read(from: number, to: number): boolean {
    const bytes = this.#bytes;
    const now = this.#now;
    let at = from;
    let sum = this.#insertSum;
    // The names so far are those of the series before, which were looked at.
    let known = true;
    let label = 0;
    for (; at < to && bytes[at] === LABEL_TAG; at = now.ends[label++] as number) {
      if (known && this.#readLike(at, to, label)) {
        sum = (sum + (now.hashes[label] as number)) | 0;
        continue;
      }
      if (!this.#readLabel(at, to, label)) return false;
      known &&= this.#hasNameOfBefore(label);
      if (!known && !this.#isInOrder(label)) return false;
      const end = now.ends[label] as number;
      if (!isAscii(this.#view, now.nameStarts[label] as number, now.nameEnds[label] as number)) return false;
      if (!isAscii(this.#view, now.valueStarts[label] as number, end)) return false;
      this.#identify(label, at, end);
      sum = (sum + (now.hashes[label] as number)) | 0;
    }
    now.labels = label;
    if (label + this.inserts.length > this.#rules.limits.labelsPerSeries || !this.#placeInserts(known)) return false;
    this.sum = sum;
    this.labelLength = at - from + this.#insertLength;
    return label > 0;
  }

  /** The label of the same number in the series before, or one that differs in the bytes of its value alone. */
  #readLike(at: number, to: number, label: number): boolean {
    const now = this.#now;
    const before = this.#before;
    if (label >= before.labels) return false;
    const start = before.starts[label] as number;
    const length = (before.ends[label] as number) - start;
    if (length > to - at) return false;
    const view = this.#view;
    const shared = sharedLength(view, start, at, length);
    const valueStart = (before.valueStarts[label] as number) - start;
    if (shared < valueStart) return false;
    if (shared === length) {
      now.ids[label] = before.ids[label] as number;
      now.hashes[label] = before.hashes[label] as number;
    } else {
      if (!isAscii(view, at + shared, at + length)) return false;
      this.#identify(label, at, at + length);
    }
    now.starts[label] = at;
    now.ends[label] = at + length;
    now.nameStarts[label] = at + (before.nameStarts[label] as number) - start;
    now.nameEnds[label] = at + (before.nameEnds[label] as number) - start;
    now.valueStarts[label] = at + valueStart;
    return true;
  }

  #identify(label: number, start: number, end: number): void {
    const id = this.ids.of(start, end);
    this.#now.ids[label] = id;
    this.#now.hashes[label] = this.ids.hash(id);
  }

  #hasNameOfBefore(label: number): boolean {
    const now = this.#now;
    const before = this.#before;
    if (label >= before.labels) return false;
    const start = now.nameStarts[label] as number;
    const length = (now.nameEnds[label] as number) - start;
    const other = before.nameStarts[label] as number;
    return length === (before.nameEnds[label] as number) - other && sharedLength(this.#view, other, start, length) === length;
  }

  /** After the label before it. */
  #isInOrder(label: number): boolean {
    const { nameStarts, nameEnds } = this.#now;
    if (label === 0) return true;
    const bytes = this.#bytes;
    const before = nameStarts[label - 1] as number;
    return compare(bytes, before, nameEnds[label - 1] as number, bytes, nameStarts[label] as number, nameEnds[label] as number) < 0;
  }

  /** False: the series has a label of a name that is put in or taken out, or lacks the metric's. */
  #placeInserts(known: boolean): boolean {
    const now = this.#now;
    const before = this.#before;
    if (known && now.labels > 0 && now.labels === before.labels) {
      for (let i = 0; i < this.inserts.length; i++) now.insertAt[i] = before.insertAt[i] as number;
      return true;
    }
    let next = 0;
    let named = false;
    for (let label = 0; label < now.labels; label++) {
      if (this.#compareName(METRIC_NAME, label) === 0) named = true;
      for (; next < this.inserts.length; next++) {
        const order = this.#compareName((this.inserts[next] as Insert).name, label);
        if (order === 0) return false;
        if (order > 0) break;
        now.insertAt[next] = label;
      }
      for (const name of this.#reserved) if (this.#compareName(name, label) === 0) return false;
    }
    for (; next < this.inserts.length; next++) now.insertAt[next] = now.labels;
    return named;
  }

  #compareName(name: Uint8Array, label: number): number {
    return compare(name, 0, name.length, this.#bytes, this.#now.nameStarts[label] as number, this.#now.nameEnds[label] as number);
  }

  /** `0x0a length 0x0a length name 0x12 length value`. False: it is longer than plain ones are, or something else. */
  #readLabel(at: number, to: number, label: number): boolean {
    const bytes = this.#bytes;
    const now = this.#now;
    if (label >= MAX_LABELS / 2) return false;
    const first = bytes[at + 1] as number;
    const second = bytes[at + 2] as number;
    const inner = first < 0x80 ? at + 2 : at + 3;
    const end = inner + (first < 0x80 ? first : second < 0x80 && second > 0 ? (first & 0x7f) | (second << 7) : to);
    const nameLength = bytes[inner + 1] as number;
    const nameStart = inner + 2;
    const nameEnd = nameStart + nameLength;
    if (end > to || bytes[inner] !== 0x0a || !(nameLength > 0 && nameLength < 0x80) || nameEnd + 2 > end || bytes[nameEnd] !== 0x12)
      return false;
    const low = bytes[nameEnd + 1] as number;
    const high = bytes[nameEnd + 2] as number;
    const valueStart = low < 0x80 ? nameEnd + 2 : nameEnd + 3;
    const valueLength = low < 0x80 ? low : high < 0x80 && high > 0 ? (low & 0x7f) | (high << 7) : 0;
    const { labelNameBytes, labelValueBytes } = this.#rules.limits;
    if (valueLength === 0 || valueStart + valueLength !== end || nameLength > labelNameBytes || valueLength > labelValueBytes) return false;
    now.starts[label] = at;
    now.ends[label] = end;
    now.nameStarts[label] = nameStart;
    now.nameEnds[label] = nameEnd;
    now.valueStarts[label] = valueStart;
    return true;
  }

  /** The label fields that go out. */
  labelFields(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.labelLength);
    let length = 0;
    const add = (bytes: Uint8Array): void => {
      out.set(bytes, length);
      length += bytes.length;
    };
    this.#eachPart(
      (from, to) => add(this.#bytes.subarray(from, to)),
      ({ field }) => add(field),
    );
    return out;
  }

  /** Whether these are the label fields that go out. */
  isEqual(fields: Uint8Array): boolean {
    if (fields.length !== this.labelLength) return false;
    let at = 0;
    let equal = true;
    const same = (bytes: Uint8Array, from: number, to: number): void => {
      for (let i = from; i < to; i++) if (fields[at++] !== bytes[i]) equal = false;
    };
    this.#eachPart(
      (from, to) => same(this.#bytes, from, to),
      ({ field }) => same(field, 0, field.length),
    );
    return equal;
  }

  /** What its label fields consist of: parts of the request, and what is put in. */
  #eachPart(part: (from: number, to: number) => void, insert: (insert: Insert, index: number) => void): void {
    const { starts, ends, insertAt, labels } = this.#now;
    let from = starts[0] as number;
    for (const [i, one] of this.inserts.entries()) {
      const to = insertAt[i] === labels ? (ends[labels - 1] as number) : (starts[insertAt[i] as number] as number);
      part(from, to);
      insert(one, i);
      from = to;
    }
    part(from, ends[labels - 1] as number);
  }
}
