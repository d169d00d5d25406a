import { SOON_DELETED } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'two-incarnations',
  about: 'an object and its successor are both alive on one storage and bucket, and both are asked and woken: the older one is fenced off',
  rounds: { short: 4, full: 100 },
  async run({ random }) {
    const rig = new FaultRig({
      kind: random.pick(['thanos', 'prometheus']),
      windowMs: random.pick([0, 4 * 3_600_000]),
      losesUnsynced: random.chance(0.5),
    });
    const { world } = rig;
    void rig.watchdog();
    for (let i = random.int(1, 3); i > 0; i--) await rig.device({ name: `gw-${i}`, pushIntervalMs: 15_000, log: SOON_DELETED });
    await rig.live(random.int(1, 6));
    const slow = random.chance(0.5);
    for (let i = 0; i < 5; i++) {
      if (slow) world.rig.store.createFault = (key) => (key.startsWith('v1/data/') && random.chance(0.5) ? 'slow' : undefined);
      for (const device of rig.devices) await device.scrape();
      await world.pass(random.int(1, 14_000), 100);
      const old = world.rig.core;
      world.rig.restart();
      world.core = () => random.pick([old, world.rig.core]);
      for (let scrapes = random.int(2, 8); scrapes > 0; scrapes--) {
        await rig.live(1);
        if (random.chance(0.5)) void old.alarm().catch(() => undefined);
        if (random.chance(0.3)) void old.poke().catch(() => undefined);
        await world.rig.store.landLate();
      }
      world.core = () => world.rig.core;
      world.rig.store.createFault = () => undefined;
    }
    await rig.live(2);
    await world.rig.store.landLate();
    return rig.settle();
  },
};
