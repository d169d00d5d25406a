import { newCard } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** The new card's log begins at position 1: what the edge knows of the old one must not be taken for it. */
export const scenario: Scenario = {
  name: 'card-swapped',
  about: 'a new card, an empty one, in the same device: nothing of the new log is taken for a repeat of the old',
  rounds: { short: 3, full: 30 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const device = await rig.device({ name: 'gw-1' });
    const beside = await rig.device({ name: 'gw-2', skewMs: random.int(-5, 5) * 3_600_000 });
    await rig.live(random.int(4, 40));
    // What the old card still holds goes with it, unless it was pushed: here it was.
    await rig.world.pass(120_000, 15_000);
    await device.stop();
    device.card = newCard();
    await device.start();
    await rig.live(random.int(4, 40));
    await beside.kill();
    await beside.start();
    await rig.live(4);
    return rig.settle();
  },
};
