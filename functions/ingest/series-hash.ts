/**
 * HalfSipHash-1-3 (Aumasson, Bernstein: https://github.com/veorq/SipHash) with 32 bits: a hash with a key, for tables that hold
 * what senders choose. With CRC-32C anybody makes ten thousand label sets of one hash, and finding equal series would take the
 * processor time of their square; or a million that count as one.
 */
export type SeriesHash = (bytes: Uint8Array) => number;

interface Key {
  readonly low: number;
  readonly high: number;
}

/** A hash whose key nobody knows who does not know `secret`. The same in every isolate, so that sketches can be joined. */
export function seriesHash(secret: string): SeriesHash {
  const bytes = new TextEncoder().encode(secret);
  const low = halfSipHash(bytes, { low: 1, high: 0 }, 2, 4);
  const high = halfSipHash(bytes, { low: 2, high: low }, 2, 4);
  return (series) => halfSipHash(series, { low, high }, 1, 3);
}

/** @returns 32 bits, signed */
export function halfSipHash(bytes: Uint8Array, { low, high }: Key, rounds: number, finalRounds: number): number {
  let v0 = low;
  let v1 = high;
  let v2 = low ^ 0x6c796765;
  let v3 = high ^ 0x74656462;
  const whole = bytes.length & ~3;
  // Words of four bytes, then one with the rest and the length, then the end.
  for (let at = 0; at <= whole + 4; at += 4) {
    const last = at > whole;
    const word = last ? 0 : at < whole ? wordAt(bytes, at, 4) : (bytes.length << 24) | wordAt(bytes, at, bytes.length - at);
    if (last) v2 ^= 0xff;
    v3 ^= word;
    for (let round = last ? finalRounds : rounds; round > 0; round--) {
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

/** `length` bytes, little-endian. */
function wordAt(bytes: Uint8Array, at: number, length: number): number {
  let word = 0;
  for (let i = 0; i < length; i++) word |= (bytes[at + i] as number) << (8 * i);
  return word;
}
