import { labelValue, METRIC_NAME } from '../../contract/labels.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import type { Row } from '../../contract/series-table.ts';
import type { SeriesEntry } from './series-cache.ts';

/** What the names of a family's series have behind the family's own name, in one type or another. */
const SUFFIXES = ['', '_total', '_created', '_bucket', '_count', '_sum', '_gcount', '_gsum', '_info'] as const;

/**
 * Without the families of which the target has series that are all dropped. A family of which none is known stays: rules on the
 * device may have renamed its series.
 */
export function keptFamilies(families: readonly FamilyMetadata[], rows: readonly Row[], entry: SeriesEntry): readonly FamilyMetadata[] {
  if (families.length === 0) return families;
  const kept = new Map<string, boolean>();
  rows.forEach((row, i) => {
    const name = labelValue(row, METRIC_NAME);
    if (entry.dropped(i) === undefined) kept.set(name, true);
    else if (!kept.has(name)) kept.set(name, false);
  });
  return families.filter(({ family }) => {
    const known = SUFFIXES.map((suffix) => kept.get(family + suffix)).filter((is) => is !== undefined);
    return known.length === 0 || known.includes(true);
  });
}
