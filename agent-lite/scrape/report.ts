import { type Cells, createCells, setStale, setValue } from '../../contract/cells.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import type { ReportSamples, ScrapeCounts } from './scrape-result.ts';

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

export const noReport = (): Cells => createCells(REPORT_NAMES.length, 1);

/** The end of a target: its report series go stale, too. */
export function staleReport(): Cells {
  const cells = createCells(REPORT_NAMES.length, 1);
  for (let row = 0; row < REPORT_NAMES.length; row++) setStale(cells, row);
  return cells;
}

/** What `extra_scrape_metrics` adds, in rows of the target's own table; scrape/scrape.go `report`. */
export interface ExtraReport {
  readonly timeoutMs: number;
  /** 0: none. */
  readonly sampleLimit: number;
}

/** @param bodyBytes after decompression; 0: there was none, -1: longer than `body_size_limit` */
export const extraSamples = (extra: ExtraReport | undefined, bodyBytes: number): ReportSamples =>
  extra === undefined
    ? []
    : [
        ['scrape_timeout_seconds', extra.timeoutMs / 1000],
        ['scrape_sample_limit', extra.sampleLimit],
        ['scrape_body_size_bytes', bodyBytes],
      ];
