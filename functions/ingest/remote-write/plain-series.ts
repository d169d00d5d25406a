import type { Labels } from '../../../contract/labels.ts';
import { encodeLabelFields } from '../../../contract/remote-write.ts';
import type { BlockWriter } from '../block-writer.ts';
import { finalLabels, type SeriesRules } from '../labels.ts';
import { sumOfFields } from '../series-hash.ts';
import { compare, Layout, MAX_LABELS, sharedLength, writeHeader } from './plain-layout.ts';

/**
 * The short way of a series as standard senders make them, where the tenant has no rules: labels in order and in ASCII, then samples. Its
 * bytes go on as they came, between labels that are put in; what it has in common with the series before is neither checked nor searched
 * again. Whatever is not as plain takes the other way, with the same outcome.
 */

const MAX_OFFSET = 0xffff;
/** Shorter copies spare nothing. */
const LEAST_COPY = 4;
/** Of a label in a `TimeSeries`. */
const LABEL_TAG = 0x0a;
const METRIC_NAME = new TextEncoder().encode('__name__');

/** A label that each series gets. */
interface Insert {
  readonly name: Uint8Array;
  readonly field: Uint8Array;
}

export class PlainSeries {
  /** Of the series that was read last. */
  samples = 0;
  firstMs = 0;
  lastMs = 0;
  /** Where the last sample's bytes start in the request; they end with the series. */
  lastSampleAt = 0;
  /** The sum of its labels' hashes, those put in included. */
  sum = 0;
  /** Bytes of its labels, those put in included. */
  labelLength = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #rules: SeriesRules;
  readonly #inserts: readonly Insert[];
  readonly #insertSum: number;
  readonly #insertLength: number;
  readonly #reserved: readonly Uint8Array[];
  /** Names that are put in or taken out. */
  readonly #touched: ReadonlySet<string>;
  #now = new Layout();
  #before = new Layout();
  /** The series before stands in the block, right before this one. */
  #follows = false;

  private constructor(request: Uint8Array, rules: SeriesRules, inserted: Labels) {
    this.#bytes = request;
    this.#view = new DataView(request.buffer, request.byteOffset, request.byteLength);
    this.#rules = rules;
    const encoder = new TextEncoder();
    this.#inserts = inserted.map((label) => ({ name: encoder.encode(label[0]), field: encodeLabelFields([label]) }));
    this.#insertLength = this.#inserts.reduce((sum, { field }) => sum + field.length, 0);
    this.#insertSum = this.#inserts.reduce((sum, { field }) => (sum + sumOfFields(rules.hash, field)) | 0, 0);
    this.#touched = new Set([...inserted.map(([name]) => name), ...rules.reservedLabels]);
    this.#reserved = [...rules.reservedLabels].map((name) => encoder.encode(name));
  }

  /** undefined: the tenant has rules, and any series may be changed. */
  static of(request: Uint8Array, device: string, rules: SeriesRules): PlainSeries | undefined {
    const { final } = finalLabels([], rules.externalLabels, device, rules);
    if (rules.rules.steps.length > 0 || final === undefined || final.length > MAX_LABELS / 2) return undefined;
    return new PlainSeries(request, rules, final);
  }

  /** Bytes of the series' body: labels, those put in, and samples. */
  get bodyLength(): number {
    return this.labelLength + this.#now.samplesTo - this.#now.samplesFrom;
  }

  /** Bytes of the labels as they came. */
  get ownLabelLength(): number {
    return this.labelLength - this.#insertLength;
  }

  /** Whether a series with these labels would go out by them and those that every series gets. */
  changesOnlyBy(labels: Labels): boolean {
    return !labels.some(([name]) => this.#touched.has(name));
  }

  /** Reads the series at `[from, to)` of the request. False: it is not plain, or nothing that could be read. */
  read(from: number, to: number): boolean {
    const bytes = this.#bytes;
    const now = this.#now;
    const before = this.#before;
    let at = from;
    let sum = this.#insertSum;
    let inStep = true;
    let like = 0;
    now.labels = 0;
    now.named = -1;
    for (; at < to && bytes[at] === LABEL_TAG; at = now.ends[now.labels++] as number) {
      const label = now.labels;
      if (inStep && this.#readEqual(at, to, label)) {
        sum = (sum + (now.hashes[label] as number)) | 0;
        continue;
      }
      const end = this.#readLabel(at, to, label);
      if (end < 0) return false;
      if (inStep && !this.#isLike(label)) {
        inStep = false;
        like = label;
      }
      if (!inStep) {
        like = this.#findLike(label, like);
        if (!this.#isInOrder(label)) return false;
      }
      if (now.equal[label] === 1) now.hashes[label] = before.hashes[like - 1] as number;
      else {
        for (let i = now.nameStarts[label] as number; i < end; i++) if ((bytes[i] as number) >= 0x80) return false;
        now.hashes[label] = this.#rules.hash(bytes, at, end);
      }
      sum = (sum + (now.hashes[label] as number)) | 0;
    }
    if (now.labels + this.#inserts.length > this.#rules.limits.labelsPerSeries || !this.#placeInserts(inStep)) return false;
    this.sum = sum;
    this.labelLength = at - from + this.#insertLength;
    return this.#readSamples(at, to);
  }

  /** The label of the same number in the series before, byte by byte: then nothing about it needs to be looked at again. */
  #readEqual(at: number, to: number, label: number): boolean {
    const now = this.#now;
    const before = this.#before;
    if (label >= before.labels) return false;
    const start = before.starts[label] as number;
    const length = (before.ends[label] as number) - start;
    if (length > to - at || sharedLength(this.#view, start, at, length) < length) return false;
    now.starts[label] = at;
    now.ends[label] = at + length;
    now.nameStarts[label] = at + (before.nameStarts[label] as number) - start;
    now.nameEnds[label] = at + (before.nameEnds[label] as number) - start;
    now.hashes[label] = before.hashes[label] as number;
    now.like[label] = label;
    now.equal[label] = 1;
    now.shared[label] = length;
    return true;
  }

  /** Whether the label of the same number in the series before has the same name. */
  #isLike(label: number): boolean {
    const now = this.#now;
    const before = this.#before;
    if (label >= before.labels) return false;
    const nameLength = (now.nameEnds[label] as number) - (now.nameStarts[label] as number);
    const other = before.nameStarts[label] as number;
    if (nameLength !== (before.nameEnds[label] as number) - other) return false;
    if (sharedLength(this.#view, other, now.nameStarts[label] as number, nameLength) < nameLength) return false;
    this.#noteLike(label, label);
    now.equal[label] = 0;
    return true;
  }

  #noteLike(label: number, other: number): void {
    const now = this.#now;
    const before = this.#before;
    const start = now.starts[label] as number;
    const otherStart = before.starts[other] as number;
    const length = (now.ends[label] as number) - start;
    const otherLength = (before.ends[other] as number) - otherStart;
    const shared = sharedLength(this.#view, otherStart, start, Math.min(length, otherLength));
    now.like[label] = other;
    now.shared[label] = shared;
    now.equal[label] = shared === length && length === otherLength ? 1 : 0;
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
  #placeInserts(inStep: boolean): boolean {
    const now = this.#now;
    const before = this.#before;
    if (inStep && now.labels > 0 && now.labels === before.labels) {
      now.named = before.named;
      now.insertAt.set(before.insertAt);
      return true;
    }
    let next = 0;
    for (let label = 0; label < now.labels; label++) {
      if (this.#compareName(METRIC_NAME, label) === 0) now.named = label;
      for (; next < this.#inserts.length; next++) {
        const order = this.#compareName((this.#inserts[next] as Insert).name, label);
        if (order === 0) return false;
        if (order > 0) break;
        now.insertAt[next] = label;
      }
      for (const name of this.#reserved) if (this.#compareName(name, label) === 0) return false;
    }
    for (; next < this.#inserts.length; next++) now.insertAt[next] = now.labels;
    return now.named >= 0;
  }

  #compareName(name: Uint8Array, label: number): number {
    return compare(name, 0, name.length, this.#bytes, this.#now.nameStarts[label] as number, this.#now.nameEnds[label] as number);
  }

  /** `0x0a length 0x0a length name 0x12 length value`. Returns its end, or -1. */
  #readLabel(at: number, to: number, label: number): number {
    const bytes = this.#bytes;
    const now = this.#now;
    if (label >= MAX_LABELS / 2) return -1;
    const first = bytes[at + 1] as number;
    const second = bytes[at + 2] as number;
    const inner = first < 0x80 ? at + 2 : at + 3;
    const end = inner + (first < 0x80 ? first : second < 0x80 && second > 0 ? (first & 0x7f) | (second << 7) : to);
    const nameLength = bytes[inner + 1] as number;
    const nameStart = inner + 2;
    const nameEnd = nameStart + nameLength;
    if (end > to || bytes[inner] !== 0x0a || !(nameLength > 0 && nameLength < 0x80) || nameEnd + 2 > end || bytes[nameEnd] !== 0x12)
      return -1;
    const low = bytes[nameEnd + 1] as number;
    const high = bytes[nameEnd + 2] as number;
    const valueStart = low < 0x80 ? nameEnd + 2 : nameEnd + 3;
    const valueLength = low < 0x80 ? low : high < 0x80 && high > 0 ? (low & 0x7f) | (high << 7) : 0;
    const { labelNameBytes, labelValueBytes } = this.#rules.limits;
    if (valueLength === 0 || valueStart + valueLength !== end || nameLength > labelNameBytes || valueLength > labelValueBytes) return -1;
    now.starts[label] = at;
    now.ends[label] = end;
    now.nameStarts[label] = nameStart;
    now.nameEnds[label] = nameEnd;
    return end;
  }

  /** Both series are in order of names: returns where to look for the next label's like. */
  #findLike(label: number, from: number): number {
    const bytes = this.#bytes;
    const now = this.#now;
    const before = this.#before;
    const nameStart = now.nameStarts[label] as number;
    const nameEnd = now.nameEnds[label] as number;
    now.like[label] = -1;
    now.equal[label] = 0;
    for (let other = from; other < before.labels; other++) {
      const order = compare(bytes, before.nameStarts[other] as number, before.nameEnds[other] as number, bytes, nameStart, nameEnd);
      if (order < 0) continue;
      if (order > 0) return other;
      this.#noteLike(label, other);
      return other + 1;
    }
    return before.labels;
  }

  /** `0x12 length [0x09 value] 0x10 time`, ascending; what comes beside samples is not plain. */
  #readSamples(from: number, to: number): boolean {
    const bytes = this.#bytes;
    let samples = 0;
    let lastMs = -1;
    for (let at = from; at < to; samples++) {
      const length = bytes[at + 1] as number;
      const end = at + 2 + length;
      if (bytes[at] !== 0x12 || length >= 0x80 || end > to) return false;
      this.lastSampleAt = at + 2;
      let next = at + 2;
      // A value of 0 is left out by senders.
      if (bytes[next] === 0x09) next += 9;
      if (next >= end || bytes[next++] !== 0x10 || end - next > 7 || next === end) return false;
      let ms = 0;
      let scale = 1;
      for (; next < end; next++, scale *= 0x80) {
        const byte = bytes[next] as number;
        if (byte < 0x80 !== (next === end - 1)) return false;
        ms += (byte & 0x7f) * scale;
      }
      if (ms <= lastMs) return false;
      if (samples === 0) this.firstMs = ms;
      lastMs = ms;
      at = end;
    }
    this.samples = samples;
    this.lastMs = lastMs;
    this.#now.samplesFrom = from;
    this.#now.samplesTo = to;
    return samples > 0;
  }

  /** The label fields that go out. */
  labelFields(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.labelLength);
    const now = this.#now;
    let length = 0;
    let insert = 0;
    for (let label = 0; label <= now.labels; label++) {
      for (; insert < this.#inserts.length && now.insertAt[insert] === label; insert++) {
        const { field } = this.#inserts[insert] as Insert;
        out.set(field, length);
        length += field.length;
      }
      if (label === now.labels) break;
      const field = this.#bytes.subarray(now.starts[label] as number, now.ends[label] as number);
      out.set(field, length);
      length += field.length;
    }
    return out;
  }

  /** Whether these are the label fields that go out. */
  isEqual(fields: Uint8Array): boolean {
    if (fields.length !== this.labelLength) return false;
    const now = this.#now;
    let at = 0;
    let insert = 0;
    for (let label = 0; label <= now.labels; label++) {
      for (; insert < this.#inserts.length && now.insertAt[insert] === label; insert++) {
        const { field } = this.#inserts[insert] as Insert;
        for (let i = 0; i < field.length; i++) if (fields[at++] !== field[i]) return false;
      }
      if (label === now.labels) break;
      for (let i = now.starts[label] as number; i < (now.ends[label] as number); i++) if (fields[at++] !== this.#bytes[i]) return false;
    }
    return true;
  }

  /** What was written last was not this, or nothing was. */
  forget(): void {
    this.#follows = false;
  }

  /** Writes the series that was read last. The body's header is the caller's. */
  write(out: BlockWriter, start: number): void {
    const now = this.#now;
    const before = this.#before;
    const bytes = this.#bytes;
    now.body = this.bodyLength;
    now.bodyPlaced = start;
    const near = this.#follows && start - before.bodyPlaced + now.body <= MAX_OFFSET;
    writeHeader(out, now.body, near && now.body === before.body ? start - before.bodyPlaced : 0);
    let insert = 0;
    for (let label = 0; label <= now.labels; label++) {
      for (; insert < this.#inserts.length && now.insertAt[insert] === label; insert++) {
        const { field } = this.#inserts[insert] as Insert;
        const placed = out.rawLength;
        now.insertPlaced[insert] = placed;
        if (near) out.copy(placed - (before.insertPlaced[insert] as number), field.length);
        else out.bytes(field, 0, field.length);
      }
      if (label === now.labels) break;
      const from = now.starts[label] as number;
      const to = now.ends[label] as number;
      const placed = out.rawLength;
      now.placed[label] = placed;
      const like = now.like[label] as number;
      if (!near || like < 0) out.bytes(bytes, from, to);
      else if (now.equal[label] === 1) out.copy(placed - (before.placed[like] as number), to - from);
      else {
        const shared = now.shared[label] as number;
        const prefix = shared >= LEAST_COPY ? shared : 0;
        const offset = placed - (before.placed[like] as number);
        if (prefix > 0) out.copy(offset, prefix);
        this.#writeLike(out, from + prefix, to, (before.starts[like] as number) + prefix, before.ends[like] as number, offset);
      }
    }
    now.samplesPlaced = out.rawLength;
    const { samplesFrom, samplesTo } = now;
    if (near && samplesTo - samplesFrom === before.samplesTo - before.samplesFrom)
      this.#writeLike(out, samplesFrom, samplesTo, before.samplesFrom, before.samplesTo, now.samplesPlaced - before.samplesPlaced);
    else out.bytes(bytes, samplesFrom, samplesTo);
    this.#now = before;
    this.#before = now;
    this.#follows = true;
  }

  /** Bytes of the request by what is the same in others, which stand `offset` back in the block. */
  #writeLike(out: BlockWriter, from: number, to: number, other: number, otherEnd: number, offset: number): void {
    const bytes = this.#bytes;
    const shift = other - from;
    const end = Math.min(to, otherEnd - shift);
    for (let at = from; at < to; ) {
      const shared = at < end ? sharedLength(this.#view, at + shift, at, end - at) : 0;
      if (shared >= LEAST_COPY || (shared > 0 && out.copies(offset))) {
        out.copy(offset, shared);
        at += shared;
        continue;
      }
      const next = Math.min(to, at + shared + 1);
      out.bytes(bytes, at, next);
      at = next;
    }
  }
}
