import { type Cells, createCells, setStale, setValue } from '../../contract/cells.ts';
import { type Labels, labelsKey } from '../../contract/labels.ts';
import { type WireLimits, wireLimits } from '../../contract/limits.ts';
import { buildTable, type Row, residual, type SeriesTable, type Sha256 } from '../../contract/series-table.ts';
import { ExpositionError, type ExpositionParser, type FamilyType, type SampleSink } from './exposition.ts';
import { SampleBuffer } from './sample-buffer.ts';
import { checkSeries, tooManyLabels } from './series-check.ts';
import { SeriesIndex } from './series-index.ts';
import { mergeLabels } from './target-labels.ts';

/** How a target's series get their final labels. */
export interface SeriesRules {
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  /** Samples of one scrape after relabelling; 0: no limit. */
  readonly sampleLimit: number;
  /** metric_relabel_configs; `undefined` or no labels: the series is dropped. */
  readonly relabel: (labels: Labels) => Labels | undefined;
}

/** Counted over one scrape, as Prometheus reports it. */
export interface ScrapeCounts {
  /** Sample lines. */
  readonly scraped: number;
  /** Left after metric relabelling, those not stored included. */
  readonly postRelabel: number;
  /** Series that the last good scrape did not have. */
  readonly added: number;
  /** Not stored: a series given twice in the scrape, or again with a timestamp that was stored before. */
  readonly duplicates: number;
  /** Not stored: an explicit timestamp older than the series' last. */
  readonly outOfOrder: number;
  /** Not stored: an explicit timestamp too far ahead of the device's clock. */
  readonly outOfBounds: number;
}

/** What one scrape yields: both `undefined` while the target never had a series. */
export interface ScrapeCells {
  readonly table: SeriesTable | undefined;
  readonly cells: Cells | undefined;
}

export interface IngestResult extends ScrapeCells {
  readonly counts: ScrapeCounts;
  /** The scrape is refused as a whole; the cells then hold only staleness markers. */
  readonly error: ExpositionError | undefined;
}

/** How far ahead of the device's clock an explicit timestamp may lie, ms; scrape/scrape.go `maxAheadTime`. */
const MAX_AHEAD_MS = 10 * 60 * 1000;
/** Share of dead rows at which the next scrape gets a table without them. */
const MAX_DEAD_SHARE = 0.25;

interface Series {
  readonly row: Row;
  /** Index in the present table; -1: not in it. */
  tableRow: number;
  /** The scrape in which it last came up at all. */
  mark: number;
  /** The last good scrape that stored a sample of it. */
  storedAt: number;
  /** The last scrape that stored a sample of it with the scrape's time: such a series gets a marker when it vanishes. */
  trackedAt: number;
  /** Time of its last sample, ms. */
  lastMs: number;
  /** Whether that time came with the sample. */
  explicit: boolean;
  /** How many texts of the index stand for it. */
  texts: number;
}

/**
 * All that the agent remembers of one target's series from scrape to scrape. Calls must not overlap.
 *
 * Rows of vanished series stay in the table as absent cells until they are more than a quarter of it; the marker of a
 * vanished series travels in the scrape in which it vanishes, so a smaller table starts with the next scrape at the earliest.
 */
export class TargetSeries implements SampleSink {
  readonly #target: Labels;
  readonly #sha256: Sha256;
  readonly #limits: WireLimits;
  #rules: SeriesRules;
  readonly #index = new SeriesIndex<Series | undefined>();
  readonly #byRow = new Map<string, Series>();
  #rows: Series[] = [];
  #table: SeriesTable | undefined;
  /** Number of the present scrape, good or failed. */
  #scrape = 0;
  #lastGood = 0;

  // The scrape under way.
  #wallMs = 0;
  #current: Series | undefined;
  readonly #stored = new SampleBuffer<Series>();
  #counts = noCounts();
  #limited = 0;

  constructor(target: Labels, rules: SeriesRules, sha256: Sha256, limits: WireLimits = wireLimits) {
    this.#target = target;
    this.#rules = rules;
    this.#sha256 = sha256;
    this.#limits = limits;
  }

  get table(): SeriesTable | undefined {
    return this.#table;
  }

  /** Takes new rules; the rows stay, so that series the new rules do not yield get their markers. */
  setRules(rules: SeriesRules): void {
    this.#rules = rules;
    this.#index.clear();
    for (const series of [...this.#byRow.values()]) {
      series.texts = 0;
      this.#forget(series);
    }
  }

  /**
   * Takes one exposition. A refused scrape (bad text, a limit) leaves nothing behind but markers for the series of the scrape
   * before. An empty body is a good scrape without series, whatever its format.
   * @param wallMs time of the scrape's samples
   */
  async ingest(bytes: Uint8Array, parser: () => ExpositionParser, wallMs: number): Promise<IngestResult> {
    this.#scrape++;
    this.#wallMs = wallMs;
    this.#stored.clear();
    this.#counts = noCounts();
    this.#limited = 0;
    this.#index.begin();
    try {
      if (bytes.length > 0) parser()(bytes, this);
      if (this.#limited > this.#rules.sampleLimit && this.#rules.sampleLimit > 0) {
        throw new ExpositionError(
          0,
          `sample_limit: expected at most ${this.#rules.sampleLimit} samples after relabelling, got ${this.#limited}`,
        );
      }
      await this.#updateTable();
    } catch (error) {
      this.#release(this.#index.rollback());
      if (!(error instanceof ExpositionError)) throw error;
      return { ...this.#markers(), counts: this.#counts, error };
    }
    const cells = this.#fill();
    this.#release(this.#index.commit());
    this.#lastGood = this.#scrape;
    return { table: this.#table, cells, counts: this.#counts, error: undefined };
  }

  /** A scrape that got no exposition at all, or the end of the target: markers for the series of the last scrape. */
  fail(): ScrapeCells {
    this.#scrape++;
    return this.#markers();
  }

  known(bytes: Uint8Array, at: number, family: FamilyType): number {
    const entry = this.#index.expected(bytes, at, family);
    if (entry === undefined) return -1;
    this.#current = entry.series;
    return at + entry.length;
  }

  series(bytes: Uint8Array, start: number, end: number, family: FamilyType, labels: () => Labels): void {
    const known = this.#index.find(bytes, start, end, family);
    if (known !== undefined) {
      this.#current = known.series;
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
    if (series.mark === this.#scrape) {
      counts.duplicates++;
      return;
    }
    series.mark = this.#scrape;
    const explicit = this.#rules.honorTimestamps && !Number.isNaN(timeMs);
    this.#limited++;
    const limit = this.#rules.sampleLimit;
    if (limit > 0 && this.#limited > limit) return;
    if (explicit) {
      if (!this.#inOrder(series, timeMs)) return;
    } else if (series.explicit && this.#wallMs <= series.lastMs) {
      counts.outOfOrder++;
      return;
    }
    if (series.storedAt === 0 || series.storedAt !== this.#lastGood) counts.added++;
    this.#stored.push(series, value, explicit ? timeMs : Number.NaN);
  }

  /** Whether an explicit timestamp may follow what is stored of the series; counts it if not. */
  #inOrder(series: Series, timeMs: number): boolean {
    if (timeMs > this.#wallMs + MAX_AHEAD_MS) this.#counts.outOfBounds++;
    else if (timeMs === series.lastMs) this.#counts.duplicates++;
    else if (timeMs < series.lastMs) this.#counts.outOfOrder++;
    else return true;
    return false;
  }

  /** The series of some exposed labels; `undefined` if it is dropped. Throws {@link ExpositionError}. */
  #resolve(exposed: Labels): Series | undefined {
    const final = this.#rules.relabel(mergeLabels(exposed, this.#target, this.#rules.honorLabels));
    if (final === undefined || final.length === 0) return undefined;
    checkSeries(final, this.#limits);
    const row = residual(final, this.#target);
    if (row.length > this.#limits.labelsPerSeries) throw tooManyLabels(final, row.length, this.#limits);
    const key = labelsKey(row);
    const known = this.#byRow.get(key);
    if (known !== undefined) return known;
    if (this.#byRow.size >= this.#rows.length + this.#limits.tableRows) {
      throw new ExpositionError(0, `expected at most ${this.#limits.tableRows} series of one target, got more`);
    }
    const series: Series = {
      row,
      tableRow: -1,
      mark: 0,
      storedAt: 0,
      trackedAt: 0,
      lastMs: Number.NEGATIVE_INFINITY,
      explicit: false,
      texts: 0,
    };
    this.#byRow.set(key, series);
    return series;
  }

  /** Brings the table up to date for the samples of this scrape and the markers it needs. */
  async #updateTable(): Promise<void> {
    const scrape = this.#scrape;
    let fresh = false;
    for (const series of this.#stored.items) {
      series.storedAt = scrape;
      if (series.tableRow === -1) fresh = true;
    }
    let dead = 0;
    for (const series of this.#rows) if (!this.#needed(series)) dead++;
    const shrink = dead > this.#rows.length * MAX_DEAD_SHARE;
    if (!fresh && !shrink) return;
    const rows = shrink ? this.#rows.filter((series) => this.#needed(series)) : [...this.#rows];
    for (const series of this.#stored.items) if (series.tableRow === -1) rows.push(series);
    if (rows.length > this.#limits.tableRows) {
      throw new ExpositionError(0, `expected at most ${this.#limits.tableRows} series of one target, got ${rows.length}`);
    }
    if (rows.length === 0) {
      this.#setRows([], undefined);
      return;
    }
    const { table, order } = await buildTable(
      rows.map((series) => series.row),
      this.#sha256,
    );
    if (table.bytes.length > this.#limits.tableBytes) {
      throw new ExpositionError(
        0,
        `expected labels of at most ${this.#limits.tableBytes} bytes for all series of one target, got ${table.bytes.length}`,
      );
    }
    const sorted = new Array<Series>(rows.length);
    rows.forEach((series, i) => {
      sorted[order[i] as number] = series;
    });
    this.#setRows(sorted, table);
  }

  /** Exposed now, even if its sample was not stored (a timestamp again), or in want of a marker. */
  #needed(series: Series): boolean {
    return series.mark === this.#scrape || this.#vanished(series);
  }

  #vanished(series: Series): boolean {
    return series.trackedAt === this.#scrape - 1 && series.trackedAt > 0 && series.storedAt !== this.#scrape;
  }

  #setRows(rows: Series[], table: SeriesTable | undefined): void {
    const before = this.#rows;
    for (const series of before) series.tableRow = -1;
    rows.forEach((series, row) => {
      series.tableRow = row;
    });
    this.#rows = rows;
    this.#table = table;
    for (const series of before) this.#forget(series);
  }

  #fill(): Cells | undefined {
    if (this.#table === undefined) return undefined;
    const cells = createCells(this.#rows.length, 1);
    this.#stored.items.forEach((series, i) => {
      setValue(cells, series.tableRow, this.#stored.value(i));
      const own = this.#stored.timeMs(i);
      series.explicit = !Number.isNaN(own);
      if (!series.explicit) {
        series.trackedAt = this.#scrape;
        series.lastMs = this.#wallMs;
      } else {
        series.lastMs = own;
        cells.ownTimes ??= new Map();
        cells.ownTimes.set(series.tableRow, Float64Array.of(own));
      }
    });
    this.#markStale(cells);
    return cells;
  }

  #markers(): ScrapeCells {
    if (this.#table === undefined) return { table: undefined, cells: undefined };
    const cells = createCells(this.#rows.length, 1);
    for (const series of this.#rows) if (series.storedAt === this.#scrape) series.storedAt = 0;
    this.#markStale(cells);
    return { table: this.#table, cells };
  }

  #markStale(cells: Cells): void {
    for (const series of this.#rows) if (this.#vanished(series)) setStale(cells, series.tableRow);
  }

  #release(gone: readonly (Series | undefined)[]): void {
    for (const series of gone) {
      if (series === undefined) continue;
      series.texts--;
      this.#forget(series);
    }
  }

  /** Drops a series that no text and no row stands for any more. */
  #forget(series: Series): void {
    if (series.texts === 0 && series.tableRow === -1) this.#byRow.delete(labelsKey(series.row));
  }
}

const noCounts = () => ({ scraped: 0, postRelabel: 0, added: 0, duplicates: 0, outOfOrder: 0, outOfBounds: 0 });
