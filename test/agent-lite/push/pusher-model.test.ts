import fc from 'fast-check';
import { expect, it } from 'vitest';
import { labelValue } from '../../../contract/labels.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { type Behaviour, FakeEdge } from '../../fakes/edge.ts';
import { FakeLog } from '../../fakes/log.ts';
import { isOwed, MemoryClockStore, NOW, numberOf, type Rig, rig } from './rig.ts';
import { scrape, tableOf, target } from './scrapes.ts';

/**
 * Everything that happens to devices and networks, in any order. Afterwards, with a good network: every record that is still
 * in some log has arrived with its value and time, nothing else has, and no cursor ever passed a record that had not.
 */
const tables = [await tableOf('x'), await tableOf('x', 'y')];
const TARGETS = ['a', 'b', 'c'];

type Command =
  | { readonly do: 'append'; readonly agent: number; readonly target: number; readonly table: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'network'; readonly behaviour: Behaviour; readonly times: number }
  | { readonly do: 'restart' | 'delete' | 'clone' | 'damage' | 'forget'; readonly agent: number }
  | { readonly do: 'cut'; readonly agent: number; readonly more: number }
  | { readonly do: 'outage'; readonly on: boolean };

const agent = fc.nat(2);
const behaviours: readonly Behaviour[] = [
  'lose_answer',
  'lose_request',
  { code: 'busy' },
  { code: 'too_large', named: false },
  { code: 'stored', named: false },
  { status: 200, type: 'text/html', body: '<html></html>' },
  { status: 403, type: 'text/html', body: '<html></html>' },
];
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('append' as const), agent, target: fc.nat(2), table: fc.nat(1) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 100 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('network' as const),
      behaviour: fc.constantFrom(...behaviours),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('outage' as const), on: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'delete' as const, 'damage' as const, 'forget' as const), agent }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clone' as const), agent }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), agent, more: fc.nat(4) }) },
);

class World {
  readonly clock = new ManualClock({ now: NOW });
  readonly edge = new FakeEdge({ now: () => this.clock.now() });
  readonly agents: Rig[] = [];
  /** Record number -> what it was. */
  readonly appended = new Map<number, { readonly target: string; readonly ms: number }>();
  readonly early: string[] = [];
  #seeds = 0;

  seed(): string {
    return (++this.#seeds).toString(16).padStart(8, '0');
  }

  run(log: FakeLog, store = new MemoryClockStore()): Rig {
    const move = log.moveStreams.bind(log);
    log.moveStreams = (receiver, streams) => {
      const held = this.held();
      for (const record of log.records) {
        const id = record.cells?.floats[0] ?? 0;
        if (!isOwed(streams, record.position) && !held.has(id)) this.early.push(`${log.logId} ${record.position}`);
      }
      return move(receiver, streams);
    };
    const made = rig({ clock: this.clock, edge: this.edge, log, store, maxCellsPerPush: 40 });
    made.pusher.start();
    return made;
  }

  held(): Map<number, { readonly target: string; readonly ms: number }> {
    const held = new Map<number, { readonly target: string; readonly ms: number }>();
    for (const name of TARGETS) {
      const samples = this.agents[0]?.stored('x', name) ?? [];
      for (const sample of samples) held.set(numberOf(sample), { target: name, ms: sample.ms });
    }
    return held;
  }

  /** Ends an agent without a chance to say goodbye. */
  async kill(r: Rig): Promise<void> {
    const { always } = this.edge;
    this.edge.always = 'lose_request';
    await r.pusher.stop(0);
    this.edge.always = always;
  }

  async do(step: Command): Promise<void> {
    if (step.do === 'wait') return this.clock.advance(step.seconds * 1000);
    if (step.do === 'outage') {
      this.edge.always = step.on ? 'lose_request' : 'ok';
      return;
    }
    if (step.do === 'network') {
      for (let i = 0; i < step.times; i++) this.edge.script.push(step.behaviour);
      return;
    }
    const index = step.agent % this.agents.length;
    const r = this.agents[index] as Rig;
    switch (step.do) {
      case 'append': {
        await this.clock.advance(10);
        const id = this.appended.size + 1;
        const given = scrape(this.clock, { target: target(TARGETS[step.target] ?? ''), table: tables[step.table], value: id });
        this.appended.set(id, { target: labelValue(given.target, 'instance'), ms: given.wallMs });
        r.log.append(given);
        return;
      }
      case 'damage':
        r.log.damage(2);
        return;
      case 'forget':
        this.edge.logs.clear();
        return;
      case 'clone':
        if (this.agents.length < 3) this.agents.push(this.run(r.log.clone(this.seed()), copyOf(r.store)));
        return;
      case 'restart':
      case 'cut':
        await this.kill(r);
        if (step.do === 'cut') r.log.cutBack(step.more);
        else r.log.restart();
        this.agents[index] = this.run(r.log, r.store);
        return;
      case 'delete':
        await this.kill(r);
        this.agents[index] = this.run(new FakeLog(this.seed()));
        return;
    }
  }
}

function copyOf(store: MemoryClockStore): MemoryClockStore {
  const copy = new MemoryClockStore();
  copy.text = store.text;
  return copy;
}

it('delivers every record, invents none, and acknowledges nothing that the edge does not hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 60 }), async (commands) => {
      const world = new World();
      world.agents.push(world.run(new FakeLog(world.seed())));
      for (const step of commands) await world.do(step);
      world.edge.script.length = 0;
      world.edge.always = 'ok';
      // Every device has something to say in the end, so that each shows a last success.
      for (let i = 0; i < world.agents.length; i++) await world.do({ do: 'append', agent: i, target: 0, table: 0 });
      await world.clock.advance(20 * 60_000);
      const held = world.held();
      for (const [id, what] of held) expect(what).toEqual(world.appended.get(id));
      for (const { log, pusher } of world.agents) {
        const missing = log.records.filter(({ cells }) => !held.has(cells?.floats[0] ?? 0)).map(({ position }) => position);
        expect(missing).toEqual([]);
        expect(pusher.status()).toMatchObject({ failures: 0, error: undefined, backlogRecords: 0 });
        expect(log.asideRanges).toEqual([]);
      }
      expect(world.early).toEqual([]);
      for (const { pusher } of world.agents) await pusher.stop(0);
    }),
    { numRuns: 100 },
  );
});
