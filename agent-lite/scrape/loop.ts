import type { Labels } from '../../contract/labels.ts';
import type { Sha256 } from '../../contract/series-table.ts';
import { Ending } from '../ending.ts';
import type { Clock, Logger, Metrics, Scrape, Signal } from '../model.ts';
import { BodySizeError, type Fetch, type Fetched } from './fetch.ts';
import { type ExtraReport, extraSamples, noReport, reportCells, staleReport } from './report.ts';
import { offsetInInterval, Schedule, TARGETS_A_MOMENT } from './schedule.ts';
import type { IngestResult, ScrapeCells, SeriesRules } from './scrape-result.ts';
import { NO_EXEMPLARS, noCounts, TargetSeries } from './series-state.ts';
import type { SharedShapes } from './shared-shapes.ts';
import type { Target } from './target.ts';

export interface LoopContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly sha256: Sha256;
  /** Takes each scrape; the next one of the target waits for it. Once it is taken its cells are written over: keep copies. */
  readonly append: (scrape: Scrape) => Promise<void> | void;
  /** Makes devices differ in when they scrape. */
  readonly offsetSeed: string;
}

/** One target and how to scrape it. */
export interface LoopSpec {
  readonly target: Target;
  readonly fetch: Fetch;
  readonly rules: SeriesRules;
  /** Equal for rules that give a series the same labels. */
  readonly rulesKey: string;
  /** `undefined`: only what every scrape reports. */
  readonly extra: ExtraReport | undefined;
}

export interface LoopStatus {
  readonly health: 'up' | 'down' | 'unknown';
  /** Of the last scrape: wall and boot clock, ms. */
  readonly lastScrapeMs: number | undefined;
  readonly lastScrapeBootMs: number | undefined;
  readonly durationMs: number | undefined;
  readonly samples: number | undefined;
  readonly error: string | undefined;
  readonly tableHash: string | undefined;
}

const NEVER: LoopStatus = {
  health: 'unknown',
  lastScrapeMs: undefined,
  lastScrapeBootMs: undefined,
  durationMs: undefined,
  samples: undefined,
  error: undefined,
  tableHash: undefined,
};

/** Two scrapes of one target whose times are closer, or reversed by less, collide. */
const COLLISION_MS = 100;

const NO_COUNTS = {
  counts: noCounts(),
  exemplarCounts: NO_EXEMPLARS,
  metadataCounts: { cut: 0, leftOut: 0 },
};

/**
 * Scrapes one target, named by its labels, as long as it is wanted. A change of the URL, the interval or the rules goes on
 * with the same series; when the target is no longer wanted, its series get staleness markers, unless it comes back first.
 * Never two scrapes at once.
 */
export class TargetLoop {
  readonly #context: LoopContext;
  readonly #labels: Labels;
  readonly #series: TargetSeries;
  readonly #shared: SharedShapes;
  readonly #moments: number;
  readonly #killed = new Ending();
  #changed = new Ending();
  #spec: LoopSpec | undefined;
  #rulesKey: string;
  #schedule: Schedule | undefined;
  #status: LoopStatus = NEVER;
  /** Time of what was appended last, ms. */
  #lastMs: number | undefined;
  #finished = false;

  /**
   * @param moments of an interval at which targets are scraped
   * @param shared with the other loops
   */
  constructor(context: LoopContext, spec: LoopSpec, moments: number, shared: SharedShapes) {
    this.#context = context;
    this.#moments = moments;
    this.#labels = spec.target.labels;
    this.#spec = spec;
    this.#rulesKey = spec.rulesKey;
    this.#shared = shared;
    this.#series = new TargetSeries(spec.target.labels, spec.rules, context.sha256, undefined, shared);
  }

  get status(): LoopStatus {
    return this.#status;
  }

  /** The target ended and has its markers: {@link set} comes too late. */
  get finished(): boolean {
    return this.#finished;
  }

  /** A scrape under way is finished and kept. `undefined`: the target is no longer wanted. */
  set(spec: LoopSpec | undefined): void {
    this.#spec = spec;
    const before = this.#changed;
    this.#changed = new Ending();
    before.abort();
  }

  /** Ends the loop without markers, as the process may start again; a scrape under way is given up. */
  kill(): void {
    this.#killed.abort();
    this.#changed.abort();
  }

  /** Resolves when the loop was killed, or its target ended and has its markers. Does not reject. */
  async run(): Promise<void> {
    while (!this.#killed.aborted) {
      const changed = this.#changed;
      if (this.#spec !== undefined) await this.#scrapeUntil(changed, this.#spec);
      else if (await this.#end(changed)) return;
    }
  }

  async #scrapeUntil(changed: Signal, spec: LoopSpec): Promise<void> {
    const { clock, metrics, offsetSeed } = this.#context;
    this.#series.setRules(spec.rules, spec.rulesKey === this.#rulesKey);
    this.#rulesKey = spec.rulesKey;
    const { intervalMs, url } = spec.target;
    const schedule = new Schedule(clock, intervalMs, offsetInInterval(this.#labels, url, offsetSeed, intervalMs, this.#moments));
    this.#schedule = schedule;
    for (;;) {
      const missed = await schedule.wait(changed);
      if (changed.aborted) return;
      if (missed > 0) metrics.add('agent_lite_scrapes_missed_total', missed);
      const wallMs = this.#after(schedule.take());
      try {
        await this.#scrape(spec, wallMs);
      } catch (error) {
        // A fault of the agent itself: this scrape is lost, but neither the target nor the others.
        this.#context.logger.log('error', 'Scraping broke off', { target: url, err: error instanceof Error ? error.stack : String(error) });
      }
    }
  }

  /**
   * Keeps a time from colliding with the last one: a new schedule may begin in the millisecond of the last scrape. A wall
   * clock that was set back is written as it is: the record carries the boot clock, too, and the pusher decides.
   */
  #after(wallMs: number): number {
    const last = this.#lastMs;
    return last !== undefined && wallMs <= last && last - wallMs < COLLISION_MS ? last + 1 : wallMs;
  }

  async #scrape(spec: LoopSpec, wallMs: number): Promise<void> {
    const { clock, metrics } = this.#context;
    const bootMs = clock.boot();
    const outcome = await this.#ingest(spec, wallMs);
    if (outcome === undefined) return;
    const durationMs = clock.boot() - bootMs;
    const { counts, error } = outcome;
    metrics.add('agent_lite_scrapes_total');
    if (error !== undefined) metrics.add('agent_lite_scrapes_failed_total');
    this.#count(outcome);
    this.#report(spec.target, error);
    this.#status = {
      health: error === undefined ? 'up' : 'down',
      lastScrapeMs: wallMs,
      lastScrapeBootMs: bootMs,
      durationMs,
      samples: counts.scraped,
      error,
      tableHash: outcome.table?.hash,
    };
    this.#lastMs = wallMs;
    const report = reportCells(error === undefined, durationMs, counts);
    await this.#append({ wallMs, bootMs, ...recorded(outcome), report });
    await this.#appendMore(outcome, wallMs, bootMs);
    if (outcome.cells !== undefined) this.#shared.memory.giveCells(outcome.cells);
  }

  /** Samples beyond one of a series: scrapes without a report, whose own time (a millisecond on) no sample has. */
  async #appendMore({ table, more }: ScrapeCells, wallMs: number, bootMs: number): Promise<void> {
    for (const [i, cells] of more.entries()) {
      const after = i + 1;
      this.#lastMs = wallMs + after;
      const times = { wallMs: wallMs + after, bootMs: bootMs + after };
      await this.#append({ ...times, table, cells, report: noReport(), exemplars: [], metadata: undefined });
    }
  }

  #count({ counts, exemplarCounts, metadataCounts }: Omit<IngestResult, 'error'>): void {
    const { metrics } = this.#context;
    metrics.add('agent_lite_scraped_samples_total', counts.scraped);
    if (exemplarCounts.kept > 0) metrics.add('agent_lite_scraped_exemplars_total', exemplarCounts.kept);
    const dropped = (name: string, reason: string, count: number): void => {
      if (count > 0) metrics.add(name, count, { reason });
    };
    dropped('agent_lite_scraped_samples_dropped_total', 'duplicate', counts.duplicates);
    dropped('agent_lite_scraped_samples_dropped_total', 'out_of_order', counts.outOfOrder);
    dropped('agent_lite_scraped_samples_dropped_total', 'out_of_bounds', counts.outOfBounds);
    dropped('agent_lite_scraped_exemplars_dropped_total', 'out_of_order', exemplarCounts.outOfOrder);
    dropped('agent_lite_scraped_exemplars_dropped_total', 'invalid', exemplarCounts.invalid);
    dropped('agent_lite_scraped_metadata_dropped_total', 'cut', metadataCounts.cut);
    dropped('agent_lite_scraped_metadata_dropped_total', 'limit', metadataCounts.leftOut);
  }

  /** `undefined`: given up because the loop was killed. */
  async #ingest(spec: LoopSpec, wallMs: number): Promise<(Omit<IngestResult, 'error'> & { error: string | undefined }) | undefined> {
    let fetched: Fetched;
    try {
      fetched = await spec.fetch(this.#killed);
    } catch (error) {
      if (this.#killed.aborted) return undefined;
      const cells = await this.#series.fail(wallMs, extraSamples(spec.extra, error instanceof BodySizeError ? -1 : 0));
      return { ...cells, ...NO_COUNTS, error: error instanceof Error ? error.message : String(error) };
    }
    const { body, parser } = fetched;
    try {
      if (this.#status === NEVER) await this.#turn(spec.target);
      const result = await this.#series.ingest(body, parser, wallMs, extraSamples(spec.extra, body.length));
      return { ...result, error: result.error?.message };
    } finally {
      fetched.release();
    }
  }

  /**
   * What the first scrape makes of a target's series is mostly gone right after it: several at once would make memory grow by half, and
   * stay so. All waits together take half an interval at most.
   */
  async #turn({ intervalMs }: Target): Promise<void> {
    const { clock } = this.#context;
    const ms = this.#shared.memory.untilTurn(clock.boot(), intervalMs / (2 * this.#moments * TARGETS_A_MOMENT));
    if (ms > 0) await clock.sleep(ms, this.#killed);
  }

  /** Logs changes only: a target that is down stays down for days. */
  #report(target: Target, error: string | undefined): void {
    if (error === this.#status.error) return;
    const fields = { job: target.job, target: target.url };
    if (error === undefined) this.#context.logger.log('info', 'Target is up again', fields);
    else this.#context.logger.log('warn', 'Scrape failed', { ...fields, err: error });
  }

  async #append(part: Omit<Scrape, 'target' | 'bootId'>): Promise<void> {
    try {
      await this.#context.append({ target: this.#labels, bootId: this.#context.clock.bootId, ...part });
    } catch (error) {
      if (part.metadata !== undefined) this.#series.handOutMetadataAgain();
      this.#context.logger.log('error', 'Appending a scrape failed', { err: error instanceof Error ? error.message : String(error) });
    }
  }

  /**
   * The target is gone. Its markers carry the time of the first tick it missed, but wait for one more and a tenth, in case
   * it comes back. False: it did, or the loop was killed.
   */
  async #end(changed: Signal): Promise<boolean> {
    const schedule = this.#schedule;
    if (schedule === undefined || this.#status.lastScrapeMs === undefined) {
      this.#finished = true;
      return true;
    }
    const { clock } = this.#context;
    await schedule.wait(changed);
    if (changed.aborted) return false;
    const bootMs = clock.boot();
    const wallMs = schedule.take();
    await schedule.wait(changed);
    if (!changed.aborted) await clock.sleep(schedule.intervalMs / 10, changed);
    if (changed.aborted) return false;
    await this.#append({ wallMs, bootMs, ...recorded(await this.#series.fail(wallMs)), report: staleReport() });
    this.#finished = !changed.aborted;
    return this.#finished;
  }
}

const recorded = ({ table, cells, exemplars, metadata }: ScrapeCells): Pick<Scrape, 'table' | 'cells' | 'exemplars' | 'metadata'> => ({
  table,
  cells,
  exemplars,
  metadata,
});
