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
  readonly storage = new FakeObjectStorage();
  /** `main`. */
  readonly receiver: FakeReceiver;
  readonly #fakes = new Map<string, FakeReceiver>();
  readonly budget: ByteBudget;
  readonly #options: RigOptions;
  readonly fatal: unknown[] = [];
  readonly logged: string[] = [];
  alarmMs: number | undefined;
  core: ShardCore;

  constructor(options: RigOptions = {}) {
    this.#options = options;
    const { beside } = options;
    this.clock = beside?.clock ?? new ManualClock();
    this.bucket = beside?.bucket ?? memoryStore({ now: () => this.clock.now(), pageSize: 7 });
    this.store = beside?.store ?? new FlakyStore(this.bucket);
    this.budget = beside?.budget ?? new ByteBudget(options.budgetBytes ?? 64 * 1024 * 1024);
    if (beside !== undefined) this.#fakes.set('main', beside.receiver);
    this.receiver = this.receiverOf('main');
    this.core = this.#start();
  }

  /** The instance is gone, without a word; a new one starts on the same storage and bucket. */
  restart(options: Partial<RigOptions> = {}): ShardCore {
    Object.assign(this.#options, options);
    this.core = this.#start();
    return this.core;
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
    const target = new Receiver({
      url: config.url,
      kind: config.kind,
      tenant,
      tenantHeader: config.tenantHeader,
      headers: [],
      timeoutMs: config.remoteTimeoutMs,
      userAgent: 'test',
      fetch: this.receiverOf(config.name).fetch,
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
      store: this.store,
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
