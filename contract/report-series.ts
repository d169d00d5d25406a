import type { Row } from './series-table.ts';

/**
 * The built-in series table: what Prometheus adds to each scrape (scrape/scrape.go, `report`). Its rows are the target's
 * labels plus a name; no relabelling on the device touches them, and they are never uploaded.
 */
export const REPORT_NAMES = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
] as const;

export const REPORT_ROWS: readonly Row[] = REPORT_NAMES.map((name) => [['__name__', name]]);
