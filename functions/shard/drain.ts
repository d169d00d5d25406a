import type { ReceiverConfig } from '../config/types.ts';
import { FORWARD_DURATION, observeDuration } from '../histogram.ts';
import type { Clock, ObjectStore, Outlet, ReceiverClock, Verdict } from '../model.ts';
import { addTotals, type Counters, type Totals } from './counters.ts';
import { DeadLetters, type OnDeadLetter } from './dead-letters.ts';
import { FreshFirst } from './fresh-first.ts';
import type { ShardName } from './keys.ts';
import type { LaneTrouble } from './lane-options.ts';
import { type Backlog, type DrainRow, FORMER_LANES, type LaneCursor, type Ledger } from './ledger.ts';
import type { ObjectCache } from './object-cache.ts';
import { samplesBetween } from './placing.ts';
import { ReceiverOffset } from './receiver-offset.ts';
import { compareCursors, postLimits, UnitReader } from './unit.ts';

/** A receiver of the shard's tenant, and the way to it. */
export interface ShardReceiver {
  readonly config: ReceiverConfig;
  /** Makes a lane's way out; every verdict is told to `observe`. */
  readonly outlet: (observe: (verdict: Verdict) => void) => Outlet;
}

export interface DrainOptions {
  readonly name: ShardName;
  readonly receiver: ShardReceiver;
  /** By lane: how far each has come. */
  readonly rows: ReadonlyMap<number, DrainRow>;
  readonly lanes: number;
  readonly ledger: Ledger;
  readonly store: ObjectStore;
  readonly cache: ObjectCache;
  readonly clock: Clock;
  readonly onDeadLetter: OnDeadLetter;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Sends what is stored to one receiver, lane by lane. */
export class Drain {
  readonly #options: DrainOptions;
  readonly #offset: ReceiverOffset;
  readonly #deadLetters: DeadLetters;
  readonly #lanes: FreshFirst[];

  constructor(options: DrainOptions) {
    this.#options = options;
    const { name, receiver, store, clock, rows, onDeadLetter } = options;
    this.#offset = new ReceiverOffset(clock, receiver.outlet);
    this.#deadLetters = new DeadLetters(name, store, clock, receiver.config.name, onDeadLetter);
    this.#lanes = Array.from({ length: options.lanes }, (_, lane) => {
      const row = rows.get(lane);
      if (row === undefined) throw new Error(`drain ${this.receiver.name}: expected a row of lane ${lane}, got none`);
      return this.#newLane(lane, row);
    });
  }

  #newLane(lane: number, row: DrainRow): FreshFirst {
    const { ledger, store, cache, clock, log } = this.#options;
    const { name, queue, outOfOrderTimeWindowMs } = this.receiver;
    const oldestMs = () => (queue.sampleAgeLimitMs === 0 ? Number.NEGATIVE_INFINITY : clock.now() - queue.sampleAgeLimitMs);
    const made: FreshFirst = new FreshFirst({
      lane,
      row,
      windowMs: outOfOrderTimeWindowMs,
      newestSeq: () => ledger.newest()?.seq ?? 0,
      onPassed: () => {
        for (const other of this.#lanes) if (other !== made) other.receiverWorks();
      },
      limits: postLimits(queue.maxSamplesPerSend),
      minBackoffMs: queue.minBackoffMs,
      maxBackoffMs: queue.maxBackoffMs,
      batchSendDeadlineMs: queue.batchSendDeadlineMs,
      ledger,
      save: (moved) => {
        // One whose place another has taken may still come back from a POST.
        if (this.#lanes[lane] === made) ledger.transaction(() => ledger.setDrain(name, lane, moved));
      },
      reader: new UnitReader(lane, ledger, store, cache, oldestMs),
      deadLetters: this.#deadLetters,
      outlet: (counters) => this.#outlet(counters),
      clock,
      log: (message, fields) => log(message, { receiver: name, ...fields }),
    });
    return made;
  }

  /**
   * Goes on from the object `seq` at the earliest, whatever lies before it; returns the samples that the receiver does not get
   * so. A POST under way counts among them, though it may arrive.
   */
  jump(seq: number): number {
    const { ledger } = this.#options;
    const to: LaneCursor = { seq, fragment: 0 };
    let dropped = 0;
    const moved = [...this.#lanes.entries()].flatMap(([i, lane]) => {
      if (lane.passedSeq >= seq) return [];
      lane.end();
      const { behind, totals, ...cursor } = lane.row;
      const gone = [...behind, { from: cursor, before: to }]
        .map(({ from, before }) => samplesBetween(ledger, i, from, earlier(before, to)))
        .reduce((sum, samples) => sum + samples, 0);
      dropped += gone;
      const left = behind
        .filter(({ before }) => compareCursors(before, to) > 0)
        .map(({ from, before }) => ({ from: later(from, to), before }));
      const sum: Record<string, number> = { ...totals };
      addTotals(sum, { 'relay_dropped_samples_total{reason="buffer_full"}': gone });
      return [{ i, row: { ...later(cursor, to), behind: left, totals: sum } }];
    });
    ledger.transaction(() => {
      for (const { i, row } of moved) ledger.setDrain(this.receiver.name, i, row);
    });
    for (const { i, row } of moved) this.#lanes[i] = this.#newLane(i, row);
    return dropped;
  }

  get receiver(): ReceiverConfig {
    return this.#options.receiver.config;
  }

  /** When the next lane has something to do, ms; undefined: everything is sent. */
  get dueMs(): number | undefined {
    const dues = this.#lanes.map(({ dueMs }) => dueMs).filter((ms) => ms !== undefined);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  get troubles(): readonly LaneTrouble[] {
    return this.#lanes.flatMap(({ troubles }) => troubles);
  }

  /** Objects before this sequence are not needed for this receiver any more. */
  get passedSeq(): number {
    return Math.min(...this.#lanes.map(({ passedSeq }) => passedSeq));
  }

  /** What was counted towards this receiver, also by lanes that are no more. */
  get totals(): Totals {
    const sum: Record<string, number> = { ...this.#options.rows.get(FORMER_LANES)?.totals };
    for (const { totals } of this.#lanes) addTotals(sum, totals);
    return sum;
  }

  backlog(): Backlog {
    return this.#options.ledger.backlogFrom(this.passedSeq);
  }

  /** The receiver's clock minus ours, ms; undefined until it has told. */
  get clockOffsetMs(): number | undefined {
    return this.#offset.ms;
  }

  /** What the receiver's clock says, as far as it has told. */
  time(): ReceiverClock {
    return this.#offset.time();
  }

  /** What the receiver's clock says; where no answer has told yet, it is asked. */
  askTime(): Promise<ReceiverClock> {
    return this.#offset.ask();
  }

  /** New data may be there. */
  wake(): void {
    for (const lane of this.#lanes) lane.wake();
  }

  /** Writes the cursors of lanes that had nothing to send for long, so that a restart does not scan from there. */
  persistIdle(): void {
    for (const lane of this.#lanes) lane.persistIdle();
  }

  /** Writes what lanes counted since they moved. */
  saveTotals(): void {
    for (const lane of this.#lanes) lane.saveTotals();
  }

  /** Sends until `untilMs`; `afterLane` is awaited after each lane that ends. Rejects with LedgerError only. */
  async run(untilMs: number, afterLane: () => Promise<void>): Promise<void> {
    await Promise.all(
      this.#lanes.map(async (lane) => {
        await lane.run(untilMs);
        await afterLane();
      }),
    );
  }

  #outlet(counters: Counters): Outlet {
    return this.#options.receiver.outlet((verdict) => {
      counters.add(`relay_forward_requests_total{code="${verdict.status}"}`);
      if (verdict.kind === 'retry') counters.add('relay_forward_retries_total');
      observeDuration((metric, value) => counters.add(metric, value), FORWARD_DURATION, '', verdict.tookMs ?? 0);
      this.#offset.learn(verdict);
    });
  }
}

const earlier = (a: LaneCursor, b: LaneCursor): LaneCursor => (compareCursors(a, b) < 0 ? a : b);
const later = (a: LaneCursor, b: LaneCursor): LaneCursor => (compareCursors(a, b) < 0 ? b : a);
