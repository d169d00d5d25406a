import { NOW } from '../../fakes/worker.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'boots-before-time',
  about: 'two boots in 1970 before the edge is met: what cannot be placed is set aside and counted, the rest has its true time',
  rounds: { short: 3, full: 30 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    await rig.device({ name: 'right' });
    const device = await rig.device({ name: 'gw-1', skewMs: -NOW });
    device.offline = true;
    let unplaceable = 0;
    for (let boot = random.int(1, 3); boot > 0; boot--) {
      const scrapes = random.int(1, 10);
      unplaceable += scrapes;
      await rig.live(scrapes);
      await device.stop();
      device.clock.reboot(-NOW);
      await device.start();
    }
    await rig.live(random.int(1, 10));
    device.offline = false;
    await rig.live(4);
    const account = await rig.settle();
    const counted = device.metrics.values.get('agent_lite_push_set_aside_records_total{"reason":"unplaceable"}');
    if (counted !== unplaceable) throw new Error(`expected ${unplaceable} scrapes set aside and counted, got ${counted}`);
    return account;
  },
};
