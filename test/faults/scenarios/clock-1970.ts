import { NOW } from '../../fakes/worker.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'clock-1970',
  about: 'a device starts in 1970 and is set right before or after it has met the edge: the times are the true ones',
  rounds: { short: 4, full: 40 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    await rig.device({ name: 'right' });
    const device = await rig.device({ name: 'gw-1', skewMs: random.int(0, 86_400_000) - NOW });
    device.offline = random.chance(0.5);
    await rig.live(random.int(1, 20));
    if (random.chance(0.5)) device.clock.skewMs = random.int(-1000, 1000);
    device.offline = false;
    await rig.live(random.int(1, 20));
    device.clock.skewMs = 0;
    await rig.live(4);
    // A clock that is off by less than a minute is believed.
    return rig.settle({ toleranceMs: 1001 });
  },
};
