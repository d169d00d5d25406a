import { snappyConcat } from '../../contract/snappy.ts';
import type { Clock, Delivery, FinishedDelivery, Outlet, RefusedPart } from '../model.ts';
import { Backoff } from './backoff.ts';
import { Counters, type Totals } from './counters.ts';
import type { DeadLetters } from './dead-letters.ts';
import { Fuse } from './fuse.ts';
import { type DrainRow, type LaneCursor, type LaneRange, type Ledger, LedgerError } from './ledger.ts';
import type { Unit, UnitLimits, UnitReader, UnitResult } from './unit.ts';

/** A lane that runs is looked after by its run; should that die, somebody looks after this time, ms. */
const RUNNING_MS = 30_000;
/** POSTs of one search before the lane looks at the clock again. */
const POSTS_PER_TURN = 16;
/** Pause after an answer that a person has to look at, ms. */
const STOP_MS = 60_000;
/** Reads of bytes that do not match their checksum, before they are given up. */
const MAX_READS = 5;
/** Fragments tried at a time while the receiver seems to take nothing. */
const WARY_FRAGMENTS = 8;
/** A POST is never made smaller than this share of its limits; single fragments always go. */
const MIN_SCALE = 1 / 64;

export interface LaneOptions {
  readonly lane: number;
  /** As it was found. */
  readonly row: DrainRow;
  /** The newest commit when this instance started: what it may have sent before is a suspect. */
  readonly startSeq: number;
  readonly limits: UnitLimits;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly ledger: Pick<Ledger, 'objectsFrom'>;
  /** Keeps how far the lane is. */
  readonly save: (row: DrainRow) => void;
  readonly reader: UnitReader;
  readonly deadLetters: DeadLetters;
  /** Sends for this lane; requests are counted in `counters`. */
  readonly outlet: (counters: Counters) => Outlet;
  readonly clock: Clock;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Why a lane does not move; for metrics and readiness. */
export interface LaneTrouble {
  readonly kind: 'retrying' | 'stopped' | 'refused';
  readonly status: number;
  readonly words: string;
  readonly sinceMs: number;
}

/**
 * One lane's way through the backlog, one request in flight. `cursor` is durable: everything before it was taken by the
 * receiver or is a dead letter. `next` is ahead of it only while units are held that the receiver refused completely.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #counters: Counters;
  readonly #outlet: Outlet;
  readonly #backoff: Backoff;
  readonly #fuse = new Fuse();
  readonly #behind: readonly LaneRange[];
  #cursor: LaneCursor;
  #next: LaneCursor;
  #suspectSeq: number;
  /** `buried`: dead letters of it that are written already, should the store fail in between. */
  #work: { readonly unit: Unit; readonly delivery: Delivery; buried: number } | undefined;
  /** Units between `cursor` and `next`: refused completely. By whom is not clear before something passes. */
  #held: { readonly status: number; readonly words: string } | undefined;
  #trouble: LaneTrouble | undefined;
  #notBefore = 0;
  #reads = 0;
  #scale = 1;
  #idle = false;
  #wakes = 0;
  #running = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#counters = new Counters(options.row.totals);
    this.#outlet = options.outlet(this.#counters);
    this.#backoff = new Backoff(options.minBackoffMs, options.maxBackoffMs, () => options.clock.random());
    this.#behind = options.row.behind;
    this.#cursor = { seq: options.row.seq, fragment: options.row.fragment };
    this.#next = this.#cursor;
    this.#suspectSeq = options.startSeq;
  }

  /** Objects before this sequence are not needed by this lane any more. */
  get passedSeq(): number {
    const seq = this.#held === undefined ? this.#next.seq : this.#cursor.seq;
    return Math.min(seq, ...this.#behind.map(({ from }) => from.seq));
  }

  /** When somebody should call {@link run}, ms; undefined: there is nothing to do. */
  get dueMs(): number | undefined {
    if (this.#running) return this.#options.clock.now() + RUNNING_MS;
    return this.#idle && this.#held === undefined ? undefined : this.#notBefore;
  }

  get trouble(): LaneTrouble | undefined {
    return this.#trouble;
  }

  get totals(): Totals {
    return this.#counters.totals();
  }

  /** New data may be there. */
  wake(): void {
    this.#wakes++;
    this.#idle = false;
    // What comes now may show that the receiver works, and end the wait of what is held.
    if (this.#held !== undefined && !this.#fuse.blown && this.#trouble?.kind === 'refused') this.#notBefore = 0;
  }

  /** Writes the cursor of a lane that had nothing to send for long, so that a restart does not scan from there. */
  persistIdle(): void {
    if (this.#held === undefined && this.#next.seq > this.#cursor.seq) this.#move(this.#next);
  }

  /** Sends until there is nothing left, the receiver wants a pause, or `untilMs`. Rejects with {@link LedgerError} only. */
  async run(untilMs: number): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { clock } = this.#options;
    try {
      while (!this.#idle || this.#held !== undefined) {
        const now = clock.now();
        if (now < this.#notBefore || now >= untilMs) return;
        await this.#turn();
      }
    } catch (error) {
      if (error instanceof LedgerError) throw error;
      this.#counters.add('relay_drain_errors_total');
      this.#retry({ status: 0, words: error instanceof Error ? error.message : String(error) });
      this.#options.log('drain failed', { lane: this.#options.lane, error: String(error) });
    } finally {
      this.#running = false;
    }
  }

  async #turn(): Promise<void> {
    const { reader, limits } = this.#options;
    if (this.#work === undefined) {
      // Asked before anything newer is sent: a receiver that has been repaired takes what is held, and in order.
      if (this.#held !== undefined && (await this.#repaired())) return;
      const fragments = this.#fuse.blown ? Math.min(limits.fragments, WARY_FRAGMENTS) : limits.fragments;
      const scaled = { rawBytes: limits.rawBytes * this.#scale, samples: limits.samples * this.#scale, fragments };
      const wakes = this.#wakes;
      const result = await reader.read(this.#next, scaled, this.#suspectSeq);
      if (result.kind === 'unreadable') return this.#unreadable(result);
      if (result.kind === 'empty') {
        this.#next = result.end;
        // Somebody may have stored something while this was read.
        if (wakes === this.#wakes) this.#nothingLeft();
        return;
      }
      this.#reads = 0;
      this.#idle = false;
      this.#work = { unit: result.unit, delivery: this.#outlet.begin(result.unit.fragments), buried: 0 };
    }
    const step = await this.#work.delivery.advance(POSTS_PER_TURN);
    if (step.kind === 'paused') return;
    if (step.kind === 'waiting') {
      if (step.verdict.kind === 'stop') this.#stop(step.verdict, 'stopped');
      else this.#retry(step.verdict, step.verdict.afterMs);
      return;
    }
    await this.#finish(this.#work, step);
  }

  async #finish(work: { readonly unit: Unit; buried: number }, step: FinishedDelivery): Promise<void> {
    const { unit } = work;
    this.#scale = step.shrunk ? Math.max(MIN_SCALE, this.#scale / 2) : Math.min(1, this.#scale * 1.1);
    const passed = step.passed || step.refused.length === 0;
    this.#fuse.record(passed);
    // What an earlier instance may have sent is only what fits one POST.
    this.#suspectSeq = 0;
    if (!passed) {
      const { status, words } = step.refused[0] as RefusedPart;
      this.#held ??= { status, words };
      this.#work = undefined;
      this.#next = unit.end;
      if (this.#fuse.blown) this.#stop({ status, words }, 'refused');
      return;
    }
    // Only now is it the data and not the receiver. The held units come first: they are older.
    await this.#buryHeld();
    for (const part of step.refused.slice(work.buried)) {
      await this.#bury(part, unit);
      work.buried++;
    }
    this.#counters.add('relay_forwarded_samples_total', step.deliveredSamples);
    this.#work = undefined;
    this.#trouble = undefined;
    this.#backoff.reset();
    this.#move(unit.end);
  }

  #nothingLeft(): void {
    if (this.#held === undefined) this.#suspectSeq = 0;
    else this.#stop(this.#held, 'refused');
    this.#idle = true;
  }

  /** One POST of the first held fragment. If it is taken now, everything held is sent again from the start. */
  async #repaired(): Promise<boolean> {
    const { reader, limits } = this.#options;
    const result = await reader.read(this.#cursor, { ...limits, fragments: 1 }, Number.POSITIVE_INFINITY);
    if (result.kind !== 'unit') return false;
    const step = await this.#outlet.begin(result.unit.fragments).advance(1);
    if (step.kind === 'waiting') {
      this.#retry(step.verdict, step.verdict.kind === 'retry' ? step.verdict.afterMs : STOP_MS);
      return true;
    }
    if (step.kind !== 'finished' || !step.passed) {
      if (!this.#idle) return false;
      this.#stop(this.#held ?? { status: 0, words: '' }, 'refused');
      return true;
    }
    this.#held = undefined;
    this.#trouble = undefined;
    this.#fuse.reset();
    this.#next = this.#cursor;
    this.#suspectSeq = Number.MAX_SAFE_INTEGER;
    this.#idle = false;
    return true;
  }

  async #buryHeld(): Promise<void> {
    const { reader, limits } = this.#options;
    while (this.#held !== undefined) {
      const result = await reader.read(this.#cursor, limits, 0, this.#next);
      if (result.kind === 'unreadable') throw new Error(`${result.object.key}: ${result.why}`);
      if (result.kind === 'empty') {
        this.#held = undefined;
        return;
      }
      const { unit } = result;
      await this.#bury({ reason: 'refused', ...this.#held, ...wholeUnit(unit) }, unit);
      this.#move(unit.end, this.#next);
    }
  }

  async #bury(part: RefusedPart, unit: Unit): Promise<void> {
    const { deadLetters, lane, log } = this.#options;
    const fragments = part.fragments.map((i) => unit.fragments[i]).filter((fragment) => fragment !== undefined);
    const devices = [...new Set(fragments.map(({ device }) => device))];
    await deadLetters.write(part, devices, fragments[0]?.seq ?? 0);
    this.#counters.add(`relay_dead_letters_total{reason="${part.reason}"}`);
    this.#counters.add(`relay_dead_letter_samples_total{reason="${part.reason}"}`, part.samples);
    log('refused by the receiver, kept as dead letter', { lane, reason: part.reason, status: part.status, words: part.words, devices });
  }

  /** `next`: stays ahead of the cursor where held units remain between them. */
  #move(to: LaneCursor, next = to): void {
    this.#options.save({ ...to, behind: this.#behind, totals: this.#counters.totals() });
    this.#cursor = to;
    this.#next = next;
  }

  async #unreadable({ object, why, samples, end }: Extract<UnitResult, { kind: 'unreadable' }>): Promise<void> {
    const { ledger, reader, log, lane } = this.#options;
    this.#counters.add('relay_unreadable_objects_total');
    const later = ledger.objectsFrom(object.seq + 1, 1)[0];
    // A bucket in which nothing is found is the wrong bucket. Only where others can be read is this one lost.
    const bucketWorks = later !== undefined && (await reader.exists(later.key));
    if (++this.#reads < MAX_READS || !bucketWorks) return this.#stop({ status: 0, words: `${object.key}: ${why}` }, 'stopped');
    this.#reads = 0;
    this.#counters.add('relay_lost_samples_total', samples);
    log('stored data cannot be read and are given up', { lane, key: object.key, why, samples });
    await this.#buryHeld();
    this.#move(end);
  }

  #retry(cause: { readonly status: number; readonly words: string }, afterMs?: number): void {
    this.#notBefore = this.#options.clock.now() + this.#backoff.next(afterMs);
    this.#setTrouble('retrying', cause);
  }

  #stop(cause: { readonly status: number; readonly words: string }, kind: 'stopped' | 'refused'): void {
    this.#notBefore = this.#options.clock.now() + STOP_MS * (0.9 + 0.2 * this.#options.clock.random());
    this.#setTrouble(kind, cause);
  }

  #setTrouble(kind: LaneTrouble['kind'], { status, words }: { readonly status: number; readonly words: string }): void {
    const { clock, lane, log } = this.#options;
    const same = this.#trouble?.kind === kind;
    this.#trouble = { kind, status, words, sinceMs: same ? (this.#trouble?.sinceMs ?? 0) : clock.now() };
    if (!same && kind !== 'retrying') log('the receiver takes nothing; data are kept', { lane, kind, status, words });
  }
}

const wholeUnit = ({ fragments, samples }: Unit): Pick<RefusedPart, 'block' | 'fragments' | 'samples' | 'minMs' | 'maxMs'> => ({
  block: snappyConcat(fragments.map(({ block }) => block)),
  fragments: fragments.map((_, i) => i),
  samples,
  minMs: Math.min(...fragments.map(({ minMs }) => minMs)),
  maxMs: Math.max(...fragments.map(({ maxMs }) => maxMs)),
});
