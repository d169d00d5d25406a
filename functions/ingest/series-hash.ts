/**
 * HalfSipHash-1-3 (Aumasson, Bernstein: https://github.com/veorq/SipHash) with 32 bits: a hash with a key, for tables that hold
 * what senders choose. With CRC-32C anybody makes ten thousand label sets of one hash, and finding equal series would take the
 * processor time of their square; or a million that count as one.
 */
export type SeriesHash = (bytes: Uint8Array, from?: number, to?: number) => number;

interface Key {
  readonly low: number;
  readonly high: number;
}

/** A hash whose key nobody knows who does not know `secret`. The same in every isolate, so that sketches can be joined. */
export function seriesHash(secret: string): SeriesHash {
  const bytes = new TextEncoder().encode(secret);
  const low = halfSipHash(bytes, { low: 1, high: 0 }, 2, 4);
  const high = halfSipHash(bytes, { low: 2, high: low }, 2, 4);
  const key = { low, high };
  return (bytes, from = 0, to = bytes.length) => halfSipHash(bytes, key, 1, 3, from, to);
}

/**
 * The hash of a series: its labels' hashes added up and mixed. So the part of a template's labels is added up once, and a device only
 * adds what its own labels make. Without the key nobody knows which labels have equal sums.
 *
 * @param fields label fields, one after the other
 */
export function sumOfFields(hash: SeriesHash, fields: Uint8Array, from = 0, to = fields.length): number {
  let sum = 0;
  for (let at = from; at < to; ) {
    const end = endOfField(fields, at);
    sum = (sum + hash(fields, at, end)) | 0;
    at = end;
  }
  return sum;
}

/** Spreads a sum over all bits (the finalizer of MurmurHash3): sums of few addends are no even mixture. */
export function hashOfSum(sum: number): number {
  let hash = sum;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Where the field that starts at `at` ends: a tag of one byte, a length, and that many bytes. */
export function endOfField(fields: Uint8Array, at: number): number {
  let length = 0;
  let next = at + 1;
  for (let shift = 0; ; shift += 7) {
    const byte = fields[next++] as number;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return next + length;
  }
}

/** @returns 32 bits, signed */
export function halfSipHash(
  bytes: Uint8Array,
  { low, high }: Key,
  rounds: number,
  finalRounds: number,
  from = 0,
  to = bytes.length,
): number {
  let v0 = low;
  let v1 = high;
  let v2 = low ^ 0x6c796765;
  let v3 = high ^ 0x74656462;
  const length = to - from;
  const whole = from + (length & ~3);
  // Words of four bytes, then one with the rest and the length, then the end.
  for (let at = from; at <= whole + 4; at += 4) {
    let word = 0;
    let left = rounds;
    if (at < whole) {
      word =
        (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
    } else if (at === whole) {
      word = length << 24;
      for (let i = whole; i < to; i++) word |= (bytes[i] as number) << (8 * (i - whole));
    } else {
      v2 ^= 0xff;
      left = finalRounds;
    }
    v3 ^= word;
    for (; left > 0; left--) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  return v1 ^ v3;
}
