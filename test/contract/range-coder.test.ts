import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { bitLength, evenModel, NUMBER_CONTEXTS, TOP_CONTEXTS } from '../../contract/range-coder.ts';
import { RangeDecoder } from '../../contract/range-decoder.ts';
import { RangeEncoder } from '../../contract/range-encoder.ts';

type Symbol = { readonly kind: 'bit' | 'tree' | 'direct' | 'number'; readonly value: number; readonly size: number };

const TREE = 8;
const NUMBER = TREE + 256;
const TOP = NUMBER + NUMBER_CONTEXTS;
const CONTEXTS = TOP + TOP_CONTEXTS;

function write(symbols: readonly Symbol[]): Uint8Array {
  const coder = new RangeEncoder(evenModel(CONTEXTS));
  coder.begin();
  for (const { kind, value, size } of symbols) {
    if (kind === 'bit') coder.bit(size, value);
    else if (kind === 'tree') coder.tree(TREE, value, 8);
    else if (kind === 'direct') coder.direct(value, size);
    else coder.number(NUMBER, TOP, value);
  }
  return coder.finish();
}

function read(bytes: Uint8Array, like: readonly Symbol[]): number[] {
  const coder = new RangeDecoder(evenModel(CONTEXTS));
  coder.begin(bytes);
  const values = like.map(({ kind, size }) =>
    kind === 'bit'
      ? coder.bit(size)
      : kind === 'tree'
        ? coder.tree(TREE, 8)
        : kind === 'direct'
          ? coder.direct(size)
          : coder.number(NUMBER, TOP),
  );
  coder.end();
  return values;
}

const anyNumber = fc.integer({ min: 0, max: 53 }).chain((length) => fc.maxSafeNat().map((n) => n % 2 ** length));
const symbol: fc.Arbitrary<Symbol> = fc.oneof(
  fc.tuple(fc.nat(7), fc.nat(1)).map(([size, value]) => ({ kind: 'bit' as const, value, size })),
  fc.nat(255).map((value) => ({ kind: 'tree' as const, value, size: 8 })),
  fc
    .integer({ min: 1, max: 53 })
    .chain((size) => fc.maxSafeNat().map((n) => ({ kind: 'direct' as const, value: Math.floor(n / 2 ** (53 - size)), size }))),
  anyNumber.map((value) => ({ kind: 'number' as const, value, size: 0 })),
);

describe('range coder', () => {
  it('gives back what was written, and nothing is left', () => {
    fc.assert(
      fc.property(fc.array(symbol, { maxLength: 300 }), (symbols) => {
        expect(read(write(symbols), symbols)).toEqual(symbols.map(({ value }) => value));
      }),
      { numRuns: 500 },
    );
  });

  for (const [name, symbols] of [
    ['nothing', []],
    ['zeros only', Array.from({ length: 5000 }, () => ({ kind: 'bit' as const, value: 0, size: 0 }))],
    ['ones only: low stays 0', Array.from({ length: 5000 }, () => ({ kind: 'bit' as const, value: 1, size: 0 }))],
    [
      'all direct bits set: carries run',
      Array.from({ length: 300 }, (_, i) => ({ kind: 'direct' as const, value: 2 ** 32 - 1 - (i % 3 === 0 ? 1 : 0), size: 32 })),
    ],
    [
      '0 after a certain 1',
      [...Array.from({ length: 200 }, () => ({ kind: 'bit' as const, value: 1, size: 0 })), { kind: 'bit' as const, value: 0, size: 0 }],
    ],
    ['the largest number', [{ kind: 'number' as const, value: 2 ** 53 - 1, size: 0 }]],
  ] as const) {
    it(`writes ${name}`, () => {
      expect(read(write(symbols), symbols)).toEqual(symbols.map(({ value }) => value));
    });
  }

  it('takes about what the bits are worth', () => {
    const rare = Array.from({ length: 10_000 }, (_, i) => ({ kind: 'bit' as const, value: i % 100 === 0 ? 1 : 0, size: 0 }));
    // The entropy is 101 bytes; learning at this rate costs some.
    expect(write(rare).length).toBeLessThan(150);
  });

  it('ends on any bytes, with bits or a FormatError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.array(symbol, { maxLength: 60 }), (bytes, symbols) => {
        try {
          read(bytes, symbols);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

it('bitLength', () => {
  for (let length = 1; length <= 53; length++) {
    expect(bitLength(2 ** (length - 1))).toBe(length);
    expect(bitLength(2 ** length - 1)).toBe(length);
  }
  expect(bitLength(0)).toBe(0);
});
