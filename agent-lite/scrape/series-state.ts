import { type Cells, isTime, setStale, setValue } from '../../contract/cells.ts';
import { type Labels, METRIC_NAME } from '../../contract/labels.ts';
import { type WireLimits, wireLimits } from '../../contract/limits.ts';
import { residual, type SeriesTable, type Sha256 } from '../../contract/series-table.ts';
import type { ScrapeExemplars } from './exemplar-state.ts';
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
import { NO_SERIES, SeriesColumns, type SeriesId } from './series.ts';
import { checkSeries, tooManyLabels } from './series-check.ts';
import { SeriesRows } from './series-rows.ts';
import { SharedShapes } from './shared-shapes.ts';
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
  readonly #shared: SharedShapes;
  readonly #columns = new SeriesColumns();
  readonly #index: TextIndex<SeriesId>;
  readonly #rows: SeriesRows;
  readonly #metadata: TargetMetadata;
  /** Reads the texts of the index: what is good in one format may be none in another. */
  #parser: ExpositionParser | undefined;
  /** Number of the present scrape, good or failed. */
  #scrape = 0;
  #lastGood = 0;

  // The scrape under way.
  #wallMs = 0;
  #current: SeriesId = NO_SERIES;
  /** The text of the series told last is new. */
  #isNew = false;
  /** Texts were forgotten for another format: that they are new says nothing. */
  #otherFormat = false;
  /** Time of the sample told last where it counts, else NaN. */
  #currentMs = Number.NaN;
  /** Lent for this scrape. */
  #stored = new SampleBuffer();
  readonly #repeated = new RepeatedSamples();
  /** Exposed and tracked, but not stored. */
  #tracked: SeriesId[] = [];
  /** Of the scrape under way, where its format has any. */
  #exemplars: ScrapeExemplars | undefined;
  #counts = noCounts();
  #limited = 0;

  /** @param shared with the other targets, so that what is equal is held once */
  constructor(target: Labels, rules: SeriesRules, sha256: Sha256, limits: WireLimits = wireLimits, shared = new SharedShapes()) {
    this.#target = target;
    this.#rules = rules;
    this.#shared = shared;
    this.#index = new TextIndex((shape) => shared.series(shape));
    this.#rows = new SeriesRows(this.#columns, sha256, limits, shared);
    this.#metadata = new TargetMetadata(shared);
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
  async ingest(
    bytes: Uint8Array,
    parser: () => ExpositionParser | Promise<ExpositionParser>,
    wallMs: number,
    extra: ReportSamples = [],
  ): Promise<IngestResult> {
    this.#begin(wallMs);
    this.#index.begin();
    this.#metadata.begin();
    try {
      // As in Prometheus nothing is forgotten then, so that the series are not new in the next scrape.
      if (bytes.length === 0) return this.#result(await this.#vanish(extra), undefined);
      const parse = await parser();
      if (parse !== this.#parser && this.#parser !== undefined) {
        this.#otherFormat = true;
        this.#forgetTexts();
      }
      this.#parser = parse;
      this.#exemplars = parse.exemplars?.();
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
    const exemplars = this.#exemplars?.take(wallMs, this.#columns) ?? [];
    this.#release(this.#index.commit());
    this.#rows.rest();
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
    const end = this.#index.expected(bytes, at, family);
    if (end === -1) return -1;
    this.#current = this.#index.item ?? NO_SERIES;
    this.#isNew = false;
    return end;
  }

  series(bytes: Uint8Array, start: number, end: number, family: FamilyType, labels: () => Labels): void {
    const known = this.#index.find(bytes, start, end, family);
    this.#isNew = !known;
    if (known) {
      this.#current = this.#index.item ?? NO_SERIES;
      return;
    }
    // Bounds memory before it is taken; the text of series that relabelling drops is remembered, too.
    const most = 2 * this.#limits.tableRows;
    if (this.#index.size >= most) throw new ExpositionError(0, `expected at most ${most} different series of one target, got more`);
    const series = this.#resolve(labels());
    this.#index.add(bytes, start, end, family, series);
    if (series !== NO_SERIES) (this.#columns.texts[series] as number)++;
    this.#current = series;
  }

  sample(value: number, timeMs: number): void {
    const counts = this.#counts;
    counts.scraped++;
    const series = this.#current;
    if (series === NO_SERIES) return;
    counts.postRelabel++;
    const { mark, queuedAt, storedAt, lastMs } = this.#columns;
    const explicit = this.#rules.honorTimestamps && !Number.isNaN(timeMs);
    this.#currentMs = explicit ? timeMs : Number.NaN;
    if (mark[series] === this.#scrape && !explicit) {
      counts.duplicates++;
      return;
    }
    mark[series] = this.#scrape;
    this.#limited++;
    const limit = this.#rules.sampleLimit;
    if (limit > 0 && this.#limited > limit) return;
    if (queuedAt[series] === this.#scrape) {
      this.#repeated.push(series, value, timeMs);
      return;
    }
    if (explicit ? !this.#inOrder(series, timeMs) : this.#isBehind(series)) {
      if (!explicit) counts.outOfOrder++;
      // A series known from before is still there, though this sample of it is not new.
      if (this.#isTracked(explicit) && lastMs[series] !== Number.NEGATIVE_INFINITY) this.#tracked.push(series);
      return;
    }
    if (this.#isNew && !(this.#otherFormat && storedAt[series] === this.#lastGood)) counts.added++;
    this.#store(series, value, this.#currentMs);
  }

  exemplar(value: number, timeMs: number, labels: () => Labels | undefined): void {
    if (this.#current !== NO_SERIES) this.#exemplars?.push(this.#current, labels(), value, timeMs, this.#currentMs);
  }

  knownLine(bytes: Uint8Array, at: number): KnownLine | undefined {
    return this.#metadata.knownLine(bytes, at);
  }

  metadata(bytes: Uint8Array, start: number, end: number, line: MetadataLine): void {
    this.#metadata.metadata(bytes, start, end, line);
  }

  /** Whether an explicit timestamp may follow what is stored of the series; counts it if not. */
  #inOrder(series: SeriesId, timeMs: number): boolean {
    const lastMs = this.#columns.lastMs[series] as number;
    if (timeMs > this.#wallMs + MAX_AHEAD_MS || !isTime(timeMs)) this.#counts.outOfBounds++;
    else if (timeMs === lastMs) this.#counts.duplicates++;
    else if (timeMs < lastMs) this.#counts.outOfOrder++;
    else return true;
    return false;
  }

  /** Its last sample brought a time of its own that this scrape's does not follow. */
  #isBehind(series: SeriesId): boolean {
    const { explicit, lastMs } = this.#columns;
    return explicit[series] === 1 && this.#wallMs <= (lastMs[series] as number);
  }

  #store(series: SeriesId, value: number, timeMs: number): void {
    this.#columns.queuedAt[series] = this.#scrape;
    this.#stored.push(series, value, timeMs);
  }

  #isTracked(explicit: boolean): boolean {
    return !explicit || this.#rules.trackTimestampsStaleness;
  }

  /** The series of some exposed labels; {@link NO_SERIES} if it is dropped. Throws {@link ExpositionError}. */
  #resolve(exposed: Labels): SeriesId {
    const final = this.#rules.relabel(mergeLabels(exposed, this.#target, this.#rules.honorLabels));
    if (final === undefined || final.length === 0) return NO_SERIES;
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
    this.#stored = this.#shared.memory.takeSamples();
    this.#clear();
    this.#exemplars = undefined;
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
      const { mark } = this.#columns;
      if (mark[series] === this.#scrape) continue;
      mark[series] = this.#scrape;
      this.#store(series, value, Number.NaN);
    }
  }

  async #updateRows(shrink: boolean): Promise<void> {
    const { storedAt, mark } = this.#columns;
    const stored = this.#stored;
    for (let i = 0; i < stored.length; i++) storedAt[stored.series(i)] = this.#scrape;
    // Exposed now, even if its sample was not stored (a timestamp again), or in want of a marker.
    await this.#rows.update(stored, (series) => mark[series] === this.#scrape || this.#vanished(series), shrink);
  }

  #vanished(series: SeriesId): boolean {
    const { trackedAt, storedAt } = this.#columns;
    return trackedAt[series] === this.#scrape - 1 && this.#scrape > 1 && storedAt[series] !== this.#scrape;
  }

  /**
   * Series that stood before the fault of a refused scrape count as seen, though their samples do not: they get no marker now, but
   * one if the next scrape lacks them. So does Prometheus (scrape/scrape.go: `append` has tracked them by then).
   */
  #keepTracked(): void {
    const { tableRow, trackedAt } = this.#columns;
    const keep = (series: SeriesId): void => {
      if ((tableRow[series] as number) >= 0) trackedAt[series] = this.#scrape;
    };
    for (let i = 0; i < this.#stored.length; i++) if (this.#isTracked(!Number.isNaN(this.#stored.timeMs(i)))) keep(this.#stored.series(i));
    for (const series of this.#tracked) keep(series);
  }

  /** Nothing of the exposition counts: markers and the samples of the report only. */
  async #vanish(extra: ReportSamples): Promise<ScrapeCells> {
    const { storedAt, mark } = this.#columns;
    for (let i = 0; i < this.#stored.length; i++) {
      const series = this.#stored.series(i);
      if (storedAt[series] === this.#scrape) storedAt[series] = 0;
      mark[series] = 0;
    }
    this.#clear();
    try {
      this.#report(extra);
      await this.#updateRows(false);
    } catch (error) {
      if (!(error instanceof ExpositionError)) throw error;
      // The table is full: the markers matter more.
      for (let i = 0; i < this.#stored.length; i++) this.#columns.storedAt[this.#stored.series(i)] = 0;
      this.#stored.clear();
    }
    return { table: this.table, ...this.#fill(), exemplars: [], metadata: undefined };
  }

  #fill(): Pick<ScrapeCells, 'cells' | 'more'> {
    if (this.table === undefined) return { cells: undefined, more: [] };
    const cells = this.#shared.memory.takeCells(this.#rows.rows.length);
    const { tableRow, lastMs, explicit, trackedAt } = this.#columns;
    for (let i = 0; i < this.#stored.length; i++) {
      const series = this.#stored.series(i);
      const row = tableRow[series] as number;
      setValue(cells, row, this.#stored.value(i));
      const own = this.#stored.timeMs(i);
      const isExplicit = !Number.isNaN(own);
      explicit[series] = isExplicit ? 1 : 0;
      lastMs[series] = isExplicit ? own : this.#wallMs;
      if (this.#isTracked(isExplicit)) trackedAt[series] = this.#scrape;
      if (!isExplicit) continue;
      cells.ownTimes ??= new Map();
      cells.ownTimes.set(row, Float64Array.of(own));
    }
    for (const series of this.#tracked) trackedAt[series] = this.#scrape;
    for (const series of this.#rows.rows) if (this.#vanished(series)) this.#markStale(cells, series);
    const refuse = (): void => void this.#counts.duplicates++;
    const accept = (series: SeriesId, timeMs: number): boolean => this.#inOrder(series, timeMs);
    this.#shared.memory.giveSamples(this.#stored);
    return { cells, more: this.#repeated.take(cells.rows, this.#columns, accept, refuse) };
  }

  #markStale(cells: Cells, series: SeriesId): void {
    const { tableRow, lastMs, explicit } = this.#columns;
    // A marker before the last sample would be out of order; Prometheus drops it without a word.
    if (this.#isBehind(series)) return;
    setStale(cells, tableRow[series] as number);
    lastMs[series] = this.#wallMs;
    explicit[series] = 0;
  }

  #result(cells: ScrapeCells, error: ExpositionError | undefined): IngestResult {
    const counted = {
      counts: this.#counts,
      exemplarCounts: this.#exemplars?.counts ?? NO_EXEMPLARS,
      metadataCounts: this.#metadata.counts,
    };
    return { ...cells, ...counted, error };
  }

  #forgetTexts(): void {
    this.#index.clear();
    this.#metadata.forgetLines();
    for (const series of this.#rows.all()) {
      this.#columns.texts[series] = 0;
      this.#rows.forget(series);
    }
  }

  #release(gone: readonly SeriesId[]): void {
    for (const series of gone) {
      if (series === NO_SERIES) continue;
      (this.#columns.texts[series] as number)--;
      this.#rows.forget(series);
    }
  }
}

/** Of a scrape without any. */
export const NO_EXEMPLARS = { kept: 0, outOfOrder: 0, invalid: 0 };
export const noCounts = () => ({ scraped: 0, postRelabel: 0, added: 0, duplicates: 0, outOfOrder: 0, outOfBounds: 0 });
