import { addTotals, type Totals } from './counters.ts';
import { Lane } from './lane.ts';
import type { LaneOptions, LaneTrouble } from './lane-options.ts';
import type { DrainRow, LaneCursor, LaneRange } from './ledger.ts';
import { decodeIndex } from './object-format.ts';
import { compareCursors } from './unit.ts';

/** What waits longer than this is a backlog, ms. */
const BACKLOG_MS = 60_000;
/** A backlog is left behind only where the receiver will still take its oldest sample after a tenth more time and this, ms. */
const SLACK = { share: 1.1, ms: 300_000 } as const;
/** Ranges left behind at a time. With so many, the lane goes in order until one is done. */
const MAX_BEHIND = 16;

export interface FreshFirstOptions extends Omit<LaneOptions, 'before'> {
  /** The receiver's out-of-order window, ms. 0: everything goes in order. */
  readonly windowMs: number;
  /** The newest commit. */
  readonly newestSeq: () => number;
}

/**
 * One lane as its receiver sees it. Where the receiver takes samples out of order, a lane that has fallen behind goes on with
 * what is committed from now on as soon as the receiver takes data again; a second lane fills in what it left behind, oldest
 * first. Each has one request in flight. Where samples are too old for that, they are sent in order until the rest is not.
 */
export class FreshFirst {
  readonly #options: FreshFirstOptions;
  readonly #main: Lane;
  #behind: readonly LaneRange[];
  /** Works on the first range of {@link #behind}. */
  #backlog: Lane | undefined;
  /** Of backlog lanes that have finished. */
  #formerTotals: Totals = {};
  #cursor: LaneCursor;
  #ended = false;

  constructor(options: FreshFirstOptions) {
    this.#options = options;
    const { row } = options;
    this.#behind = row.behind;
    this.#cursor = row;
    this.#main = new Lane({
      ...options,
      row: { ...row, behind: [] },
      save: (moved) => {
        this.#cursor = moved;
        this.#save();
      },
      onPassed: () => {
        this.#backlog?.receiverWorks();
        this.#leaveBehind();
        options.onPassed?.();
      },
    });
    this.#startBacklog();
  }

  /** Objects before this sequence are not needed by this lane any more. */
  get passedSeq(): number {
    return Math.min(this.#main.passedSeq, ...this.#behind.map(({ from }) => from.seq));
  }

  /** When somebody should call {@link run}, ms; undefined: there is nothing to do. */
  get dueMs(): number | undefined {
    const dues = this.#lanes.map(({ dueMs }) => dueMs).filter((ms) => ms !== undefined);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  get troubles(): readonly LaneTrouble[] {
    return this.#lanes.map(({ trouble }) => trouble).filter((trouble) => trouble !== undefined);
  }

  get totals(): Totals {
    const sum: Record<string, number> = { ...this.#formerTotals };
    for (const { totals } of this.#lanes) addTotals(sum, totals);
    return sum;
  }

  /** Where it is, for one that takes its place. */
  get row(): DrainRow {
    return { seq: this.#cursor.seq, fragment: this.#cursor.fragment, behind: this.#behind, totals: this.totals };
  }

  get #lanes(): readonly Lane[] {
    return this.#backlog === undefined ? [this.#main] : [this.#main, this.#backlog];
  }

  /** Another one takes its place: what is under way comes to its end, nothing more is sent. */
  end(): void {
    this.#ended = true;
    for (const lane of this.#lanes) lane.end();
  }

  /** The receiver took data of another lane. */
  receiverWorks(): void {
    for (const lane of this.#lanes) lane.receiverWorks();
  }

  /** New data may be there. */
  wake(): void {
    this.#main.wake();
  }

  /** Writes the cursor where there was nothing to send for long, so that a restart does not scan from there. */
  persistIdle(): void {
    this.#main.persistIdle();
  }

  /** Writes what its lanes counted since they moved. */
  saveTotals(): void {
    for (const lane of this.#lanes) lane.saveTotals();
  }

  /** Sends until there is nothing left, the receiver wants a pause, or `untilMs`. Rejects with LedgerError only. */
  async run(untilMs: number): Promise<void> {
    await Promise.all([this.#main.run(untilMs), this.#fillIn(untilMs)]);
    // The main lane may have left something behind since.
    await this.#fillIn(untilMs);
  }

  async #fillIn(untilMs: number): Promise<void> {
    for (let lane = this.#backlog; lane !== undefined && !this.#ended; lane = this.#backlog) {
      await lane.run(untilMs);
      if (lane !== this.#backlog) continue;
      if (!lane.finished) return;
      const sum: Record<string, number> = { ...this.#formerTotals };
      addTotals(sum, lane.totals);
      this.#formerTotals = sum;
      this.#behind = this.#behind.slice(1);
      this.#startBacklog();
      this.#save();
    }
  }

  #startBacklog(): void {
    const [range] = this.#behind;
    this.#backlog = undefined;
    if (range === undefined) return;
    const { before } = range;
    this.#backlog = new Lane({
      ...this.#options,
      row: { ...range.from, behind: [], totals: {} },
      before,
      save: ({ seq, fragment }) => {
        this.#behind = [{ from: { seq, fragment }, before }, ...this.#behind.slice(1)];
        this.#save();
      },
      onPassed: () => {
        this.#main.receiverWorks();
        this.#options.onPassed?.();
      },
    });
  }

  #leaveBehind(): void {
    const { windowMs, newestSeq, log, lane } = this.#options;
    if (windowMs === 0 || this.#ended || this.#behind.length >= MAX_BEHIND) return;
    const from = this.#main.cursor;
    const to = { seq: newestSeq() + 1, fragment: 0 };
    if (compareCursors(from, to) >= 0) return;
    const ages = this.#ages(from);
    if (ages === undefined || ages.waitsMs <= BACKLOG_MS || ages.samplesMs * SLACK.share + SLACK.ms > windowMs) return;
    this.#behind = [...this.#behind, { from, before: to }];
    if (this.#backlog === undefined) this.#startBacklog();
    // Saves the range too.
    this.#main.jump(to);
    log('fresh samples go first, the backlog follows', { lane, backlogSeconds: Math.round(ages.waitsMs / 1000) });
  }

  /** Of the first object from a cursor on that has data of this lane: since when it waits, and the age of its oldest sample. */
  #ages({ seq, fragment }: LaneCursor): { readonly waitsMs: number; readonly samplesMs: number } | undefined {
    const now = this.#options.clock.now();
    for (const object of this.#options.ledger.objectsFrom(seq, 16)) {
      const own = decodeIndex(object.borders).filter(({ lane, samples }) => lane === this.#options.lane && samples > 0);
      const times = own.slice(object.seq === seq ? fragment : 0).map(({ minMs }) => minMs);
      if (times.length === 0) continue;
      const waitsMs = now - object.atMs;
      return { waitsMs, samplesMs: Math.max(waitsMs, now - Math.min(...times)) };
    }
    return undefined;
  }

  #save(): void {
    if (!this.#ended) this.#options.save(this.row);
  }
}
