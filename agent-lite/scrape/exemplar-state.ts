import { isTime } from '../../contract/cells.ts';
import { EXEMPLAR_LABEL_RUNES, type Exemplar } from '../../contract/exemplar.ts';
import { type Labels, labelsKey } from '../../contract/labels.ts';
import type { LastExemplar, SeriesColumns, SeriesId } from './series.ts';

export interface ExemplarCounts {
  /** Kept. */
  kept: number;
  /** Older than the series' newest one. Repeated ones are not counted: a target shows an exemplar until it has a newer one. */
  outOfOrder: number;
  /** Too many characters of labels, a label name that is empty or comes twice, or a time beyond 2^50 ms. */
  invalid: number;
}

interface Pending {
  readonly series: SeriesId;
  readonly labels: Labels | undefined;
  readonly value: number;
  /** NaN: it has none. */
  readonly timeMs: number;
  /** Time of the sample it came with; NaN: the scrape's. */
  readonly sampleMs: number;
}

/** The exemplars of one scrape. */
export class ScrapeExemplars {
  readonly #pending: Pending[] = [];
  counts: Readonly<ExemplarCounts> = { kept: 0, outOfOrder: 0, invalid: 0 };

  push(series: SeriesId, labels: Labels | undefined, value: number, timeMs: number, sampleMs: number): void {
    this.#pending.push({ series, labels, value, timeMs, sampleMs });
  }

  /**
   * The scrape is good and every series has its row: those exemplars that are new, in order of rows. The rules are those of
   * tsdb/exemplar.go and tsdb/agent/db.go: what equals the series' newest is left out, what is older is dropped.
   */
  take(wallMs: number, { tableRow, exemplars: last }: SeriesColumns): readonly Exemplar[] {
    if (this.#pending.length === 0) return [];
    const counts: ExemplarCounts = { kept: 0, outOfOrder: 0, invalid: 0 };
    const kept: Exemplar[] = [];
    for (const { series, labels, value, timeMs, sampleMs } of this.#pending) {
      // Its series has no sample that was stored.
      const row = tableRow[series] as number;
      if (row === -1) continue;
      const explicit = !Number.isNaN(timeMs);
      const ms = explicit ? timeMs : sampleMs;
      const time = Number.isNaN(ms) ? wallMs : ms;
      if (labels === undefined || !isTime(time) || tooLong(labels)) {
        counts.invalid++;
        continue;
      }
      const next: LastExemplar = { key: labelsKey(labels), value, timeMs: time, explicit };
      const before = last.get(series);
      if (before !== undefined) {
        if (equal(before, next)) continue;
        if (next.timeMs < before.timeMs || (next.timeMs === before.timeMs && next.value < before.value)) {
          counts.outOfOrder++;
          continue;
        }
      }
      last.set(series, next);
      counts.kept++;
      kept.push({ row, labels, value, ms: Number.isNaN(ms) ? undefined : ms });
    }
    this.counts = counts;
    return kept.sort((a, b) => a.row - b.row);
  }
}

/** model/exemplar/exemplar.go `Equals`: times count only where one of the two brought its own. */
function equal(a: LastExemplar, b: LastExemplar): boolean {
  if (a.key !== b.key || (a.value !== b.value && !(Number.isNaN(a.value) && Number.isNaN(b.value)))) return false;
  return a.timeMs === b.timeMs || !(a.explicit || b.explicit);
}

function tooLong(labels: Labels): boolean {
  let length = 0;
  for (const [name, value] of labels) length += name.length + value.length;
  // UTF-16 units are at least as many as characters.
  if (length <= EXEMPLAR_LABEL_RUNES) return false;
  let runes = 0;
  for (const [name, value] of labels) runes += [...name].length + [...value].length;
  return runes > EXEMPLAR_LABEL_RUNES;
}
