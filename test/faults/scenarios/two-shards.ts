import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** The slow shard's way to the receiver, ms. */
const SLOW_MS = 25_000;

export const scenario: Scenario = {
  name: 'two-shards',
  about: 'two shards drain at different speeds after an outage, their buffers full to the limit: devices hold the rest, all arrives',
  rounds: { short: 1, full: 20 },
  async run({ random }) {
    const rig = new FaultRig({
      kind: random.pick(['thanos', 'prometheus']),
      windowMs: 12 * 3_600_000,
      shards: 2,
      shard: { maxBufferBytes: 12_000, lanes: random.int(1, 4) },
      latencyMs: (shard) => (shard.endsWith('/1') ? SLOW_MS : 0),
      maxBackoffMs: 60_000,
    });
    const { world } = rig;
    void rig.watchdog();
    for (let i = 8; i > 0; i--) await rig.device({ name: `gw-${i}` });
    await rig.live(8);
    world.rig.receiver.behave({ kind: 'down' });
    await rig.live(random.int(120, 240));
    const full = world.value('relay_shard_busy_total{reason="buffer"}');
    const held = rig.devices.reduce((sum, { backlog }) => sum + backlog, 0);
    if (full === 0 || held === 0) throw new Error(`expected full buffers and devices that wait, got ${full} refusals, ${held} scrapes`);
    world.rig.receiver.behave({ kind: 'ok' });
    await rig.live(random.int(20, 80));
    const account = await rig.settle();
    const shards = world.fleet?.shards.size ?? 0;
    if (shards !== 2) throw new Error(`expected two shards at work, got ${shards}`);
    if (account.waiting + account.deadLetters > 0) throw new Error(`expected all to arrive, got ${JSON.stringify(account)}`);
    return account;
  },
};
