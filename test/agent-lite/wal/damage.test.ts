import { describe, expect, it } from 'vitest';
import type { LoggedScrape } from '../../../agent-lite/model.ts';
import { HEADER_BYTES } from '../../../agent-lite/wal/format.ts';
import type { Log } from '../../../agent-lite/wal/options.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { logWorld, numbered, plain, type ReadBack, readAll, tableOf, targetOf } from '../../fakes/wal.ts';

const table = await tableOf('a', 'b');
const targets = [targetOf('x:1'), targetOf('y:1')];
const world = logWorld();

/** A log of one small segment, or of that and a second one behind it. */
async function smallLog(followed: boolean): Promise<{ store: UnreliableStore; name: string; written: readonly LoggedScrape[] }> {
  const store = new UnreliableStore();
  const append = async (log: Log, from: number, to: number): Promise<void> => {
    for (let n = from; n <= to; n++) {
      await world.clock.advance(1000);
      await log.append(numbered(n, world.clock, targets[n % 2] ?? [], table));
    }
  };
  const log = await world.open(store);
  const name = (await store.now.list('wal'))[0]?.name ?? '';
  await append(log, 1, 8);
  const { scrapes } = await readAll(log);
  await log.close();
  if (!followed) return { store, name, written: scrapes };
  const second = await world.open(store);
  await append(second, 9, 12);
  const all = await readAll(second);
  await second.close();
  return { store, name, written: all.scrapes };
}

async function openWith(store: UnreliableStore, name: string, bytes: Uint8Array): Promise<Log> {
  const copy = await store.copy();
  await copy.now.create('wal', name, bytes, true);
  return world.open(copy);
}

/** Nothing wrong, nothing missing in silence: what is not delivered lies in a gap, or behind the last record of a cut end. */
function check(written: readonly LoggedScrape[], got: ReadBack, cutAfter: number): number {
  const truth = new Map(written.map((scrape) => [scrape.position, scrape]));
  let last = 0;
  for (const scrape of got.scrapes) {
    expect(scrape.position).toBeGreaterThan(last);
    last = scrape.position;
    expect(plain(scrape)).toEqual(plain(truth.get(last) as LoggedScrape));
    expect(scrape.chain).toBe(truth.get(last)?.chain);
    truth.delete(last);
  }
  for (const position of truth.keys()) {
    const told = got.gaps.some(({ from, to }) => from <= position && position <= to);
    if (!told && position <= cutAfter) throw new Error(`record ${position} is missing in silence`);
  }
  return truth.size;
}

describe('damage', () => {
  for (const followed of [false, true]) {
    it(`a segment cut off at any byte${followed ? ', with another behind it' : ''}`, async () => {
      const { store, name, written } = await smallLog(followed);
      const bytes = await store.now.read('wal', name, 0, 1 << 20);
      for (let length = 0; length < bytes.length; length++) {
        const log = await openWith(store, name, bytes.subarray(0, length));
        const got = await readAll(log);
        const survivors = got.scrapes.filter((scrape) => (written.findIndex(({ position }) => position === scrape.position) ?? 0) < 8);
        const missing = check(written, got, followed ? Number.MAX_SAFE_INTEGER : (survivors.at(-1)?.position ?? 0));
        if (!followed) expect(got.gaps).toEqual([]);
        if (followed) expect(missing).toBeGreaterThan(0);
        await log.close();
      }
    });

    it(`any byte changed${followed ? ', with another segment behind it' : ''}`, async () => {
      const { store, name, written } = await smallLog(followed);
      const bytes = await store.now.read('wal', name, 0, 1 << 20);
      let silentAtEnd = 0;
      for (let offset = 0; offset < bytes.length; offset++) {
        const changed = bytes.slice();
        changed[offset] = (changed[offset] as number) ^ (offset % 9 === 8 ? 0xff : 1 << (offset % 9));
        const log = await openWith(store, name, changed);
        const got = await readAll(log);
        const last = got.scrapes.at(-1)?.position ?? 0;
        const missing = check(written, got, followed ? Number.MAX_SAFE_INTEGER : last);
        if (offset < HEADER_BYTES) expect(missing).toBe(0);
        const { counters } = log.status();
        // Either counted as damage, or (the last record of the log) cut like the torn end it cannot be told from.
        if (missing > 0 && counters.damaged === 0) {
          expect(counters.tornBytes).toBeGreaterThan(0);
          silentAtEnd++;
        }
        await log.close();
      }
      expect(silentAtEnd > 0).toBe(!followed);
    });
  }

  it('takes at most the records up to the next key frame of the same target', async () => {
    const store = new UnreliableStore();
    const log = await world.open(store);
    for (let n = 1; n <= 80; n++) await log.append(numbered(n, world.clock, targets[n % 2] ?? [], table));
    const { scrapes } = await readAll(log);
    const [entry = { name: '', bytes: 0 }] = await store.now.list('wal');
    await log.close();
    const bytes = await store.now.read('wal', entry.name, 0, entry.bytes);
    for (let offset = HEADER_BYTES; offset < bytes.length - 600; offset += 23) {
      const changed = bytes.slice();
      changed[offset] = (changed[offset] as number) ^ 0x40;
      const again = await openWith(store, entry.name, changed);
      const got = await readAll(again);
      check(scrapes, got, Number.MAX_SAFE_INTEGER);
      expect(got.scrapes.length).toBeGreaterThanOrEqual(80 - 16);
      await again.close();
    }
  });

  it('of a boot, target or table costs nothing where a copy follows, and is counted', async () => {
    const store = new UnreliableStore();
    const log = await world.open(store);
    for (let n = 1; n <= 40; n++) await log.append(numbered(n, world.clock, targets[n % 2] ?? [], table));
    const { scrapes } = await readAll(log);
    const [entry = { name: '', bytes: 0 }] = await store.now.list('wal');
    await log.close();
    const bytes = await store.now.read('wal', entry.name, 0, entry.bytes);
    // Boot, target and table of the first scrape are the first three records.
    let offset = HEADER_BYTES;
    for (let record = 0; record < 3; record++) {
      const changed = bytes.slice();
      changed[offset + 24] = (changed[offset + 24] as number) ^ 0x40;
      const again = await openWith(store, entry.name, changed);
      expect((await readAll(again)).scrapes.map(plain)).toEqual(scrapes.map(plain));
      expect(again.status().counters.damaged).toBe(1);
      await again.close();
      offset += 24 + new DataView(bytes.buffer).getUint32(offset, true);
    }
  });

  it('is counted once, however often it is read', async () => {
    const { store, name } = await smallLog(true);
    const bytes = await store.now.read('wal', name, 0, 1 << 20);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] as number) ^ 1;
    const log = await openWith(store, name, bytes);
    const first = await readAll(log);
    const { damaged } = log.status().counters;
    expect(damaged).toBeGreaterThan(0);
    expect((await readAll(log)).gaps).toEqual(first.gaps);
    expect(first.gaps).toHaveLength(1);
    expect(log.status().counters.damaged).toBe(damaged);
    expect(log.status().damage[0]).toMatchObject({ segment: name });
  });

  it('frames of another log, or made up by a target, are not taken for records', async () => {
    const { store, name, written } = await smallLog(true);
    const other = await smallLog(false);
    const bytes = await store.now.read('wal', name, 0, 1 << 20);
    const foreign = await other.store.now.read('wal', other.name, HEADER_BYTES, 1 << 20);
    // A block of an equal-looking log where records were.
    const changed = bytes.slice();
    changed.set(foreign.subarray(0, bytes.length - HEADER_BYTES - 200), HEADER_BYTES + 7);
    const got = await readAll(await openWith(store, name, changed));
    expect(check(written, got, Number.MAX_SAFE_INTEGER)).toBeGreaterThan(0);
  });

  it('a lost end is told though the header behind it is damaged, which would have named it', async () => {
    const { store, name, written } = await smallLog(true);
    const later = (await store.now.list('wal')).find((entry) => entry.name > name)?.name ?? '';
    const [bytes, next] = [await store.now.read('wal', name, 0, 1 << 20), await store.now.read('wal', later, 0, 1 << 20)];
    next[0] = 0;
    const copy = await store.copy();
    await copy.now.create('wal', name, bytes.subarray(0, bytes.length - 20), true);
    await copy.now.create('wal', later, next, true);
    const got = await readAll(await world.open(copy));
    expect(check(written, got, Number.MAX_SAFE_INTEGER)).toBe(1);
  });
});
