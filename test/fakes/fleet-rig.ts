import { commitToShard } from '../../functions/fleet/commit.ts';
import { Layouts, storedShards } from '../../functions/fleet/layout.ts';
import { ShardRegistry } from '../../functions/fleet/registry.ts';
import type { CommitRequest, CommitResult, ShardStub } from '../../functions/model.ts';
import { parseShardName } from '../../functions/shard/keys.ts';
import type { ManualClock } from './clock.ts';
import { TENANT } from './commit-requests.ts';
import type { FlakyStore } from './flaky-store.ts';
import type { FakeReceiver } from './receiver.ts';
import { type RigOptions, ShardRig } from './shard-rig.ts';

/** What happens to a call between objects. */
export type CallFault =
  /** It never arrives. */
  | 'lost'
  /** It is acted upon, and the answer is lost. */
  | 'answer_lost';
export type FleetOptions = Pick<RigOptions, 'window' | 'receiver' | 'receivers' | 'shard' | 'losesUnsynced'> & {
  /** Of a shard on its way to the receiver, ms. */
  readonly latencyMs?: (name: string) => number;
};
export type Call = 'commit' | 'handOver' | 'drained';

/** All shards of a tenant, of every generation, on one bucket, one receiver and one clock, and Workers of any configuration before them. */
export class FleetRig {
  readonly shards = new Map<string, ShardRig>();
  /** Asked before each call to a shard. */
  fault: (call: Call, name: string) => CallFault | undefined = () => undefined;
  /** Calls that were begun. */
  readonly calls: { readonly call: Call; readonly name: string }[] = [];
  /** Said by Workers whose configuration differs from what is in use. */
  readonly conflicts: string[] = [];
  readonly #options: FleetOptions;
  /** Has what all shards share, and no data. */
  readonly hub: ShardRig;

  constructor(options: FleetOptions = {}) {
    this.#options = options;
    const { latencyMs: _, ...common } = options;
    this.hub = new ShardRig({
      ...common,
      receiver: { ...options.receiver, sleep: (ms) => this.clock.sleep(ms) },
      tenant: 'hub',
    });
  }

  get clock(): ManualClock {
    return this.hub.clock;
  }
  get store(): FlakyStore {
    return this.hub.store;
  }
  get receiver(): FakeReceiver {
    return this.hub.receiver;
  }

  /** The object of this name; made at the first call, as the platform does. */
  shard(name: string): ShardRig {
    const known = this.shards.get(name);
    if (known !== undefined) return known;
    const parsed = parseShardName(name);
    if (parsed === undefined) throw new Error(`expected the name of a shard, got ${name}`);
    const { generation, index } = parsed;
    const { latencyMs = () => 0, ...common } = this.#options;
    const made = new ShardRig({
      ...common,
      latencyMs: () => latencyMs(name),
      generation,
      index,
      beside: this.hub,
      fleet: {
        registered: () => new ShardRegistry(this.store).ofTenant(TENANT),
        shards: () => storedShards(this.store, TENANT, generation),
        peer: (other) => this.stub(other),
      },
    });
    this.shards.set(name, made);
    return made;
  }

  /** The instance dies without a word; storage and bucket stay. */
  kill(name: string): void {
    this.shard(name).restart();
  }

  stub(name: string): ShardStub {
    const call = async <T>(kind: Call, act: () => Promise<T>): Promise<T> => {
      this.calls.push({ call: kind, name });
      const fault = this.fault(kind, name);
      if (fault === 'lost') throw new Error(`${kind} to ${name}: the object is being moved`);
      const instance = this.shard(name).core;
      const result = await Promise.race([act(), this.shard(name).gone]);
      // What a dead instance would have said nobody hears.
      if (this.shard(name).core !== instance) throw new Error(`${kind} to ${name}: the instance died`);
      if (fault === 'answer_lost') throw new Error(`${kind} to ${name}: connection lost`);
      // As it crosses from object to object.
      return structuredClone(result);
    };
    return {
      commit: (request) => call('commit', () => this.shard(name).core.commit(request)),
      handOver: (request) => call('handOver', () => this.shard(name).core.handOver(request)),
      drained: () => call('drained', () => this.shard(name).core.drained()),
      account: (request) => this.shard(name).core.account(request),
      time: () => this.shard(name).core.time(),
      poke: () => this.shard(name).core.poke(),
      devices: async (request) => this.shard(name).core.devices(request),
      metrics: async () => this.shard(name).core.metrics(),
      count: async () => ({}),
    };
  }

  /** An isolate of the Worker, under a configuration. */
  worker(generation: number, shards: number): FleetWorker {
    return new FleetWorker(this, generation, shards);
  }

  /** Moves the clock in small steps, and rings every alarm that is due. */
  async pass(ms: number, step = 100): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      await this.clock.advance(Math.min(step, left));
      for (const shard of this.shards.values()) {
        if (shard.alarmMs === undefined || shard.alarmMs > this.clock.now()) continue;
        shard.alarmMs = undefined;
        void shard.core.alarm();
      }
      await this.clock.advance(0);
    }
  }

  /** What `work` comes to, while the clock goes on. */
  async during<T>(work: Promise<T>, mostMs = 60_000): Promise<T> {
    let done = false;
    const ended = work.finally(() => {
      done = true;
    });
    ended.catch(() => undefined);
    for (let passed = 0; !done && passed < mostMs; passed += 100) await this.pass(100);
    return ended;
  }

  /** Of all shards, alive or replaced. */
  sum(metric: string): number {
    return [...this.shards.values()].reduce((sum, shard) => sum + shard.value(metric), 0);
  }

  /** Ends of instances, which nothing here should cause. */
  get fatal(): readonly unknown[] {
    return [...this.shards.values()].flatMap(({ fatal }) => fatal);
  }
}

export class FleetWorker {
  readonly layouts: Layouts;
  readonly #rig: FleetRig;
  readonly #registry: ShardRegistry;

  constructor(rig: FleetRig, generation: number, shards: number) {
    this.#rig = rig;
    this.#registry = new ShardRegistry(rig.store);
    this.layouts = new Layouts({
      store: rig.store,
      now: () => rig.clock.now(),
      generation,
      shards: () => shards,
      onConflict: (words) => rig.conflicts.push(words),
    });
  }

  /** As functions/app.ts: what fails is a `busy`. */
  async commit(request: CommitRequest): Promise<CommitResult> {
    try {
      return await commitToShard({ tenant: request.tenant, device: request.device }, request, {
        layouts: this.layouts,
        registry: this.#registry,
        shard: (name) => this.#rig.stub(name),
        onPlace: () => undefined,
      });
    } catch (error) {
      return { kind: 'busy', retryAfterMs: 1_000, reason: String(error) };
    }
  }
}
