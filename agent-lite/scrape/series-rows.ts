import { labelsKey } from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { buildTable, type Row, type SeriesTable, type Sha256 } from '../../contract/series-table.ts';
import { ExpositionError } from './exposition.ts';
import { createSeries, type Series } from './series.ts';

/** Share of dead rows at which the next scrape gets a table without them. */
const MAX_DEAD_SHARE = 0.25;

/**
 * The series of a target, those with a row in its table and those that are only known so far. Rows of vanished series stay in
 * the table as absent cells until they are more than a quarter of it, so that the table seldom changes.
 */
export class SeriesRows {
  readonly #sha256: Sha256;
  readonly #limits: WireLimits;
  readonly #byRow = new Map<string, Series>();
  #rows: readonly Series[] = [];
  #table: SeriesTable | undefined;

  constructor(sha256: Sha256, limits: WireLimits) {
    this.#sha256 = sha256;
    this.#limits = limits;
  }

  get table(): SeriesTable | undefined {
    return this.#table;
  }

  /** In order of the table. */
  get rows(): readonly Series[] {
    return this.#rows;
  }

  /** All series, with and without a row. */
  all(): Series[] {
    return [...this.#byRow.values()];
  }

  /** Throws {@link ExpositionError} where there are too many. */
  get(row: Row): Series {
    const key = labelsKey(row);
    const known = this.#byRow.get(key);
    if (known !== undefined) return known;
    if (this.#byRow.size >= this.#rows.length + this.#limits.tableRows) throw this.#tooMany('more');
    const series = createSeries(row);
    this.#byRow.set(key, series);
    return series;
  }

  /**
   * Brings the table up to date for the samples of a scrape and the markers it needs.
   * @param needed whether a row must stay
   * @throws {@link ExpositionError} at a limit; then the table is as before
   */
  async update(stored: readonly Series[], needed: (series: Series) => boolean, shrink: boolean): Promise<void> {
    // Nearly always nothing changes: find that out without taking memory.
    let isNew = false;
    for (const series of stored) if (series.tableRow === -1) isNew = true;
    let dead = 0;
    if (shrink) for (const series of this.#rows) if (!needed(series)) dead++;
    const shrinks = dead > this.#rows.length * MAX_DEAD_SHARE;
    if (!isNew && !shrinks) return;
    const rows = shrinks ? this.#rows.filter(needed) : [...this.#rows];
    for (const series of stored) if (series.tableRow === -1) rows.push(series);
    if (rows.length > this.#limits.tableRows) throw this.#tooMany(String(rows.length));
    if (rows.length === 0) {
      this.#set([], undefined);
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
    this.#set(sorted, table);
  }

  /** Drops a series that no text and no row stands for any more. */
  forget(series: Series): void {
    if (series.texts === 0 && series.tableRow === -1) this.#byRow.delete(labelsKey(series.row));
  }

  #set(rows: readonly Series[], table: SeriesTable | undefined): void {
    const before = this.#rows;
    for (const series of before) series.tableRow = -1;
    rows.forEach((series, row) => {
      series.tableRow = row;
    });
    this.#rows = rows;
    this.#table = table;
    for (const series of before) this.forget(series);
  }

  #tooMany(got: string): ExpositionError {
    return new ExpositionError(0, `expected at most ${this.#limits.tableRows} series of one target, got ${got}`);
  }
}
