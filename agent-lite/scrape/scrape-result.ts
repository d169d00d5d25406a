import type { Cells } from '../../contract/cells.ts';
import type { Exemplar } from '../../contract/exemplar.ts';
import type { Labels } from '../../contract/labels.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import type { SeriesTable } from '../../contract/series-table.ts';
import type { ExemplarCounts } from './exemplar-state.ts';
import type { ExpositionError } from './exposition.ts';
import type { MetadataCounts } from './metadata-state.ts';
import type { LabelRules } from './series-check.ts';

/** What goes into the series state of a target besides expositions, and what comes out of it. */

/** How a target's series get their final labels, and which samples count. */
export interface SeriesRules extends LabelRules {
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  /** Series with timestamps of their own get markers, too, when they vanish. */
  readonly trackTimestampsStaleness: boolean;
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
  /** Series stored whose text the last good scrape did not have; Prometheus, too, knows series by their text. */
  readonly added: number;
  /** Not stored: a series given twice in the scrape, or again with a timestamp that was stored before. */
  readonly duplicates: number;
  /** Not stored: an explicit timestamp older than the series' last. */
  readonly outOfOrder: number;
  /** Not stored: an explicit timestamp too far ahead of the device's clock, or beyond 2^50 ms. */
  readonly outOfBounds: number;
}

/** What one scrape yields. */
export interface ScrapeCells {
  /** `undefined` while the target never had a series. */
  readonly table: SeriesTable | undefined;
  readonly cells: Cells | undefined;
  /** Further samples of series that came more than once, all with times of their own; rows of `table`. */
  readonly more: readonly Cells[];
  readonly exemplars: readonly Exemplar[];
  /** `undefined`: as before. */
  readonly metadata: readonly FamilyMetadata[] | undefined;
}

export interface IngestResult extends ScrapeCells {
  readonly counts: ScrapeCounts;
  readonly exemplarCounts: Readonly<ExemplarCounts>;
  readonly metadataCounts: MetadataCounts;
  /** The scrape is refused as a whole; the cells then hold only staleness markers, and `extra`. */
  readonly error: ExpositionError | undefined;
}

/** Series of the report that are no part of the built-in report table (`extra_scrape_metrics`): no relabelling, no limit. */
export type ReportSamples = readonly (readonly [name: string, value: number])[];
