import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LoggedScrape } from '../../../agent-lite/model.ts';
import type { Log } from '../../../agent-lite/wal/options.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { type Behaviour, FakeEdge } from '../../fakes/edge.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { type LogWorld, logWorld, readAll } from '../../fakes/wal.ts';
import { isOwed, MemoryClockStore, NOW, numberOf, type Rig, rig } from './rig.ts';
import { scrape, tableOf, target } from './scrapes.ts';

/**
 * One device over the real log: outages, lost acknowledgements, windows that change, and ends of the process at any point, its
 * cursors written or not. Every record arrives exactly once, each stream in order, and nothing goes before it has arrived.
 */
const tables = [await tableOf('x'), await tableOf('x', 'y')];
const TARGETS = ['a', 'b'];
const HOUR = 3_600_000;

type Command =
  | { readonly do: 'scrapes'; readonly count: number; readonly table: number }
  | { readonly do: 'outage'; readonly minutes: number; readonly scrapes: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'network'; readonly behaviour: Behaviour; readonly times: number }
  | { readonly do: 'window'; readonly ms: number }
  | { readonly do: 'end'; readonly by: 'kill' | 'power_cut' }
  /** At one of the next moves of the cursors: before they are written, or after and before anything else. */
  | { readonly do: 'crash'; readonly after: number; readonly written: boolean; readonly by: 'kill' | 'power_cut' };

const by = fc.constantFrom('kill' as const, 'power_cut' as const);
const network: readonly Behaviour[] = ['lose_answer', 'lose_request', { code: 'busy' }, { code: 'too_large', named: false }];
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('scrapes' as const), count: fc.integer({ min: 1, max: 12 }), table: fc.nat(1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('outage' as const),
      minutes: fc.integer({ min: 1, max: 150 }),
      scrapes: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 90 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('network' as const),
      behaviour: fc.constantFrom(...network),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('window' as const), ms: fc.constantFrom(0, HOUR, 4 * HOUR, 400 * HOUR) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), by }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), after: fc.nat(6), written: fc.boolean(), by }) },
);

class World {
  readonly clock = new ManualClock({ now: NOW });
  readonly logs: LogWorld = logWorld(this.clock);
  readonly edge = new FakeEdge({ now: () => this.clock.now() });
  readonly clockStore = new MemoryClockStore();
  readonly owed = new Set<number>();
  readonly early: number[] = [];
  store = new UnreliableStore();
  log: Log | undefined;
  rig: Rig | undefined;
  mostStreams = 0;
  #scraped = 0;
  #crash: { after: number; readonly written: boolean } | undefined;

  constructor() {
    this.edge.freshWindowMs = 4 * HOUR;
  }

  async start(): Promise<void> {
    const log = await this.logs.open(this.store, { limitBytes: 16 * 1024 * 1024, segmentBytes: 4 * 1024, sync: 'interval' });
    const move = log.moveStreams.bind(log);
    log.moveStreams = async (receiver, streams) => {
      const held = this.held();
      for (const record of (await readAll(log)).scrapes)
        if (!isOwed(streams, record.position) && !held.includes(idOf(record))) this.early.push(idOf(record));
      this.mostStreams = Math.max(this.mostStreams, streams.length);
      const crash = this.#crash;
      if (crash !== undefined && crash.after-- === 0) {
        // The process has no more say: what it would send now does not arrive.
        this.edge.always = 'lose_request';
        this.edge.script.length = 0;
        if (crash.written) await move(receiver, streams);
        throw new Error('the process ends here');
      }
      return move(receiver, streams);
    };
    this.log = log;
    this.rig = rig({ clock: this.clock, edge: this.edge, reader: log, store: this.clockStore, maxCellsPerPush: 60 });
    this.rig.pusher.start();
  }

  held(): readonly number[] {
    return TARGETS.flatMap((name) => (this.rig?.stored('x', name) ?? []).map(numberOf));
  }

  async end(how: 'kill' | 'power_cut'): Promise<void> {
    this.edge.always = 'lose_request';
    this.edge.script.length = 0;
    await this.rig?.pusher.stop(0);
    this.edge.always = 'ok';
    this.#crash = undefined;
    this.store = how === 'kill' ? await this.store.kill() : await this.store.powerCut();
    await this.start();
    if (how === 'kill' || this.log === undefined) return;
    // What was not synced is gone, and was never made known to anybody; cursors may be older than what was acknowledged.
    const kept = new Set([...(await readAll(this.log)).scrapes.map(idOf), ...this.held()]);
    for (const id of this.owed) if (!kept.has(id)) this.owed.delete(id);
  }

  async scrapes(count: number, everyMs: number, which: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.clock.advance(everyMs);
      const id = ++this.#scraped;
      this.owed.add(id);
      await this.log?.append(scrape(this.clock, { target: target(TARGETS[id % 2] ?? ''), table: tables[which], value: id }));
    }
  }

  async do(step: Command): Promise<void> {
    switch (step.do) {
      case 'scrapes':
        return this.scrapes(step.count, 5_000, step.table);
      case 'wait':
        return this.clock.advance(step.seconds * 1000);
      case 'window':
        this.edge.freshWindowMs = step.ms;
        return;
      case 'network':
        for (let i = 0; i < step.times; i++) this.edge.script.push(step.behaviour);
        return;
      case 'outage':
        this.edge.always = 'lose_request';
        await this.scrapes(step.scrapes, Math.round((step.minutes * 60_000) / step.scrapes), 0);
        this.edge.always = 'ok';
        return;
      case 'end':
        return this.end(step.by);
      case 'crash':
        this.#crash = { after: step.after, written: step.written };
        // Backlog enough for as many pushes, so that it happens in the middle.
        await this.scrapes(16, 15_000, 0);
        await this.clock.advance(60_000);
        return this.end(step.by);
    }
  }
}

const idOf = (record: LoggedScrape): number => record.cells?.floats[0] ?? 0;

let jumped = 0;

it('delivers every record exactly once, each stream in order, and passes nothing that has not arrived', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 25 }), async (commands) => {
      const world = new World();
      await world.start();
      for (const step of commands) await world.do(step);
      world.edge.script.length = 0;
      await world.end('kill');
      await world.scrapes(1, 1_000, 0);
      await world.clock.advance(30 * 60_000);
      expect([...world.held()].sort((a, b) => a - b)).toEqual([...world.owed]);
      expect(world.edge.disorder).toBe(0);
      expect(world.early).toEqual([]);
      expect(world.rig?.pusher.status()).toMatchObject({ state: 'ok', failures: 0, backlogRecords: 0, behindRecords: 0 });
      expect(world.log?.streams('edge')).toMatchObject([{ at: world.log?.head(), end: undefined }]);
      if (world.mostStreams > 1) jumped++;
      await world.rig?.pusher.stop(0);
      await world.log?.close();
    }),
    { numRuns: 60 },
  );
  // Histories without a jump would show nothing.
  expect(jumped).toBeGreaterThan(20);
}, 120_000);
