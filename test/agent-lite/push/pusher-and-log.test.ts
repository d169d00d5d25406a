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

/** The pusher over the real log: kills, power cuts, copies and deleted directories, with the network failing in between. */
const tables = [await tableOf('x'), await tableOf('x', 'y')];
const TARGETS = ['a', 'b'];

type Command =
  | { readonly do: 'append'; readonly agent: number; readonly target: number; readonly table: number; readonly count: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'network'; readonly behaviour: Behaviour }
  | { readonly do: 'kill' | 'powerCut' | 'delete' | 'copy'; readonly agent: number };
const agent = fc.nat(2);
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      ...{ do: fc.constant('append' as const), agent, target: fc.nat(1), table: fc.nat(1), count: fc.integer({ min: 1, max: 40 }) },
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 100 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('network' as const), behaviour: fc.constantFrom<Behaviour>('lose_answer', 'lose_request') }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'powerCut' as const), agent }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'copy' as const), agent }) },
);

interface Device {
  readonly store: UnreliableStore;
  readonly clockStore: MemoryClockStore;
  readonly log: Log;
  readonly rig: Rig;
  /** Records that must arrive. */
  readonly owed: Set<number>;
}

class World {
  readonly clock = new ManualClock({ now: NOW });
  readonly logs: LogWorld = logWorld(this.clock);
  readonly edge = new FakeEdge({ now: () => this.clock.now() });
  readonly devices: Device[] = [];
  readonly appended = new Map<number, { readonly target: string; readonly ms: number }>();
  readonly early: number[] = [];

  async start(store: UnreliableStore, clockStore: MemoryClockStore, owed: Set<number>): Promise<Device> {
    // Segments of a few records, so that acknowledged ones are deleted all the time.
    const log = await this.logs.open(store, { limitBytes: 16 * 1024 * 1024, segmentBytes: 16 * 1024, sync: 'interval' });
    const move = log.moveStreams.bind(log);
    log.moveStreams = async (receiver, streams) => {
      const held = this.held();
      for (const record of (await readAll(log)).scrapes)
        if (!isOwed(streams, record.position) && !held.has(idOf(record))) this.early.push(idOf(record));
      return move(receiver, streams);
    };
    const made = rig({ clock: this.clock, edge: this.edge, reader: log, store: clockStore, maxCellsPerPush: 200 });
    made.pusher.start();
    return { store, clockStore, log, rig: made, owed };
  }

  held(): Map<number, { readonly target: string; readonly ms: number }> {
    const held = new Map<number, { readonly target: string; readonly ms: number }>();
    for (const name of TARGETS)
      for (const sample of this.devices[0]?.rig.stored('x', name) ?? []) held.set(numberOf(sample), { target: name, ms: sample.ms });
    return held;
  }

  async end({ rig: { pusher } }: Device): Promise<void> {
    this.edge.always = 'lose_request';
    this.edge.script.length = 0;
    await pusher.stop(0);
    this.edge.always = 'ok';
  }

  async do(step: Command): Promise<void> {
    if (step.do === 'wait') return this.clock.advance(step.seconds * 1000);
    if (step.do === 'network') return void this.edge.script.push(step.behaviour);
    const index = step.agent % this.devices.length;
    const device = this.devices[index] as Device;
    if (step.do === 'append') {
      for (let i = 0; i < step.count; i++) {
        await this.clock.advance(10);
        const id = this.appended.size + 1;
        const name = TARGETS[step.target] ?? '';
        this.appended.set(id, { target: name, ms: this.clock.now() });
        await device.log.append(scrape(this.clock, { target: target(name), table: tables[step.table], value: id }));
        device.owed.add(id);
      }
      return;
    }
    if (step.do === 'copy') {
      if (this.devices.length >= 3) return;
      const clockStore = new MemoryClockStore();
      clockStore.text = device.clockStore.text;
      this.devices.push(await this.start(await device.store.copy(), clockStore, new Set()));
      return;
    }
    await this.end(device);
    if (step.do === 'delete') {
      this.devices[index] = await this.start(new UnreliableStore(), new MemoryClockStore(), new Set());
      return;
    }
    const store = step.do === 'kill' ? await device.store.kill() : await device.store.powerCut();
    const again = await this.start(store, device.clockStore, new Set());
    this.devices[index] = again;
    // A power cut takes what was not synced; a kill takes nothing.
    const present = new Set((await readAll(again.log)).scrapes.map(idOf));
    for (const id of device.owed) if (step.do === 'kill' || present.has(id)) again.owed.add(id);
  }
}

const idOf = (record: LoggedScrape): number => record.cells?.floats[0] ?? 0;

it('delivers what the log kept, invents nothing, and acknowledges nothing that the edge does not hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 30 }), async (commands) => {
      const world = new World();
      world.devices.push(await world.start(new UnreliableStore(), new MemoryClockStore(), new Set()));
      for (const step of commands) await world.do(step);
      world.edge.script.length = 0;
      for (let i = 0; i < world.devices.length; i++) await world.do({ do: 'append', agent: i, target: 0, table: 0, count: 1 });
      await world.clock.advance(20 * 60_000);
      const held = world.held();
      for (const [id, what] of held) expect(what).toEqual(world.appended.get(id));
      for (const { owed, log, rig: made } of world.devices) {
        expect([...owed].filter((id) => !held.has(id))).toEqual([]);
        expect(made.pusher.status()).toMatchObject({ state: 'ok', failures: 0, backlogRecords: 0 });
        expect(log.cursor('edge').position).toBe(log.head().position);
      }
      expect(world.early).toEqual([]);
      for (const { rig: made, log } of world.devices) {
        await made.pusher.stop(0);
        await log.close();
      }
    }),
    { numRuns: 30 },
  );
});
