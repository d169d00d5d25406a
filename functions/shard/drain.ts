import type { Clock, ObjectStore, Outlet } from '../model.ts';
import type { ByteShare } from './budget.ts';
import type { Counters, Totals } from './counters.ts';
import type { DeadLetters } from './dead-letters.ts';
import { Lane, type LaneTrouble } from './lane.ts';
import type { Ledger, StoredObject } from './ledger.ts';
import { ObjectCache } from './object-cache.ts';
import { type UnitLimits, UnitReader } from './unit.ts';

/** A slice ends after this long; the alarm starts the next, with fresh processor time. */
export const SLICE_MS = 25_000;
/** Objects that all lanes have passed are deleted in groups of this many, or when there is nothing else to do. */
export const TRIM_OBJECTS = 64;

export interface DrainOptions {
  readonly ledger: Ledger;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly memory: ByteShare;
  readonly deadLetters: DeadLetters;
  readonly outlet: (counters: Counters) => Outlet;
  readonly lanes: number;
  readonly limits: UnitLimits;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** As {@link TRIM_OBJECTS}. */
  readonly trimObjects: number;
  /** Rows up to this commit are not needed for positions. */
  readonly snapshotSeq: () => number;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Sends what is stored to the receiver, lane by lane, and deletes what all lanes have passed. */
export class Drain {
  readonly #options: DrainOptions;
  readonly #cache: ObjectCache;
  readonly #lanes: readonly Lane[];
  #bufferedBytes: number;
  /** Objects before it are no longer counted as stored. */
  #passedSeq: number;
  /** Objects before it are deleted from the bucket, as far as this instance knows. */
  #deletedSeq = 0;
  #rowsDeletedSeq = 0;
  #newestSeq: number;

  constructor(options: DrainOptions) {
    this.#options = options;
    const { ledger, store } = options;
    this.#cache = new ObjectCache(options.memory);
    this.#newestSeq = ledger.newest()?.seq ?? 0;
    const rows = ledger.lanes();
    this.#lanes = Array.from({ length: options.lanes }, (_, lane) => {
      const { totals, ...cursor } = rows.get(lane) ?? { seq: 0, fragment: 0, totals: {} };
      const reader = new UnitReader(lane, ledger, store, this.#cache);
      return new Lane({ ...options, lane, cursor, totals, startSeq: this.#newestSeq, reader });
    });
    this.#passedSeq = this.#minPassed();
    this.#bufferedBytes = ledger.backlogFrom(this.#passedSeq).bytes;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** When the next lane has something to do, ms; undefined: nothing is stored. */
  get dueMs(): number | undefined {
    const dues = this.#lanes.map(({ dueMs }) => dueMs).filter((ms) => ms !== undefined);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  get troubles(): readonly LaneTrouble[] {
    return this.#lanes.map(({ trouble }) => trouble).filter((trouble) => trouble !== undefined);
  }

  get totals(): readonly Totals[] {
    return this.#lanes.map(({ totals }) => totals);
  }

  backlog() {
    return this.#options.ledger.backlogFrom(this.#minPassed());
  }

  /** A commit is durable. */
  add({ seq, size }: Pick<StoredObject, 'seq' | 'size'>, object: Uint8Array | undefined): void {
    this.#newestSeq = seq;
    this.#bufferedBytes += size;
    if (object === undefined) return;
    this.#cache.offer(seq, object);
    for (const lane of this.#lanes) lane.wake();
  }

  /** One slice of work; safe to call at any time, also while another call runs. Rejects with LedgerError only. */
  async run(): Promise<void> {
    const { clock, trimObjects } = this.#options;
    const untilMs = clock.now() + SLICE_MS;
    await Promise.all(
      this.#lanes.map(async (lane) => {
        await lane.run(untilMs);
        await this.#trim(trimObjects);
      }),
    );
    await this.#trim(this.dueMs === undefined ? 1 : trimObjects);
  }

  #minPassed(): number {
    return Math.min(this.#newestSeq + 1, ...this.#lanes.map(({ passedSeq }) => passedSeq));
  }

  /** Deletes passed objects where there are `atLeast` of them; first the objects, then their rows. */
  async #trim(atLeast: number): Promise<void> {
    const { ledger, store, snapshotSeq } = this.#options;
    const passed = this.#minPassed();
    if (passed > this.#passedSeq) {
      for (const { size } of ledger.keysBetween(this.#passedSeq, passed)) this.#bufferedBytes -= size;
      this.#passedSeq = passed;
      this.#cache.dropBefore(passed);
    }
    if (passed - this.#deletedSeq < atLeast) return;
    const keys = ledger.keysBetween(this.#deletedSeq, passed).map(({ key }) => key);
    try {
      if (keys.length > 0) await store.delete(keys);
    } catch (error) {
      // They stay a while longer; the next slice asks again.
      this.#options.log('cannot delete forwarded objects', { objects: keys.length, error: String(error) });
      return;
    }
    this.#deletedSeq = Math.max(this.#deletedSeq, passed);
    const rows = Math.min(this.#deletedSeq, snapshotSeq() + 1);
    if (rows <= this.#rowsDeletedSeq) return;
    for (const lane of this.#lanes) lane.persistIdle();
    ledger.deleteBefore(rows);
    this.#rowsDeletedSeq = rows;
  }
}
