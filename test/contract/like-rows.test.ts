import fc from 'fast-check';
import { expect, it } from 'vitest';
import { likeOfKept, likeRows } from '../../contract/like-rows.ts';

const rowsOf = (...names: readonly string[]) => names.map((name, i) => [['__name__', name] as const, ['n', `${i}`] as const]);

it('finds the row with the same name, else with the same words at both ends, else with the same unit, else none', () => {
  const rows = rowsOf(
    'node_a_bytes',
    'go_b_bytes',
    'node_c_total',
    'node_d_bytes',
    'node_c_total',
    'bytes',
    'up',
    'up',
    'x_up',
    'node__bytes',
  );
  expect([...likeRows(rows)]).toEqual([10, 0, 10, 0, 2, 3, 10, 6, 7, 3]);
});

it('finds nothing in no rows', () => {
  expect([...likeRows([])]).toEqual([]);
});

it('passes over rows that are left out', () => {
  // 0 <- 1 <- 2 <- 4, and 3 is like nothing.
  const like = Int32Array.of(5, 0, 1, 5, 2);
  expect([...likeOfKept(like, Uint8Array.of(0, 0, 0, 0, 0))]).toEqual([...like]);
  expect([...likeOfKept(like, Uint8Array.of(0, 1, 1, 0, 0))]).toEqual([3, 3, 0]);
  expect([...likeOfKept(like, Uint8Array.of(1, 0, 1, 1, 0))]).toEqual([2, 0]);
  expect([...likeOfKept(like, Uint8Array.of(1, 1, 1, 1, 1))]).toEqual([]);
});

it('names an earlier row or none, whatever is left out', () => {
  const word = fc.constantFrom('a', 'b', 'c_d', 'c_e_d', '_', '');
  const given = fc.array(fc.tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.nat(1)), { maxLength: 30 });
  fc.assert(
    fc.property(given, (rows) => {
      const like = likeRows(rowsOf(...rows.map(([words]) => words.join('_'))));
      const masked = Uint8Array.from(rows, ([, left]) => left);
      const kept = likeOfKept(like, masked);
      for (const some of [like, kept]) expect([...some].every((of, row) => of < row || of === some.length)).toBe(true);
      expect(kept.length).toBe(masked.filter((left) => left === 0).length);
    }),
  );
});
