import { memoryStore } from '../../functions/buffer/memory.ts';
import { defaultReceiver } from '../../functions/config/defaults.ts';
import type { ReceiverConfig, ShardConfig } from '../../functions/config/types.ts';
import { createOutlet } from '../../functions/forward/deliver.ts';
import { Receiver } from '../../functions/forward/receiver.ts';
import type { ObjectStore } from '../../functions/model.ts';
import { ByteBudget } from '../../functions/shard/budget.ts';
import { ShardCore, type ShardFleet } from '../../functions/shard/core.ts';
import type { ShardReceiver } from '../../functions/shard/drain.ts';
import { type ShardLimits, UNLIMITED } from '../../functions/shard/limits.ts';
import { ManualClock } from './clock.ts';
import { TENANT } from './commit-requests.ts';
import { FlakyStore } from './flaky-store.ts';
import { FakeReceiver, type FakeReceiverOptions } from './receiver.ts';
import { FakeObjectStorage } from './sql.ts';

/** A shard with everything around it in memory: its storage and bucket outlive its instances, as in production. */

export interface RigOptions {
  readonly receiver?: Partial<FakeReceiverOptions>;
  readonly shard?: Partial<ShardConfig>;
  readonly window?: number;
  /** Default: one, `main`. Each name has a fake of its own, which outlives instances. */
  readonly receivers?: readonly (Partial<Omit<ReceiverConfig, 'queue'>> & {
    readonly name: string;
    readonly queue?: Partial<ReceiverConfig['queue']>;
  })[];
  /** Of them the one whose clock counts. */
  readonly leading?: string;
  readonly budgetBytes?: number;
  readonly maxSamplesPerSend?: number;
  readonly index?: number;
  /** Default 1. */
  readonly generation?: number;
  /** Default: it is the tenant's only shard. */
  readonly fleet?: ShardFleet;
  readonly limits?: ShardLimits;
  readonly trimObjects?: number;
  /** Default {@link TENANT}. */
  readonly tenant?: string;
  /** An instance takes with it what it has not synced. */
  readonly losesUnsynced?: boolean;
  /** On the way to the receiver, ms; asked before each request. */
  readonly latencyMs?: () => number;
  /** Default: in memory. */
  readonly bucket?: (now: () => number) => ObjectStore;
  /** A shard of another tenant, with which this one has the clock, the bucket, the memory and the receiver in common. */
  readonly beside?: ShardRig;
}

/** A shard without others. */
export const ALONE: ShardFleet = {
  registered: async () => [],
  shards: async () => 1,
  peer: (name) => {
    throw new Error(`${name}: there is no other shard`);
  },
};

export class ShardRig {
  readonly clock: ManualClock;
  readonly bucket: ObjectStore;
  readonly store: FlakyStore;
  readonly storage: FakeObjectStorage;
  /** `main`. */
  readonly receiver: FakeReceiver;
  readonly #fakes = new Map<string, FakeReceiver>();
  readonly budget: ByteBudget;
  readonly #options: RigOptions;
  readonly fatal: unknown[] = [];
  readonly logged: string[] = [];
  alarmMs: number | undefined;
  core: ShardCore;
  #end = newEnd();

  constructor(options: RigOptions = {}) {
    this.#options = options;
    const { beside } = options;
    this.clock = beside?.clock ?? new ManualClock();
    this.storage = new FakeObjectStorage();
    this.storage.losesUnsynced = options.losesUnsynced ?? false;
    const now = (): number => this.clock.now();
    this.bucket = beside?.bucket ?? options.bucket?.(now) ?? memoryStore({ now, pageSize: 7 });
    this.store = beside?.store ?? new FlakyStore(this.bucket);
    this.budget = beside?.budget ?? new ByteBudget(options.budgetBytes ?? 64 * 1024 * 1024);
    if (beside !== undefined) this.#fakes.set('main', beside.receiver);
    this.receiver = this.receiverOf('main');
    this.core = this.#start();
  }

  /** The instance is gone, without a word; a new one starts on the same storage and bucket. */
  restart(options: Partial<RigOptions> = {}): ShardCore {
    Object.assign(this.#options, options);
    const end = this.#end;
    this.#end = newEnd();
    this.core = this.#start();
    end.reject(new Error('the instance died'));
    return this.core;
  }

  /** Rejects when the instance of now is gone: who waits for it hears no more. */
  get gone(): Promise<never> {
    return this.#end.promise;
  }

  receiverOf(name: string): FakeReceiver {
    const { window, receiver, receivers = [] } = this.#options;
    const own = receivers.find((config) => config.name === name);
    const outOfOrderTimeWindowMs = own?.outOfOrderTimeWindowMs ?? window ?? 0;
    const kind = own?.kind ?? 'prometheus';
    const fake = this.#fakes.get(name) ?? new FakeReceiver({ kind, outOfOrderTimeWindowMs, now: () => this.clock.now(), ...receiver });
    this.#fakes.set(name, fake);
    return fake;
  }

  #shardReceiver({ queue, ...own }: NonNullable<RigOptions['receivers']>[number]): ShardReceiver {
    const { tenant = TENANT, window = 0, maxSamplesPerSend = 2000 } = this.#options;
    const config: ReceiverConfig = {
      ...defaultReceiver,
      url: 'http://receiver.test/api/v1/write',
      kind: this.#options.receiver?.kind ?? 'prometheus',
      tenantHeader: 'THANOS-TENANT',
      outOfOrderTimeWindowMs: window,
      ...own,
      queue: { ...defaultReceiver.queue, maxSamplesPerSend, minBackoffMs: 30, maxBackoffMs: 5_000, ...queue },
    };
    const { fetch } = this.receiverOf(config.name);
    const { latencyMs } = this.#options;
    const target = new Receiver({
      url: config.url,
      kind: config.kind,
      tenant,
      tenantHeader: config.tenantHeader,
      headers: [],
      timeoutMs: config.remoteTimeoutMs,
      userAgent: 'test',
      fetch: async (url, init) => {
        const delay = latencyMs?.() ?? 0;
        await this.storage.confirm();
        if (delay > 0) await this.clock.sleep(delay, init.signal);
        return fetch(url, init);
      },
      clock: this.clock,
    });
    const outlet: ShardReceiver['outlet'] = (observe) =>
      createOutlet(async (block) => {
        const verdict = await target.send(block);
        observe(verdict);
        return verdict;
      });
    return { config, outlet };
  }

  #start(): ShardCore {
    const {
      tenant = TENANT,
      shard,
      receivers = [{ name: 'main' }],
      index = 0,
      generation = 1,
      fleet = ALONE,
      leading,
      limits = UNLIMITED,
      trimObjects = 64,
    } = this.#options;
    return new ShardCore({
      name: { tenant, generation, index },
      shard: { generation: 1, shards: 1, lanes: 4, commitIntervalMs: 100, maxBufferBytes: 1e9, deadLetterRetentionMs: 0, ...shard },
      receivers: receivers.map((receiver) => this.#shardReceiver(receiver)),
      fleet,
      ...(leading === undefined ? {} : { leading }),
      limits,
      sql: this.storage.open(),
      store: confirmed(this.store, () => this.storage.confirm()),
      clock: this.clock,
      budget: this.budget,
      setAlarm: (atMs) => {
        this.alarmMs = atMs;
      },
      waitUntil: (work) => void work,
      onFatal: (error) => this.fatal.push(error),
      trimObjects,
      log: (message) => this.logged.push(message),
    });
  }

  /** Moves the clock in small steps and rings the alarm when it is due. */
  async pass(ms: number, step = 100): Promise<void> {
    for (let left = ms; left > 0; left -= step) {
      await this.clock.advance(Math.min(step, left));
      if (this.alarmMs !== undefined && this.alarmMs <= this.clock.now()) {
        this.alarmMs = undefined;
        // Not awaited: it may wait for the clock that only this moves.
        void this.core.alarm();
        await this.clock.advance(0);
      }
    }
  }

  /** Of a receiver's values those of `main`, unless the label `receiver` is given. */
  value(name: string): number {
    const { values } = this.core.metrics();
    return values[name] ?? values[name.includes('{') ? name.replace('{', '{receiver="main",') : `${name}{receiver="main"}`] ?? 0;
  }

  dataKeys(): Promise<readonly string[]> {
    return this.bucket.list('v1/data/');
  }

  deadKeys(): Promise<readonly string[]> {
    return this.bucket.list('v1/dead/');
  }
}

function newEnd(): { readonly promise: Promise<never>; readonly reject: (reason: Error) => void } {
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<never>((_, rejected) => {
    reject = rejected;
  });
  promise.catch(() => undefined);
  return { promise, reject };
}

/** Nothing leaves an object before its writes are durable. */
function confirmed(store: ObjectStore, confirm: () => Promise<void>): ObjectStore {
  const after = <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      await confirm();
      return call(...args);
    };
  };
  return {
    create: after((key, body) => store.create(key, body)),
    get: after((key, range) => store.get(key, range)),
    head: after((key) => store.head(key)),
    list: after((prefix, options) => store.list(prefix, options)),
    delete: after((keys) => store.delete(keys)),
  };
}
