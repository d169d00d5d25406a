import { defaultReceiver } from '../../functions/config/defaults.ts';
import { createOutlet } from '../../functions/forward/deliver.ts';
import type { CommitRequest, CommitResult, Moved, ObjectStore, OutgoingFragment, Outlet } from '../../functions/model.ts';
import { ByteBudget } from '../../functions/shard/budget.ts';
import { ShardCore } from '../../functions/shard/core.ts';
import { Gate } from '../../functions/shard/gate.ts';
import type { Sql } from '../../functions/shard/ledger.ts';
import { TENANT } from '../fakes/commit-requests.ts';
import { ALONE } from '../fakes/shard-rig.ts';
import { FakeObjectStorage } from '../fakes/sql.ts';
import type { SimClock } from './clock.ts';
import type { SimOptions } from './options.ts';

/** What the platform's answer to a shard that did not answer is made of; functions/app.ts. */
const SHARD_FAILED_RETRY_MS = 10_000;
const ISOLATE_BYTES = 40 * 1024 * 1024;
/** Connections that the platform gives one object; more wait. */
const CONNECTIONS = 6;

/** A shard's real code, around it a platform and a receiver that only cost time. */
export class SimShard {
  readonly core: ShardCore;
  /** Calls that wait for the object's one thread. */
  waiting = 0;
  overloaded = 0;
  /** The receiver answers 503. */
  receiverDown = false;
  readonly budget: ByteBudget;
  readonly #connections = new Gate(CONNECTIONS);
  readonly operations: Operations = { puts: 0, gets: 0, rowsWritten: 0, rowsRead: 0, alarms: 0, posts: 0 };
  readonly #clock: SimClock;
  readonly #options: SimOptions;
  #freeMs = 0;

  constructor(
    index: number,
    clock: SimClock,
    options: SimOptions,
    delivered: (fragments: readonly OutgoingFragment[]) => void,
    store?: ObjectStore,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.budget = new ByteBudget(options.isolateBytes ?? ISOLATE_BYTES);
    let alarm = 0;
    this.core = new ShardCore({
      name: { tenant: TENANT, generation: 1, index },
      shard: {
        generation: 1,
        shards: options.shards,
        lanes: options.lanes,
        commitIntervalMs: options.commitIntervalMs,
        maxBufferBytes: options.maxBufferBytes,
        deadLetterRetentionMs: 0,
      },
      receivers: [
        {
          config: {
            ...defaultReceiver,
            name: 'main',
            url: 'http://receiver.test/api/v1/receive',
            kind: 'thanos',
            outOfOrderTimeWindowMs: options.windowMs,
          },
          outlet: () => this.#outlet(delivered),
        },
      ],
      fleet: ALONE,
      sql: counted(new FakeObjectStorage().open(), this.operations),
      store: store ?? new SizeStore(clock, options, this.operations, this.#connections),
      clock,
      budget: this.budget,
      setAlarm: (atMs) => {
        const mine = ++alarm;
        this.operations.alarms++;
        void clock.sleep(atMs - clock.now()).then(() => (mine === alarm ? this.core.alarm() : undefined));
      },
      waitUntil: (work) => void work,
      onFatal: (error) => {
        throw error;
      },
      log: () => undefined,
    });
  }

  /** Calls are taken one after the other, as the object has one thread. */
  async commit(request: CommitRequest): Promise<CommitResult | Moved> {
    const { serviceMs, overloadMs } = this.#options;
    const now = this.#clock.now();
    const startMs = Math.max(now, this.#freeMs);
    if (startMs - now > overloadMs) {
      this.overloaded++;
      return { kind: 'busy', retryAfterMs: SHARD_FAILED_RETRY_MS, reason: 'overloaded' };
    }
    this.#freeMs = startMs + serviceMs;
    this.waiting++;
    await this.#clock.sleep(this.#freeMs - now);
    this.waiting--;
    return this.core.commit(request);
  }

  /** The real outlet; every POST takes a round trip and the receiver's time for its samples. */
  #outlet(delivered: (fragments: readonly OutgoingFragment[]) => void): Outlet {
    const { receiverMs, receiverSamplesPerSecond } = this.#options;
    let samples = 0;
    const outlet = createOutlet(async () => {
      this.operations.posts++;
      await this.#connections.run(() => this.#clock.sleep(receiverMs + (samples / receiverSamplesPerSecond) * 1000));
      if (this.receiverDown) return { kind: 'retry', status: 503, words: '', afterMs: undefined };
      return { kind: 'done', status: 204, words: '' };
    });
    return {
      begin: (fragments) => {
        samples = fragments.reduce((sum, fragment) => sum + fragment.samples, 0);
        const delivery = outlet.begin(fragments);
        return {
          advance: async (posts) => {
            const step = await delivery.advance(posts);
            if (step.kind === 'finished') delivered(fragments);
            return step;
          },
        };
      },
    };
  }
}

/** What the platform bills. `alarms`: times one was set, which is a row and later a request. */
export interface Operations {
  puts: number;
  gets: number;
  rowsWritten: number;
  rowsRead: number;
  alarms: number;
  posts: number;
}

/** Counts rows written as SQLite counts its changes, and rows read as those returned. */
function counted(sql: Sql, operations: Operations): Sql {
  return {
    ...sql,
    exec: (query, ...bindings) => {
      const rows = sql.exec(query, ...bindings);
      if (/^(INSERT|UPDATE|DELETE)/.test(query)) operations.rowsWritten += Number(sql.exec('SELECT changes() AS n')[0]?.['n'] ?? 0);
      operations.rowsRead += rows.length;
      return rows;
    },
  };
}

/** Keeps only the size of what is put: every block of the simulation consists of zeros. */
class SizeStore implements ObjectStore {
  readonly #clock: SimClock;
  readonly #options: SimOptions;
  readonly #operations: Operations;
  readonly #connections: Gate;
  readonly #sizes = new Map<string, number>();

  constructor(clock: SimClock, options: SimOptions, operations: Operations, connections: Gate) {
    this.#clock = clock;
    this.#options = options;
    this.#operations = operations;
    this.#connections = connections;
  }

  async create(key: string, body: Uint8Array): Promise<'created' | 'exists'> {
    this.#operations.puts++;
    await this.#take(body.length);
    if (this.#sizes.has(key)) return 'exists';
    this.#sizes.set(key, body.length);
    return 'created';
  }

  async get(key: string, range?: { readonly offset: number; readonly length: number }): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const size = this.#sizes.get(key);
    const length = range?.length ?? size ?? 0;
    this.#operations.gets++;
    await this.#take(length);
    return size === undefined ? undefined : new Uint8Array(length);
  }

  async head(key: string): Promise<number | undefined> {
    return this.#sizes.get(key);
  }

  async list(): Promise<readonly string[]> {
    return [];
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#sizes.delete(key);
  }

  #take(bytes: number): Promise<void> {
    return this.#connections.run(() => this.#clock.sleep(this.#options.storeMs + (bytes / this.#options.storeBytesPerSecond) * 1000));
  }
}
