import { expect, it } from 'vitest';
import { soak } from '../soak/run.ts';

/** The short form: whether the soak works, and loses nothing. Memory is judged in `npm run soak -- --minutes 30`. */
it('a soak of 40 s loses nothing', async () => {
  const { checks, plot } = await soak({ seconds: 40, agents: 2, seed: 'short', say: () => undefined });
  expect(checks.filter(({ passed }) => passed === false)).toEqual([]);
  expect(checks.filter(({ passed }) => passed === true).map(({ name }) => name)).toEqual([
    'gw-1: nothing lost, nothing wrong',
    'gw-2: nothing lost, nothing wrong',
    'receiver: nothing lost without an error',
  ]);
  expect(plot.faults.length).toBeGreaterThan(2);
  expect([...plot.processes.keys()].sort()).toEqual(['edge runner', 'gw-1', 'gw-2', 'workerd']);
});
