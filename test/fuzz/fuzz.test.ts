import { describe, expect, it } from 'vitest';
import { keptInputs } from './kept.ts';
import { examine, fuzz } from './run.ts';
import { fuzzTargets } from './targets.ts';

/** The short form: the same inputs each time. The long one: `npm run fuzz -- --minutes 10`. */
const SEED = 20261122;
const INPUTS = 400;

describe.each(fuzzTargets)('$name: $promise', (target) => {
  it('accepts the inputs it starts from', async () => {
    for (const input of await target.seeds()) expect(await examine(target, input)).not.toBe(undefined);
    const { accepted } = await fuzz(target, { seed: SEED, goesOn: (inputs) => inputs < 1 });
    expect(accepted).toBe(1);
  });

  it('holds for what was found once', async () => {
    for (const { name, input } of await keptInputs(target.name))
      await expect(examine(target, input), `regressions/${target.name}/${name}`).resolves.toMatch(/accepted|refused/);
  });

  it(`holds for ${INPUTS} inputs near the valid ones`, async () => {
    const { findings, accepted } = await fuzz(target, { seed: SEED, goesOn: (inputs) => inputs < INPUTS });
    expect(findings.map(({ message }) => message)).toEqual([]);
    // Not just noise that is refused at once.
    expect(accepted).toBeGreaterThan(INPUTS / 50);
  }, 60_000);
});
