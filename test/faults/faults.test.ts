import { describe, expect, it } from 'vitest';
import { loadScenarios, runScenario } from './campaign.ts';

/** The short form of every scenario that runs in one process; those with real programs are in test/e2e/faults.test.ts. */
const scenarios = (await loadScenarios()).filter(({ programs }) => programs !== true);

describe('faults', () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario.about, scenario] as const))(
    '%s: %s',
    async (_name, _about, scenario) => {
      const { failures, account, rounds } = await runScenario(scenario, { seed: 1, short: true });
      expect(failures).toEqual([]);
      expect(rounds).toBe(scenario.rounds.short);
      expect(account.lost).toBe(0);
      expect(account.scraped).toBeGreaterThan(0);
    },
    60_000,
  );
});
