import { describe, expect, it } from 'vitest';
import { loadScenarios, runScenario } from '../faults/campaign.ts';
import { needProgram } from './harness/installed.ts';

/** The short form of the scenarios with real programs; the others are in test/faults/faults.test.ts. */
const scenarios = (await loadScenarios()).filter(({ programs }) => programs === true);

describe('faults of real programs', () => {
  it.for(scenarios.map((scenario) => [scenario.name, scenario.about, scenario] as const))('%s: %s', async ([, , scenario], context) => {
    if (scenario.needs !== undefined) needProgram(context, scenario.needs);
    const { failures, account } = await runScenario(scenario, { seed: 1, short: true });
    expect(failures).toEqual([]);
    expect(account.lost).toBe(0);
    expect(account.scraped).toBeGreaterThan(0);
  });
});
