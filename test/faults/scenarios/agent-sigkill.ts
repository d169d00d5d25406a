import { sleep } from '../../e2e/harness/wait.ts';
import { addAccounts, NOTHING } from '../account.ts';
import { RealAgent } from '../real-agent.ts';
import type { Scenario } from '../scenario.ts';

/** At work at a time, each on a folder of its own. */
const AGENTS = { short: 2, full: 4 } as const;
/** Kills of an agent between two accounts: longer than a log of some segments, and no push is ever sure to come to its end. */
const KILLS = 8;
/** A life takes up to this long. */
const LIFE_MS = 6_000;
/** Some end while the process starts and opens its log. */
const START_MS = 700;

export const scenario: Scenario = {
  name: 'agent-sigkill',
  about: 'SIGKILL to the agent at any moment, its start among them: every scrape that was read is at the edge, once and in order',
  rounds: { short: 12, full: 300 },
  programs: true,
  async begin(shared) {
    const parallel = shared.short ? AGENTS.short : AGENTS.full;
    const agents = await Promise.all(Array.from({ length: parallel }, () => RealAgent.prepare(shared)));
    await Promise.all(agents.map((agent) => agent.start()));
    const free = [...agents];
    return {
      parallel,
      async run({ random }) {
        const agent = free.shift();
        if (agent === undefined) throw new Error(`expected at most ${parallel} rounds at a time`);
        try {
          await sleep(random.int(0, random.chance(0.3) ? START_MS : LIFE_MS));
          await agent.kill();
          await agent.start();
          return agent.kills % KILLS === 0 ? await agent.settle() : NOTHING;
        } finally {
          free.push(agent);
        }
      },
      finish: async () => (await Promise.all(agents.map((agent) => agent.settle()))).reduce(addAccounts),
    };
  },
};
