import { sleep } from '../../e2e/harness/wait.ts';
import { RealAgent } from '../real-agent.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'agent-sigkill',
  about: 'SIGKILL to the agent at any moment, its start among them: every scrape that was read is at the edge, once and in order',
  rounds: { short: 4, full: 300 },
  programs: true,
  async begin(shared) {
    const agent = await RealAgent.prepare(shared);
    await agent.start();
    await agent.settle();
    return async ({ random }) => {
      await sleep(random.int(0, 700));
      await agent.kill();
      // Some lives end before they have begun.
      while (random.chance(0.4)) {
        await agent.start();
        await sleep(random.int(0, 600));
        await agent.kill();
      }
      await agent.start();
      return agent.settle();
    };
  },
};
