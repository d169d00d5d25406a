import { NOW } from '../../fakes/worker.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const DAY = 86_400_000;

export const scenario: Scenario = {
  name: 'suspend',
  about: 'three days of suspend, with a right or a wrong clock: what was logged before has its true time, and what follows too',
  rounds: { short: 3, full: 20 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const device = await rig.device({ name: 'gw-1', skewMs: random.pick([0, -NOW, -7 * DAY, 2 * 3_600_000]) });
    await rig.live(random.int(1, 20));
    device.clock.suspend();
    await rig.world.pass(3 * DAY, 600_000);
    device.clock.resume();
    await rig.live(random.int(1, 20));
    return rig.settle();
  },
};
