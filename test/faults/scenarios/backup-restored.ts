import { copyCard } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** The restored log reuses no position for other content unseen, and what it had sent since is at the edge already. */
export const scenario: Scenario = {
  name: 'backup-restored',
  about: 'a backup of the log put back over a later one that was pushed: what follows is stored, nothing twice',
  rounds: { short: 4, full: 40 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const device = await rig.device({ name: 'gw-1' });
    await rig.live(random.int(3, 20));
    await device.stop();
    const backup = await copyCard(device.card);
    await device.start();
    await rig.live(random.int(3, 20));
    await rig.world.pass(120_000, 15_000);
    // Restored twice now and then: a third log under the same name.
    for (let times = random.int(1, 2); times > 0; times--) {
      await device.stop();
      device.card = await copyCard(backup);
      await device.start();
      await rig.live(random.int(2, 12));
      await rig.world.pass(120_000, 15_000);
    }
    return rig.settle();
  },
};
