import { expect, it } from 'vitest';
import { MemoryBudget, RESERVATION_LIFETIME_MS } from '../../../functions/ingest/memory-budget.ts';

it('gives what is there, and takes it back', () => {
  const budget = new MemoryBudget(100, () => 0);
  const [a, b] = [budget.open(), budget.open()];
  expect([a.grow(60), b.grow(40), b.grow(1), a.grow(41)]).toEqual(['taken', 'taken', 'busy', 'never']);
  a.release();
  a.release();
  expect([budget.used, b.grow(60), b.grow(1)]).toEqual([40, 'taken', 'never']);
  b.release();
  expect(budget.used).toBe(0);
});

it('takes back all but what is kept', () => {
  const budget = new MemoryBudget(100, () => 0);
  const [a, b] = [budget.open(), budget.open()];
  a.grow(60);
  b.grow(30);
  a.keep(20);
  expect(budget.used).toBe(50);
  a.keep(90);
  expect([budget.used, a.grow(50), a.grow(1)]).toEqual([50, 'taken', 'busy']);
  b.release();
  b.keep(0);
  a.release();
  expect(budget.used).toBe(0);
});

it('takes back what a request held that the platform has ended', () => {
  let now = 0;
  const budget = new MemoryBudget(100, () => now);
  const ended = budget.open();
  ended.grow(80);
  now = RESERVATION_LIFETIME_MS - 1;
  const next = budget.open();
  expect(next.grow(50)).toBe('busy');
  now = RESERVATION_LIFETIME_MS;
  expect(next.grow(50)).toBe('taken');
  // Should it go on after all, it gets nothing more, and frees nothing twice.
  expect(ended.grow(1)).toBe('busy');
  ended.release();
  expect(budget.used).toBe(50);
});
