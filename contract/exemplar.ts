import type { Labels } from './labels.ts';

/** An exemplar of one series: a value measured together with, say, a trace id. OpenMetrics 1.0, section "Exemplars". */
export interface Exemplar {
  /** Row of the series table. */
  readonly row: number;
  /** Sorted, no empty values; at most {@link EXEMPLAR_LABEL_RUNES}. May be no labels at all. */
  readonly labels: Labels;
  /** As with cells, every NaN stands for Prometheus' `NormalNaN` (contract/cells.ts): write that, whatever bits a NaN holds. */
  readonly value: number;
  /** Ms since 1970, whole; `undefined`: the scrape's time. */
  readonly ms: number | undefined;
}

/** Unicode characters of all names and values of one exemplar; model/exemplar/exemplar.go `ExemplarMaxLabelSetLength`. */
export const EXEMPLAR_LABEL_RUNES = 128;
