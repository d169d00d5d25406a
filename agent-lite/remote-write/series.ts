import { crc32c } from '../../contract/crc32c.ts';
import { addMissing, type Labels, labelsKey, labelValue, METRIC_NAME } from '../../contract/labels.ts';
import { type CompiledRules, relabel } from '../../contract/relabel.ts';
import { encodeLabelFields } from '../../contract/remote-write.ts';
import { REPORT_ROWS } from '../../contract/report-series.ts';
import { compareBytes, type Row, rebuild, type SeriesTable } from '../../contract/series-table.ts';

/**
 * From a scrape's rows to the label bytes that the receiver gets: target labels overwritten by the row -> external labels
 * where missing -> write_relabel_configs (Prometheus' order, storage/remote/queue_manager.go `StoreSeries`).
 */

export type DropReason =
  /** A rule of write_relabel_configs. */
  | 'relabel'
  /** The rules made it equal to a series before it in the same scrape; a receiver would refuse one of the two, or lose it. */
  | 'duplicate'
  /** The rules took the metric's name away; no receiver takes such a series. */
  | 'no_metric_name';

/** The series of one (table, target): those of the table, then the report's. */
export interface SeriesEntry {
  readonly rows: readonly (Uint8Array | DropReason)[];
  /** Per row, of its label bytes: equal series have equal ones, whatever target they come from. Unsigned. */
  readonly hashes: Uint32Array;
  /** Estimate of the memory it takes. */
  readonly bytes: number;
}

export interface SeriesOptions {
  readonly externalLabels: Labels;
  readonly rules: CompiledRules;
  /** Of all entries that are kept. */
  readonly limitBytes: number;
}

/** Label bytes by (table, target), the ones used last: relabelling costs once, not with each scrape. */
export class SeriesCache {
  readonly #options: SeriesOptions;
  readonly #entries = new Map<string, SeriesEntry>();
  #bytes = 0;

  constructor(options: SeriesOptions) {
    this.#options = options;
  }

  entry(table: SeriesTable | undefined, target: Labels): SeriesEntry {
    const key = `${table?.hash ?? ''}/${labelsKey(target)}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known;
    }
    const built = buildEntry([...(table?.rows ?? []), ...REPORT_ROWS], target, this.#options);
    this.#entries.set(key, built);
    this.#bytes += built.bytes;
    for (const [oldest, { bytes }] of this.#entries) {
      // The newest stays even where it alone is over the limit: it is about to be used.
      if (this.#bytes <= this.#options.limitBytes || oldest === key) break;
      this.#entries.delete(oldest);
      this.#bytes -= bytes;
    }
    return built;
  }
}

function buildEntry(rows: readonly Row[], target: Labels, { externalLabels, rules }: SeriesOptions): SeriesEntry {
  const out: (Uint8Array | DropReason)[] = [];
  const hashes = new Uint32Array(rows.length);
  const seen = new Map<number, Uint8Array[]>();
  let bytes = 256;
  rows.forEach((row, i) => {
    const labels = relabel(rules, addMissing(rebuild(row, target), externalLabels));
    if (labels === undefined || labelValue(labels, METRIC_NAME) === '') {
      out.push(labels === undefined ? 'relabel' : 'no_metric_name');
      return;
    }
    const series = encodeLabelFields(labels);
    const hash = crc32c(series) >>> 0;
    const equalHash = seen.get(hash) ?? [];
    if (equalHash.some((other) => compareBytes(other, series) === 0)) {
      out.push('duplicate');
      return;
    }
    seen.set(hash, [...equalHash, series]);
    hashes[i] = hash;
    bytes += series.length + 100;
    out.push(series);
  });
  return { rows: out, hashes, bytes };
}
