import { type Cells, createCells, isTime, setStale, setValue } from '../../contract/cells.ts';
import { type Labels, METRIC_NAME } from '../../contract/labels.ts';
import { type WireLimits, wireLimits } from '../../contract/limits.ts';
import { residual, type SeriesTable, type Sha256 } from '../../contract/series-table.ts';
import { ScrapeExemplars } from './exemplar-state.ts';
import {
  ExpositionError,
  type ExpositionParser,
  type ExpositionSink,
  type FamilyType,
  type KnownLine,
  type MetadataLine,
} from './exposition.ts';
import { TargetMetadata } from './metadata-state.ts';
import { RepeatedSamples } from './repeated-samples.ts';
import { SampleBuffer } from './sample-buffer.ts';
import type { IngestResult, ReportSamples, ScrapeCells, SeriesRules } from './scrape-result.ts';
import type { Series } from './series.ts';
import { checkSeries, tooManyLabels } from './series-check.ts';
import { SeriesRows } from './series-rows.ts';
import { mergeLabels } from './target-labels.ts';
import { TextIndex } from './text-index.ts';

/** How far ahead of the device's clock an explicit timestamp may lie, ms; scrape/scrape.go `maxAheadTime`. */
const MAX_AHEAD_MS = 10 * 60 * 1000;

/**
 * All that the agent remembers of one target's series from scrape to scrape. Calls must not overlap. The marker of a vanished
 * series travels in the scrape in which it vanishes.
 */
export class TargetSeries implements ExpositionSink {
  readonly #target: Labels;
  readonly #limits: WireLimits;
  #rules: SeriesRules;
  readonly #index = new TextIndex<Series | undefined>();
  readonly #rows: SeriesRows;
  readonly #metadata = new TargetMetadata();
  /** Reads the texts of the index: what is good in one format may be none in another. */
  #parser: ExpositionParser | undefined;
  /** Number of the present scrape, good or failed. */
  #scrape = 0;
  #lastGood = 0;

  // The scrape under way.
  #wallMs = 0;
  #current: Series | undefined;
  /** The text of the series told last is new. */
  #isNew = false;
  /** Texts were forgotten for another format: that they are new says nothing. */
  #otherFormat = false;
  /** Time of the sample told last where it counts, else NaN. */
  #currentMs = Number.NaN;
  readonly #stored = new SampleBuffer<Series>();
  readonly #repeated = new RepeatedSamples();
  /** Exposed and tracked, but not stored. */
  #tracked: Series[] = [];
  readonly #exemplars = new ScrapeExemplars();
  #counts = noCounts();
  #limited = 0;

  constructor(target: Labels, rules: SeriesRules, sha256: Sha256, limits: WireLimits = wireLimits) {
    this.#target = target;
    this.#rules = rules;
    this.#rows = new SeriesRows(sha256, limits);
    this.#limits = limits;
  }

  get table(): SeriesTable | undefined {
    return this.#rows.table;
  }

  /**
   * Takes new rules; the rows stay, so that series the new rules do not yield get their markers.
   * @param sameLabels the rules give every series the labels that it has; then nothing counts as new
   */
  setRules(rules: SeriesRules, sameLabels: boolean): void {
    this.#rules = rules;
    if (!sameLabels) this.#forgetTexts();
  }

  /** The metadata handed out last did not arrive: the next good scrape has all of it again. */
  handOutMetadataAgain(): void {
    this.#metadata.handOutAgain();
  }

  /**
   * Takes one exposition. A refused scrape (bad text, a limit) leaves nothing behind but markers for those series of the scrape
   * before that did not come up before the fault. An empty body is a good scrape without series, whatever its format.
   * @param wallMs time of the scrape's samples
   */
  async ingest(bytes: Uint8Array, parser: () => ExpositionParser, wallMs: number, extra: ReportSamples = []): Promise<IngestResult> {
    this.#begin(wallMs);
    this.#index.begin();
    this.#metadata.begin();
    try {
      // As in Prometheus nothing is forgotten then, so that the series are not new in the next scrape.
      if (bytes.length === 0) return this.#result(await this.#vanish(extra), undefined);
      const parse = parser();
      if (parse !== this.#parser && this.#parser !== undefined) {
        this.#otherFormat = true;
        this.#forgetTexts();
      }
      this.#parser = parse;
      parse(bytes, this);
      const { sampleLimit } = this.#rules;
      if (this.#limited > sampleLimit && sampleLimit > 0)
        throw new ExpositionError(0, `sample_limit: expected at most ${sampleLimit} samples after relabelling, got ${this.#limited}`);
      this.#report(extra);
      await this.#updateRows(true);
    } catch (error) {
      this.#release(this.#index.rollback());
      this.#metadata.rollback();
      if (!(error instanceof ExpositionError)) throw error;
      this.#keepTracked();
      return this.#result(await this.#vanish(extra), error);
    }
    const { cells, more } = this.#fill();
    const exemplars = this.#exemplars.take(wallMs);
    this.#release(this.#index.commit());
    this.#lastGood = this.#scrape;
    this.#otherFormat = false;
    return this.#result({ table: this.table, cells, more, exemplars, metadata: this.#metadata.commit() }, undefined);
  }

  /** A scrape that got no exposition at all, or the end of the target: markers for the series of the last scrape. */
  fail(wallMs: number, extra: ReportSamples = []): Promise<ScrapeCells> {
    this.#begin(wallMs);
    return this.#vanish(extra);
  }

  known(bytes: Uint8Array, at: number, family: FamilyType): number {
    const entry = this.#index.expected(bytes, at, family);
    if (entry === undefined) return -1;
    this.#current = entry.item;
    this.#isNew = false;
    return at + entry.length;
  }

  series(bytes: Uint8Array, start: number, end: number, family: FamilyType, labels: () => Labels): void {
    const known = this.#index.find(bytes, start, end, family);
    this.#isNew = known === undefined;
    if (known !== undefined) {
      this.#current = known.item;
      return;
    }
    // Bounds memory before it is taken; the text of series that relabelling drops is remembered, too.
    const most = 2 * this.#limits.tableRows;
    if (this.#index.size >= most) throw new ExpositionError(0, `expected at most ${most} different series of one target, got more`);
    const series = this.#resolve(labels());
    this.#index.add(bytes, start, end, family, series);
    if (series !== undefined) series.texts++;
    this.#current = series;
  }

  sample(value: number, timeMs: number): void {
    const counts = this.#counts;
    counts.scraped++;
    const series = this.#current;
    if (series === undefined) return;
    counts.postRelabel++;
    const explicit = this.#rules.honorTimestamps && !Number.isNaN(timeMs);
    this.#currentMs = explicit ? timeMs : Number.NaN;
    if (series.mark === this.#scrape && !explicit) {
      counts.duplicates++;
      return;
    }
    series.mark = this.#scrape;
    this.#limited++;
    const limit = this.#rules.sampleLimit;
    if (limit > 0 && this.#limited > limit) return;
    if (series.queuedAt === this.#scrape) {
      this.#repeated.push(series, value, timeMs);
      return;
    }
    if (explicit ? !this.#inOrder(series, timeMs) : series.explicit && this.#wallMs <= series.lastMs) {
      if (!explicit) counts.outOfOrder++;
      // A series known from before is still there, though this sample of it is not new.
      if (this.#isTracked(explicit) && series.lastMs !== Number.NEGATIVE_INFINITY) this.#tracked.push(series);
      return;
    }
    if (this.#isNew && !(this.#otherFormat && series.storedAt === this.#lastGood)) counts.added++;
    this.#store(series, value, this.#currentMs);
  }

  exemplar(value: number, timeMs: number, labels: () => Labels | undefined): void {
    if (this.#current !== undefined) this.#exemplars.push(this.#current, labels(), value, timeMs, this.#currentMs);
  }

  knownLine(bytes: Uint8Array, at: number): KnownLine | undefined {
    return this.#metadata.knownLine(bytes, at);
  }

  metadata(bytes: Uint8Array, start: number, end: number, line: MetadataLine): void {
    this.#metadata.metadata(bytes, start, end, line);
  }

  /** Whether an explicit timestamp may follow what is stored of the series; counts it if not. */
  #inOrder(series: Series, timeMs: number): boolean {
    if (timeMs > this.#wallMs + MAX_AHEAD_MS || !isTime(timeMs)) this.#counts.outOfBounds++;
    else if (timeMs === series.lastMs) this.#counts.duplicates++;
    else if (timeMs < series.lastMs) this.#counts.outOfOrder++;
    else return true;
    return false;
  }

  #store(series: Series, value: number, timeMs: number): void {
    series.queuedAt = this.#scrape;
    this.#stored.push(series, value, timeMs);
  }

  #isTracked(explicit: boolean): boolean {
    return !explicit || this.#rules.trackTimestampsStaleness;
  }

  /** The series of some exposed labels; `undefined` if it is dropped. Throws {@link ExpositionError}. */
  #resolve(exposed: Labels): Series | undefined {
    const final = this.#rules.relabel(mergeLabels(exposed, this.#target, this.#rules.honorLabels));
    if (final === undefined || final.length === 0) return undefined;
    try {
      checkSeries(final, this.#rules, this.#limits);
    } catch (error) {
      // Its sample was scraped, though nothing after it is.
      this.#counts.scraped++;
      throw error;
    }
    const row = residual(final, this.#target);
    if (row.length > this.#limits.labelsPerSeries) throw tooManyLabels(final, row.length, this.#limits);
    return this.#rows.get(row);
  }

  #begin(wallMs: number): void {
    this.#scrape++;
    this.#wallMs = wallMs;
    this.#clear();
    this.#exemplars.clear();
    this.#counts = noCounts();
    this.#limited = 0;
  }

  #clear(): void {
    this.#stored.clear();
    this.#repeated.clear();
    this.#tracked = [];
  }

  /** Adds samples of the report; where the target exposes a series of that name, its own comes first and stays. */
  #report(extra: ReportSamples): void {
    for (const [name, value] of extra) {
      const series = this.#rows.get([[METRIC_NAME, name]]);
      if (series.mark === this.#scrape) continue;
      series.mark = this.#scrape;
      this.#store(series, value, Number.NaN);
    }
  }

  async #updateRows(shrink: boolean): Promise<void> {
    for (const series of this.#stored.items) series.storedAt = this.#scrape;
    // Exposed now, even if its sample was not stored (a timestamp again), or in want of a marker.
    await this.#rows.update(this.#stored.items, (series) => series.mark === this.#scrape || this.#vanished(series), shrink);
  }

  #vanished(series: Series): boolean {
    return series.trackedAt === this.#scrape - 1 && series.trackedAt > 0 && series.storedAt !== this.#scrape;
  }

  /**
   * Series that stood before the fault of a refused scrape count as seen, though their samples do not: they get no marker now, but
   * one if the next scrape lacks them. So does Prometheus (scrape/scrape.go: `append` has tracked them by then).
   */
  #keepTracked(): void {
    const seen = this.#stored.items.filter((_, i) => this.#isTracked(!Number.isNaN(this.#stored.timeMs(i))));
    for (const series of [...seen, ...this.#tracked]) if (series.tableRow >= 0) series.trackedAt = this.#scrape;
  }

  /** Nothing of the exposition counts: markers and the samples of the report only. */
  async #vanish(extra: ReportSamples): Promise<ScrapeCells> {
    for (const series of this.#stored.items) {
      if (series.storedAt === this.#scrape) series.storedAt = 0;
      series.mark = 0;
    }
    this.#clear();
    try {
      this.#report(extra);
      await this.#updateRows(false);
    } catch (error) {
      if (!(error instanceof ExpositionError)) throw error;
      // The table is full: the markers matter more.
      for (const series of this.#stored.items) series.storedAt = 0;
      this.#stored.clear();
    }
    return { table: this.table, ...this.#fill(), exemplars: [], metadata: undefined };
  }

  #fill(): Pick<ScrapeCells, 'cells' | 'more'> {
    if (this.table === undefined) return { cells: undefined, more: [] };
    const cells = createCells(this.#rows.rows.length, 1);
    this.#stored.items.forEach((series, i) => {
      setValue(cells, series.tableRow, this.#stored.value(i));
      const own = this.#stored.timeMs(i);
      series.explicit = !Number.isNaN(own);
      series.lastMs = series.explicit ? own : this.#wallMs;
      if (this.#isTracked(series.explicit)) series.trackedAt = this.#scrape;
      if (!series.explicit) return;
      cells.ownTimes ??= new Map();
      cells.ownTimes.set(series.tableRow, Float64Array.of(own));
    });
    for (const series of this.#tracked) series.trackedAt = this.#scrape;
    for (const series of this.#rows.rows) if (this.#vanished(series)) this.#markStale(cells, series);
    const refuse = (): void => void this.#counts.duplicates++;
    return { cells, more: this.#repeated.take(cells.rows, (series, timeMs) => this.#inOrder(series, timeMs), refuse) };
  }

  #markStale(cells: Cells, series: Series): void {
    // A marker before the last sample would be out of order; Prometheus drops it without a word.
    if (series.explicit && this.#wallMs <= series.lastMs) return;
    setStale(cells, series.tableRow);
    series.lastMs = this.#wallMs;
    series.explicit = false;
  }

  #result(cells: ScrapeCells, error: ExpositionError | undefined): IngestResult {
    const counted = { counts: this.#counts, exemplarCounts: this.#exemplars.counts, metadataCounts: this.#metadata.counts };
    return { ...cells, ...counted, error };
  }

  #forgetTexts(): void {
    this.#index.clear();
    this.#metadata.forgetLines();
    for (const series of this.#rows.all()) {
      series.texts = 0;
      this.#rows.forget(series);
    }
  }

  #release(gone: readonly (Series | undefined)[]): void {
    for (const series of gone) {
      if (series === undefined) continue;
      series.texts--;
      this.#rows.forget(series);
    }
  }
}

const noCounts = () => ({ scraped: 0, postRelabel: 0, added: 0, duplicates: 0, outOfOrder: 0, outOfBounds: 0 });
