import { type Cells, createCells, setStale, setValue } from '../../contract/cells.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import type { ScrapeCounts } from './series-state.ts';

/** The cells of `up` and the `scrape_*` series for one scrape, in the order of the built-in table. */
export function reportCells(up: boolean, durationMs: number, counts: Pick<ScrapeCounts, 'scraped' | 'postRelabel' | 'added'>): Cells {
  const cells = createCells(REPORT_NAMES.length, 1);
  // Whole microseconds: finer is noise, and costs bytes.
  const seconds = Math.round(durationMs * 1000) / 1e6;
  [up ? 1 : 0, seconds, counts.scraped, counts.postRelabel, counts.added].forEach((value, row) => {
    setValue(cells, row, value);
  });
  return cells;
}

/** The end of a target: its report series go stale, too. */
export function staleReport(): Cells {
  const cells = createCells(REPORT_NAMES.length, 1);
  for (let row = 0; row < REPORT_NAMES.length; row++) setStale(cells, row);
  return cells;
}
