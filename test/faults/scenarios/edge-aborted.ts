import type { HttpClient } from '../../../agent-lite/model.ts';
import { decodeAnswer, PUSH_PATH } from '../../../contract/push.ts';
import { type FaultDevice, newCard, SOON_DELETED } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const MOMENTS = [
  ...['acknowledged', 'before_put', 'after_put', 'put_lands_later', 'before_sync', 'after_sync'],
  ...['before_forward', 'in_forward', 'after_forward', 'before_delete', 'after_delete', 'any'],
] as const;
/** Of a put and of a sync. Whatever is acknowledged before they are over has been heard by then. */
const WRITE_MS = 400;
type Moment = (typeof MOMENTS)[number];

/**
 * What the instance has not synced goes with it, unless something has left the object since: as the platform's output gates have it.
 * `acknowledged`: it dies the moment that a device has heard of an acknowledgement of all that it had, and the device's card with it. So
 * whatever was acknowledged too early is nowhere; else the device would send it again.
 */
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
    const first = MOMENTS[number % MOMENTS.length] ?? 'any';
    const rig = new FaultRig({
      kind: random.pick(['thanos', 'prometheus']),
      windowMs: random.pick([0, 4 * 3_600_000]),
      losesUnsynced: first === 'acknowledged' || random.chance(0.7),
      latencyMs: () => {
        die('before_forward');
        return 0;
      },
    });
    void rig.watchdog();
    const { rig: shard } = rig.world;
    const { store, storage, receiver } = shard;
    // A put may reach the bucket at its beginning or at its end.
    store.onCreate = (key) => (key.startsWith('v1/data/') ? shard.clock.sleep(WRITE_MS) : undefined);
    store.createFault = (key) => {
      if (!key.startsWith('v1/data/')) return undefined;
      if (die('before_put')) return 'fails';
      if (die('after_put')) return 'ambiguous';
      return die('put_lands_later') ? 'late' : undefined;
    };
    storage.onSync = async (moment) => {
      await shard.clock.sleep(WRITE_MS);
      die(`${moment}_sync`);
    };
    const doneAllTheSame = random.chance(0.5);
    store.fails = (call) => call === 'delete' && die(doneAllTheSame ? 'after_delete' : 'before_delete') && !doneAllTheSame;
    const heard: FaultDevice[] = [];
    for (let i = random.int(1, 3); i > 0; i--) {
      const at = i - 1;
      const http = (edge: HttpClient): HttpClient => listening(edge, () => heard.push(...rig.devices.slice(at, at + 1)));
      await rig.device({ name: `gw-${i}`, pushIntervalMs: 15_000, log: SOON_DELETED, http });
    }
    for (let i = 0; i < 6; i++) {
      await rig.live(random.int(1, 6));
      const moment = i === 0 ? first : random.pick(MOMENTS);
      if (moment === 'acknowledged') {
        await loseCard(rig, heard, () => {
          armed = moment;
          die(moment);
        });
        continue;
      }
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

/** Lets the devices push until one has heard that all it had is stored; then it has another card. */
async function loseCard({ devices, world }: FaultRig, heard: FaultDevice[], die: () => void): Promise<void> {
  for (const device of devices) await device.scrape();
  heard.length = 0;
  for (let passed = 0; passed < 60_000; passed += 50) {
    await world.pass(50, 50);
    const device = heard.splice(0).find(({ backlog }) => backlog === 0);
    if (device === undefined) continue;
    die();
    await device.kill();
    device.card = newCard();
    await device.start();
    return;
  }
}

/** Tells of each acknowledgement of a push. */
function listening(edge: HttpClient, onStored: () => void): HttpClient {
  return {
    async request(request) {
      const response = await edge.request(request);
      if (request.url.endsWith(PUSH_PATH) && response.status === 200 && decodeAnswer(response.body).code === 'stored') onStored();
      return response;
    },
    close: () => edge.close(),
  };
}
