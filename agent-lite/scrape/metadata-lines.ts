import type { FamilyMetadata, MetricType } from '../../contract/metadata.ts';
import type { KnownLine } from './exposition.ts';
import type { Shape } from './text-shape.ts';

/** A line of the exposition and what it sets; of all else it says nothing. */
export interface Line extends KnownLine {
  /** Name of the metric family. */
  readonly of: string;
  readonly type: MetricType | undefined;
  readonly help: string | undefined;
  readonly unit: string | undefined;
  readonly cut: boolean;
}

/** All that a target says about its metric families, where every scrape says the same. */
export interface MetadataLines {
  readonly shape: Shape<Line>;
  /** What follows from the lines, sorted by name. */
  readonly given: readonly FamilyMetadata[];
}
