import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LogReader } from '../../../agent-lite/model.ts';
import type { Log } from '../../../agent-lite/wal/options.ts';
import { formatLabels, labelsFromRecord } from '../../../contract/labels.ts';
import type { Point } from '../../../contract/push.ts';
import { REPORT_NAMES } from '../../../contract/report-series.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { type Behaviour, FakeReceiver } from '../../fakes/receiver.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { logWorld } from '../../fakes/wal.ts';
import { scrape, tableOf, target } from '../push/scrapes.ts';
import { NOW, rig } from './rig.ts';

/**
 * The account of every sample, over the real log: outages, lost answers, restarts, kills that lose the cursor, shards that come
 * and go. A sample arrives, in order and with its bits, or is counted by a rule that is written down.
 */
const NAMES = ['x', 'y', 'z', 'v', 'w'];
const table = await tableOf(...NAMES);
const TARGETS = ['a', 'b'];
const CURSOR = 'remote_write/r';
const REFUSAL = { kind: 'status', status: 400, words: 'no' } as const;

type Command =
  | { readonly do: 'append'; readonly target: number; readonly count: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'answers'; readonly behaviour: Behaviour; readonly count: number }
  /** From now on this process does not get its cursor to the disk. */
  | { readonly do: 'freeze' }
  | { readonly do: 'kill' | 'restart' };

const behaviours: readonly Behaviour[] = [
  { kind: 'down' },
  { kind: 'close' },
  { kind: 'hang' },
  { kind: 'store_then_500' },
  { kind: 'store_then_close' },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, headers: { 'retry-after': '2' } },
];
const command = (refusals: boolean): fc.Arbitrary<Command> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('append' as const), target: fc.nat(1), count: fc.integer({ min: 1, max: 60 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 40 }) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('answers' as const),
        behaviour: fc.constantFrom<Behaviour>(...behaviours, ...(refusals ? [REFUSAL] : [])),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.constantFrom<Command>({ do: 'freeze' }, { do: 'kill' }, { do: 'restart' }) },
  );

class World {
  readonly clock = new ManualClock({ now: NOW });
  readonly logs = logWorld(this.clock);
  readonly receiver: FakeReceiver;
  /** `series at time`: the value. */
  readonly appended = new Map<string, number>();
  refused = 0;
  mostShards = 0;
  #store = new UnreliableStore();
  #log: Log | undefined;
  #frozen = false;
  #rig: ReturnType<typeof rig> | undefined;

  constructor(kind: 'prometheus' | 'thanos') {
    this.receiver = new FakeReceiver({ kind, now: () => this.clock.now() });
    const { fetch } = this.receiver;
    Object.assign(this.receiver, {
      fetch: async (...args: Parameters<typeof fetch>) => {
        await this.clock.sleep(200);
        return fetch(...args);
      },
    });
  }

  get log(): Log {
    if (this.#log === undefined) throw new Error('not started');
    return this.#log;
  }

  async start(): Promise<void> {
    const log = await this.logs.open(this.#store, { limitBytes: 16 * 1024 * 1024, segmentBytes: 16 * 1024 });
    await log.retainCursors([CURSOR]);
    this.#log = log;
    this.#frozen = false;
    let own = log.cursor(CURSOR);
    const reader: LogReader = Object.create(log, {
      cursor: { value: () => own },
      moveCursor: {
        value: async (receiver: string, to: Point) => {
          own = to;
          if (!this.#frozen) await log.moveCursor(receiver, to);
        },
      },
    });
    for (const name of ['read', 'head', 'backlog', 'sync', 'chainAt'] as const)
      Object.defineProperty(reader, name, { value: log[name].bind(log) });
    this.#rig = rig({
      ...{ clock: this.clock, receiver: this.receiver, reader },
      queue: { maxSamplesPerSend: 7, capacity: 20, maxShards: 4, maxBackoffMs: 1000 },
      config: { remoteTimeoutMs: 3000 },
    });
    this.#rig.writer.start();
  }

  get backlog(): number {
    return this.#rig?.writer.status().backlogRecords ?? 0;
  }

  async end(deadlineMs: number): Promise<void> {
    const made = this.#rig;
    if (made === undefined) throw new Error('not started');
    let ended = false;
    const ending = made.writer.stop(deadlineMs).then(() => {
      ended = true;
    });
    while (!ended) await this.clock.advance(100);
    await ending;
    this.refused += made.dropped('refused');
    expect(made.dropped('relabel') + made.dropped('duplicate') + made.dropped('too_old') + made.dropped('rate_limited')).toBe(0);
  }

  async do(step: Command): Promise<void> {
    if (step.do === 'wait') return this.advance(step.seconds * 1000);
    if (step.do === 'answers') return this.receiver.behaveNext(...Array.from({ length: step.count }, () => step.behaviour));
    if (step.do === 'freeze') {
      this.#frozen = true;
      return;
    }
    if (step.do === 'append') {
      for (let i = 0; i < step.count; i++) await this.append(step.target);
      return;
    }
    await this.end(step.do === 'kill' ? 0 : 10_000);
    if (step.do === 'restart') await this.log.close();
    else this.#store = await this.#store.kill();
    await this.start();
  }

  async append(which: number): Promise<void> {
    await this.clock.advance(10);
    const instance = TARGETS[which] ?? '';
    const value = this.appended.size + 1;
    await this.log.append(scrape(this.clock, { target: target(instance), table, value }));
    for (const __name__ of [...NAMES, ...REPORT_NAMES]) {
      const expected = NAMES.includes(__name__) ? value : Number(__name__ === 'up');
      this.appended.set(`${formatLabels(labelsFromRecord({ __name__, instance, job: 'test' }))} ${this.clock.now()}`, expected);
    }
  }

  async advance(ms: number): Promise<void> {
    for (let rest = ms; rest > 0; rest -= 1000) {
      await this.clock.advance(Math.min(1000, rest));
      this.mostShards = Math.max(this.mostShards, this.#rig?.writer.status().shards ?? 0);
    }
  }

  stored(): Map<string, number> {
    const all = new Map<string, number>();
    const view = new DataView(new ArrayBuffer(8));
    for (const { labels, samples } of this.receiver.tenant('').series.values()) {
      for (const { ms, bits } of samples) {
        view.setBigUint64(0, bits);
        all.set(`${formatLabels(labels)} ${ms}`, view.getFloat64(0));
      }
    }
    return all;
  }
}

it.each([
  { kind: 'prometheus', refusals: false },
  { kind: 'prometheus', refusals: true },
  { kind: 'thanos', refusals: true },
] as const)('$kind, requests refused for good: $refusals', async ({ kind, refusals }) => {
  let mostShards = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command(refusals), { minLength: 4, maxLength: 25 }), async (commands) => {
      const world = new World(kind);
      await world.start();
      for (const step of commands) await world.do(step);
      await world.append(0);
      for (let i = 0; i < 200 && world.backlog > 0; i++) await world.advance(10_000);
      expect(world.backlog).toBe(0);
      await world.end(10_000);
      const stored = world.stored();
      for (const [sample, value] of stored) expect([sample, value]).toEqual([sample, world.appended.get(sample)]);
      const missing = [...world.appended.keys()].filter((sample) => !stored.has(sample));
      if (!refusals) expect(missing).toEqual([]);
      expect(missing.length).toBeLessThanOrEqual(world.refused);
      expect(world.receiver.silentlyDropped).toBe(0);
      mostShards = Math.max(mostShards, world.mostShards);
      await world.log.close();
    }),
    { numRuns: 25 },
  );
  expect(mostShards).toBeGreaterThan(1);
});
