import { createCells, setStale, setValue } from '../../contract/cells.ts';
import { labelsFromRecord } from '../../contract/labels.ts';
import type { Point } from '../../contract/push.ts';
import { encodeLabelFields, RemoteWriteBuffer } from '../../contract/remote-write.ts';
import { snappyCompress } from '../../contract/snappy.ts';
import { memoryStore } from '../../functions/buffer/memory.ts';
import type { ReceiverConfig, ShardConfig } from '../../functions/config/types.ts';
import { createOutlet } from '../../functions/forward/deliver.ts';
import { Receiver } from '../../functions/forward/receiver.ts';
import type { CommitRequest, Fragment } from '../../functions/model.ts';
import { ByteBudget } from '../../functions/shard/budget.ts';
import { ShardCore } from '../../functions/shard/core.ts';
import { ManualClock } from './clock.ts';
import { FlakyStore } from './flaky-store.ts';
import { FakeReceiver, type FakeReceiverOptions } from './receiver.ts';
import { FakeObjectStorage } from './sql.ts';

/** A shard with everything around it in memory: its storage and bucket outlive its instances, as in production. */

export const TENANT = 'acme';
export const LOG_A = 'a'.repeat(32);
export const LOG_B = 'b'.repeat(32);

export const chainOf = (log: string, position: number): string =>
  position === 0 ? '0'.repeat(16) : `${log.slice(0, 4)}${position.toString(16).padStart(12, '0')}`;
export const point = (position: number, log = LOG_A): Point => ({ position, chain: chainOf(log, position) });

export interface TestSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** `undefined`: a staleness marker. */
  readonly samples: readonly (readonly [ms: number, value: number | undefined])[];
}

export function fragment(...series: readonly TestSeries[]): Fragment {
  const buffer = new RemoteWriteBuffer();
  for (const { labels, samples } of series) {
    const cells = createCells(1, samples.length);
    samples.forEach(([, value], i) => {
      if (value === undefined) setStale(cells, i);
      else setValue(cells, i, value);
    });
    const times = samples.map(([ms]) => ms);
    buffer.add(encodeLabelFields(labelsFromRecord(labels)), cells, 0, times);
  }
  const { length: rawBytes, samples } = buffer;
  const times = series.flatMap((one) => one.samples.map(([ms]) => ms));
  return {
    block: snappyCompress(buffer.take()),
    rawBytes,
    samples,
    series: series.length,
    minMs: Math.min(...times),
    maxMs: Math.max(...times),
  };
}

export interface RigOptions {
  readonly receiver?: Partial<FakeReceiverOptions>;
  readonly shard?: Partial<ShardConfig>;
  readonly window?: number;
  readonly budgetBytes?: number;
  readonly maxSamplesPerSend?: number;
  readonly index?: number;
  readonly trimObjects?: number;
}

export class ShardRig {
  readonly clock = new ManualClock();
  readonly bucket = memoryStore({ now: () => this.clock.now(), pageSize: 7 });
  readonly store = new FlakyStore(this.bucket);
  readonly storage = new FakeObjectStorage();
  readonly receiver: FakeReceiver;
  readonly budget: ByteBudget;
  readonly #options: RigOptions;
  readonly fatal: unknown[] = [];
  readonly logged: string[] = [];
  alarmMs: number | undefined;
  core: ShardCore;

  constructor(options: RigOptions = {}) {
    this.#options = options;
    this.budget = new ByteBudget(options.budgetBytes ?? 64 * 1024 * 1024);
    this.receiver = new FakeReceiver({
      kind: 'prometheus',
      outOfOrderTimeWindowMs: options.window ?? 0,
      now: () => this.clock.now(),
      ...options.receiver,
    });
    this.core = this.#start();
  }

  /** The instance is gone, without a word; a new one starts on the same storage and bucket. */
  restart(options: Partial<RigOptions> = {}): ShardCore {
    Object.assign(this.#options, options);
    this.core = this.#start();
    return this.core;
  }

  #start(): ShardCore {
    const { shard, window = 0, maxSamplesPerSend = 2000, index = 0, trimObjects = 64 } = this.#options;
    const receiver: ReceiverConfig = {
      name: 'main',
      url: 'http://receiver.test/api/v1/write',
      kind: this.#options.receiver?.kind ?? 'prometheus',
      tenantHeader: 'THANOS-TENANT',
      sendExemplars: true,
      sendMetadata: true,
      outOfOrderTimeWindowMs: window,
      remoteTimeoutMs: 30_000,
      headers: [],
      queue: { maxSamplesPerSend, minBackoffMs: 30, maxBackoffMs: 5_000 },
    };
    const target = new Receiver({
      url: receiver.url,
      kind: receiver.kind,
      tenant: TENANT,
      tenantHeader: receiver.tenantHeader,
      headers: [],
      timeoutMs: receiver.remoteTimeoutMs,
      userAgent: 'test',
      fetch: this.receiver.fetch,
      clock: this.clock,
    });
    return new ShardCore({
      name: { tenant: TENANT, generation: 1, index },
      shard: { generation: 1, shards: 1, lanes: 4, commitIntervalMs: 100, maxBufferBytes: 1e9, deadLetterRetentionMs: 0, ...shard },
      receiver,
      sql: this.storage.open(),
      store: this.store,
      clock: this.clock,
      budget: this.budget,
      outlet: (observe) =>
        createOutlet(async (block) => {
          const verdict = await target.send(block);
          observe(verdict);
          return verdict;
        }),
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

  value(name: string): number {
    return this.core.metrics().values[name] ?? 0;
  }

  dataKeys(): Promise<readonly string[]> {
    return this.bucket.list('v1/data/');
  }

  deadKeys(): Promise<readonly string[]> {
    return this.bucket.list('v1/dead/');
  }
}

export interface PushOptions {
  readonly device?: string;
  readonly log?: string;
  readonly from: number;
  readonly to: number;
  readonly fragments?: readonly Fragment[];
  readonly counts?: Readonly<Record<string, number>>;
}

export function push({ device = 'gw-1', log = LOG_A, from, to, fragments = [], counts = {} }: PushOptions): CommitRequest {
  return { tenant: TENANT, device, logId: log, stream: 0, base: point(from, log), to: point(to, log), gaps: [], fragments, counts };
}

/** One sample of one series of a device, at `ms`. */
export const sampleOf = (device: string, ms: number, value: number): Fragment =>
  fragment({ labels: { __name__: 'm', device }, samples: [[ms, value]] });
