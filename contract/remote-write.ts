import type { Cells } from './cells.ts';
import { ABSENT, VALUE } from './cells.ts';
import { bitsOfDouble } from './double.ts';
import { type Labels, utf8Length } from './labels.ts';
import { type FamilyMetadata, METRIC_TYPES } from './metadata.ts';

/**
 * Remote write 1.0, written by hand: twice as fast as generated code, and values never pass through a JavaScript number
 * (a staleness marker would lose its payload there). https://prometheus.io/docs/specs/prw/remote_write_spec/
 */

export const REMOTE_WRITE_HEADERS = {
  'content-encoding': 'snappy',
  'content-type': 'application/x-protobuf',
  'x-prometheus-remote-write-version': '0.1.0',
} as const;

const encoder = new TextEncoder();

/** The `Label` fields of a `TimeSeries`, ready to be copied before its samples. Labels must be sorted. */
export function encodeLabelFields(labels: Labels): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const [name, value] of labels) size += fieldSize(fieldSize(utf8Length(name)) + fieldSize(utf8Length(value)));
  const out = new Uint8Array(size);
  let at = 0;
  for (const [name, value] of labels) {
    const nameLength = utf8Length(name);
    const valueLength = utf8Length(value);
    out[at++] = 0x0a;
    at = writeVarint(out, at, fieldSize(nameLength) + fieldSize(valueLength));
    at = writeText(out, at, 0x0a, name, nameLength);
    at = writeText(out, at, 0x12, value, valueLength);
  }
  return out;
}

/** The platform's encoder costs more than a short text is worth. */
function writeText(out: Uint8Array, start: number, tag: number, text: string, length: number): number {
  out[start] = tag;
  const at = writeVarint(out, start + 1, length);
  if (length === text.length) for (let i = 0; i < length; i++) out[at + i] = text.charCodeAt(i);
  else out.set(encoder.encode(text), at);
  return at + length;
}

/** A tag of one byte, a length, and that many bytes. */
const fieldSize = (length: number): number => 1 + varintSize(length) + length;

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    out[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  out[at++] = rest;
  return at;
}

/** int64 of the sample's time: negative ones take ten bytes, by two's complement. */
function writeTime(out: Uint8Array, start: number, ms: number): number {
  if (ms >= 0) return writeVarint(out, start, ms);
  let at = start;
  let rest = BigInt.asUintN(64, BigInt(ms));
  while (rest >= 0x80n) {
    out[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  out[at++] = Number(rest);
  return at;
}

/** A sample's time as it stands on the wire. */
export function encodeTime(ms: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(timeSize(ms));
  writeTime(out, 0, ms);
  return out;
}

const timeSize = (ms: number): number => (ms >= 0 ? varintSize(ms) : 10);

/** An `Exemplar` without tag and length, as {@link RemoteWriteBuffer.add} takes it. */
export function encodeExemplar(labels: Labels, value: number, ms: number): Uint8Array<ArrayBuffer> {
  const fields = encodeLabelFields(labels);
  const out = new Uint8Array(fields.length + 9 + 1 + timeSize(ms));
  out.set(fields);
  let at = fields.length;
  out[at++] = 0x11;
  const [low, high] = bitsOfDouble(value);
  at = writeWord(out, at, low);
  at = writeWord(out, at, high);
  out[at++] = 0x18;
  writeTime(out, at, ms);
  return out;
}

/** A `MetricMetadata` without tag and length. Texts that are empty are left out, as proto3 does. */
export function encodeFamily({ family, type, help, unit }: FamilyMetadata): Uint8Array<ArrayBuffer> {
  const texts = [
    [0x12, encoder.encode(family)],
    [0x22, encoder.encode(help)],
    [0x2a, encoder.encode(unit)],
  ] as const;
  const present = texts.filter(([, bytes]) => bytes.length > 0);
  const out = new Uint8Array(present.reduce((sum, [, bytes]) => sum + fieldSize(bytes.length), 2));
  out[0] = 0x08;
  out[1] = METRIC_TYPES.indexOf(type);
  let at = 2;
  for (const [tag, bytes] of present) at = writeField(out, at, tag, bytes);
  return out;
}

function writeField(out: Uint8Array, start: number, tag: number, bytes: Uint8Array): number {
  out[start] = tag;
  const at = writeVarint(out, start + 1, bytes.length);
  out.set(bytes, at);
  return at + bytes.length;
}

/** Bytes that an exemplar or a family takes within what surrounds it. */
export const nestedSize = (bytes: Uint8Array): number => fieldSize(bytes.length);

/** A field of a `TimeSeries` that is a message: a sample, a histogram or an exemplar, with the tag it goes under. */
export interface EncodedEntry {
  readonly tag: number;
  readonly bytes: Uint8Array;
  /** Its time. */
  readonly ms: number;
}

const NO_EXEMPLARS: readonly Uint8Array[] = [];

const FIRST_BYTES = 64 * 1024;

/** Collects `TimeSeries` and `MetricMetadata` into the bytes of a `WriteRequest`. Cleared by {@link RemoteWriteBuffer.take}. */
export class RemoteWriteBuffer {
  #out = new Uint8Array(0);
  #length = 0;
  #samples = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  get samples(): number {
    return this.#samples;
  }

  /**
   * Adds one series: its label fields and the cells of `row`, scrapes `from` to `to` (exclusive), that are not absent, in
   * time order, and its exemplars. Adds nothing and returns 0 where there is no sample; else the number of samples.
   *
   * @param exemplars from {@link encodeExemplar}
   */
  add(
    labelFields: Uint8Array,
    cells: Cells,
    row: number,
    times: readonly number[],
    from = 0,
    to = cells.scrapes,
    exemplars: readonly Uint8Array[] = NO_EXEMPLARS,
  ): number {
    const { states, words, scrapes } = cells;
    const own = cells.ownTimes?.get(row);
    const start = row * scrapes;
    let body = labelFields.length;
    let samples = 0;
    for (let i = from; i < to; i++) {
      if (states[start + i] === ABSENT) continue;
      // A staleness marker has the scrape's time even where values bring their own.
      body += 2 + 9 + 1 + timeSize(sampleTime(states[start + i] as number, own, times, i));
      samples++;
    }
    if (samples === 0) return 0;
    for (const exemplar of exemplars) body += nestedSize(exemplar);
    this.#reserve(fieldSize(body));
    const out = this.#out;
    let at = this.#length;
    out[at++] = 0x0a;
    at = writeVarint(out, at, body);
    out.set(labelFields, at);
    at += labelFields.length;
    for (let i = from; i < to; i++) {
      const cell = start + i;
      if (states[cell] === ABSENT) continue;
      const time = sampleTime(states[cell] as number, own, times, i);
      out[at++] = 0x12;
      out[at++] = 9 + 1 + timeSize(time);
      out[at++] = 0x09;
      at = writeWord(out, at, words[2 * cell] as number);
      at = writeWord(out, at, words[2 * cell + 1] as number);
      out[at++] = 0x10;
      at = writeTime(out, at, time);
    }
    for (const exemplar of exemplars) at = writeField(out, at, 0x1a, exemplar);
    this.#length = at;
    this.#samples += samples;
    return samples;
  }

  /** Adds one series with entries that are encoded already. `samples`: how many of them count as samples. */
  addEncoded(labelFields: Uint8Array, entries: readonly EncodedEntry[], samples: number): void {
    let body = labelFields.length;
    for (const { bytes } of entries) body += nestedSize(bytes);
    this.#reserve(fieldSize(body));
    const out = this.#out;
    out[this.#length] = 0x0a;
    let at = writeVarint(out, this.#length + 1, body);
    out.set(labelFields, at);
    at += labelFields.length;
    for (const { tag, bytes } of entries) at = writeField(out, at, tag, bytes);
    this.#length = at;
    this.#samples += samples;
  }

  /** @param family from {@link encodeFamily} */
  addFamily(family: Uint8Array): void {
    this.#reserve(nestedSize(family));
    this.#length = writeField(this.#out, this.#length, 0x1a, family);
  }

  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#out.slice(0, this.#length);
    this.#length = 0;
    this.#samples = 0;
    return bytes;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#out.length) return;
    const grown = new Uint8Array(Math.max(this.#length + count, this.#out.length * 2, FIRST_BYTES));
    grown.set(this.#out.subarray(0, this.#length));
    this.#out = grown;
  }
}

/** Ms. A staleness marker has the scrape's time even where values bring their own. */
export const sampleTime = (state: number, own: Float64Array | undefined, times: readonly number[], i: number): number =>
  own !== undefined && state === VALUE ? (own[i] as number) : (times[i] as number);

function writeWord(out: Uint8Array, at: number, word: number): number {
  out[at] = word;
  out[at + 1] = word >>> 8;
  out[at + 2] = word >>> 16;
  out[at + 3] = word >>> 24;
  return at + 4;
}
