import type { SeriesEntry } from './series-cache.ts';

/** See `Batch` (assemble.ts). */
interface Owned {
  readonly owner: number;
  readonly entry: SeriesEntry;
}

/**
 * Whether it is certain, without a look at a single row, that no two batches of a push have a series in common: each is of an owner of
 * its own, and any two differ in labels that all their series have, or in the names of their metrics. False says nothing.
 */
export function isExclusive(batches: readonly Owned[]): boolean {
  if (new Set(batches.map(({ owner }) => owner)).size < batches.length) return false;
  const byTarget = new Map<string, SeriesEntry[]>();
  const names = commonNames(batches);
  for (const { entry } of batches) {
    const key = JSON.stringify(names.map((name) => entry.common(name)));
    const others = byTarget.get(key);
    if (others === undefined) byTarget.set(key, [entry]);
    // A target and its report series are all that may differ by names alone: nothing here grows with the square of the targets.
    else if (others.length > 1 || !differ(others[0] as SeriesEntry, entry)) return false;
    else others.push(entry);
  }
  return true;
}

/** Labels that every series of the push has, with one value in each batch. */
function commonNames(batches: readonly Owned[]): readonly string[] {
  const [first, ...rest] = batches;
  return [...(first?.entry.template.common.keys() ?? [])].filter((name) => rest.every(({ entry }) => entry.common(name) !== undefined));
}

function differ({ template: { names: some } }: SeriesEntry, { template: { names: others } }: SeriesEntry): boolean {
  if (some === undefined || others === undefined) return false;
  const [few, many] = some.size < others.size ? [some, others] : [others, some];
  for (const name of few) if (many.has(name)) return false;
  return true;
}
