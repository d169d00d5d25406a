import type { BlockWriter } from '../block-writer.ts';

/** Labels of one series, those that are put in included. */
export const MAX_LABELS = 64;

/** Where the parts of a series stand in the request. */
export class Layout {
  labels = 0;
  readonly starts = new Int32Array(MAX_LABELS);
  readonly ends = new Int32Array(MAX_LABELS);
  readonly nameStarts = new Int32Array(MAX_LABELS);
  readonly nameEnds = new Int32Array(MAX_LABELS);
  readonly valueStarts = new Int32Array(MAX_LABELS);
  readonly hashes = new Int32Array(MAX_LABELS);
  /** See label-ids.ts. */
  readonly ids = new Int32Array(MAX_LABELS);
  /** Before which label each insert goes. */
  readonly insertAt = new Uint8Array(MAX_LABELS);
}

/** The tag and length of a `TimeSeries`. */
export function writeHeader(out: BlockWriter, body: number): void {
  out.byte(0x0a);
  let rest = body;
  for (; rest >= 0x80; rest >>>= 7) out.byte((rest & 0x7f) | 0x80);
  out.byte(rest);
}

export const headerLength = (body: number): number => (body < 0x80 ? 2 : body < 0x4000 ? 3 : body < 0x20_0000 ? 4 : 5);

/** As their bytes order two texts, each `[start, end)` of its array. */
export function compare(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

/** Leading bytes, `most` at most, that are the same at `a` and at `b`. */
export function sharedLength(view: DataView, a: number, b: number, most: number): number {
  let length = 0;
  while (length + 4 <= most && view.getInt32(a + length) === view.getInt32(b + length)) length += 4;
  while (length < most && view.getUint8(a + length) === view.getUint8(b + length)) length++;
  return length;
}

/** Whether `length` bytes are the same at both places. */
export function isEqual(view: DataView, a: number, b: number, length: number): boolean {
  if (length < 4) {
    for (let i = 0; i < length; i++) if (view.getUint8(a + i) !== view.getUint8(b + i)) return false;
    return true;
  }
  const last = length - 4;
  for (let i = 0; i < last; i += 4) if (view.getInt32(a + i) !== view.getInt32(b + i)) return false;
  return view.getInt32(a + last) === view.getInt32(b + last);
}

export function isAscii(view: DataView, from: number, to: number): boolean {
  let bits = 0;
  let at = from;
  for (; at + 4 <= to; at += 4) bits |= view.getInt32(at) & 0x8080_8080;
  for (; at < to; at++) bits |= view.getUint8(at) & 0x80;
  return bits === 0;
}
