/** What an exposition says about a metric family besides its samples: `# TYPE`, `# HELP`, `# UNIT`. */
export interface FamilyMetadata {
  /** The family's name as the exposition writes it: no `_total`, `_bucket`, ... where the format leaves it out. */
  readonly family: string;
  readonly type: MetricType;
  /** Unescaped; empty: none. */
  readonly help: string;
  /** Empty: none. */
  readonly unit: string;
}

/** Prometheus' names (model `MetricType`); the order is that of remote write 1.0's `MetricMetadata.MetricType`. */
export const METRIC_TYPES = ['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'] as const;
export type MetricType = (typeof METRIC_TYPES)[number];

/** Limits of one target's metadata. What is beyond them is left out and counted; the samples are not touched. */
export const metadataLimits = {
  families: 10_000,
  /** UTF-8 bytes of all names, help texts and units. */
  bytes: 1024 * 1024,
  /** UTF-8 bytes of a help text; a longer one is cut after a whole character. */
  helpBytes: 1024,
  /** UTF-8 bytes of a family's name. */
  nameBytes: 1024,
  /** UTF-8 bytes of a unit. */
  unitBytes: 256,
} as const;
