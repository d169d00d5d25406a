import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { type Cells, createCells, setValue } from '../../contract/cells.ts';
import { ColumnsDecoder, decodeColumns } from '../../contract/decode-columns.ts';
import { ColumnsEncoder, encodeColumns } from '../../contract/encode-columns.ts';
import { cells as anyCells, decodeOrRefuse, describeCells, mutate } from './arbitraries.ts';

/** What an encoder or a decoder keeps from one use to the next must never be seen. */

const times = Array.from({ length: 20 }, (_, i) => 1_700_000_000_000 + i * 15_000);

/** Counters, copies and sums of rows, which are looked for in tables that are kept. */
function related(rows: number, scrapes: number, seed: number): Cells {
  const cells = createCells(rows, scrapes);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < scrapes; i++)
      setValue(cells, row * scrapes + i, 1e6 + (row % 4) * seed * 97 + i * i * ((row % 3) + 1) * (seed + 50));
  return cells;
}

const given = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }), fc.nat(1000), fc.boolean())
  .chain(([rows, scrapes, seed, random]) =>
    fc.tuple(
      random ? anyCells(rows, scrapes) : fc.constant(related(rows, scrapes, seed)),
      fc.option(anyCells(rows, 1, false), { nil: undefined }),
    ),
  );

it('cells one after the other encode and decode as by a new encoder and decoder, whatever was refused between', () => {
  const steps = fc.array(
    given.chain(([cells, previous]) => {
      const bytes = encodeColumns(cells, times.slice(0, cells.scrapes), previous);
      return fc.record({ cells: fc.constant(cells), previous: fc.constant(previous), bytes: fc.constant(bytes), bad: mutate(bytes) });
    }),
    { minLength: 2, maxLength: 6 },
  );
  fc.assert(
    fc.property(steps, (sequence) => {
      const encoder = new ColumnsEncoder();
      const decoder = new ColumnsDecoder();
      for (const { cells, previous, bytes, bad } of sequence) {
        const at = times.slice(0, cells.scrapes);
        expect(encoder.encode(cells, at, previous)).toEqual(bytes);
        expect(describeCells(decoder.decode(bytes, cells.rows, at, previous))).toEqual(describeCells(cells));
        const isFault = (error: unknown): boolean => error instanceof FormatError;
        const fresh = decodeOrRefuse(() => decodeColumns(bad, cells.rows, at, previous), isFault);
        const kept = decodeOrRefuse(() => decoder.decode(bad, cells.rows, at, previous), isFault);
        expect(kept && describeCells(kept)).toEqual(fresh && describeCells(fresh));
        // A time beyond the limits breaks off an encoding.
        const broken = createCells(1, 1);
        setValue(broken, 0, 7);
        broken.ownTimes = new Map([[0, Float64Array.of(0.5)]]);
        expect(() => encoder.encode(broken, at)).toThrow(RangeError);
      }
    }),
    { numRuns: 150 },
  );
});

it('of more rows than are kept', () => {
  const encoder = new ColumnsEncoder();
  const decoder = new ColumnsDecoder();
  for (const rows of [20_000, 3, 20_001, 5]) {
    const cells = related(rows, 2, rows);
    const bytes = encoder.encode(cells, times.slice(0, 2));
    expect(Buffer.from(bytes).equals(encodeColumns(cells, times.slice(0, 2)))).toBe(true);
    expect(Buffer.from(decoder.decode(bytes, rows, times.slice(0, 2)).words.buffer).equals(Buffer.from(cells.words.buffer))).toBe(true);
  }
});
