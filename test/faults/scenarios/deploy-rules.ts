import { defaultRelabelConfig } from '../../../contract/relabel.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'deploy-rules',
  about: 'Workers with other rules take over under load, first beside the old ones, and the objects start anew with other settings',
  rounds: { short: 3, full: 40 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']), windowMs: random.pick([0, 4 * 3_600_000]) });
    const { world } = rig;
    void rig.watchdog();
    for (let i = random.int(2, 4); i > 0; i--) await rig.device({ name: `gw-${i}`, pushIntervalMs: 15_000 });
    for (let version = 1; version <= 4; version++) {
      await rig.live(random.int(2, 8));
      const tenant = world.config.tenants['acme'];
      if (tenant === undefined) throw new Error('expected tenant acme');
      const rule = { ...defaultRelabelConfig, sourceLabels: ['instance'], targetLabel: 'rules', replacement: `v${version}` };
      const tenants = { acme: { ...tenant, writeRelabelConfigs: random.chance(0.3) ? [] : [rule] } };
      const [before, after] = [world.edge, world.worker({ ...world.config, tenants })];
      for (const device of rig.devices)
        device.network = async () => {
          world.edge = random.pick([before, after]);
        };
      await rig.live(random.int(1, 4));
      for (const device of rig.devices) await device.scrape();
      await world.pass(random.int(1, 14_000), 100);
      world.rig.restart({ shard: { lanes: random.int(1, 4), commitIntervalMs: random.pick([100, 1000]) } });
      for (const device of rig.devices) device.network = () => Promise.resolve();
      world.edge = after;
    }
    await rig.live(4);
    return rig.settle();
  },
};
