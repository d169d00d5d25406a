import { SOON_DELETED } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const MOMENTS = [
  ...['before_put', 'after_put', 'put_lands_later', 'before_sync', 'after_sync'],
  ...['before_forward', 'in_forward', 'after_forward', 'before_delete', 'after_delete', 'any'],
] as const;
const SYNC_MS = 400;
type Moment = (typeof MOMENTS)[number];

/** What the instance has not synced goes with it, unless something has left the object since: as the platform's output gates have it. */
export const scenario: Scenario = {
  name: 'edge-aborted',
  about:
    'the Durable Object dies between put, row, sync and acknowledgement, and between forward and delete: nothing lost, nothing invented',
  rounds: { short: MOMENTS.length, full: 20 * MOMENTS.length },
  async run({ number, random }) {
    let armed: Moment | undefined;
    let deaths = 0;
    const die = (moment: Moment): boolean => {
      if (armed !== moment) return false;
      armed = undefined;
      deaths++;
      rig.world.rig.restart();
      return true;
    };
    const rig = new FaultRig({
      kind: random.pick(['thanos', 'prometheus']),
      windowMs: random.pick([0, 4 * 3_600_000]),
      losesUnsynced: random.chance(0.7),
      latencyMs: () => {
        die('before_forward');
        return 0;
      },
    });
    void rig.watchdog();
    const { rig: shard } = rig.world;
    const { store, storage, receiver } = shard;
    store.createFault = (key) => {
      if (!key.startsWith('v1/data/')) return undefined;
      if (die('before_put')) return 'fails';
      if (die('after_put')) return 'ambiguous';
      return die('put_lands_later') ? 'late' : undefined;
    };
    // What is acknowledged too early is acknowledged by then.
    const dieLater = async (moment: Moment): Promise<void> => {
      await shard.clock.sleep(SYNC_MS);
      die(moment);
    };
    storage.onSync = (moment) => (armed === `${moment}_sync` ? dieLater(armed) : undefined);
    const doneAllTheSame = random.chance(0.5);
    store.fails = (call) => call === 'delete' && die(doneAllTheSame ? 'after_delete' : 'before_delete') && !doneAllTheSame;
    for (let i = random.int(1, 3); i > 0; i--) await rig.device({ name: `gw-${i}`, pushIntervalMs: 15_000, log: SOON_DELETED });
    for (let i = 0; i < 6; i++) {
      await rig.live(random.int(1, 6));
      const moment = i === 0 ? (MOMENTS[number % MOMENTS.length] ?? 'any') : random.pick(MOMENTS);
      armed = moment;
      if (moment === 'in_forward') receiver.behaveNext({ kind: 'delay', ms: 20_000 });
      if (moment === 'after_forward') receiver.behaveNext({ kind: 'store_then_close' });
      if (['any', 'in_forward', 'after_forward'].includes(moment)) {
        for (const device of rig.devices) await device.scrape();
        await rig.world.pass(random.int(1, 15_000), 100);
        die(moment);
      }
      await rig.live(random.int(1, 8));
      if (random.chance(0.5)) await store.landLate();
    }
    armed = undefined;
    await rig.live(2);
    await store.landLate();
    const account = await rig.settle();
    if (deaths < 3) throw new Error(`expected the object to die at least three times, got ${deaths}`);
    if (shard.fatal.length > deaths) throw new Error(`an instance that was alive gave up: ${String(shard.fatal.at(-1))}`);
    return account;
  },
};
