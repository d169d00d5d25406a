import { newCard } from '../device.ts';
import { PowerStore, powerStoreOf } from '../power-store.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const POLICIES = ['always', 'interval', 'never'] as const;
/** How often the log is synced with `interval`, and the system writes by itself with `never`. */
const SYNC_MS = 30_000;

/** Of a scrape that is being written, with a new segment before it and cursors behind. */
const MOST_WRITES = 6;

/** docs/device.md: `always` costs the scrape being written, `interval` the last 30 s, `never` what the system had not written. */
export const scenario: Scenario = {
  name: 'power-cut',
  about:
    'power cuts, in the middle of a write too, that lose, tear and reorder what was not synced: under each sync policy no more than documented is missing',
  rounds: { short: 9, full: 300 },
  async run({ number, random }) {
    const sync = POLICIES[number % POLICIES.length] ?? 'always';
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const card = newCard(new PowerStore(random));
    const device = await rig.device({
      name: 'gw-1',
      card,
      log: { sync, syncIntervalMs: SYNC_MS, segmentBytes: random.pick([2048, 65_536]) },
    });
    /** What was scraped in these times may be missing. */
    const spans: { readonly afterMs: number; readonly toMs: number }[] = [];
    for (let cut = 0; cut < 5; cut++) {
      device.offline = random.chance(0.5);
      let writtenMs = rig.world.truth;
      for (let i = random.int(0, 10); i > 0; i--) {
        await rig.live(2);
        if (sync !== 'never') continue;
        await powerStoreOf(card).writeBack();
        writtenMs = rig.world.truth;
      }
      await device.scrape();
      await rig.world.pass(random.int(0, 20_000));
      if (random.chance(0.6)) {
        // It goes while this scrape is being written, or after.
        const store = powerStoreOf(device.card);
        store.dieAfter(random.int(0, MOST_WRITES));
        const written = await device.scrape();
        if (store.dead && written !== undefined) spans.push({ afterMs: written.trueMs, toMs: written.trueMs });
      }
      const toMs = rig.world.truth;
      if (sync !== 'always') spans.push({ afterMs: sync === 'interval' ? toMs - SYNC_MS : writtenMs, toMs });
      await device.powerCut();
      await rig.world.pass(random.int(1000, 30_000));
      await device.start();
    }
    device.offline = false;
    await rig.live(4);
    const within = (ms: number): boolean => spans.some(({ afterMs, toMs }) => ms >= afterMs && ms <= toMs);
    return rig.settle({ bound: ({ trueMs }) => (within(trueMs) ? `wal-sync=${sync}` : undefined) });
  },
};
