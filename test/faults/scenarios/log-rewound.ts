import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** With wal-sync=never a push may send what the card does not have yet; after the cut the log ends before what the edge has. */
export const scenario: Scenario = {
  name: 'log-rewound',
  about: 'a power cut takes the end of the log after it was pushed: its positions are not taken for those of new records',
  rounds: { short: 4, full: 60 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const device = await rig.device({ name: 'gw-1', log: { sync: 'never' } });
    let losesAnswers = false;
    device.loseAnswer = () => losesAnswers && random.chance(0.5);
    for (let cut = 0; cut < 3; cut++) {
      losesAnswers = random.chance(0.5);
      await rig.live(random.int(2, 15));
      // Everything so far has been pushed, though perhaps the device has not heard so.
      losesAnswers = false;
      await rig.world.pass(180_000, 15_000);
      await device.powerCut((_, unsynced) => (random.chance(0.5) ? 0 : random.int(0, unsynced)));
      await device.start();
    }
    await rig.live(4);
    return rig.settle();
  },
};
