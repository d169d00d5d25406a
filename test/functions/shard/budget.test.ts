import { expect, it } from 'vitest';
import { ByteBudget, SHARES } from '../../../functions/shard/budget.ts';

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

it('what can be done without yields first, and the way out always has room', () => {
  const budget = new ByteBudget(1000);
  const neighbour = budget.open('neighbour');
  const shard = budget.open('shard');
  while (neighbour.tryTake(10, SHARES.cache));
  expect(budget.used).toBe(500);
  expect(shard.tryTake(10, SHARES.cache)).toBe(false);
  while (neighbour.tryTake(10, SHARES.ahead));
  expect(budget.used).toBe(700);
  while (neighbour.tryTake(10, SHARES.commit));
  expect(budget.used).toBe(900);
  expect(shard.free()).toBe(100);
  expect(shard.tryTake(100)).toBe(true);
  expect(shard.tryTake(1)).toBe(false);
});
