import { type Cells, clearCells, copyCell, createCells, NO_CELLS, VALUE } from '../../contract/cells.ts';
import { rowCount } from '../../contract/compact-table.ts';
import type { PushExemplar } from '../../contract/exemplar-codec.ts';
import { type Labels, labelsKey } from '../../contract/labels.ts';
import { likeRows, likeRowsOf } from '../../contract/like-rows.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import type { TargetBatch } from '../../contract/push-target.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import type { Row, SeriesTable } from '../../contract/series-table.ts';
import { inFormOrder, MAX_INLINE_ROWS } from '../../contract/table-form.ts';
import type { LoggedScrape } from '../model.ts';

/** Scrapes of one target with one table, in order of time. */
export interface Group {
  readonly key: string;
  readonly labels: Labels;
  readonly table: SeriesTable | undefined;
  readonly times: number[];
  readonly scrapes: LoggedScrape[];
}

/** Which row of the merged cells each row of a scrape's table is. */
type Places = Int32Array;

/**
 * A target's part of a push whose cells are still as the log gave them, scrape after scrape: those of all targets row after row
 * would be the same memory once more.
 */
export interface PendingTarget extends Omit<TargetBatch, 'cells' | 'report'> {
  /** Row after row, in this memory, whose cells of before are lost. */
  readonly transpose: (memory: CellsMemory) => Pick<TargetBatch, 'cells' | 'report'>;
}

/** For {@link encodePush}: one target after the other in the same memory. */
export function* transposed(targets: readonly PendingTarget[]): Generator<TargetBatch> {
  const memory = new CellsMemory();
  for (const target of targets) yield { ...target, ...target.transpose(memory) };
}

export function toTargetBatch(group: Group, metadata: readonly FamilyMetadata[]): PendingTarget {
  const { labels, table, times, scrapes } = group;
  return {
    labels,
    table: table?.hash,
    times,
    transpose: (memory) => ({
      cells: table === undefined ? undefined : transpose(scrapes, cellsOf, times, memory.take('table', rowCount(table), times.length)),
      report: transposeReports(group, memory),
    }),
    like: table && likeRowsOf(table),
    exemplars: table === undefined ? [] : gatherExemplars(scrapes, () => undefined),
    metadata,
  };
}

const cellsOf = ({ cells }: LoggedScrape): Cells | undefined => cells;
const transposeReports = ({ scrapes, times }: Pick<Group, 'scrapes' | 'times'>, memory: CellsMemory): Cells =>
  transpose(scrapes, ({ report }) => report, times, memory.take('report', REPORT_NAMES.length, times.length));

/**
 * Some groups of one target over a table that the edge has: rows that it lacks travel inline, as an entry of their own. undefined: there
 * are too many of them, so that tables are the better way.
 */
export function mergeGroups(
  groups: readonly Group[],
  base: SeriesTable,
  metadata: readonly FamilyMetadata[],
): readonly PendingTarget[] | undefined {
  const baseRows = placesOf(base.rows);
  const added = new Map<string, Row>();
  for (const { table } of groups) {
    for (const row of table?.rows ?? []) {
      const key = labelsKey(row);
      if (!baseRows.has(key)) added.set(key, row);
    }
    if (added.size > Math.min(MAX_INLINE_ROWS, Math.max(8, base.rows.length / 8))) return undefined;
  }
  const rows = inFormOrder([...added.values()]);
  const addedRows = placesOf(rows);
  const places = new Map<SeriesTable, Places>();
  for (const { table } of groups) {
    if (table === undefined || places.has(table)) continue;
    const place = (row: Row): number => baseRows.get(labelsKey(row)) ?? base.rows.length + (addedRows.get(labelsKey(row)) as number);
    places.set(table, Int32Array.from(table.rows, place));
  }
  const times = groups.flatMap((group) => group.times);
  const scrapes = groups.flatMap((group) => group.scrapes);
  const placeOf = (scrape: LoggedScrape): Places | undefined => scrape.table && places.get(scrape.table);
  const exemplars = gatherExemplars(scrapes, placeOf);
  const { labels } = groups[0] as Group;
  const first = base.rows.length;
  const count = first + rows.length;
  const all = (memory: CellsMemory): Cells => transpose(scrapes, cellsOf, times, memory.take('table', count, times.length), placeOf);
  const own = exemplars.filter(({ row }) => row < first);
  const whole: PendingTarget = {
    ...{ labels, table: base.hash, times, like: likeRowsOf(base), exemplars: own, metadata },
    transpose: (memory) => ({ cells: slice(all(memory), 0, first), report: transposeReports({ scrapes, times }, memory) }),
  };
  if (rows.length === 0) return [whole];
  const beside = exemplars.filter(({ row }) => row >= first).map((exemplar) => ({ ...exemplar, row: exemplar.row - first }));
  return [
    whole,
    {
      ...{ labels, table: undefined, inline: rows, times, like: likeRows(rows), exemplars: beside, metadata: [] },
      transpose: (memory) => ({
        cells: slice(all(memory), first, count),
        report: memory.take('report', REPORT_NAMES.length, times.length),
      }),
    },
  ];
}

const placesOf = (rows: readonly Row[]): ReadonlyMap<string, number> => new Map(rows.map((row, i) => [labelsKey(row), i]));

/** Throws where a log gave a scrape cells that are not those of its table. */
export function checkCells({ position, cells, table }: LoggedScrape): void {
  if (cells?.rows !== (table && rowCount(table))) throw new Error(`record ${position}: its cells do not match its table`);
}

/**
 * From one scrape after the other to one row after the other.
 * @param all absent cells, which are filled and returned
 * @param placeOf where the scrape's rows are among those; undefined: as they are
 */
function transpose(
  scrapes: readonly LoggedScrape[],
  cellsOfScrape: (scrape: LoggedScrape) => Cells | undefined,
  times: readonly number[],
  all: Cells,
  placeOf: (scrape: LoggedScrape) => Places | undefined = () => undefined,
): Cells {
  const count = scrapes.length;
  scrapes.forEach((scrape, s) => {
    const cells = cellsOfScrape(scrape) ?? NO_CELLS;
    const places = placeOf(scrape);
    const placed = (row: number): number => (places === undefined ? row : (places[row] as number));
    for (let row = 0; row < cells.rows; row++) copyCell(cells, row, all, placed(row) * count + s);
    for (const [row, own] of cells.ownTimes ?? []) {
      if (cells.states[row] !== VALUE) continue;
      all.ownTimes ??= new Map();
      // A scrape that gave this row no timestamp of its own has the scrape's.
      let ownTimes = all.ownTimes.get(placed(row));
      if (ownTimes === undefined) {
        ownTimes = Float64Array.from(times);
        all.ownTimes.set(placed(row), ownTimes);
      }
      ownTimes[s] = own[0] as number;
    }
  });
  return all;
}

/** Cells of one target after the other, each in the place of the one before. */
export class CellsMemory {
  readonly #used: { [of in 'table' | 'report']?: Cells } = {};

  /** All absent. */
  take(of: 'table' | 'report', rows: number, scrapes: number): Cells {
    let cells = this.#used[of];
    if (cells?.rows === rows && cells.scrapes === scrapes) clearCells(cells);
    else cells = createCells(rows, scrapes);
    this.#used[of] = cells;
    return cells;
  }
}

/** The rows `from` to `to` (exclusive). */
function slice(cells: Cells, from: number, to: number): Cells {
  const part = createCells(to - from, cells.scrapes);
  const [start, end] = [from * cells.scrapes, to * cells.scrapes];
  part.states.set(cells.states.subarray(start, end));
  part.words.set(cells.words.subarray(2 * start, 2 * end));
  for (const [row, own] of cells.ownTimes ?? []) {
    if (row < from || row >= to) continue;
    part.ownTimes ??= new Map();
    part.ownTimes.set(row - from, own);
  }
  return part;
}

/** Timestamps of their own stay as they are; without one an exemplar has the time that its scrape is given. */
function gatherExemplars(scrapes: readonly LoggedScrape[], placeOf: (scrape: LoggedScrape) => Places | undefined): readonly PushExemplar[] {
  const all = scrapes.flatMap((one, scrape) => {
    const places = placeOf(one);
    return one.exemplars.map((exemplar) => ({
      ...exemplar,
      row: places === undefined ? exemplar.row : (places[exemplar.row] as number),
      scrape,
    }));
  });
  // Sorting is stable: scrapes of one row stay in order.
  return all.sort((a, b) => a.row - b.row);
}
