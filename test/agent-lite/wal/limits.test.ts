import { describe, expect, it } from 'vitest';
import type { Scrape } from '../../../agent-lite/model.ts';
import { MetadataCache } from '../../../agent-lite/wal/attachments.ts';
import { ScrapeDecoder, TableCache } from '../../../agent-lite/wal/decoder.ts';
import { decodeHeader, HEADER_BYTES, recordSeed } from '../../../agent-lite/wal/format.ts';
import { type Frame, FrameScanner } from '../../../agent-lite/wal/frame.ts';
import { MemoryStore } from '../../../agent-lite/wal/memory-store.ts';
import type { Log } from '../../../agent-lite/wal/options.ts';
import { decodeNoteRecord, isScrape } from '../../../agent-lite/wal/record.ts';
import { newSegment } from '../../../agent-lite/wal/segment.ts';
import { StoreError } from '../../../agent-lite/wal/store.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { compression, logWorld, numbered, plain, readAll, sha256, tableOf, targetOf } from '../../fakes/wal.ts';

const table = await tableOf('a', 'b', 'c', 'd');
const target = targetOf('x:1');
/** About sixty scrapes a segment. */
const small = { segmentBytes: 4096, limitBytes: 64 * 1024, memoryLimitBytes: 64 * 1024 };

function fixture() {
  const world = logWorld();
  let n = 0;
  const fill = async (log: Log, count: number): Promise<Scrape[]> => {
    const written: Scrape[] = [];
    for (let i = 0; i < count; i++) {
      await world.clock.advance(1000);
      const scrape = numbered(++n, world.clock, target, table);
      await log.append(scrape);
      written.push(scrape);
    }
    return written;
  };
  return { world, fill };
}
/** What was read is the end of what was written. */
function expectTail(got: readonly Scrape[], written: readonly Scrape[]): void {
  expect(got.map(plain)).toEqual(written.slice(written.length - got.length).map(plain));
}

/** Reads a set-aside file with nothing but its own bytes. */
async function readSetAside(store: MemoryStore, name: string, bytes: number) {
  const header = decodeHeader(await store.read('set-aside', name, 0, HEADER_BYTES));
  const seed = recordSeed(header.logId);
  const read = (offset: number, length: number) => store.read('set-aside', name, offset, length);
  const scanner = new FrameScanner({ read, seed, offset: HEADER_BYTES, end: bytes, last: -1, contiguous: false });
  const frames = new Map<number, Frame>();
  for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
    expect(found.damage).toBeUndefined();
    if (found.frame !== undefined) frames.set(found.frame.position, found.frame);
  }
  const records = { find: async (_: unknown, position: number) => frames.get(position), recover: async () => undefined };
  const decoder = new ScrapeDecoder(records, sha256, compression, {
    tables: new TableCache(),
    metadata: new MetadataCache(),
  });
  const segment = newSegment(store, header);
  const [from = 0, to = 0] = name.replace('.seg', '').split('-').map(Number);
  const scrapes: unknown[] = [];
  for (const frame of frames.values())
    if (isScrape(frame.body) && frame.position >= from && frame.position <= to) scrapes.push(plain(await decoder.decode(segment, frame)));
  return { note: decodeNoteRecord(frames.get(0)?.body ?? new Uint8Array()), scrapes };
}

describe('limits', () => {
  it('by size: the oldest segment goes, counted, and the reader is told', async () => {
    const { world, fill } = fixture();
    const log = await world.open(new MemoryStore(), small);
    const written = await fill(log, 30);
    const early = log.head();
    await log.moveCursor('edge', early);
    written.push(...(await fill(log, 1500)));
    const status = log.status();
    expect(status.bytes).toBeLessThanOrEqual(small.limitBytes);
    expect(status.bytes).toBeGreaterThan(small.limitBytes * 0.8);
    const { scrapes, gaps, entries } = await readAll(log, early.position);
    expect(entries[0]).toEqual({ kind: 'gap', gap: { from: early.position + 1, to: gaps[0]?.to, reason: 'evicted' } });
    expect(gaps).toHaveLength(1);
    expectTail(scrapes, written);
    expect(status.counters.evicted).toBe(1500 - scrapes.length);
    expect(world.metrics.values.get('agent_lite_log_evicted_records_total{"receiver":"edge"}')).toBe(status.counters.evicted);
    expect(log.backlog(early.position)).toMatchObject({ records: scrapes.length, oldestMs: scrapes[0]?.wallMs });
  });

  it('by age, told by the boot clock within one boot', async () => {
    const { world, fill } = fixture();
    const log = await world.open(new MemoryStore(), { ...small, maxAgeMs: 3_600_000 });
    const written = await fill(log, 200);
    // The clock was a week behind and is set right: nothing is older for it.
    world.clock.stepWall(7 * 86_400_000);
    written.push(...(await fill(log, 10)));
    expect((await readAll(log)).scrapes).toHaveLength(210);
    await world.clock.advance(3_500_000);
    written.push(...(await fill(log, 100)));
    const { scrapes, gaps } = await readAll(log);
    expectTail(scrapes, written);
    expect(scrapes.length).toBeLessThan(310);
    expect(gaps).toMatchObject([{ from: 1, reason: 'evicted' }]);
    const oldest = scrapes[0]?.bootMs ?? 0;
    expect(world.clock.boot() - oldest).toBeLessThan(3_600_000 * 1.2);
  });

  it('by age over a reboot, never by a wall time that makes no sense', async () => {
    const { world, fill } = fixture();
    const store = new MemoryStore();
    world.clock.stepWall(-world.clock.now());
    const first = await world.open(store, { ...small, maxAgeMs: 3_600_000 });
    await fill(first, 10);
    await first.close();
    world.clock.reboot('f'.repeat(32));
    world.clock.stepWall(1_700_000_000_000);
    const second = await world.open(store, { ...small, maxAgeMs: 3_600_000 });
    await fill(second, 10);
    expect((await readAll(second)).scrapes).toHaveLength(20);
    await second.close();
    world.clock.reboot('e'.repeat(32));
    world.clock.stepWall(4_000_000);
    const third = await world.open(store, { ...small, maxAgeMs: 3_600_000 });
    await fill(third, 10);
    expect((await readAll(third)).scrapes).toHaveLength(20);
  });

  it('acknowledged segments go, but only when every receiver has them', async () => {
    const { world, fill } = fixture();
    const log = await world.open(new MemoryStore(), small);
    await fill(log, 300);
    const { segments } = log.status();
    expect(segments).toBeGreaterThan(4);
    await log.moveCursor('slow', { position: 0, chain: '0'.repeat(16) });
    await log.moveCursor('edge', log.head());
    expect(log.status().segments).toBe(segments);
    await log.retainCursors(['edge']);
    expect(log.status().segments).toBe(1);
    expect(log.status().counters.evicted).toBe(0);
    expect((await readAll(log, log.cursor('edge').position)).entries).toEqual([]);
  });

  it('a receiver that has not moved its cursor yet keeps what there is, over a restart too', async () => {
    const { world, fill } = fixture();
    const store = new MemoryStore();
    const log = await world.open(store, small);
    await log.retainCursors(['edge', 'new']);
    await fill(log, 300);
    await log.moveCursor('edge', log.head());
    expect((await readAll(log, log.cursor('new').position)).scrapes).toHaveLength(300);
    await log.close();
    const again = await world.open(store, small);
    await again.moveCursor('edge', again.head());
    expect((await readAll(again, again.cursor('new').position)).scrapes).toHaveLength(300);
  });

  it('a set-aside copy can be read alone, counts, and is the first to go', async () => {
    const { world, fill } = fixture();
    const store = new MemoryStore();
    const log = await world.open(store, small);
    await fill(log, 100);
    const { scrapes } = await readAll(log);
    const [from, to] = [scrapes[30]?.position ?? 0, scrapes[90]?.position ?? 0];
    await log.setAside(from, to, 'refused: malformed');
    const files = await store.list('set-aside');
    // The range lies in two segments.
    expect(files).toHaveLength(2);
    const kept: unknown[] = [];
    for (const { name, bytes } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const copy = await readSetAside(store, name, bytes);
      expect(copy.note).toEqual({ reason: 'refused: malformed', wallMs: world.clock.now() });
      kept.push(...copy.scrapes);
    }
    expect(kept).toEqual(scrapes.slice(30, 91).map(plain));
    expect(log.status().setAsideBytes).toBe(files.reduce((sum, { bytes }) => sum + bytes, 0));
    await fill(log, 1500);
    expect(log.status()).toMatchObject({ setAsideFiles: 0, counters: { setAsideEvicted: 2 } });
    expect(log.status().bytes).toBeLessThanOrEqual(small.limitBytes);
  });
});

describe('a store that fails', () => {
  it('a full disk: the oldest goes, and appending goes on', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, small);
    const written = await fill(log, 300);
    store.capacity = 20_000;
    written.push(...(await fill(log, 300)));
    expect(log.status()).toMatchObject({ mode: 'file' });
    expect(log.status().counters.writeErrors).toBeGreaterThan(0);
    const { scrapes, gaps } = await readAll(log);
    expect(gaps).toMatchObject([{ from: 1, reason: 'evicted' }]);
    expectTail(scrapes, written);
    expect(log.status().counters.evicted).toBe(600 - scrapes.length);
    const again = await world.open(await store.kill(), small);
    expectTail((await readAll(again)).scrapes, written);
  });

  for (const operation of ['append', 'create', 'sync', 'replaceFile'] as const) {
    it(`${operation} fails for good: on in memory, then back on the disk with everything`, async () => {
      const { world, fill } = fixture();
      const store = new UnreliableStore();
      const log = await world.open(store, small);
      const written = await fill(log, 100);
      const broken = operation === 'replaceFile' ? ['replaceFile'] : [operation, 'create'];
      store.fault = (called) => (broken.includes(called) ? 'failed' : undefined);
      written.push(...(await fill(log, 200)));
      if (operation === 'replaceFile') await log.moveCursor('edge', { position: 0, chain: '0'.repeat(16) });
      expect(log.status()).toMatchObject({ mode: 'memory', reason: expect.stringContaining('injected') });
      expect(world.metrics.values.get('agent_lite_log_in_memory')).toBe(1);
      // Everything can still be read, and acknowledged.
      const during = await readAll(log);
      expect(during.scrapes.map(plain)).toEqual(written.map(plain));
      const point = during.scrapes[250];
      await log.moveCursor('edge', { position: point?.position ?? 0, chain: point?.chain ?? '' });
      await world.clock.advance(30_000);
      expect(log.status().mode).toBe('memory');
      store.fault = undefined;
      await world.clock.advance(30_000);
      expect(log.status()).toMatchObject({ mode: 'file', reason: undefined });
      expect(world.metrics.values.get('agent_lite_log_in_memory')).toBe(0);
      written.push(...(await fill(log, 100)));

      const again = await world.open(await store.powerCut((_, unsynced) => unsynced), small);
      expect(again.cursor('edge').position).toBe(point?.position);
      const after = await readAll(again, point?.position);
      expect(after.gaps).toEqual([]);
      expect(after.scrapes.map(plain)).toEqual(written.slice(251).map(plain));
    });
  }

  it('memory is bounded: the oldest of it goes, told as evicted', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, { ...small, limitBytes: 1 << 20 });
    const before = await fill(log, 100);
    store.fault = (called) => (called === 'append' || called === 'create' ? 'failed' : undefined);
    const after = await fill(log, 1600);
    const { scrapes, gaps } = await readAll(log);
    expect(gaps).toMatchObject([{ reason: 'evicted' }]);
    expect(scrapes.slice(0, 100).map(plain)).toEqual(before.map(plain));
    expectTail(scrapes.slice(100), after);
    expect(scrapes.length).toBeLessThan(1700);
    expect(log.status().counters.evicted).toBe(1700 - scrapes.length);
    store.fault = undefined;
    await world.clock.advance(30_000);
    expect((await readAll(log)).scrapes.map(plain)).toEqual(scrapes.map(plain));
  });

  it('a read-only disk at the start: what is there is sent, what comes is kept in memory', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const first = await world.open(store, small);
    const written = await fill(first, 100);
    await first.close();
    store.fault = (called) =>
      ['lock', 'append', 'create', 'replaceFile', 'remove', 'truncate', 'sync'].includes(called) ? 'failed' : undefined;
    const log = await world.open(store, small);
    expect(log.status().mode).toBe('memory');
    expect(log.logId).toBe(first.logId);
    written.push(...(await fill(log, 20)));
    expect((await readAll(log)).scrapes.map(plain)).toEqual(written.map(plain));
    const forked = await log.fork();
    expect(log.logId).toBe(forked);
    written.push(...(await fill(log, 20)));
    await log.moveCursor('edge', (await readAll(log)).scrapes[119] ?? log.head());
    store.fault = undefined;
    await log.close();
    const again = await world.open(store, small);
    expect(again.logId).toBe(forked);
    const rest = await readAll(again, again.cursor('edge').position);
    expect(rest.gaps).toEqual([]);
    expect(rest.scrapes.map(plain)).toEqual(written.slice(120).map(plain));
  });

  it('a read that fails is an error and no gap', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, small);
    const written = await fill(log, 30);
    store.fault = (called) => (called === 'read' ? 'failed' : undefined);
    await expect(readAll(log)).rejects.toMatchObject({ reason: 'failed' });
    await world.clock.advance(3_600_000);
    // The whole disk is away, however long: nothing is given up.
    await expect(readAll(log)).rejects.toMatchObject({ reason: 'failed' });
    store.fault = undefined;
    expect((await readAll(log)).scrapes.map(plain)).toEqual(written.map(plain));
  });

  it('a block that stays bad while its file can be read is given up after ten minutes', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, { ...small, segmentBytes: 64 * 1024, limitBytes: 1 << 20 });
    const written = await fill(log, 400);
    const read = store.read.bind(store);
    store.read = async (area, name, offset, length) => {
      if (offset < 9000 && offset + length > 8500) throw new StoreError('failed', 'EIO: bad block');
      return read(area, name, offset, length);
    };
    await expect(readAll(log)).rejects.toMatchObject({ reason: 'failed' });
    await world.clock.advance(600_000);
    const { scrapes, gaps } = await readAll(log);
    expect(gaps).toMatchObject([{ reason: 'damaged' }]);
    expect(log.status().counters.damaged).toBeGreaterThan(0);
    const truth = new Map(written.map((scrape) => [scrape.wallMs, plain(scrape)]));
    for (const { position: _, chain: __, ...scrape } of scrapes) expect(plain(scrape)).toEqual(truth.get(scrape.wallMs));
    expect(scrapes.length).toBeGreaterThan(250);
  });

  it('a bad block at the start: the rest is read, and nothing is cut', async () => {
    const { world, fill } = fixture();
    const big = { ...small, segmentBytes: 64 * 1024, limitBytes: 1 << 20 };
    for (const [from, to] of [
      [20_000, 20_100],
      [0, 100],
      [23_000, 1 << 20],
    ] as const) {
      const first = new UnreliableStore();
      const log = await world.open(first, big);
      const written = await fill(log, 400);
      const store = await first.kill();
      const [entry = { name: '', bytes: 0 }] = await store.now.list('wal');
      expect(entry.bytes).toBeGreaterThan(24_000);
      const read = store.read.bind(store);
      store.read = async (area, name, offset, length) => {
        if (name === entry.name && offset < to && offset + length > from) throw new StoreError('failed', 'EIO: bad block');
        return read(area, name, offset, length);
      };
      const again = await world.open(store, big);
      expect(again.logId).toBe(log.logId);
      expect(store.calls.some((call) => call.startsWith('truncate'))).toBe(false);
      const more = await fill(again, 10);
      await world.clock.advance(600_000);
      const reading = readAll(again, 0);
      await reading.catch(() => undefined);
      await world.clock.advance(600_000);
      const { scrapes } = await readAll(again);
      const truth = new Map([...written, ...more].map((scrape) => [scrape.wallMs, plain(scrape)]));
      for (const scrape of scrapes) expect(plain(scrape)).toEqual(truth.get(scrape.wallMs));
      // In the worst of the three cases some 23,000 bytes are left, at about 84 a scrape.
      expect(scrapes.length).toBeGreaterThan(270);
      expectTail(scrapes.slice(-10), more);
    }
  });

  it('a store of which nothing can be read is an error, and its lock is let go', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, small);
    const written = await fill(log, 100);
    const again = await store.kill();
    again.fault = (called) => (called === 'read' ? 'failed' : undefined);
    await expect(world.open(again, small)).rejects.toMatchObject({ name: 'StoreError' });
    again.fault = undefined;
    expect((await readAll(await world.open(again, small))).scrapes.map(plain)).toEqual(written.map(plain));
  });

  it('a file deleted by hand is told, and the log goes on', async () => {
    const { world, fill } = fixture();
    const store = new UnreliableStore();
    const log = await world.open(store, small);
    const written = await fill(log, 200);
    const names = (await store.now.list('wal')).map(({ name }) => name).sort();
    await store.now.remove('wal', names[1] ?? '');
    const got = await readAll(log);
    expect(got.gaps).toMatchObject([{ reason: 'damaged' }]);
    expect(log.status().counters.damaged).toBe(1);
    const lost = written.length - got.scrapes.length;
    expect(lost).toBeGreaterThan(20);
    const after = await fill(log, 10);
    expectTail((await readAll(log)).scrapes.slice(-10), after);
  });
});
