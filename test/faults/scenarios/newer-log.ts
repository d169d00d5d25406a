import { FORMAT_VERSION, HEADER_BYTES } from '../../../agent-lite/wal/format.ts';
import { crc32c } from '../../../contract/crc32c.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { logWorld } from '../../fakes/wal.ts';
import { newCard } from '../device.ts';
import { type HandedOut, identify } from '../ledger.ts';
import { FaultRig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** Where a segment's header has its format, behind the magic bytes. */
const VERSION_AT = 8;

/** What a newer agent has written is never read by the meaning that its bytes have today, though they look sound. */
export const scenario: Scenario = {
  name: 'newer-log',
  about: 'an older agent opens a log of a newer format, whole or its last segments: set aside unread, unchanged, and said so; it goes on',
  rounds: { short: 4, full: 40 },
  async run({ number, random }) {
    const rig = new FaultRig({ kind: random.pick(['thanos', 'prometheus']) });
    const store = new UnreliableStore();
    const device = await rig.device({ name: 'gw-1', card: newCard(store), log: { segmentBytes: 2048 } });
    await rig.live(random.int(3, 12));
    device.offline = true;
    await rig.live(random.int(6, 40));
    await device.stop();
    const segments = (await store.list('wal')).map(({ name }) => name).sort();
    // All of them, or those that it wrote after the update that is now taken back.
    const newer = number % 2 === 0 ? segments : segments.slice(random.int(0, segments.length - 1));
    const kept = new Map<string, Uint8Array>();
    const originals = new UnreliableStore();
    for (const name of newer) {
      const bytes = await store.read('wal', name, 0, Number.MAX_SAFE_INTEGER);
      await originals.create('wal', name, bytes, true);
      bytes[VERSION_AT] = FORMAT_VERSION + 1 + random.int(0, 200 - FORMAT_VERSION);
      new DataView(bytes.buffer).setUint32(HEADER_BYTES - 4, crc32c(bytes.subarray(0, HEADER_BYTES - 4)), true);
      await store.create('wal', name, bytes, true);
      kept.set(name, bytes.slice());
    }
    await device.start();
    device.offline = false;
    await rig.live(random.int(4, 12));
    const text = device.logger.text('error') + device.logger.text('warn');
    if (!text.includes('another version')) throw new Error(`expected the agent to say that the format is a newer one, got: ${text}`);
    for (const [name, bytes] of kept) await expectAside(store, name, bytes);
    await rig.settle({ bound: () => 'looked at below' });
    return rig.account({ waiting: await scrapesOf(originals) });
  },
};

/** What the newer agent finds once it is back. */
async function scrapesOf(store: UnreliableStore): Promise<readonly Pick<HandedOut, 'source' | 'number'>[]> {
  const log = await logWorld(new ManualClock()).open(store);
  const found: Pick<HandedOut, 'source' | 'number'>[] = [];
  for await (const entry of log.read(0)) {
    const id = entry.kind === 'scrape' ? identify(entry.scrape) : undefined;
    if (id !== undefined) found.push(id);
  }
  return found;
}

async function expectAside(store: UnreliableStore, name: string, bytes: Uint8Array): Promise<void> {
  for (const entry of await store.list('set-aside')) {
    const found = await store.read('set-aside', entry.name, 0, Number.MAX_SAFE_INTEGER);
    if (found.length === bytes.length && Buffer.compare(found, bytes) === 0) return;
  }
  throw new Error(`${name}: expected it among the files set aside, as it was`);
}
