/**
 * Limits of the wire formats. Both sides know them, so a device never builds what the edge refuses.
 * All are defaults: the edge's `relay.yml` may lower them (see docs/configuration.md), never raise them past memory.
 */
export const wireLimits = {
  /** Compressed body of one push, bytes. */
  pushBytes: 4 * 1024 * 1024,
  /** Body of one push after inflating, bytes. */
  pushInflatedBytes: 32 * 1024 * 1024,
  /** Canonical bytes of one series table. */
  tableBytes: 8 * 1024 * 1024,
  /** Rows of one series table. */
  tableRows: 100_000,
  /** Labels of one series, target labels included. */
  labelsPerSeries: 64,
  /** UTF-8 bytes of a label name. */
  labelNameBytes: 1024,
  /** UTF-8 bytes of a label value. */
  labelValueBytes: 16 * 1024,
  /** Target batches of one push. */
  targetsPerPush: 10_000,
  /** Scrapes of one target in one push. */
  scrapesPerTarget: 1_000,
  /** Cells (rows x scrapes, absent ones included) of one push: bounds the memory of decoding. */
  cellsPerPush: 1_000_000,
} as const;

export type WireLimits = { readonly [K in keyof typeof wireLimits]: number };

/**
 * Limits of what travels beside the samples. Fixed: the device keeps to them when it writes its log and builds a push, so that
 * exemplars and metadata are never the reason why samples are refused.
 */
export const attachmentLimits = {
  /** Exemplars of one scrape in the log, and of one push. */
  exemplarsPerPush: 10_000,
  /** The same in encoded bytes, before compression. */
  exemplarBytesPerPush: 1024 * 1024,
  /** Exemplars of one series in one scrape: one from text formats, several from native histograms. */
  exemplarsPerSample: 32,
  /** Metric families of one push, of all targets. Not less than one target may have (`metadataLimits`). */
  familiesPerPush: 20_000,
  /** The same in encoded bytes, before compression. */
  metadataBytesPerPush: 2 * 1024 * 1024,
} as const;
