import { FormatError } from '../../../contract/binary.ts';
import { FIXED64, LENGTH, ProtobufReader, VARINT } from '../../../contract/protobuf.ts';
import type { EncodedEntry } from '../../../contract/remote-write.ts';

/**
 * Samples, histograms and exemplars pass as the bytes they came in, so no bit of a value changes. Before that their form is
 * checked: they are joined with those of other devices, and one that cannot be read would have all of them refused.
 */

/** A histogram of 160 buckets, twice as many as clients make, takes 2 kB. */
const MAX_HISTOGRAM_BYTES = 64 * 1024;
/** OpenMetrics allows the labels of an exemplar 128 characters. */
export const MAX_EXEMPLAR_BYTES = 4 * 1024;

/** Of one message; a list that is not packed takes a field for each number. */
const MAX_FIELDS = 10_000;

export const SAMPLE_TAG = 0x12;
export const EXEMPLAR_TAG = 0x1a;
export const HISTOGRAM_TAG = 0x22;

/** Wire types by field number. */
type Form = readonly (number | readonly number[] | undefined)[];
const SAMPLE: Form = [undefined, FIXED64, VARINT];
const EXEMPLAR: Form = [undefined, LENGTH, FIXED64, VARINT];
/** Numbers of a list come packed or one by one. */
const integers = [LENGTH, VARINT];
const doubles = [LENGTH, FIXED64];
/** Up to `custom_values`, in the order of prompb/types.proto. */
const HISTOGRAM: Form = [
  undefined,
  ...[VARINT, FIXED64, FIXED64, VARINT, FIXED64, VARINT, FIXED64, LENGTH, integers, doubles, LENGTH, integers, doubles, VARINT, VARINT],
  doubles,
];

export const checkSample = (bytes: Uint8Array): EncodedEntry => ({ tag: SAMPLE_TAG, bytes, ms: timeOf(bytes, SAMPLE, 2, 'sample') });

export function checkExemplar(bytes: Uint8Array): EncodedEntry {
  if (bytes.length > MAX_EXEMPLAR_BYTES) throw new FormatError(`exemplar: expected at most ${MAX_EXEMPLAR_BYTES} bytes`);
  const ms = timeOf(bytes, EXEMPLAR, 3, 'exemplar', checkExemplarField);
  return { tag: EXEMPLAR_TAG, bytes, ms };
}

export function checkHistogram(bytes: Uint8Array): EncodedEntry {
  if (bytes.length > MAX_HISTOGRAM_BYTES) throw new FormatError(`histogram: expected at most ${MAX_HISTOGRAM_BYTES} bytes`);
  return { tag: HISTOGRAM_TAG, bytes, ms: timeOf(bytes, HISTOGRAM, 15, 'histogram', checkHistogramField) };
}

/** The message without the fields above `last`; itself where it has none. */
export function onlyFields(bytes: Uint8Array, last: number): Uint8Array {
  const kept: Uint8Array[] = [];
  const reader = new ProtobufReader(bytes);
  let cut = false;
  for (let from = 0; reader.next(); from = reader.position) {
    reader.skip();
    if (reader.field > last) cut = true;
    else kept.push(bytes.subarray(from, reader.position));
    if (kept.length > MAX_FIELDS) throw new FormatError(`expected at most ${MAX_FIELDS} fields`);
  }
  if (!cut) return bytes;
  const whole = new Uint8Array(kept.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const field of kept) {
    whole.set(field, at);
    at += field.length;
  }
  return whole;
}

/** Checks the wire form of every field that is known, passes over others, and gives the time. */
function timeOf(
  bytes: Uint8Array,
  form: Form,
  timeField: number,
  what: string,
  check?: (field: number, wire: number, bytes: Uint8Array) => void,
): number {
  const reader = new ProtobufReader(bytes);
  let ms = 0;
  while (reader.next()) {
    const { field, wire } = reader;
    const expected = form[field];
    if (expected !== undefined && !(Array.isArray(expected) ? expected.includes(wire) : wire === expected)) {
      throw new FormatError(`${what}: field ${field}: expected another wire type than ${wire}`);
    }
    if (field === timeField) ms = reader.integer();
    else if (check !== undefined && wire === LENGTH) check(field, wire, reader.bytes());
    else reader.skip();
  }
  if (!Number.isSafeInteger(ms)) throw new FormatError(`${what}: expected a time in ms below 2^53`);
  return ms;
}

function checkHistogramField(field: number, _wire: number, bytes: Uint8Array): void {
  const form = HISTOGRAM[field];
  if (form === LENGTH) checkNested(bytes, VARINT);
  else if (form === integers) checkVarints(bytes);
  else if (form === doubles && bytes.length % 8 !== 0) throw new FormatError(`histogram: field ${field}: expected doubles of 8 bytes`);
}

function checkExemplarField(field: number, _wire: number, bytes: Uint8Array): void {
  if (field === 1) checkNested(bytes, LENGTH);
}

/** A label (two texts) or a span (two numbers). Strict receivers refuse the whole request for a text that is not UTF-8, too. */
function checkNested(bytes: Uint8Array, wire: typeof LENGTH | typeof VARINT): void {
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field > 2) {
      reader.skip();
      continue;
    }
    reader.expect(wire);
    if (wire === LENGTH) decodeText(reader.bytes());
    else reader.integer();
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new FormatError('label: expected UTF-8', { cause });
  }
}

function checkVarints(bytes: Uint8Array): void {
  let length = 0;
  for (const byte of bytes) {
    length++;
    if (length > 10) throw new FormatError('histogram: expected varints of at most ten bytes');
    if (byte < 0x80) length = 0;
  }
  if (length > 0) throw new FormatError('histogram: a varint ends early');
}
