import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { countMasked, decodeMask, encodeMask, withMasked, withoutMasked } from '../../contract/mask.ts';
import { cells as anyCells, describeCells } from './arbitraries.ts';

const bytesOf = (masked: readonly number[]): readonly number[] => [...encodeMask(masked.length, (row) => masked[row] === 1)];

describe('a mask', () => {
  for (const [name, masked, bytes] of [
    ['of no rows', [], []],
    ['of nothing', [0, 0, 0], []],
    ['of everything', [1, 1, 1], [0, 3]],
    ['of some rows', [0, 0, 1, 0, 1, 1, 0], [2, 1, 1, 2]],
    ['that begins and ends with rows left out', [1, 0, 1], [0, 1, 1, 1]],
  ] as const) {
    it(`${name} is written in runs`, () => {
      expect(bytesOf(masked)).toEqual(bytes);
      expect([...decodeMask(Uint8Array.from(bytes), masked.length)]).toEqual(masked);
    });
  }

  for (const [name, bytes] of [
    ['more rows than there are', [2, 2]],
    ['a run of nothing', [1, 0, 1, 1]],
    ['an end of rows that are kept', [0, 1, 1]],
    ['a run that is cut', [0x80]],
  ] as const) {
    it(`with ${name} is refused`, () => {
      expect(() => decodeMask(Uint8Array.from(bytes), 3)).toThrow(FormatError);
    });
  }

  it('has one form: what can be read is written so', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8, max: 12 }), fc.nat(30), (bytes, rows) => {
        let masked: Uint8Array;
        try {
          masked = decodeMask(bytes, rows);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          return;
        }
        expect(bytesOf([...masked])).toEqual([...bytes]);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes rows out of cells and puts them back as absent ones', () => {
    const given = fc
      .tuple(fc.nat(8), fc.integer({ min: 1, max: 4 }))
      .chain(([rows, scrapes]) => fc.tuple(anyCells(rows, scrapes), fc.array(fc.nat(1), { minLength: rows, maxLength: rows })));
    fc.assert(
      fc.property(given, ([cells, bits]) => {
        const masked = Uint8Array.from(bits);
        const kept = withoutMasked(cells, masked);
        expect(kept.rows).toBe(cells.rows - countMasked(masked));
        const back = withMasked(kept, masked);
        expect(describeCells(withoutMasked(back, masked))).toEqual(describeCells(kept));
        for (let row = 0; row < cells.rows; row++) {
          const states = back.states.subarray(row * cells.scrapes, (row + 1) * cells.scrapes);
          const wanted =
            masked[row] === 1 ? new Uint8Array(cells.scrapes) : cells.states.subarray(row * cells.scrapes, (row + 1) * cells.scrapes);
          expect(states).toEqual(wanted);
        }
      }),
    );
  });
});
