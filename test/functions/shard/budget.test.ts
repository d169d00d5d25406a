import { expect, it } from 'vitest';
import { ByteBudget } from '../../../functions/shard/budget.ts';

it('a budget is shared, and what an owner held ends with it', () => {
  const budget = new ByteBudget(100);
  const a = budget.open('a');
  const b = budget.open('b');
  expect(a.tryTake(60)).toBe(true);
  expect(b.tryTake(50)).toBe(false);
  expect(b.tryTake(40)).toBe(true);
  a.give(10);
  expect(budget.used).toBe(90);
  const again = budget.open('a');
  expect(budget.used).toBe(40);
  expect(again.tryTake(60)).toBe(true);
  // The old owner's last words count for nobody.
  a.give(50);
  expect(budget.used).toBe(100);
});
