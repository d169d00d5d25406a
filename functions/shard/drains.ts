import type { Clock, ObjectStore } from '../model.ts';
import type { ByteShare } from './budget.ts';
import type { Totals } from './counters.ts';
import type { OnDeadLetter } from './dead-letters.ts';
import { Drain, type ShardReceiver } from './drain.ts';
import type { ShardName } from './keys.ts';
import { type Backlog, FORMER_LANES, type Ledger, type StoredObject } from './ledger.ts';
import { ObjectCache } from './object-cache.ts';
import { placeDrains } from './placing.ts';

/** A slice ends after this long; the alarm starts the next, with fresh processor time. */
export const SLICE_MS = 25_000;
/** Objects that all drains have passed are deleted in groups of this many, or when there is nothing else to do. */
export const TRIM_OBJECTS = 64;
/** Where the oldest are dropped, so many-th of the buffer at a time: a jump writes a row for each lane. */
const DROP_SHARE = 100;

export interface DrainsOptions {
  readonly name: ShardName;
  /** In the order of the configuration. */
  readonly receivers: readonly ShardReceiver[];
  readonly lanes: number;
  readonly ledger: Ledger;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly memory: ByteShare;
  /** As {@link TRIM_OBJECTS}. */
  readonly trimObjects: number;
  /** Rows up to this commit are not needed for positions. */
  readonly snapshotSeq: () => number;
  /** Adds to a counter of the shard. */
  readonly count: (metric: string, value: number) => void;
  readonly onDeadLetter: OnDeadLetter;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** One stored copy, and a drain for each receiver; what all of them have passed is deleted. */
export class Drains {
  readonly #options: DrainsOptions;
  readonly #cache: ObjectCache;
  readonly #drains: readonly Drain[];
  readonly #formerTotals: ReadonlyMap<string, Totals>;
  #bufferedBytes: number;
  /** Objects before it are no longer counted as stored. */
  #passedSeq: number;
  readonly #passedAtStart: number;
  /** Objects before it are deleted from the bucket, as far as this instance knows. */
  #deletedSeq = 0;
  #rowsDeletedSeq = 0;
  #newestSeq: number;

  constructor(options: DrainsOptions) {
    this.#options = options;
    const { ledger, receivers, lanes, log } = options;
    this.#cache = new ObjectCache(options.memory);
    this.#newestSeq = ledger.newest()?.seq ?? 0;
    const names = receivers.map(({ config }) => config.name);
    const rows = placeDrains({ ledger, receivers: names, lanes, newestSeq: this.#newestSeq, log });
    this.#drains = receivers.map((receiver) => {
      const own = rows.get(receiver.config.name) ?? new Map();
      return new Drain({ ...options, receiver, rows: own, cache: this.#cache });
    });
    const former = [...rows].filter(([receiver]) => !names.includes(receiver));
    this.#formerTotals = new Map(former.map(([receiver, own]) => [receiver, own.get(FORMER_LANES)?.totals ?? {}]));
    this.#passedSeq = this.#minPassed();
    this.#passedAtStart = this.#passedSeq;
    this.#bufferedBytes = ledger.backlogFrom(this.#passedSeq).bytes;
  }

  /** By receiver, in the order of the configuration. */
  get all(): readonly Drain[] {
    return this.#drains;
  }

  /** By receiver that is gone: what was counted. */
  get formerTotals(): ReadonlyMap<string, Totals> {
    return this.#formerTotals;
  }

  /** Stored for the slowest receiver. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** When the next lane has something to do, ms; undefined: nothing is stored. */
  get dueMs(): number | undefined {
    const dues = this.#drains.map(({ dueMs }) => dueMs).filter((ms) => ms !== undefined);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  /**
   * Frees at least `bytes`, where that can be done without taking anything from a receiver that devices wait for: those that
   * rather lose their oldest samples do so. Says whether all of it is free.
   */
  makeRoom(bytes: number): boolean {
    const { ledger, log } = this.#options;
    this.#count();
    const wanted = Math.max(bytes, this.#bufferedBytes / DROP_SHARE);
    const blocking = this.#drains.filter(({ receiver }) => receiver.onFull === 'block').map(({ passedSeq }) => passedSeq);
    const bound = Math.min(this.#newestSeq + 1, ...blocking);
    let freed = 0;
    let seq = this.#passedSeq;
    for (const object of ledger.keysBetween(this.#passedSeq, bound)) {
      if (freed >= wanted) break;
      freed += object.size;
      seq = object.seq + 1;
    }
    if (seq > this.#passedSeq) {
      for (const drain of this.#drains) {
        if (drain.passedSeq >= seq) continue;
        const samples = drain.jump(seq);
        log('the buffer is full, the oldest samples are dropped', { receiver: drain.receiver.name, samples });
      }
      this.#count();
    }
    return freed >= bytes;
  }

  backlog(): Backlog {
    return this.#options.ledger.backlogFrom(this.#minPassed());
  }

  /** A commit is durable. */
  add({ seq, size }: Pick<StoredObject, 'seq' | 'size'>, object: Uint8Array | undefined): void {
    this.#newestSeq = seq;
    this.#bufferedBytes += size;
    if (object === undefined) return;
    if (!this.#cache.offer(seq, object)) {
      // What the fastest receiver has, a slower one can take from the bucket.
      this.#cache.dropBefore(Math.max(...this.#drains.map(({ passedSeq }) => passedSeq)));
      this.#cache.offer(seq, object);
    }
    for (const drain of this.#drains) drain.wake();
  }

  /**
   * One slice of work; safe to call at any time, also while another call runs. Rejects with LedgerError only.
   * @param maySend whether it is the turn of what is stored for a receiver
   */
  async run(maySend: (receiver: string) => boolean): Promise<void> {
    const { clock, trimObjects } = this.#options;
    const untilMs = clock.now() + SLICE_MS;
    await Promise.all(
      this.#drains.filter(({ receiver }) => maySend(receiver.name)).map((drain) => drain.run(untilMs, () => this.#trim(trimObjects))),
    );
    await this.#trim(this.dueMs === undefined ? 1 : trimObjects);
  }

  /** Writes what was counted since it was written last. */
  saveTotals(): void {
    for (const drain of this.#drains) drain.saveTotals();
  }

  #minPassed(): number {
    return Math.min(this.#newestSeq + 1, ...this.#drains.map(({ passedSeq }) => passedSeq));
  }

  /** Counts what has been passed since; returns before which sequence that is. */
  #count(): number {
    const passed = this.#minPassed();
    if (passed > this.#passedSeq) {
      for (const { size } of this.#options.ledger.keysBetween(this.#passedSeq, passed)) this.#bufferedBytes -= size;
      this.#passedSeq = passed;
      this.#cache.dropBefore(passed);
    }
    return passed;
  }

  /** Deletes passed objects where there are `atLeast` of them; first the objects, then their rows. */
  async #trim(atLeast: number): Promise<void> {
    const { ledger, store, snapshotSeq } = this.#options;
    const passed = this.#count();
    if (passed - this.#deletedSeq < atLeast) return;
    const keys = ledger.keysBetween(this.#deletedSeq, passed).map(({ key }) => key);
    try {
      if (keys.length > 0) await store.delete(keys);
    } catch (error) {
      // They stay a while longer; the next slice asks again.
      this.#options.count('relay_delete_failures_total', 1);
      this.#options.log('cannot delete forwarded objects', { objects: keys.length, error: String(error) });
      return;
    }
    // What was passed before this instance began is deleted once more, but was counted then.
    const counted = ledger.keysBetween(Math.max(this.#deletedSeq, this.#passedAtStart), passed).length;
    this.#options.count('relay_objects_deleted_total', counted);
    this.#deletedSeq = Math.max(this.#deletedSeq, passed);
    const rows = Math.min(this.#deletedSeq, snapshotSeq() + 1);
    if (rows <= this.#rowsDeletedSeq) return;
    for (const drain of this.#drains) drain.persistIdle();
    ledger.deleteBefore(rows);
    this.#rowsDeletedSeq = rows;
  }
}
