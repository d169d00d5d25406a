import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const YEAR = 365 * 86_400_000;
const HOUR = 3_600_000;

export const scenario: Scenario = {
  name: 'clock-jumps',
  about: "the wall clock jumps back and forth by years while the agent runs: the receiver's times are the true ones",
  rounds: { short: 4, full: 60 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    await rig.device({ name: 'right' });
    const device = await rig.device({ name: 'jumping', skewMs: random.pick([0, 0, -YEAR, 2 * HOUR]) });
    for (let jump = 0; jump < 8; jump++) {
      await rig.live(random.int(1, 6));
      device.clock.skewMs = random.pick([0, -40 * YEAR, -3 * YEAR, -YEAR, -2 * HOUR, -120_000, 120_000, 2 * HOUR, YEAR, 30 * YEAR]);
      device.offline = random.chance(0.2);
      if (!random.chance(0.2)) continue;
      await device.kill();
      await device.start();
    }
    device.offline = false;
    await rig.live(4);
    return rig.settle();
  },
};
