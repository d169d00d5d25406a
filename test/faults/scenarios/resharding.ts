import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

export const scenario: Scenario = {
  name: 'resharding',
  about: 'another number of shards, twice, with a backlog, Workers of both versions at once, shards that die: in order, once, complete',
  rounds: { short: 2, full: 60 },
  async run({ random }) {
    const rig = new FaultRig({
      kind: random.pick(['thanos', 'prometheus']),
      // Order across shards would only show without a window; a tenant with several shards has one.
      windowMs: 12 * 3_600_000,
      shards: random.int(1, 3),
      losesUnsynced: random.chance(0.5),
      maxBackoffMs: 60_000,
    });
    const { world } = rig;
    const { fleet } = world;
    void rig.watchdog();
    for (let i = 5; i > 0; i--) await rig.device({ name: `gw-${i}` });
    await rig.live(random.int(2, 8));
    for (let generation = 2; generation <= 3; generation++) {
      world.rig.receiver.behave(random.pick([{ kind: 'down' }, { kind: 'status', status: 503 }]));
      await rig.live(random.int(4, 20));
      const [before, after] = [
        world.edge,
        world.worker({ ...world.config, shard: { ...world.config.shard, generation, shards: random.int(1, 4) } }),
      ];
      // For some minutes every request may meet either.
      for (const device of rig.devices)
        device.network = async () => {
          world.edge = random.pick([before, after]);
        };
      if (fleet !== undefined) fleet.fault = () => (random.chance(0.2) ? random.pick(['lost', 'answer_lost'] as const) : undefined);
      for (let i = random.int(4, 10); i > 0; i--) {
        await rig.live(1);
        if (random.chance(0.3)) fleet?.kill(random.pick([...fleet.shards.keys()]));
      }
      world.rig.receiver.behave({ kind: 'ok' });
      await rig.live(random.int(1, 6));
      if (fleet !== undefined) fleet.fault = () => undefined;
      for (const device of rig.devices) device.network = () => Promise.resolve();
      world.edge = after;
      await rig.live(random.int(0, 6));
    }
    await rig.live(4);
    const account = await rig.settle();
    if (account.deadLetters + account.waiting > 0) throw new Error(`expected all to arrive, got ${JSON.stringify(account)}`);
    return account;
  },
};
