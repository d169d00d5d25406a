import type { ShardConfig } from '../config/types.ts';
import {
  type AccountRequest,
  type AccountResult,
  blockBytes,
  type Clock,
  type CommitRequest,
  type CommitResult,
  type DeviceStatus,
  type DevicesRequest,
  type DrainState,
  type HandOverRequest,
  type HandOverResult,
  type Moved,
  type ObjectStore,
  type ReceiverClock,
  type ShardMetrics,
} from '../model.ts';
import { shardIndex } from '../spread.ts';
import { account, LIMITS_FROM_THE_START, limitGauges, noteOffence } from './account.ts';
import type { ByteBudget, ByteShare } from './budget.ts';
import { Committer } from './commit.ts';
import { Counters, laterTotals } from './counters.ts';
import { deleteDeadLettersBefore } from './dead-letters.ts';
import type { ShardReceiver } from './drain.ts';
import { Drains, TRIM_OBJECTS } from './drains.ts';
import { Generation } from './generation.ts';
import { hashText } from './hash.ts';
import { PAGE_CHARACTERS, type Peer } from './inherit.ts';
import { formatShardName, type ShardName } from './keys.ts';
import { Ledger, LedgerError, type Sql } from './ledger.ts';
import { LeftOutByDevice } from './left-out.ts';
import { Limits, type ShardLimits, UNLIMITED } from './limits.ts';
import { shardValues } from './metrics.ts';
import { placeAfter } from './placing.ts';
import { PositionStore } from './position-store.ts';
import { sweepOrphans } from './sweep.ts';
import { TableQuota } from './table-quota.ts';

/** While anything is stored an alarm is set no later than this, ms: should this instance die, the next one wakes by it. */
const WATCH_MS = 30_000;
/** So long a push waits for earlier generations to hand over, ms; then its device is told to come again. */
const OPEN_WAIT_MS = 10_000;
/** Between two looks for objects that belong to nobody, ms. */
const SWEEP_MS = 600_000;
/** Old dead letters deleted in one go. */
const DEAD_LETTERS_PER_SWEEP = 1000;

export interface ShardFleet {
  /** Names of all that are registered, of any generation. */
  readonly registered: () => Promise<readonly string[]>;
  /** How many this one's generation has. */
  readonly shards: () => Promise<number>;
  /** A new stub each time. */
  readonly peer: (name: string) => Peer;
}

export interface ShardOptions {
  readonly name: ShardName;
  readonly shard: ShardConfig;
  /** Of the tenant, in the order of the configuration; at least one. */
  readonly receivers: readonly ShardReceiver[];
  /** The one of them whose clock counts; default: the first. */
  readonly leading?: string;
  readonly sql: Sql;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly budget: ByteBudget;
  /** The other shards of the tenant. */
  readonly fleet: ShardFleet;
  /** Wakes the shard at a time, ms, even if this instance is gone then. The latest call counts. */
  readonly setAlarm: (atMs: number) => void;
  /** Keeps the instance alive while the work runs. */
  readonly waitUntil: (work: Promise<void>) => void;
  /** This instance must end: another one has taken over, or its storage failed. */
  readonly onFatal: (error: unknown) => void;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Default {@link UNLIMITED}. */
  readonly limits?: ShardLimits;
  /** Default {@link TRIM_OBJECTS}; tests lower it. */
  readonly trimObjects?: number;
}

/** A shard without its platform: commits, drains, cleans up. One per Durable Object; built anew from the ledger at each start. */
export class ShardCore {
  readonly #options: ShardOptions;
  readonly #ledger: Ledger;
  readonly #counters: Counters;
  readonly #positions: PositionStore;
  readonly #committer: Committer;
  readonly #memory: ByteShare;
  readonly #generation: Generation;
  readonly #limits: Limits;
  readonly #tables: TableQuota;
  readonly #leftOut = new LeftOutByDevice();
  #drains: Drains;
  #lanes: number;
  #alarmMs: number | undefined;
  #dead = false;
  #savedChanges = 0;

  constructor(options: ShardOptions) {
    const { name, shard, sql, store, clock, budget } = options;
    this.#options = options;
    this.#memory = budget.open(formatShardName(name));
    this.#ledger = new Ledger(sql);
    this.#counters = new Counters(laterTotals(this.#ledger.newest()?.totals, this.#ledger.meta('totals')));
    this.#positions = new PositionStore(this.#ledger);
    const lanes = this.#ledger.meta('lanes');
    this.#lanes = Number(lanes ?? wantedLanes(options));
    if (lanes === undefined) this.#ledger.setMeta('lanes', String(this.#lanes));
    const { limits = UNLIMITED } = options;
    this.#limits = new Limits(limits, () => clock.now());
    this.#tables = new TableQuota(sql, limits, () => clock.now());
    this.#drains = this.#newDrains();
    this.#committer = new Committer({
      name,
      commitIntervalMs: shard.commitIntervalMs,
      maxBufferBytes: shard.maxBufferBytes,
      ledger: this.#ledger,
      store,
      clock,
      memory: this.#memory,
      positions: this.#positions,
      counters: this.#counters,
      limits: this.#limits,
      lanes: () => this.#lanes,
      laneOf: (device) => hashText(device) % this.#lanes,
      bufferedBytes: () => this.#drains.bufferedBytes,
      makeRoom: (bytes) => this.#drains.makeRoom(bytes),
      closedBy: () => this.#generation.closedBy,
      onWritten: () => this.#arm(clock.now() + WATCH_MS),
      onCommitted: (row, object) => {
        this.#drains.add(row, object?.bytes);
        this.#wake();
      },
      onFatal: (error) => this.#fail(error),
    });
    this.#generation = new Generation({
      ...options.fleet,
      name,
      ledger: this.#ledger,
      clock,
      adopt: (devices, also) => this.#positions.adopt(devices, also),
      settled: () => this.#committer.settled(),
      log: options.log,
    });
    this.#wake();
  }

  async commit(request: CommitRequest): Promise<CommitResult | Moved> {
    if (request.tenant !== this.#options.name.tenant) {
      throw new Error(`shard ${formatShardName(this.#options.name)}: expected data of its tenant, got those of ${request.tenant}`);
    }
    if (!this.#generation.isOpen && !(await this.#opened(request))) return this.#committer.refuse('handover');
    const result = await this.#committer.commit(request);
    if (result.kind === 'stored' && !result.repeated) this.#leftOut.note(request);
    return { ...result, ...this.#leading?.time() };
  }

  /** Before a device stores a series table, and when it sends what cannot be read. */
  async account(request: AccountRequest): Promise<AccountResult> {
    try {
      return account(request, { limits: this.#limits, tables: this.#tables, counters: this.#counters, log: this.#options.log });
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** A newer generation takes over. */
  async handOver(request: HandOverRequest): Promise<HandOverResult> {
    try {
      await this.#generation.close(request);
    } catch (error) {
      if (error instanceof LedgerError) this.#fail(error);
      throw error;
    }
    const { shards, index, after = '' } = request;
    return this.#positions.positions.page((device) => shardIndex(device, shards) === index, after, PAGE_CHARACTERS);
  }

  /** How far this shard is, for one that waits for it. */
  async drained(): Promise<DrainState> {
    this.#wake();
    const busy = this.#drains.all.filter(({ dueMs }) => dueMs !== undefined || !this.#committer.idle);
    return this.#generation.state(busy.map(({ receiver }) => receiver.name));
  }

  /** False: earlier shards have not all handed over in time. What waits counts as memory taken. */
  async #opened({ fragments }: CommitRequest): Promise<boolean> {
    const bytes = blockBytes(fragments);
    if (!this.#memory.tryTake(bytes)) return false;
    const opening = this.#generation.open().then(
      () => true,
      (error: unknown) => {
        if (error instanceof LedgerError) this.#fail(error);
        else this.#options.log('earlier shards have not handed over', { error: String(error) });
        return false;
      },
    );
    const opened = new AbortController();
    const late = this.#options.clock.sleep(OPEN_WAIT_MS, opened.signal).then(() => false);
    try {
      return await Promise.race([opening, late]);
    } finally {
      opened.abort();
      this.#memory.give(bytes);
    }
  }

  /** What the receiver's clock says; where no answer has told yet, it is asked. */
  async time(): Promise<ReceiverClock> {
    return (await this.#leading?.askTime()) ?? {};
  }

  /** For the watchdog: starts whatever there is to do, and cleans up. Does not wait for the receiver. Safe at any time. */
  async poke(): Promise<void> {
    this.#wake();
    this.#saveCounters();
    await this.#maintain();
  }

  /** What has been counted since the last commit, refusals above all, would be lost with this instance. */
  #saveCounters(): void {
    if (this.#dead) return;
    try {
      this.#drains.saveTotals();
      if (this.#counters.changes === this.#savedChanges) return;
      this.#ledger.setMeta('totals', JSON.stringify(this.#counters.totals()));
      this.#savedChanges = this.#counters.changes;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The platform's alarm rings: a slice of work. Never rejects: an alarm that failed six times would never come again. */
  async alarm(): Promise<void> {
    this.#alarmMs = undefined;
    await this.#slice();
    await this.#maintain();
  }

  devices({ device: only, after = '', limit }: DevicesRequest): readonly DeviceStatus[] {
    const { positions } = this.#positions;
    if (this.#generation.closedBy !== undefined) return [];
    const lastMs = only === undefined ? undefined : positions.lastMs(only);
    const found = only === undefined ? positions.list(after, limit) : lastMs === undefined ? [] : [[only, lastMs] as const];
    return found.map(([device, pushedMs]) => {
      const leftOut = this.#leftOut.get(device);
      return { device, pushedMs, ...(leftOut === undefined ? {} : { leftOut }) };
    });
  }

  metrics(): ShardMetrics {
    const closed = this.#generation.closedBy !== undefined;
    // The devices of a closed shard are those of another one.
    const { activeLogs, devicesWithSeveral } = closed
      ? { activeLogs: 0, devicesWithSeveral: 0 }
      : this.#positions.positions.activity(this.#options.clock.now());
    return {
      values: {
        ...LIMITS_FROM_THE_START,
        ...shardValues({
          totals: this.#counters.totals(),
          backlog: this.#drains.backlog(),
          now: this.#options.clock.now(),
          drains: this.#drains.all.map((drain) => ({
            receiver: drain.receiver.name,
            totals: drain.totals,
            backlog: drain.backlog(),
            troubles: drain.troubles,
            clockOffsetMs: drain.clockOffsetMs,
          })),
          formerTotals: this.#drains.formerTotals,
          devices: closed ? 0 : this.#positions.positions.devices,
          activeLogs,
          devicesWithSeveral,
          forgottenLogs: this.#positions.positions.forgotten,
          memoryBytes: this.#options.budget.used,
          closed,
          waitsFor: this.#generation.waitsFor,
        }),
        ...limitGauges(this.#limits),
      },
    };
  }

  /** Starts a slice in the background. */
  #wake(): void {
    if (this.#drains.dueMs === undefined) return;
    this.#options.waitUntil(this.#slice());
  }

  /** Reentrant: lanes that run already go on, others start. */
  async #slice(): Promise<void> {
    if (this.#dead) return;
    try {
      await this.#generation.ask();
      await this.#drains.run((receiver) => this.#generation.maySend(receiver));
      this.#adoptLanes();
    } catch (error) {
      this.#fail(error);
      return;
    }
    const due = this.#drains.dueMs;
    // What may not be sent yet is due when those before it are asked again.
    if (due !== undefined)
      this.#arm(Math.max(due, this.#options.clock.now(), this.#generation.waitsFor > 0 ? this.#generation.askAgainMs : 0));
  }

  #arm(atMs: number): void {
    if (this.#alarmMs !== undefined && this.#alarmMs <= atMs && this.#alarmMs > this.#options.clock.now()) return;
    this.#alarmMs = atMs;
    this.#options.setAlarm(atMs);
  }

  /** Objects of nobody, and dead letters past their retention: every ten minutes, counted from the ledger, not from the start. */
  async #maintain(): Promise<void> {
    const { name, store, clock, shard, log } = this.#options;
    const now = clock.now();
    if (this.#dead) return;
    try {
      if (now - Number(this.#ledger.meta('swept_ms') ?? 0) < SWEEP_MS) return;
      this.#ledger.setMeta('swept_ms', String(now));
      this.#counters.add('relay_orphans_deleted_total', await sweepOrphans(name, store, this.#ledger, this.#committer.frontier));
      // The tenant's letters have one owner, so that its shards do not all list them.
      if (name.index !== 0 || shard.deadLetterRetentionMs === 0) return;
      const letters = await deleteDeadLettersBefore(store, name.tenant, now - shard.deadLetterRetentionMs, DEAD_LETTERS_PER_SWEEP);
      this.#counters.add('relay_dead_letters_deleted_total', letters);
    } catch (error) {
      if (error instanceof LedgerError) this.#fail(error);
      else log('clean-up failed, will be tried again', { error: String(error) });
    }
  }

  /** Lanes change only while nothing is stored: objects are grouped by them, and a device's order hangs on them. */
  #adoptLanes(): void {
    const wanted = wantedLanes(this.#options);
    const stored = this.#ledger.meta('lanes');
    if (stored === String(wanted) || this.#drains.dueMs !== undefined || !this.#committer.idle) return;
    const receivers = this.#options.receivers.map(({ config }) => config.name);
    const seq = this.#ledger.newest()?.seq ?? 0;
    this.#ledger.setMeta('lanes', String(wanted));
    placeAfter(this.#ledger, receivers, wanted, seq);
    this.#lanes = wanted;
    this.#drains = this.#newDrains();
  }

  #newDrains(): Drains {
    const { trimObjects = TRIM_OBJECTS } = this.#options;
    return new Drains({
      ...this.#options,
      ledger: this.#ledger,
      memory: this.#memory,
      lanes: this.#lanes,
      trimObjects,
      snapshotSeq: () => this.#positions.snapshotSeq,
      count: (metric, value) => this.#counters.add(metric, value),
      onDeadLetter: (reason, devices, seq) => {
        const [device, ...others] = devices;
        // Where several devices share a refused request, nobody knows which is to blame; a repeat is nobody's fault.
        if (device === undefined || others.length > 0 || reason === 'repeat_refused') return;
        noteOffence(device, `refused by a receiver in commit ${seq}`, { ...this.#options, limits: this.#limits, counters: this.#counters });
      },
    });
  }

  /** The receiver whose clock devices are measured by. */
  get #leading() {
    const { leading, receivers } = this.#options;
    return this.#drains.all.find(({ receiver }) => receiver.name === (leading ?? receivers[0]?.config.name));
  }

  #fail(error: unknown): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#options.onFatal(error);
  }
}

/** Without an out-of-order window two lanes at different speeds would make the receiver refuse the slower one's data. */
const wantedLanes = ({ shard, receivers }: ShardOptions): number =>
  receivers.some(({ config }) => config.outOfOrderTimeWindowMs === 0) ? 1 : Math.max(1, shard.lanes);
