import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, FormatError } from '../../contract/binary.ts';
import { type Cells, createCells, setStale, setValue, VALUE } from '../../contract/cells.ts';
import { decodeColumns, encodeColumns } from '../../contract/columns.ts';
import { cells as anyCells, type Bits, bitsOf, decodeOrRefuse, describeCells, mutate, specialBits } from './arbitraries.ts';

const start = 1_700_000_000_000;
const timesOf = (scrapes: number): number[] => Array.from({ length: scrapes }, (_, i) => start + i * 15_000);

function encoded(cells: Cells, previous?: Cells): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  encodeColumns(cells, timesOf(cells.scrapes), writer, previous);
  return writer.bytes();
}
function decoded(bytes: Uint8Array, rows: number, scrapes: number, previous?: Cells): Cells {
  const reader = new ByteReader(bytes);
  const cells = decodeColumns(reader, rows, timesOf(scrapes), previous);
  reader.end();
  return cells;
}
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

  for (const [name, bytes, message] of [
    ['too few kinds', [], /expected 1 kinds/],
    ['an unknown class', [7 * 32], /unknown class 7/],
    ['a predecessor that is not there', [1 * 32, 0, 0], /expected a predecessor/],
    ['an unknown state', [2 * 32 + 8, 1, 0, 3, 0, 0], /unknown cell state 3/],
    ['a class with values over cells without', [2 * 32 + 8, 1, 0, 0, 0, 0], /class 2 with 0 values/],
    ['no class over cells with values', [8, 1, 0, 1, 0], /class 0 with 1 values/],
    ['an exception for a row beyond the last', [2 * 32 + 8, 1, 1, 1, 0, 0], /exception for row 1 of 1/],
    ['more exceptions than rows', [2 * 32 + 8, 2], /at most 1 exception/],
    ['a mantissa beyond 2^50', [2 * 32 + 8, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0], /mantissa out of range/],
    ['a raw value that is cut', [5 * 32, 0, 1, 2, 3], /expected 4 more bytes/],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => decoded(Uint8Array.from(bytes), 1, 1)).toThrow(FormatError);
      expect(() => decoded(Uint8Array.from(bytes), 1, 1)).toThrow(message);
    });
  }
});

describe('size', () => {
  it('takes one byte a row for what has not changed', () => {
    const cells = fromBits(
      Array.from({ length: 100 }, (_, i) => bitsOf(i * 1.5)),
      100,
    );
    expect(encoded(cells, cells).length).toBe(100 + 2);
  });
  it('takes a few bytes a row for a steady counter over twenty scrapes', () => {
    const cells = createCells(1, 20);
    for (let i = 0; i < 20; i++) setValue(cells, i, 1000 + i * 15);
    expect(encoded(cells).length).toBeLessThanOrEqual(1 + 1 + 2 + 19 + 1);
  });
  it('lists only rows that need it as exceptions', () => {
    const cells = createCells(3, 1);
    setValue(cells, 0, 1);
    setStale(cells, 2);
    expect([...encoded(cells)]).toEqual([2 * 32 + 8, 8, 8, 1, 2, 2, 2, 0]);
  });
});

it('refuses to write an own time that no reader would take', () => {
  for (const time of [2 ** 50 + 1, 0.5, Number.NaN]) {
    const cells = fromBits([bitsOf(1)]);
    cells.ownTimes = new Map([[0, Float64Array.of(time)]]);
    expect(() => encoded(cells)).toThrow(RangeError);
  }
});
