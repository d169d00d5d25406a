import type { Delivery, FinishedDelivery, Outlet, RefusedPart } from '../model.ts';
import { Backoff } from './backoff.ts';
import { Counters, type Totals } from './counters.ts';
import { Fuse } from './fuse.ts';
import { Held } from './held.ts';
import type { LaneOptions, LaneTrouble } from './lane-options.ts';
import { type LaneCursor, LedgerError } from './ledger.ts';
import { ReadAhead } from './read-ahead.ts';
import { compareCursors, END, type ReadOptions, type Unit, type UnitLimits, type UnitResult } from './unit.ts';

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
/** Where memory is short, it is asked for again after this time, ms. */
const MEMORY_MS = 500;
/** A POST is never made smaller than this share of its limits; single fragments always go. */
const MIN_SCALE = 1 / 64;

/** A unit on its way; `buried`: dead letters of it that are written already, should the store fail in between. */
interface Work {
  readonly unit: Unit;
  readonly delivery: Delivery;
  buried: number;
}

/**
 * One lane's way through the backlog, one request in flight. `cursor` is durable: everything before it was taken by the
 * receiver or is a dead letter. `next` is ahead of it only while units are held that the receiver refused completely: whether
 * that is their fault or the receiver's is not clear before it takes something. Then they are sent once more, in order.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #counters: Counters;
  readonly #outlet: Outlet;
  readonly #backoff: Backoff;
  readonly #fuse = new Fuse();
  readonly #ahead: ReadAhead;
  #cursor: LaneCursor;
  #next: LaneCursor;
  /** What lies before it may have been sent before, and its answer was lost. */
  #suspectBefore: LaneCursor;
  #work: Work | undefined;
  /** They lie between `cursor` and `next`. */
  #held: Held | undefined;
  /** The receiver works: what was held `before` is settled, then the lane goes on from `then`. */
  #settling: { readonly before: LaneCursor; readonly then: LaneCursor } | undefined;
  #trouble: LaneTrouble | undefined;
  #notBefore = 0;
  #reads = 0;
  #scale = 1;
  #idle = false;
  /** A POST waits for its deadline, or to be full. */
  #gathering = false;
  #wakes = 0;
  #running = false;
  /** The receiver took something since anything is held. */
  #works = false;
  #ended = false;
  #savedChanges = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#counters = new Counters(options.row.totals);
    this.#outlet = options.outlet(this.#counters);
    this.#ahead = new ReadAhead(options.reader);
    this.#backoff = new Backoff(options.minBackoffMs, options.maxBackoffMs, () => options.clock.random());
    this.#cursor = { seq: options.row.seq, fragment: options.row.fragment };
    this.#next = this.#cursor;
    // What an earlier instance may have sent last: one POST at most.
    this.#suspectBefore = options.reader.endOfPost(this.#cursor, options.limits);
  }

  /** Objects before this sequence are not needed by this lane any more. */
  get passedSeq(): number {
    return this.#open ? this.#cursor.seq : this.#next.seq;
  }

  /** When somebody should call {@link run}, ms; undefined: there is nothing to do. */
  get dueMs(): number | undefined {
    if (this.#running) return this.#options.clock.now() + RUNNING_MS;
    return this.#idle && !this.#open ? undefined : this.#notBefore;
  }

  /** Something before `next` is not decided. */
  get #open(): boolean {
    return this.#held !== undefined || this.#settling !== undefined;
  }

  get trouble(): LaneTrouble | undefined {
    return this.#trouble;
  }

  get totals(): Totals {
    return this.#counters.totals();
  }

  /** Another one takes its place: what is under way comes to its end, nothing more is sent. */
  end(): void {
    this.#ended = true;
    if (!this.#running) this.#letGo();
  }

  /** Durable: everything before it is done. */
  get cursor(): LaneCursor {
    return this.#cursor;
  }

  /** It has come to {@link LaneOptions.before}. */
  get finished(): boolean {
    return this.#options.before !== undefined && !this.#open && compareCursors(this.#cursor, this.#options.before) >= 0;
  }

  /** Goes on elsewhere; for {@link LaneOptions.onPassed}. */
  jump(to: LaneCursor): void {
    this.#ahead.forget();
    this.#move(to);
  }

  /** The receiver took data of another lane: what is held here is tried once more. */
  receiverWorks(): void {
    if (this.#held === undefined) return;
    this.#works = true;
    this.#notBefore = 0;
  }

  /** New data may be there. */
  wake(): void {
    this.#wakes++;
    this.#idle = false;
    if (this.#gathering) this.#notBefore = 0;
    // What comes now may show that the receiver works, and end the wait of what is held.
    if (this.#held !== undefined && !this.#fuse.blown && this.#trouble?.kind === 'refused') this.#notBefore = 0;
  }

  /** Writes the cursor of a lane that had nothing to send for long, so that a restart does not scan from there. */
  persistIdle(): void {
    if (!this.#open && this.#next.seq > this.#cursor.seq) this.#move(this.#next);
  }

  /** Writes what was counted since the cursor moved last: tries would be lost with this instance. */
  saveTotals(): void {
    if (this.#counters.changes !== this.#savedChanges) this.#save(this.#cursor);
  }

  /** Sends until there is nothing left, the receiver wants a pause, or `untilMs`. Rejects with {@link LedgerError} only. */
  async run(untilMs: number): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { clock } = this.#options;
    try {
      while (!this.#ended && (!this.#idle || this.#open)) {
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
      if (this.#ended) this.#letGo();
    }
  }

  /** Gives back the memory of what was read. */
  #letGo(): void {
    this.#ahead.forget();
    if (this.#work !== undefined) this.#drop(this.#work);
  }

  async #turn(): Promise<void> {
    this.#gathering = false;
    if (this.#work === undefined) {
      if (this.#held !== undefined && this.#works) this.#settle(this.#next, this.#next);
      // Asked before anything newer is sent: a receiver that has been repaired takes what is held, and in order.
      if (this.#held !== undefined && (await this.#repaired())) return;
      if (this.#waitsForMore()) return;
      const wakes = this.#wakes;
      const result = await this.#ahead.read(this.#next, this.#readOptions());
      if (result.kind === 'unreadable') return this.#unreadable(result);
      if (result.kind === 'no_memory') {
        this.#notBefore = this.#options.clock.now() + MEMORY_MS;
        return;
      }
      if (result.kind === 'empty') {
        if (!this.#open || this.#settling !== undefined) this.#tooOld(result.tooOld);
        if (this.#settling !== undefined) return this.#settled(this.#settling.then);
        if (!this.#open && result.tooOld > 0) this.#move(result.end);
        this.#next = result.end;
        if (this.#options.before !== undefined && !this.#open) this.#move(this.#options.before);
        // Somebody may have stored something while this was read.
        if (wakes === this.#wakes) this.#nothingLeft();
        return;
      }
      this.#reads = 0;
      this.#idle = false;
      const { unit } = result;
      this.#work = { unit, delivery: this.#outlet.begin(unit.fragments, { thorough: this.#settling !== undefined }), buried: 0 };
    }
    const work = this.#work;
    if (!this.#open && !this.#fuse.blown) this.#ahead.prepare(work.unit.end, this.#readOptions());
    const step = await work.delivery.advance(POSTS_PER_TURN);
    if (step.kind === 'paused') return;
    if (step.kind === 'finished') return this.#finish(work, step);
    this.#ahead.forget();
    if (step.verdict.kind === 'stop') this.#stop(step.verdict, 'stopped');
    else this.#retry(step.verdict, step.verdict.afterMs);
    if (!step.untouched) return;
    // It can as well be read again: who waits must not keep the memory of others.
    if (step.verdict.kind === 'retry') this.#suspectUntil(work.unit.end);
    this.#drop(work);
  }

  /** True until the deadline while the next POST is not full. Never while something is open: that is sent again, or a trial. */
  #waitsForMore(): boolean {
    const { batchSendDeadlineMs, reader, clock } = this.#options;
    if (batchSendDeadlineMs === 0 || this.#open) return false;
    const { full, atMs } = reader.outlook(this.#next, this.#readOptions());
    if (full) return false;
    // What was read ahead may lack what has come since.
    this.#ahead.forget();
    const dueMs = (atMs ?? 0) + batchSendDeadlineMs;
    if (dueMs <= clock.now()) return false;
    this.#notBefore = dueMs;
    this.#gathering = true;
    return true;
  }

  /** Counted where it is passed for good. */
  #tooOld(samples: number): void {
    this.#counters.add('relay_dropped_samples_total{reason="too_old"}', samples);
  }

  #limits(): UnitLimits {
    const { limits } = this.#options;
    const fragments = this.#fuse.blown ? Math.min(limits.fragments, WARY_FRAGMENTS) : limits.fragments;
    return { rawBytes: limits.rawBytes * this.#scale, samples: limits.samples * this.#scale, fragments };
  }

  #readOptions(): ReadOptions {
    const before = this.#settling?.before ?? this.#options.before ?? END;
    return { limits: this.#limits(), suspectBefore: this.#suspectBefore, before };
  }

  #drop({ unit }: Work): void {
    this.#work = undefined;
    unit.release();
  }

  #suspectUntil(end: LaneCursor): void {
    if (compareCursors(end, this.#suspectBefore) > 0) this.#suspectBefore = end;
  }

  async #finish(work: Work, step: FinishedDelivery): Promise<void> {
    const { unit } = work;
    this.#scale = step.shrunk ? Math.max(MIN_SCALE, this.#scale / 2) : Math.min(1, this.#scale * 1.1);
    const passed = step.passed || step.refused.length === 0;
    if (this.#settling === undefined) this.#fuse.record(passed, new Set(unit.fragments.map(({ device }) => device)));
    if (!passed && this.#settling === undefined) {
      this.#drop(work);
      this.#hold(unit, step.refused[0] as RefusedPart);
      return;
    }
    // Only now is it the data and not the receiver.
    for (const part of step.refused.slice(work.buried)) {
      await this.#bury(part, unit);
      work.buried++;
    }
    this.#counters.add('relay_forwarded_samples_total', step.deliveredSamples);
    this.#tooOld(unit.tooOld);
    this.#drop(work);
    this.#trouble = undefined;
    this.#backoff.reset();
    if (this.#held === undefined) this.#move(unit.end);
    else this.#settle(unit.start, unit.end);
    if (step.passed && !this.#open) this.#options.onPassed?.();
  }

  #hold(unit: Unit, refused: RefusedPart): void {
    this.#held ??= new Held(refused);
    this.#held.add(unit);
    this.#ahead.forget();
    this.#next = unit.end;
    if (this.#fuse.blown) this.#stop(refused, 'refused');
  }

  /** What is held is sent again: now a refusal is the data's. */
  #settle(before: LaneCursor, then: LaneCursor): void {
    this.#ahead.forget();
    this.#held = undefined;
    this.#works = false;
    this.#settling = { before, then };
    this.#next = this.#cursor;
    this.#idle = false;
  }

  #settled(then: LaneCursor): void {
    this.#settling = undefined;
    this.#move(then);
  }

  #nothingLeft(): void {
    if (this.#held !== undefined) this.#stop(this.#held.cause, 'refused');
    this.#idle = true;
  }

  /** POSTs of single held fragments. If one is taken now, everything held is sent again from the start. */
  async #repaired(): Promise<boolean> {
    const held = this.#held as Held;
    for (const head of held.next()) {
      const limits = { ...this.#options.limits, fragments: 1 };
      const result = await this.#options.reader.read(head, { limits, suspectBefore: END });
      if (result.kind !== 'unit') continue;
      const step = await this.#outlet.begin(result.unit.fragments).advance(1);
      result.unit.release();
      if (step.kind === 'waiting') {
        this.#retry(step.verdict, step.verdict.kind === 'retry' ? step.verdict.afterMs : STOP_MS);
        return true;
      }
      if (step.kind !== 'finished' || !step.passed) continue;
      this.#held = undefined;
      this.#trouble = undefined;
      this.#fuse.reset();
      this.#suspectUntil(this.#next);
      this.#next = this.#cursor;
      this.#idle = false;
      return true;
    }
    if (!this.#idle) return false;
    this.#stop(held.cause, 'refused');
    return true;
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

  #move(to: LaneCursor): void {
    this.#save(to);
    this.#cursor = to;
    this.#next = to;
  }

  #save(cursor: LaneCursor): void {
    this.#options.save({ ...cursor, behind: [], totals: this.#counters.totals() });
    this.#savedChanges = this.#counters.changes;
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
    if (this.#held === undefined) this.#move(end);
    else this.#settle(this.#next, end);
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
