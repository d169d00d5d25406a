import { partialPages } from '../../fakes/partial-pages.ts';
import { SOON_DELETED } from '../device.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const KINDS = ['fails', 'ambiguous', 'slow', 'late', 'full', 'everything'] as const;

/** Twice the time between two sweeps, and some. */
const SWEPT_MS = 25 * 60_000;

export const scenario: Scenario = {
  name: 'bucket-troubles',
  about: 'the object store fails 30 % of all operations, stores and says it did not, is slow, full, lists in partial and empty pages',
  rounds: { short: KINDS.length, full: 20 * KINDS.length },
  async run({ number, random }) {
    const rig = new FaultRig({
      kind: random.pick(['thanos', 'prometheus']),
      windowMs: random.pick([0, 4 * 3_600_000]),
      bucket: () => partialPages((wanted) => random.pick([0, 1, 2, wanted])),
      oneBucket: true,
      losesUnsynced: true,
    });
    const { world } = rig;
    const { store } = world.rig;
    void rig.watchdog();
    for (let i = random.int(1, 3); i > 0; i--) await rig.device({ name: `gw-${i}`, pushIntervalMs: 15_000, log: SOON_DELETED });
    const kind = KINDS[number % KINDS.length] ?? 'everything';
    store.createFault = (key) => {
      if (kind === 'full') return 'fails';
      if (!random.chance(0.3)) return undefined;
      const fault = kind === 'everything' ? random.pick(['fails', 'ambiguous', 'slow', 'late'] as const) : kind;
      // Nothing but this round lets the others answer, and it waits for Workers.
      return key.startsWith('v1/data/') ? fault : 'ambiguous';
    };
    if (kind === 'fails' || kind === 'everything') store.fails = () => random.chance(0.3);
    // The receiver is away for a while, so that a backlog is read back through all this.
    for (let i = 0; i < 4; i++) {
      world.rig.receiver.behave(random.chance(0.4) ? { kind: 'down' } : { kind: 'ok' });
      for (let scrapes = random.int(4, 20); scrapes > 0; scrapes--) {
        await rig.live(1);
        if (random.chance(0.2)) await store.landLate();
      }
      // It has to find its place again, by listing too.
      if (random.chance(0.6)) world.rig.restart();
    }
    world.rig.receiver.behave({ kind: 'ok' });
    store.createFault = () => undefined;
    store.fails = () => false;
    await store.landLate();
    await rig.live(4);
    const account = await rig.settle();
    // What was stored and never acknowledged is swept away.
    await world.pass(SWEPT_MS, 15_000);
    const left = await world.rig.dataKeys();
    if (left.length > 0) throw new Error(`expected nothing to be left in the bucket, got ${left.join(', ')}`);
    return account;
  },
};
