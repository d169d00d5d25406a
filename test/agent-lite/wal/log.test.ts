import { describe, expect, it } from 'vitest';
import type { Scrape } from '../../../agent-lite/model.ts';
import { MemoryStore } from '../../../agent-lite/wal/memory-store.ts';
import { NO_CHAIN, type Point } from '../../../contract/push.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { logWorld, numbered, plain, readAll, scrapeOf, tableOf, targetOf } from '../../fakes/wal.ts';

const table = await tableOf('a', 'b', 'c', 'd');

async function fill(world: ReturnType<typeof logWorld>, log: { append(s: Scrape): Promise<unknown> }, count: number, targets = ['x:1']) {
  const written: Scrape[] = [];
  for (let n = 1; n <= count; n++) {
    await world.clock.advance(15_000);
    const scrape = numbered(n, world.clock, targetOf(targets[n % targets.length] as string), table);
    await log.append(scrape);
    written.push(scrape);
  }
  return written;
}

describe('a log', () => {
  it('is empty at first', async () => {
    const world = logWorld();
    const log = await world.open(new MemoryStore());
    expect(log.head()).toEqual({ position: 0, chain: NO_CHAIN });
    expect(log.logId).toMatch(/^[0-9a-f]{32}$/);
    expect((await readAll(log)).entries).toEqual([]);
    expect(log.backlog(0)).toEqual({ records: 0, bytes: 0, oldestMs: undefined });
    expect(log.cursor('edge')).toEqual({ position: 0, chain: NO_CHAIN });
    expect(log.status()).toMatchObject({ mode: 'file', segments: 1, counters: { written: 0, damaged: 0 } });
    await log.close();
  });

  it('gives back every scrape with its bits, in order', async () => {
    const world = logWorld();
    const log = await world.open(new MemoryStore());
    const written = await fill(world, log, 100, ['x:1', 'y:1', 'z:1']);
    const { scrapes, gaps } = await readAll(log);
    expect(gaps).toEqual([]);
    expect(scrapes.map(plain)).toEqual(written.map(plain));
    expect(scrapes.at(-1)).toMatchObject(log.head());
    for (const scrape of scrapes.slice(0, 5)) expect(await log.chainAt(scrape.position)).toBe(scrape.chain);
    const half = scrapes[49]?.position ?? 0;
    expect((await readAll(log, half)).scrapes.map(plain)).toEqual(written.slice(50).map(plain));
    // The copies of targets, boot and table that follow their second use are counted along.
    expect(log.backlog(half).records).toBeGreaterThanOrEqual(50);
    expect(log.backlog(half).records).toBeLessThanOrEqual(50 + 5);
    expect(log.backlog(log.head().position)).toEqual({ records: 0, bytes: 0, oldestMs: undefined });
    await log.close();
  });

  it('keeps scrapes without a table, and tables that change', async () => {
    const world = logWorld();
    const log = await world.open(new MemoryStore());
    const other = await tableOf('a', 'b');
    const target = targetOf('x:1');
    const written = [
      scrapeOf(world.clock, target, undefined, []),
      scrapeOf(world.clock, target, table, [1, 2, 'stale', undefined]),
      scrapeOf(world.clock, target, other, [-0, Number.NaN]),
      scrapeOf(world.clock, target, other, [-0, Number.POSITIVE_INFINITY]),
      scrapeOf(world.clock, target, undefined, []),
      scrapeOf(world.clock, target, table, [1, 2, 'stale', 5e-324]),
    ];
    for (const scrape of written) await log.append(scrape);
    expect((await readAll(log)).scrapes.map(plain)).toEqual(written.map(plain));
    await log.close();
  });

  it('takes appends in the order of the calls, and is read while it grows, turns over and is acknowledged', async () => {
    const world = logWorld();
    const log = await world.open(new MemoryStore(), { segmentBytes: 2048, limitBytes: 1 << 20 });
    const written = await fill(world, log, 50);
    const reading = log.read(0)[Symbol.asyncIterator]();
    const got: Scrape[] = [];
    const more: Promise<Point>[] = [];
    for (let entry = await reading.next(); !entry.done; entry = await reading.next()) {
      if (entry.value.kind !== 'scrape') throw new Error(`expected no gap, got ${JSON.stringify(entry.value)}`);
      const { scrape } = entry.value;
      got.push(scrape);
      more.push(log.append(numbered(100 + got.length, world.clock, targetOf('x:1'), table)));
      if (got.length % 10 === 0) await log.moveCursor('edge', { position: scrape.position, chain: scrape.chain });
    }
    expect(got.map(plain)).toEqual(written.map(plain));
    const positions = (await Promise.all(more)).map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect((await readAll(log, log.cursor('edge').position)).scrapes.map(({ position }) => position)).toEqual(positions);
    await log.close();
  });

  it('is read one segment after the other, none before its turn', async () => {
    const world = logWorld();
    const store = new UnreliableStore();
    const log = await world.open(store, { segmentBytes: 2048, limitBytes: 1 << 20 });
    await fill(world, log, 200);
    const segments = (await store.list('wal')).map(({ name }) => Number(name.slice(0, 16))).sort((a, b) => a - b);
    expect(segments.length).toBeGreaterThan(5);
    store.calls.length = 0;
    for await (const entry of log.read(0)) {
      if (entry.kind !== 'scrape') throw new Error(`expected no gap, got ${JSON.stringify(entry)}`);
      const read = store.calls.filter((call) => call.startsWith('read ')).map((call) => Number(/\d{16}/.exec(call)?.[0]));
      expect(Math.max(...read)).toBe(segments.findLast((first) => first <= entry.scrape.position));
    }
    await log.close();
  });

  it('refuses a cursor that is no point of this log', async () => {
    const world = logWorld();
    const log = await world.open(new MemoryStore());
    await fill(world, log, 3);
    const { position, chain } = log.head();
    await expect(log.moveCursor('edge', { position: position + 1, chain })).rejects.toThrow(/expected at most position/);
    await expect(log.moveCursor('edge', { position: position - 1, chain })).rejects.toThrow(/expected chain/);
    expect(log.cursor('edge').position).toBe(0);
    await log.moveCursor('edge', { position, chain });
    expect(log.cursor('edge')).toEqual({ position, chain });
    await log.close();
  });
});
