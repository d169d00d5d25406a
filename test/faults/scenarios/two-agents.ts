import type { Account } from '../account.ts';
import { RealAgent } from '../real-agent.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'two-agents',
  about: 'two agents on one folder: the second refuses and names the first; it starts once that was killed by SIGKILL',
  rounds: { short: 1, full: 10 },
  programs: true,
  async begin(shared) {
    const agent = await RealAgent.prepare(shared);
    await agent.start();
    const run = async (): Promise<Account> => {
      await agent.settle();
      const first = agent.program;
      const second = await agent.spawn();
      const code = await second.exited(20_000);
      if (code !== 1 || !second.output.includes(`process ${first.pid} has locked it`))
        throw new Error(`expected the second agent to refuse and to name process ${first.pid}\n${second.describe()}`);
      if (!first.running) throw new Error(`expected the first agent to go on\n${first.describe()}`);
      await agent.kill();
      await agent.start();
      return agent.settle();
    };
    return { run };
  },
};
