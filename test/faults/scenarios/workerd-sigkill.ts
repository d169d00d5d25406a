import { sleep } from '../../e2e/harness/wait.ts';
import { LiveRig } from '../live-rig.ts';
import type { Scenario } from '../scenario.ts';

const DEVICES = 5;

export const scenario: Scenario = {
  name: 'workerd-sigkill',
  about: 'the process that runs Worker and objects is killed at random moments under load, and starts again on what it has stored',
  rounds: { short: 4, full: 100 },
  programs: true,
  async begin(shared) {
    const rig = await LiveRig.start(shared, DEVICES);
    return rig.rounds(async ({ random }) => {
      // Also while it reads back what it has stored.
      await sleep(random.int(0, random.chance(0.3) ? 500 : 5000));
      await rig.edge.killWorkerd();
    });
  },
};
