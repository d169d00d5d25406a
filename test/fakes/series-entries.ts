import type { Labels } from '../../contract/labels.ts';
import { compareBytes, type Row, rebuild } from '../../contract/series-table.ts';
import { addedLabels, buildSeries, type DropReason, type SeriesRules } from '../../functions/ingest/labels.ts';
import { SeriesCache, type SeriesEntry } from '../../functions/ingest/series-cache.ts';

export interface PlainEntry {
  /** Per row: the label fields, or why the series is not forwarded. */
  readonly rows: readonly (Uint8Array | DropReason)[];
  readonly identityRestored: number;
}

/** What a template gives for one device, row by row. */
export const plainly = (entry: SeriesEntry): PlainEntry => ({
  rows: Array.from({ length: entry.template.rows }, (_, row) => entry.dropped(row) ?? entry.labelFields(row)),
  identityRestored: entry.template.identityRestored,
});

export function entryFor(rows: readonly Row[], target: Labels, external: Labels, device: string, rules: SeriesRules): SeriesEntry {
  const built = new SeriesCache(100_000_000).entry('table', rows, target, external, { tenant: 'acme', device }, rules);
  if (!built.ok) throw new Error(built.error);
  return built.value;
}

/** The same without templates: each row through the rules with the device's own values. */
export function plainEntry(rows: readonly Row[], target: Labels, external: Labels, device: string, rules: SeriesRules): PlainEntry {
  const added = addedLabels(external, rules);
  const seen: Uint8Array[] = [];
  let identityRestored = 0;
  const made = rows.map((row) => {
    const { series, restored } = buildSeries(rebuild(row, target), added, device, rules);
    if (restored) identityRestored++;
    if (typeof series === 'string') return series;
    if (seen.some((other) => compareBytes(series, other) === 0)) return 'duplicate_after_relabel';
    seen.push(series);
    return series;
  });
  return { rows: made, identityRestored };
}
