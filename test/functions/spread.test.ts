import { expect, it } from 'vitest';
import { shardIndex } from '../../functions/spread.ts';

it('spreads devices evenly, and always alike', () => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i++) {
    const index = shardIndex(`gw-${i}`, 4);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  // Stored data depend on it: a device that moved without a new generation could overtake its own backlog.
  expect(shardIndex('gw-1', 4)).toBe(1);
  expect(shardIndex('gw-1', 1)).toBe(0);
});
