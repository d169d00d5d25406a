import { expect, it } from 'vitest';
import type { LogCommitRequest } from '../../../functions/model.ts';
import { chainOf, LOG_A, push, sampleOf, TENANT } from '../../fakes/commit-requests.ts';
import { FleetRig, type FleetWorker } from '../../fakes/fleet-rig.ts';

/**
 * Shards 1 -> 4 -> 2 under load: a backlog, a slow receiver, Workers of both configurations before them in turn, calls and
 * answers that get lost, a bucket that fails, instances that die. Each device is a log that goes on only when it is told that a
 * batch is stored, and cuts its repeats differently.
 */

const DEVICES = 24;
/** Least enough that nothing may be sent out of order, so that the order at the receiver shows that of the drain. */
const WINDOW = 240_000;
const INTERVAL_MS = 500;

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class LoadedDevice {
  readonly name: string;
  /** Time of each record, ms. */
  readonly #log: number[] = [];
  #acknowledged = 0;
  conflicts = 0;
  #pushing = false;

  constructor(name: string) {
    this.name = name;
  }

  get records(): number {
    return this.#log.length;
  }
  get acknowledged(): number {
    return this.#acknowledged;
  }

  scrape(nowMs: number): void {
    this.#log.push(nowMs);
  }

  /** Sends all there is, or a part of it. */
  async push(worker: FleetWorker, part: number): Promise<void> {
    const from = this.#acknowledged;
    const to = from + Math.ceil((this.#log.length - from) * part);
    if (this.#pushing || to === from) return;
    this.#pushing = true;
    const fragments = this.#log.slice(from, to).map((ms, i) => sampleOf(this.name, ms, from + i + 1));
    const request: LogCommitRequest = push({ device: this.name, from, to, fragments });
    const result = await worker.commit(request);
    this.#pushing = false;
    if (result.kind === 'stored') this.#acknowledged = to;
    if (result.kind !== 'conflict') return;
    // As agent-lite does: its own record with that chain tells where it stands.
    this.conflicts++;
    expect(result.stored.chain).toBe(chainOf(LOG_A, result.stored.position));
    expect(result.stored.position).toBeGreaterThan(from);
    this.#acknowledged = result.stored.position;
  }
}

it.each([1, 2, 3, 4, 5, 6])(
  'keeps every sample once and in order, seed %i',
  async (seed) => {
    const random = randomOf(seed);
    const rig = new FleetRig({ window: WINDOW });
    const devices = Array.from({ length: DEVICES }, (_, i) => new LoadedDevice(`gw-${i}`));
    const configurations = [
      [1, 1],
      [2, 4],
      [3, 2],
    ] as const;
    let workers: readonly FleetWorker[] = [];
    const pushes: Promise<void>[] = [];
    let kills = 0;

    /** `chaos`: how much goes wrong. */
    const run = async (steps: number, chaos: number): Promise<void> => {
      rig.fault = () => (random() < chaos ? (random() < 0.5 ? 'lost' : 'answer_lost') : undefined);
      rig.store.createFault = (key) =>
        key.startsWith('v1/data/') && random() < chaos ? (random() < 0.5 ? 'ambiguous' : 'fails') : undefined;
      rig.store.fails = () => random() < chaos / 2;
      for (let step = 0; step < steps; step++) {
        for (const device of devices) {
          device.scrape(rig.clock.now());
          const worker = workers[Math.floor(random() * workers.length)] as FleetWorker;
          if (random() < 0.8) pushes.push(device.push(worker, random() < 0.5 ? 1 : random()));
        }
        await rig.pass(INTERVAL_MS);
        const names = [...rig.shards.keys()];
        if (random() < chaos * 2 && names.length > 0) {
          rig.kill(names[Math.floor(random() * names.length)] as string);
          kills++;
        }
      }
    };
    const isolates = (...generations: readonly number[]): readonly FleetWorker[] =>
      generations.flatMap((g) => {
        const [generation, shards] = configurations[g - 1] ?? configurations[0];
        // Two of each, which know of different moves.
        return [rig.worker(generation, shards), rig.worker(generation, shards)];
      });

    rig.receiver.behave({ kind: 'delay', ms: 300 });
    workers = isolates(1);
    await run(10, 0.02);
    // A backlog.
    rig.receiver.behave({ kind: 'down' });
    await run(30, 0.05);
    // The deployment rolls out, back and forth.
    rig.receiver.behave({ kind: 'delay', ms: 2_000 });
    workers = isolates(1, 2);
    await run(40, 0.1);
    rig.receiver.behave({ kind: 'down' });
    workers = isolates(2);
    await run(10, 0.05);
    // The next one begins while the first generation may still hold something.
    workers = isolates(1, 2, 3);
    rig.receiver.behave({ kind: 'delay', ms: 1_000 });
    await run(40, 0.1);
    workers = isolates(3, 2);
    await run(20, 0.05);
    // Everything is well again.
    rig.receiver.behave({ kind: 'delay', ms: 100 });
    workers = isolates(3);
    await run(10, 0);
    for (let i = 0; i < 60 && devices.some((device) => device.acknowledged < device.records); i++) {
      for (const device of devices) pushes.push(device.push(workers[0] as FleetWorker, 1));
      await rig.pass(2_000);
    }
    await Promise.all(pushes);
    await rig.pass(60_000, 500);

    expect(devices.filter((device) => device.acknowledged !== device.records)).toEqual([]);
    const records = devices.reduce((sum, device) => sum + device.records, 0);
    // The ledger of samples: whatever was repeated, cut differently or sent to two generations is stored once.
    expect(rig.sum('relay_samples_stored_total')).toBe(records);
    const tsdb = rig.receiver.tenant(TENANT);
    for (const { labels, samples } of tsdb.series.values()) {
      const device = devices.find(({ name }) => labels.some(([label, value]) => label === 'device' && value === name));
      const times = samples.map(({ ms }) => ms);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times).toHaveLength(device?.records ?? 0);
    }
    expect(tsdb.series.size).toBe(DEVICES);
    expect(await rig.hub.deadKeys()).toEqual([]);
    // Puts that failed half-way have left objects of nobody, which the sweep deletes.
    await rig.pass(600_000, 60_000);
    await rig.during(Promise.all([...rig.shards.values()].map(({ core }) => core.poke())));
    expect(await rig.hub.dataKeys()).toEqual([]);
    // The test has seen what it is about.
    expect(kills).toBeGreaterThan(5);
    expect(rig.calls.filter(({ call }) => call === 'handOver').length).toBeGreaterThan(10);
    expect(devices.reduce((sum, { conflicts }) => sum + conflicts, 0)).toBeGreaterThan(10);
    const open = [...rig.shards].filter(([, shard]) => shard.value('relay_shard_closed') === 0).map(([name]) => name);
    expect(open.sort()).toEqual(['acme/3/0', 'acme/3/1']);
    expect(rig.sum('relay_shard_waits_for_shards')).toBe(0);
  },
  120_000,
);
