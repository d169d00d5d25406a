import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { ABSENT, type Cells, createCells, setStale, setValue, VALUE } from '../../contract/cells.ts';
import {
  CONTEXTS,
  FIRST,
  FIRST_SIGN,
  FIRST_TOP,
  IRREGULAR,
  IRREGULAR_CLASS,
  MOVING,
  NONE,
  OTHER_FIRST,
  OTHER_RAW,
  OTHER_SCALE,
  RAW_LENGTH,
  SAME,
  STATE,
  STEADY,
  STEADY_RAW,
} from '../../contract/column-model.ts';
import { decodeColumns } from '../../contract/decode-columns.ts';
import { encodeColumns } from '../../contract/encode-columns.ts';
import { RangeEncoder } from '../../contract/range-coder.ts';
import { cells as anyCells, type Bits, bitsOf, decodeOrRefuse, describeCells, mutate, specialBits } from './arbitraries.ts';

const start = 1_700_000_000_000;
const timesOf = (scrapes: number): number[] => Array.from({ length: scrapes }, (_, i) => start + i * 15_000);

const encoded = (cells: Cells, previous?: Cells): Uint8Array<ArrayBuffer> => encodeColumns(cells, timesOf(cells.scrapes), previous);
const decoded = (bytes: Uint8Array, rows: number, scrapes: number, previous?: Cells): Cells =>
  decodeColumns(bytes, rows, timesOf(scrapes), previous);
function fromBits(values: readonly Bits[], rows = 1): Cells {
  const cells = createCells(rows, values.length / rows);
  values.forEach(([low, high], i) => {
    cells.states[i] = VALUE;
    cells.words[2 * i] = low;
    cells.words[2 * i + 1] = high;
  });
  return cells;
}

describe('gives back all 64 bits', () => {
  const others: readonly Bits[] = [bitsOf(0), bitsOf(1.5), bitsOf(-7)];
  for (const [name, bits] of specialBits) {
    it(`of ${name}: alone, repeated, among others, and against every predecessor`, () => {
      const rows = [[bits], [bits, bits, bits], [bits, ...others], [...others, bits], [others[0] as Bits, bits, others[1] as Bits, bits]];
      for (const row of rows) {
        const cells = fromBits(row);
        expect(describeCells(decoded(encoded(cells), 1, row.length))).toEqual(describeCells(cells));
        for (const [, before] of specialBits) {
          const previous = fromBits([before]);
          expect(describeCells(decoded(encoded(cells, previous), 1, row.length, previous))).toEqual(describeCells(cells));
        }
      }
    });
  }

  it('of any cells, with absent and stale ones and own times', () => {
    const shape = fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(
        shape.chain(([rows, scrapes]) => fc.tuple(anyCells(rows, scrapes), fc.option(anyCells(rows, 1, false), { nil: undefined }))),
        ([cells, previous]) => {
          const bytes = encoded(cells, previous);
          expect(describeCells(decoded(bytes, cells.rows, cells.scrapes, previous))).toEqual(describeCells(cells));
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('hostile input', () => {
  it('is refused or means cells that encode to the same again', () => {
    const shape = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }));
    const hostile = shape.chain(([rows, scrapes]) =>
      fc
        .tuple(anyCells(rows, scrapes), fc.option(anyCells(rows, 1, false), { nil: undefined }))
        .chain(([cells, previous]) => mutate(encoded(cells, previous)).map((bytes) => ({ rows, scrapes, bytes, previous }))),
    );
    fc.assert(
      fc.property(hostile, ({ rows, scrapes, bytes, previous }) => {
        const cells = decodeOrRefuse(
          () => decoded(bytes, rows, scrapes, previous),
          (error) => error instanceof FormatError,
        );
        if (cells === undefined) return;
        expect(describeCells(decoded(encoded(cells, previous), rows, scrapes, previous))).toEqual(describeCells(cells));
      }),
      { numRuns: 2000 },
    );
  });

  /** What an encoder would write if it were let. */
  function written(write: (coder: RangeEncoder) => void): Uint8Array {
    const coder = new RangeEncoder(CONTEXTS, 64);
    write(coder);
    return coder.finish();
  }
  const first = (kind: number) => (coder: RangeEncoder) => coder.tree(0, kind, 3);
  for (const [name, bytes, message] of [
    ['an unknown class', written(first(7)), /unknown class 7/],
    ['a predecessor that is not there', written(first(SAME)), /expected a predecessor/],
    ['bytes behind the end', Uint8Array.from([...encoded(fromBits([bitsOf(1)])), 1, 2, 3, 4, 5]), /more bytes/],
    ['a zero at the end', Uint8Array.of(1, 0), /ends with a zero/],
    [
      'a class with values over cells without',
      written((coder) => {
        first(IRREGULAR)(coder);
        coder.tree(IRREGULAR_CLASS, MOVING, 3);
        coder.tree(STATE + 4 * VALUE, ABSENT, 2);
      }),
      /class 3 without a value/,
    ],
    [
      'no class over cells with values',
      written((coder) => {
        first(IRREGULAR)(coder);
        coder.tree(IRREGULAR_CLASS, NONE, 3);
        coder.tree(STATE + 4 * VALUE, VALUE, 2);
      }),
      /class 0 with a cell of state 1/,
    ],
    [
      'an unknown state',
      written((coder) => {
        first(IRREGULAR)(coder);
        coder.tree(IRREGULAR_CLASS, STEADY, 3);
        coder.tree(STATE + 4 * VALUE, 3, 2);
      }),
      /a cell of state 3/,
    ],
    [
      'a mantissa beyond 2^50',
      written((coder) => {
        first(STEADY)(coder);
        coder.bit(OTHER_SCALE, 0);
        coder.bit(OTHER_FIRST, 1);
        coder.number(FIRST, FIRST_TOP, 2 ** 50 + 1);
        coder.bit(FIRST_SIGN, 0);
      }),
      /mantissa out of range/,
    ],
    [
      'a raw value of more than 64 bits',
      written((coder) => {
        first(STEADY_RAW)(coder);
        coder.bit(OTHER_RAW, 1);
        coder.tree(RAW_LENGTH, 65, 7);
      }),
      /at most 64 bits/,
    ],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => decoded(bytes, 1, 1)).toThrow(FormatError);
      expect(() => decoded(bytes, 1, 1)).toThrow(message);
    });
  }
});

describe('size', () => {
  it('takes next to nothing for what has not changed', () => {
    const cells = fromBits(
      Array.from({ length: 1000 }, (_, i) => bitsOf(i * 1.5)),
      1000,
    );
    expect(encoded(cells, cells).length).toBeLessThanOrEqual(7);
  });
  it('takes little for a steady counter over twenty scrapes', () => {
    const cells = createCells(1, 20);
    for (let i = 0; i < 20; i++) setValue(cells, i, 1000 + i * 15);
    expect(encoded(cells).length).toBeLessThanOrEqual(10);
  });
  it('takes little for rows without cells', () => {
    const cells = createCells(1000, 4);
    setValue(cells, 0, 1);
    setStale(cells, 400);
    expect(encoded(cells).length).toBeLessThanOrEqual(12);
  });
});

it('refuses to write an own time that no reader would take', () => {
  for (const time of [2 ** 50 + 1, 0.5, Number.NaN]) {
    const cells = fromBits([bitsOf(1)]);
    cells.ownTimes = new Map([[0, Float64Array.of(time)]]);
    expect(() => encoded(cells)).toThrow(RangeError);
  }
});
