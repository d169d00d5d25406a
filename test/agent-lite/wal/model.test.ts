import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LoggedScrape } from '../../../agent-lite/model.ts';
import type { Log, LogOptions } from '../../../agent-lite/wal/options.ts';
import type { Exemplar } from '../../../contract/exemplar.ts';
import type { FamilyMetadata } from '../../../contract/metadata.ts';
import type { Point } from '../../../contract/push.ts';
import { exemplars as anyExemplars } from '../../contract/attachments.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { type LogWorld, logWorld, plain, readAll, scrapeOf, tableOf, targetOf } from '../../fakes/wal.ts';

/** Random histories of a log against what must hold whatever happens. */
type Step =
  | {
      readonly do: 'append';
      readonly target: number;
      readonly table: number;
      readonly values: readonly (number | 'stale' | undefined)[];
      readonly exemplars: readonly Exemplar[];
      readonly metadata: number | undefined;
    }
  | { readonly do: 'move'; readonly receiver: string; readonly share: number }
  | { readonly do: 'read'; readonly share: number }
  | { readonly do: 'sync' | 'fork' | 'close' | 'kill' | 'diskBack' }
  | { readonly do: 'powerCut'; readonly torn: number }
  | { readonly do: 'diskSize'; readonly bytes: number }
  | { readonly do: 'diskFails'; readonly operation: 'append' | 'create' | 'sync' | 'replaceFile' };

const tables = [await tableOf('a', 'b', 'c'), await tableOf('a', 'b', 'd')];

const metadata: readonly (readonly FamilyMetadata[])[] = [
  [{ family: 'a', type: 'counter', help: 'One.', unit: '' }],
  [{ family: 'a', type: 'counter', help: 'Another.', unit: 'seconds' }],
  [],
];

const value = fc.oneof(fc.integer({ min: -5, max: 1000 }), fc.double(), fc.constant('stale' as const), fc.constant(undefined));
const append = fc.record({
  do: fc.constant('append' as const),
  target: fc.nat(2),
  table: fc.constantFrom(0, 0, 0, 1, 2),
  values: fc.tuple(value, value, value),
  exemplars: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: anyExemplars(3) }),
  metadata: fc.constantFrom(undefined, undefined, undefined, 0, 1, 2),
});
const share = fc.double({ min: 0, max: 1, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 30, arbitrary: append },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move' as const), receiver: fc.constantFrom('a', 'b'), share }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read' as const), share }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('sync' as const, 'fork' as const, 'close' as const, 'kill' as const, 'diskBack' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('powerCut' as const), torn: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('diskSize' as const), bytes: fc.integer({ min: 200, max: 8000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('diskFails' as const),
      operation: fc.constantFrom('append' as const, 'create' as const, 'sync' as const, 'replaceFile' as const),
    }),
  },
);

class History {
  readonly world: LogWorld = logWorld();
  readonly options: Partial<LogOptions>;
  store = new UnreliableStore();
  log: Log;
  /** The metadata of each target that this process was told of. */
  readonly current = new Map<number, readonly FamilyMetadata[]>();
  /** Everything ever appended that may still be there. */
  records: LoggedScrape[] = [];
  /** Up to here records must survive a power cut. */
  durableThrough = 0;
  /** The greatest position ever given. */
  used = 0;
  broken: string | undefined;
  /** Something was lost on purpose since the log was made. */
  lossy = false;
  /** The furthest that any cursor ever was. */
  acknowledged = 0;
  /** The disk was too small once. */
  evicted = false;

  constructor(log: Log, world: LogWorld, store: UnreliableStore, options: Partial<LogOptions>) {
    this.world = world;
    this.log = log;
    this.store = store;
    this.options = options;
  }

  at(share: number): Point {
    const record = this.records[Math.floor(share * this.records.length)];
    return record === undefined ? { position: 0, chain: '0'.repeat(16) } : { position: record.position, chain: record.chain };
  }

  async run(step: Step): Promise<void> {
    const { log, world } = this;
    await world.clock.advance(997);
    switch (step.do) {
      case 'append': {
        const table = tables[step.table];
        const plainly = scrapeOf(world.clock, targetOf(`t${step.target}`), table, table === undefined ? [] : step.values);
        const given = step.metadata === undefined ? undefined : metadata[step.metadata];
        const scrape = { ...plainly, exemplars: table === undefined ? [] : step.exemplars, metadata: given };
        if (given !== undefined) this.current.set(step.target, given);
        const point = await log.append(scrape);
        expect(point.position).toBeGreaterThan(this.used);
        this.used = point.position;
        const current = this.current.get(step.target);
        this.records.push({ ...scrape, ...point, metadata: current?.length === 0 ? undefined : current });
        return;
      }
      case 'read':
        return this.check(this.at(step.share).position);
      case 'move': {
        const to = this.at(step.share);
        if (to.position > log.head().position) return;
        await log.moveCursor(step.receiver, to);
        expect(log.cursor(step.receiver)).toEqual(to);
        this.acknowledged = Math.max(this.acknowledged, to.position);
        return;
      }
      case 'sync':
        await log.sync();
        if (log.status().mode === 'file') this.durableThrough = this.used;
        return;
      case 'fork': {
        const before = log.logId;
        expect(await log.fork()).toBe(log.logId);
        expect(log.logId).not.toBe(before);
        if (log.status().mode === 'file') this.durableThrough = this.used;
        return;
      }
      case 'close':
      case 'kill':
        return this.reopen(step.do);
      case 'powerCut':
        return this.reopen('powerCut', step.torn);
      case 'diskFails':
        this.broken = step.operation;
        this.store.fault = (operation) => (operation === step.operation || operation === 'create' ? 'failed' : undefined);
        return;
      case 'diskSize':
        this.store.capacity = step.bytes;
        return;
      case 'diskBack':
        this.store.fault = undefined;
        this.store.capacity = Number.POSITIVE_INFINITY;
        await world.clock.advance(30_000);
        expect(log.status().mode).toBe('file');
        return;
    }
  }

  async reopen(how: 'close' | 'kill' | 'powerCut', torn = 0): Promise<void> {
    const wasFile = this.log.status().mode === 'file';
    this.store.fault = undefined;
    this.store.capacity = Number.POSITIVE_INFINITY;
    const { logId } = this.log;
    this.evicted ||= this.log.status().counters.evicted > 0;
    if (how === 'close') await this.log.close();
    else if (how === 'kill') this.store = await this.store.kill();
    else this.store = await this.store.powerCut((_, unsynced) => Math.min(torn, unsynced));
    this.log = await this.world.open(this.store, this.options);
    this.current.clear();
    if (wasFile || how === 'close') expect(this.log.logId).toBe(logId);
    expect(this.log.status().mode).toBe('file');
    const { scrapes } = await readAll(this.log);
    const there = new Set(scrapes.map(({ position }) => position));
    const gone = this.records.filter(({ position }) => !there.has(position));
    if (how === 'kill' && !wasFile) this.lossy = true;
    if (how === 'powerCut') {
      if (wasFile) for (const { position } of gone) expect(position).toSatisfy((p: number) => p > this.durableThrough || this.isDone(p));
      this.lossy = true;
    }
    if (this.lossy) this.records = this.records.filter(({ position }) => there.has(position));
    this.durableThrough = how === 'close' ? this.used : Math.min(this.durableThrough, this.used);
    await this.check(0);
  }

  /** Acknowledged by all, so it may have been removed; or evicted, which the reader is told. */
  isDone(position: number): boolean {
    return position <= this.acknowledged || this.evicted;
  }

  async check(after: number): Promise<void> {
    const { scrapes, gaps, entries } = await readAll(this.log, after);
    const expected = new Map(this.records.filter(({ position }) => position > after).map((record) => [record.position, record]));
    let last = after;
    for (const entry of entries) {
      const from = entry.kind === 'scrape' ? entry.scrape.position : entry.gap.from;
      expect(from).toBeGreaterThan(last);
      last = entry.kind === 'scrape' ? entry.scrape.position : entry.gap.to;
    }
    for (const scrape of scrapes) {
      const record = expected.get(scrape.position) as LoggedScrape;
      expect({ position: scrape.position, chain: scrape.chain, scrape: plain(scrape) }).toEqual({
        position: record.position,
        chain: record.chain,
        scrape: plain(record),
      });
      expected.delete(scrape.position);
    }
    for (const position of expected.keys()) {
      const told = gaps.some(({ from, to }) => from <= position && position <= to);
      if (!told) throw new Error(`record ${position} is missing in silence: ${JSON.stringify(gaps)}`);
    }
    if (!this.lossy && expected.size === 0) for (const gap of gaps) expect(gap.reason).toBe('evicted');
    const record = scrapes[scrapes.length >> 1];
    if (record !== undefined) expect(await this.log.chainAt(record.position)).toBe(record.chain);
    const backlog = this.log.backlog(after);
    expect(backlog.records).toBeGreaterThanOrEqual(scrapes.length);
    expect(backlog.records).toBeLessThanOrEqual(scrapes.length + 8 + (this.lossy ? 1000 : 0));
    if (after >= this.log.head().position) expect(backlog.records).toBe(0);
  }
}

const history = (options: Partial<LogOptions>, runs: number) => async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 150, size: 'max' }), async (steps) => {
      const world = logWorld();
      const store = new UnreliableStore();
      const subject = new History(await world.open(store, options), world, store, options);
      for (const each of steps) await subject.run(each);
      subject.store.fault = undefined;
      await subject.check(0);
      await subject.log.close();
    }),
    { numRuns: runs },
  );
};

it('random histories, with room for everything', history({ segmentBytes: 1500, limitBytes: 1 << 20, syncIntervalMs: 20_000 }, 40));
it('random histories, synced always', history({ segmentBytes: 1500, limitBytes: 1 << 20, sync: 'always' }, 15));
