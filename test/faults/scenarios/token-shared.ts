import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** Two log_ids under one device: each has positions of its own at the edge. */
export const scenario: Scenario = {
  name: 'token-shared',
  about: 'one token on two devices: both are stored whole',
  rounds: { short: 3, full: 30 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const devices = [await rig.device({ name: 'gw-1', source: 'a' }), await rig.device({ name: 'gw-1', source: 'b' })];
    for (let i = 0; i < 6; i++) {
      await rig.live(random.int(1, 8));
      const device = random.pick(devices);
      if (random.chance(0.3)) device.loseAnswer = () => random.chance(0.5);
      if (!random.chance(0.4)) continue;
      await device.kill();
      await rig.live(random.int(0, 3));
      await device.start();
    }
    for (const device of devices) device.loseAnswer = () => false;
    return rig.settle();
  },
};
