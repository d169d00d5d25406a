import { labelsKey } from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { buildTable, type Row, type SeriesTable, type Sha256 } from '../../contract/series-table.ts';
import { ExpositionError } from './exposition.ts';
import type { SampleBuffer } from './sample-buffer.ts';
import type { SeriesColumns, SeriesId } from './series.ts';
import type { SharedShapes } from './shared-shapes.ts';

/** Share of dead rows at which the next scrape gets a table without them. */
const MAX_DEAD_SHARE = 0.25;
const NO_ROWS = new Int32Array(0);

type Stored = Pick<SampleBuffer, 'length' | 'series'>;

/**
 * The series of a target, those with a row in its table and those that are only known so far. Rows of vanished series stay in
 * the table as absent cells until they are more than a quarter of it, so that the table seldom changes.
 */
export class SeriesRows {
  readonly #sha256: Sha256;
  readonly #limits: WireLimits;
  readonly #columns: SeriesColumns;
  readonly #shared: SharedShapes;
  /** By labels, of all series. Made when a series is looked up by them, and kept only where scrape after scrape does so. */
  #byLabels: Map<string, SeriesId> | undefined;
  #looked = false;
  #lookedBefore = false;
  /** Labels of the series without a row; those of the others are read from the table. */
  readonly #loose = new Map<SeriesId, Row>();
  #rows: Int32Array = NO_ROWS;
  #table: SeriesTable | undefined;

  constructor(columns: SeriesColumns, sha256: Sha256, limits: WireLimits, shared: SharedShapes) {
    this.#columns = columns;
    this.#sha256 = sha256;
    this.#limits = limits;
    this.#shared = shared;
  }

  get table(): SeriesTable | undefined {
    return this.#table;
  }

  /** In order of the table. */
  get rows(): Int32Array {
    return this.#rows;
  }

  /** All series, with and without a row. */
  all(): SeriesId[] {
    return [...this.#rows, ...this.#loose.keys()];
  }

  /** Throws {@link ExpositionError} where there are too many. */
  get(row: Row): SeriesId {
    const byLabels = this.#index();
    const key = labelsKey(row);
    const known = byLabels.get(key);
    if (known !== undefined) return known;
    if (byLabels.size >= this.#rows.length + this.#limits.tableRows) throw this.#tooMany('more');
    const id = this.#columns.add();
    byLabels.set(key, id);
    this.#loose.set(id, row);
    return id;
  }

  /** A scrape is over. */
  rest(): void {
    if (!(this.#looked && this.#lookedBefore)) this.#byLabels = undefined;
    this.#lookedBefore = this.#looked;
    this.#looked = false;
  }

  /**
   * Brings the table up to date for the samples of a scrape and the markers it needs.
   * @param needed whether a row must stay
   * @throws {@link ExpositionError} at a limit; then the table is as before
   */
  async update(stored: Stored, needed: (id: SeriesId) => boolean, shrink: boolean): Promise<void> {
    const { tableRow } = this.#columns;
    // Nearly always nothing changes: find that out without taking memory.
    let isNew = false;
    if (this.#loose.size > 0) for (let i = 0; i < stored.length; i++) if (tableRow[stored.series(i)] === -1) isNew = true;
    let dead = 0;
    if (shrink) for (const id of this.#rows) if (!needed(id)) dead++;
    const shrinks = dead > this.#rows.length * MAX_DEAD_SHARE;
    if (!isNew && !shrinks) return;
    const ids: SeriesId[] = shrinks ? [...this.#rows].filter(needed) : [...this.#rows];
    for (let i = 0; isNew && i < stored.length; i++) if (tableRow[stored.series(i)] === -1) ids.push(stored.series(i));
    if (ids.length > this.#limits.tableRows) throw this.#tooMany(String(ids.length));
    if (ids.length === 0) {
      this.#set(NO_ROWS, undefined);
      return;
    }
    const { table, order } = await buildTable(this.#labelsOf(ids), this.#sha256);
    if (table.bytes.length > this.#limits.tableBytes) {
      throw new ExpositionError(
        0,
        `expected labels of at most ${this.#limits.tableBytes} bytes for all series of one target, got ${table.bytes.length}`,
      );
    }
    const sorted = new Int32Array(ids.length);
    ids.forEach((id, i) => {
      sorted[order[i] as number] = id;
    });
    this.#set(sorted, this.#shared.table(table));
  }

  /** Drops a series that no text and no row stands for any more. */
  forget(id: SeriesId): void {
    if (this.#columns.texts[id] !== 0 || this.#columns.tableRow[id] !== -1) return;
    const row = this.#loose.get(id);
    if (row === undefined) return;
    this.#byLabels?.delete(labelsKey(row));
    this.#loose.delete(id);
    this.#columns.remove(id);
  }

  #index(): Map<string, SeriesId> {
    this.#looked = true;
    if (this.#byLabels !== undefined) return this.#byLabels;
    const byLabels = new Map<string, SeriesId>();
    const labels = this.#table?.rows ?? [];
    this.#rows.forEach((id, i) => {
      byLabels.set(labelsKey(labels[i] as Row), id);
    });
    for (const [id, row] of this.#loose) byLabels.set(labelsKey(row), id);
    this.#byLabels = byLabels;
    return byLabels;
  }

  #labelsOf(ids: readonly SeriesId[]): Row[] {
    const labels = this.#table?.rows ?? [];
    return ids.map((id) => (this.#loose.get(id) ?? labels[this.#columns.tableRow[id] as number]) as Row);
  }

  #set(rows: Int32Array, table: SeriesTable | undefined): void {
    const { tableRow } = this.#columns;
    const labels = this.#table?.rows ?? [];
    const before = this.#rows;
    before.forEach((id, i) => {
      tableRow[id] = -1;
      this.#loose.set(id, labels[i] as Row);
    });
    rows.forEach((id, row) => {
      tableRow[id] = row;
      this.#loose.delete(id);
    });
    this.#rows = rows;
    this.#table = table;
    for (const id of before) this.forget(id);
  }

  #tooMany(got: string): ExpositionError {
    return new ExpositionError(0, `expected at most ${this.#limits.tableRows} series of one target, got ${got}`);
  }
}
