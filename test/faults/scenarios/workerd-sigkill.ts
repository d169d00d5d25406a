import { sleep } from '../../e2e/harness/wait.ts';
import { LiveRig } from '../live-rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'workerd-sigkill',
  about: 'the process that runs Worker and objects is killed at random moments under load, and starts again on what it has stored',
  rounds: { short: 2, full: 100 },
  programs: true,
  async begin(shared) {
    const rig = await LiveRig.start(shared);
    return ({ number, random }) => {
      const names = Array.from({ length: random.int(2, 6) }, (_, i) => `kill-${number}-${i}`);
      return rig.round(names, async () => {
        for (let kills = random.int(1, 2); kills > 0; kills--) {
          await sleep(random.int(0, 2500));
          await rig.edge.killWorkerd();
        }
        await sleep(random.int(0, 1000));
      });
    };
  },
};
