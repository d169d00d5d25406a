import { createHash } from 'node:crypto';
import type { Clock, Scrape } from '../../../agent-lite/model.ts';
import { createCells, setStale, setValue } from '../../../contract/cells.ts';
import type { Exemplar } from '../../../contract/exemplar.ts';
import { type Labels, labelsFromRecord } from '../../../contract/labels.ts';
import { REPORT_NAMES } from '../../../contract/report-series.ts';
import { buildTable, type SeriesTable } from '../../../contract/series-table.ts';

/** Scrapes for the pusher's tests: targets by name, values that say which scrape they are of. */

export const tableOf = async (...names: readonly string[]): Promise<SeriesTable> => {
  const rows = names.map((name) => [['__name__', name] as const]);
  return (await buildTable(rows, (bytes) => createHash('sha256').update(bytes).digest())).table;
};

export const target = (name: string): Labels => labelsFromRecord({ job: 'test', instance: name });

export interface Given {
  readonly target?: Labels;
  readonly table?: SeriesTable | undefined;
  /** Of every row; `stale` for a marker. */
  readonly value?: number | 'stale' | 'absent';
  /** A timestamp of its own for row 0. */
  readonly ownTime?: number;
  readonly exemplars?: readonly Exemplar[];
  readonly wallMs?: number;
  readonly bootMs?: number;
  readonly bootId?: string;
}

export function scrape(clock: Clock, given: Given = {}): Scrape {
  const { table, value = 1 } = given;
  const cells = table === undefined ? undefined : createCells(table.rows.length, 1);
  if (cells !== undefined) {
    for (let row = 0; row < cells.rows; row++) {
      if (value === 'stale') setStale(cells, row);
      else if (value !== 'absent') setValue(cells, row, value);
    }
    if (given.ownTime !== undefined) cells.ownTimes = new Map([[0, Float64Array.of(given.ownTime)]]);
  }
  const report = createCells(REPORT_NAMES.length, 1);
  for (let row = 0; row < report.rows; row++) setValue(report, row, row === 0 ? Number(table !== undefined) : 0);
  return {
    target: given.target ?? target('a'),
    table,
    wallMs: given.wallMs ?? clock.now(),
    bootMs: given.bootMs ?? clock.boot(),
    bootId: given.bootId ?? clock.bootId,
    cells,
    report,
    exemplars: given.exemplars ?? [],
    metadata: undefined,
  };
}
