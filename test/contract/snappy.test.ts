import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { SnappyDecoder, snappyCompress, snappyConcat, snappyUncompress } from '../../contract/snappy.ts';
import { decodeOrRefuse, mutate } from './arbitraries.ts';

const repetitive = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 70 }), fc.nat(200)).map(([part, count]) => {
    const whole = new Uint8Array(part.length * count);
    for (let i = 0; i < count; i++) whole.set(part, i * part.length);
    return whole;
  }),
);

it('gives back what it compressed', () => {
  fc.assert(
    fc.property(repetitive, (bytes) => void expect(Buffer.compare(snappyUncompress(snappyCompress(bytes), 1 << 20), bytes)).toBe(0)),
  );
});

it('gives back more than one 64 kB window', () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i % 251) ^ (i >> 9));
  expect(Buffer.compare(snappyUncompress(snappyCompress(bytes), bytes.length), bytes)).toBe(0);
});

it('one decoder reads block after block', () => {
  const decoder = new SnappyDecoder();
  fc.assert(
    fc.property(fc.array(repetitive, { minLength: 1, maxLength: 4 }), (parts) => {
      for (const part of parts) expect(Buffer.compare(decoder.uncompress(snappyCompress(part), 1 << 20), part)).toBe(0);
    }),
  );
});

it('joins blocks into the block of the joined contents', () => {
  fc.assert(
    fc.property(fc.array(repetitive, { maxLength: 6 }), (parts) => {
      const joined = snappyConcat(parts.map(snappyCompress));
      expect(Buffer.compare(snappyUncompress(joined, 1 << 20), Buffer.concat(parts))).toBe(0);
    }),
  );
});

it('refuses or reads hostile blocks, never anything else, and never more than the limit', () => {
  const hostile = repetitive.chain((bytes) => mutate(snappyCompress(bytes)));
  fc.assert(
    fc.property(fc.oneof(hostile, fc.uint8Array({ maxLength: 30 })), (block) => {
      const bytes = decodeOrRefuse(
        () => snappyUncompress(block, 20_000),
        (error) => error instanceof FormatError,
      );
      expect(bytes?.length ?? 0).toBeLessThanOrEqual(20_000);
    }),
    { numRuns: 2000 },
  );
});

/** Elements of the format description that the compressor above never writes. */
describe('elements', () => {
  for (const [name, block, wanted] of [
    ['a literal with one length byte', [2, 60 << 2, 1, 7, 8], [7, 8]],
    ['a literal with four length bytes', [2, 63 << 2, 1, 0, 0, 0, 7, 8], [7, 8]],
    ['a copy with a two-byte offset that overlaps itself', [5, 0, 9, (3 << 2) | 2, 1, 0], [9, 9, 9, 9, 9]],
    ['a copy with a four-byte offset', [2, 0, 9, (0 << 2) | 3, 1, 0, 0, 0], [9, 9]],
    ['a copy with a one-byte offset', [5, 0, 9, 1, 1], [9, 9, 9, 9, 9]],
  ] as const) {
    it(`reads ${name}`, () => expect([...snappyUncompress(Uint8Array.from(block), 100)]).toEqual(wanted));
  }
  for (const [name, block] of [
    ['nothing', []],
    ['a length over the limit', [0xff, 0x7f, 0, 1]],
    ['less than it declares', [5, 0, 9]],
    ['more than it declares, by a literal', [1, 1 << 2, 9, 9]],
    ['more than it declares, by a copy', [2, 0, 9, 1, 1]],
    ['a literal of 2^32 bytes', [5, 63 << 2, 0xff, 0xff, 0xff, 0xff, 9, 9, 9, 9, 9]],
    ['a literal of 2^31 bytes and some', [5, 63 << 2, 4, 0, 0, 0x80, 9, 9, 9, 9, 9]],
    ['a literal without its length', [5, 63 << 2, 4, 0]],
    ['a copy without its offset', [5, 0, 9, 1]],
    ['a copy to before the start', [5, 0, 9, 1, 2]],
    ['a copy to itself', [5, 0, 9, 1, 0]],
    ['a four-byte offset with its highest bit set', [5, 0, 9, 3, 1, 0, 0, 0x80]],
  ] as const) {
    it(`refuses ${name}`, () => expect(() => snappyUncompress(Uint8Array.from(block), 100)).toThrow(FormatError));
  }
});
