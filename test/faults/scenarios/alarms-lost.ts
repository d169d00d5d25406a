import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'alarms-lost',
  about: 'alarms never ring, with a backlog, and instances die: the watchdog wakes the shard each minute, and everything arrives',
  rounds: { short: 3, full: 40 },
  async run({ random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']), windowMs: random.pick([0, 4 * 3_600_000]) });
    const { world } = rig;
    void rig.watchdog();
    await rig.device({ name: 'gw-1' });
    for (let i = 0; i < 6; i++) {
      world.rig.receiver.behave(random.pick([{ kind: 'down' }, { kind: 'status', status: 503 }, { kind: 'hang' }, { kind: 'ok' }]));
      for (let scrapes = random.int(4, 20); scrapes > 0; scrapes--) {
        await rig.live(1);
        world.rig.alarmMs = undefined;
      }
      if (random.chance(0.5)) world.rig.restart();
      world.rig.alarmMs = undefined;
    }
    world.rig.receiver.behave({ kind: 'ok' });
    // Nobody pushes any more either.
    await world.pass(60_000);
    for (const device of rig.devices) device.offline = true;
    for (let minutes = 0; minutes < 20; minutes++) {
      await world.pass(60_000);
      world.rig.alarmMs = undefined;
    }
    const objects = world.value('relay_buffer_objects');
    if (objects > 0) throw new Error(`expected the watchdog to have emptied the shard, got ${objects} objects`);
    for (const device of rig.devices) device.offline = false;
    return rig.settle();
  },
};
