import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../contract/crc32c.ts';
import { halfSipHash, seriesHash } from '../../../functions/ingest/series-hash.ts';

describe('halfSipHash', () => {
  // The reference's vectors for HalfSipHash-2-4: bytes 0, 1, 2, ... under the key 00 01 .. 07.
  const vectors = ['a9359f5b', '27475ab8', 'fa62a603', '8afee704', '2a6e4689', 'c5fab669', '5863fc23', '8bcf63c5', 'd0b8848f'];
  it.each(vectors.map((hex, length) => [length, hex] as const))('%i bytes', (length, hex) => {
    const hash = halfSipHash(
      Uint8Array.from({ length }, (_, i) => i),
      { low: 0x03020100, high: 0x07060504 },
      2,
      4,
    );
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, hash, true);
    expect(Buffer.from(bytes).toString('hex')).toBe(hex);
  });
});

describe('seriesHash', () => {
  it('is another one under another secret', () => {
    const bytes = new TextEncoder().encode('up');
    expect(seriesHash('a'.repeat(32))(bytes)).toBe(seriesHash('a'.repeat(32))(bytes));
    expect(seriesHash('a'.repeat(32))(bytes)).not.toBe(seriesHash('b'.repeat(32))(bytes));
  });

  it('tells apart what an attacker made alike for CRC-32C', () => {
    const colliding = collisions(64);
    expect(new Set(colliding.map((bytes) => crc32c(bytes))).size).toBe(1);
    const hash = seriesHash('a secret of the edge');
    expect(new Set(colliding.map(hash)).size).toBe(64);
  });
});

/** CRC is linear: what is xored in before, four bytes at the end take back. */
function collisions(count: number): readonly Uint8Array[] {
  const wanted = 0x12345678;
  return Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(12);
    new DataView(bytes.buffer).setUint32(0, i, true);
    // Solve for the last four bytes, bit by bit, by Gauss over GF(2).
    const base = crc32c(bytes);
    const rows = Array.from({ length: 32 }, (_, bit) => {
      const flipped = bytes.slice();
      flipped[8 + (bit >> 3)] = (flipped[8 + (bit >> 3)] as number) ^ (1 << (bit & 7));
      return { effect: (crc32c(flipped) ^ base) >>> 0, bits: (1 << bit) >>> 0 };
    });
    let need = (base ^ wanted) >>> 0;
    let solution = 0;
    for (let bit = 31; bit >= 0; bit--) {
      const mask = (1 << bit) >>> 0;
      const at = rows.findIndex(({ effect }) => (effect & mask) !== 0);
      const pivot = rows[at];
      if (pivot === undefined) continue;
      rows.splice(at, 1);
      for (const row of rows) {
        if ((row.effect & mask) === 0) continue;
        row.effect = (row.effect ^ pivot.effect) >>> 0;
        row.bits = (row.bits ^ pivot.bits) >>> 0;
      }
      if ((need & mask) === 0) continue;
      need = (need ^ pivot.effect) >>> 0;
      solution = (solution ^ pivot.bits) >>> 0;
    }
    new DataView(bytes.buffer).setUint32(8, solution, true);
    return bytes;
  });
}
