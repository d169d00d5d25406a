import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDeadLetter } from '../../../functions/dead-letter.ts';
import { decodeSeries } from '../../../functions/forward/split.ts';
import type { Fragment } from '../../../functions/model.ts';
import { decodeObject } from '../../../functions/shard/object-format.ts';
import { chainOf, fragment, LOG_A, TENANT } from '../../fakes/commit-requests.ts';
import type { Behaviour, FakeReceiverOptions } from '../../fakes/receiver.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

/** A device as the protocol describes it: sends what follows its cursor, believes only answers, obeys conflicts. */
class Device {
  readonly name: string;
  readonly #rig: ShardRig;
  readonly #start: number;
  #pushes = 0;
  /** Records made so far; record n is one scrape of three series at a time of its own. */
  head = 0;
  cursor = 0;
  acknowledged = 0;

  constructor(rig: ShardRig, name: string, start: number) {
    this.#rig = rig;
    this.name = name;
    this.#start = start;
  }

  timeOf(record: number): number {
    return this.#start + record * 1000;
  }

  /** Sends up to `count` records. `lost`: the answer does not arrive. */
  async push(count: number, lost: boolean): Promise<void> {
    const to = Math.min(this.head, this.cursor + count);
    if (to === this.cursor) return;
    const id = ++this.#pushes;
    const base = this.cursor;
    const records = Array.from({ length: to - base }, (_, i) => base + 1 + i);
    const samples = records.map((n) => [this.timeOf(n), n % 7 === 0 ? undefined : n] as const);
    const fragments: Fragment[] = [
      fragment({ labels: { __name__: 'a', device: this.name }, samples }, { labels: { __name__: 'b', device: this.name }, samples }),
      fragment({ labels: { __name__: 'c', device: this.name }, samples }),
    ];
    const point = (position: number) => ({ position, chain: chainOf(LOG_A, position) });
    const result = await this.#rig.core.commit({
      tenant: TENANT,
      device: this.name,
      logId: LOG_A,
      stream: 0,
      base: point(base),
      to: point(to),
      gaps: [],
      fragments,
      counts: {},
    });
    // A device has one request at a time: an answer to an earlier one came too late for it.
    if (lost || id !== this.#pushes) return;
    if (result.kind === 'stored') this.acknowledged = this.cursor = to;
    if (result.kind === 'conflict') {
      expect(result.stored.position).toBeLessThanOrEqual(this.head);
      expect(result.stored.position).toBeGreaterThanOrEqual(this.acknowledged);
      this.acknowledged = this.cursor = result.stored.position;
    }
  }
}

const identity = (labels: readonly (readonly [string, string])[]): string => JSON.stringify(labels);

/** Every sample that is somewhere: series -> time -> how it got there. */
async function everything(rig: ShardRig) {
  const elsewhere = new Map<string, Set<number>>();
  const add = (block: Uint8Array, rawBytes: number): void => {
    for (const { labels, entries } of decodeSeries(block, rawBytes)) {
      const key = identity(labels.map(({ name, value }) => [name ?? '', value ?? '']));
      const times = elsewhere.get(key) ?? new Set();
      for (const { ms } of entries) times.add(ms);
      elsewhere.set(key, times);
    }
  };
  for (const key of await rig.dataKeys()) {
    const object = await rig.bucket.get(key);
    // It may have been forwarded and deleted since the listing; so what was delivered is looked at last.
    if (object === undefined) continue;
    for (const { block, rawBytes } of decodeObject(object)) add(block, rawBytes);
  }
  const delivered = new Map<string, number[]>();
  for (const { labels, samples } of rig.receiver.tenant(TENANT).series.values()) {
    delivered.set(
      identity(labels),
      samples.map(({ ms }) => ms),
    );
  }
  for (const key of await rig.deadKeys()) add(decodeDeadLetter((await rig.bucket.get(key)) ?? new Uint8Array()).block, 1e7);
  return { delivered, elsewhere };
}

async function check(rig: ShardRig, devices: readonly Device[], settled: boolean): Promise<void> {
  const { delivered, elsewhere } = await everything(rig);
  expect(rig.receiver.silentlyDropped).toBe(0);
  for (const device of devices) {
    for (const name of ['a', 'b', 'c']) {
      const key = identity([
        ['__name__', name],
        ['device', device.name],
      ]);
      const times = delivered.get(key) ?? [];
      // In order, and each once.
      expect(times).toEqual([...new Set(times)].sort((x, y) => x - y));
      const known = new Set([...times, ...(elsewhere.get(key) ?? [])]);
      for (let n = 1; n <= device.acknowledged; n++) {
        const ms = device.timeOf(n);
        if (!known.has(ms)) throw new Error(`${device.name} ${name}: record ${n} of ${device.acknowledged} acknowledged is nowhere`);
        // Nothing is refused here but repeats, so in the end all of it was delivered.
        if (settled && !times.includes(ms)) throw new Error(`${device.name} ${name}: record ${n} was not delivered`);
      }
    }
  }
}

type Step =
  | { readonly do: 'scrape'; readonly device: number; readonly count: number }
  | { readonly do: 'push'; readonly device: number; readonly count: number; readonly lost: boolean }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'restart' }
  | { readonly do: 'store'; readonly faults: number; readonly seed: number }
  | { readonly do: 'land' }
  | { readonly do: 'receiver'; readonly behaviour: Behaviour; readonly once: boolean };

const behaviours: readonly Behaviour[] = [
  { kind: 'ok' },
  { kind: 'ok' },
  { kind: 'down' },
  { kind: 'hang' },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'status', status: 401 },
  { kind: 'store_then_500' },
  { kind: 'store_then_close' },
];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('scrape' as const), device: fc.nat(2), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      device: fc.nat(2),
      count: fc.integer({ min: 1, max: 6 }),
      lost: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(30, 100, 300, 2000, 40_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('store' as const), faults: fc.constantFrom(0, 0.3), seed: fc.nat(1000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('land' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('receiver' as const), behaviour: fc.constantFrom(...behaviours), once: fc.boolean() }),
  },
);

async function play(steps: readonly Step[], receiver: Partial<FakeReceiverOptions>, window: number): Promise<void> {
  const rig = new ShardRig({ receiver, window, budgetBytes: 20_000, maxSamplesPerSend: 3, trimObjects: 1 });
  const t = rig.clock.now();
  const devices = ['gw-1', 'gw-2', 'gw-3'].map((name, i) => new Device(rig, name, t + i));
  for (const one of steps) {
    if (one.do === 'scrape') (devices[one.device] as Device).head += one.count;
    else if (one.do === 'push') {
      // Not awaited: it may hang over a restart, as a request does.
      void (devices[one.device] as Device).push(one.count, one.lost);
      await rig.clock.advance(110);
    } else if (one.do === 'pass') await rig.pass(one.ms, 500);
    else if (one.do === 'restart') rig.restart();
    else if (one.do === 'land') await rig.store.landLate();
    else if (one.do === 'receiver') {
      if (one.once) rig.receiver.behaveNext(one.behaviour);
      else rig.receiver.behave(one.behaviour);
    } else {
      let seed = one.seed;
      const chance = (): number => {
        seed = (seed * 1103515245 + 12345) % 2 ** 31;
        return seed / 2 ** 31;
      };
      rig.store.createFault = () =>
        chance() < one.faults ? (['fails', 'ambiguous', 'late', 'slow'] as const)[Math.floor(chance() * 4)] : undefined;
      rig.store.fails = () => chance() < one.faults;
    }
  }
  await check(rig, devices, false);
  rig.store.createFault = () => undefined;
  rig.store.fails = () => false;
  await rig.store.landLate();
  rig.receiver.behave({ kind: 'ok' });
  rig.restart();
  for (const device of devices) {
    for (let i = 0; i < 30 && device.acknowledged < device.head; i++) {
      const pushed = device.push(20, false);
      await rig.pass(2000, 500);
      await pushed;
    }
    expect(device.acknowledged).toBe(device.head);
  }
  await rig.pass(700_000, 10_000);
  await rig.core.poke();
  await check(rig, devices, true);
  expect(await rig.dataKeys()).toEqual([]);
  expect(rig.value('relay_buffer_bytes')).toBe(0);
}

describe('the account of a shard: acknowledged = delivered in order, or in a dead letter', () => {
  const kinds: readonly [name: string, receiver: Partial<FakeReceiverOptions>, window: number][] = [
    ['prometheus without a window', { kind: 'prometheus' }, 0],
    ['thanos without a window', { kind: 'thanos' }, 0],
    ['thanos with a window, four lanes', { kind: 'thanos' }, 7_200_000],
  ];
  it.each(kinds)(
    '%s',
    async (_name, receiver, window) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => play(steps, receiver, window)),
        { numRuns: 60 },
      );
    },
    60_000,
  );
});
