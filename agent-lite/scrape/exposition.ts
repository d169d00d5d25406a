import type { Labels } from '../../contract/labels.ts';
import type { MetricType } from '../../contract/metadata.ts';
import type { ScrapeExemplars } from './exemplar-state.ts';

/** What the parsers of expositions and the series state have between them. */

/** The exposition breaks its format. The message tells line, what was expected and what was there. */
export class ExpositionError extends Error {
  override name = 'ExpositionError';
  /** From 1; 0: the exposition as a whole. */
  readonly line: number;
  constructor(line: number, message: string, options?: ErrorOptions) {
    super(line === 0 ? message : `line ${line}: ${message}`, options);
    this.line = line;
  }
}

/**
 * The type of the metric family a series stands under, as far as it changes labels: `le` under histograms and `quantile`
 * under summaries are normalised, so the same text is another series there.
 */
export const FAMILY_OTHER = 0;
export const FAMILY_HISTOGRAM = 1;
export const FAMILY_SUMMARY = 2;
export type FamilyType = 0 | 1 | 2;

export const familyType = (type: MetricType): FamilyType =>
  type === 'histogram' ? FAMILY_HISTOGRAM : type === 'summary' ? FAMILY_SUMMARY : FAMILY_OTHER;

/** One line of metadata; the last one of a family and kind holds. */
export type MetadataLine =
  | { readonly kind: 'type'; readonly family: string; readonly type: MetricType }
  | { readonly kind: 'help' | 'unit'; readonly family: string; readonly text: string };

/** A line of metadata that the last scrape had at this place. */
export interface KnownLine {
  /** Bytes, its line end included. */
  readonly length: number;
  /** Of the series that follow; `undefined`: not told by this line. */
  readonly family: FamilyType | undefined;
}

/** Takes one exposition in order. For each sample either `known` finds the series, or `series` is told it; likewise for metadata. */
export interface ExpositionSink {
  /**
   * Whether `bytes` holds at `at` the same series text as the last scrape did at this place: then the offset behind it,
   * else -1. Saves parsing the labels again.
   */
  known(bytes: Uint8Array, at: number, family: FamilyType): number;
  /** The series whose text is `bytes[start..end)`; `labels` parses it and throws {@link ExpositionError} if it is invalid. */
  series(bytes: Uint8Array, start: number, end: number, family: FamilyType, labels: () => Labels): void;
  /** The value of the series found last. `timeMs` is NaN where the line has no timestamp. */
  sample(value: number, timeMs: number): void;
  /**
   * The exemplar of the sample told last. `labels`: sorted, empty values left out, `undefined` if a name comes twice; throws
   * {@link ExpositionError} if they are not UTF-8. `timeMs` is NaN where the exemplar has no timestamp.
   */
  exemplar(value: number, timeMs: number, labels: () => Labels | undefined): void;
  /** As `known`, for the `#` line at `at`. */
  knownLine(bytes: Uint8Array, at: number): KnownLine | undefined;
  /** The line `bytes[start..end)`, its line end included, says this. */
  metadata(bytes: Uint8Array, start: number, end: number, line: MetadataLine): void;
}

export interface ExpositionParser {
  /** Throws {@link ExpositionError}; the sink may have taken samples by then. */
  (bytes: Uint8Array, sink: ExpositionSink): void;
  /** A format that has exemplars brings along what keeps those of one scrape. */
  readonly exemplars?: () => ScrapeExemplars;
}
