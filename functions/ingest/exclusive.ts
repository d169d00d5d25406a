import type { Cells } from '../../contract/cells.ts';
import type { SeriesEntry } from './series-cache.ts';
import { KEPT, type Template } from './template.ts';

/** See `Batch` (assemble.ts). */
interface Owned {
  readonly owner: number;
  readonly times: readonly number[];
  readonly cells: Pick<Cells, 'ownTimes'>;
  readonly entry: SeriesEntry;
}

/** Of one target in one push; of more, nothing is said. Their table may change, and what is new may travel beside it. */
const MAX_BATCHES = 16;

/**
 * Whether it is certain that no row of a push has to be held against another: those of different owners differ in labels that all their
 * series have, or in the names of their metrics, and those of one owner follow each other in time or are other series. False says nothing.
 * The work grows with the number of batches, and for those of one owner and time with their rows.
 */
export function isExclusive(all: readonly Owned[]): boolean {
  // What is dropped as a whole, such as new rows of a target, meets nobody.
  const batches = all.filter(({ entry }) => entry.template.names?.size !== 0);
  const byOwner = new Map<number, Owned[]>();
  for (const batch of batches) {
    const others = byOwner.get(batch.owner);
    if (others === undefined) byOwner.set(batch.owner, [batch]);
    else if (!joins(others, batch)) return false;
    else others.push(batch);
  }
  const byTarget = new Map<string, Map<number, Set<Template>>>();
  const names = commonNames(batches);
  for (const { entry, owner } of batches) {
    const key = JSON.stringify(names.map((name) => entry.common(name)));
    const owners = byTarget.get(key);
    const templates = owners?.get(owner);
    if (templates !== undefined) templates.add(entry.template);
    else if (owners !== undefined) owners.set(owner, new Set([entry.template]));
    else byTarget.set(key, new Map([[owner, new Set([entry.template])]]));
  }
  return [...byTarget.values()].every((owners) => differ([...owners.values()]));
}

/** Whether a batch adds only what comes later than what its owner has, or other series. */
function joins(others: readonly Owned[], batch: Owned): boolean {
  if (others.length >= MAX_BATCHES || batch.cells.ownTimes !== undefined || others.some(({ cells }) => cells.ownTimes !== undefined))
    return false;
  const startMs = batch.times[0] ?? Number.POSITIVE_INFINITY;
  const [beside, ...more] = others.filter(({ times }) => (times.at(-1) ?? Number.NEGATIVE_INFINITY) >= startMs);
  return more.length === 0 && (beside === undefined || haveNoRowInCommon(beside.entry, batch.entry));
}

/** By the hashes of the rows' labels: equal labels have equal ones. */
function haveNoRowInCommon(a: SeriesEntry, b: SeriesEntry): boolean {
  const [few, many] = a.template.rows < b.template.rows ? [a, b] : [b, a];
  const seen = new Set<number>();
  for (let row = 0; row < few.template.rows; row++) if (few.template.drops[row] === KEPT) seen.add(few.hash(row));
  for (let row = 0; row < many.template.rows; row++) if (many.template.drops[row] === KEPT && seen.has(many.hash(row))) return false;
  return true;
}

/** Labels that every series of the push has, with one value in each batch. */
function commonNames(batches: readonly Owned[]): readonly string[] {
  const [first, ...rest] = batches;
  return [...(first?.entry.template.common.keys() ?? [])].filter((name) => rest.every(({ entry }) => entry.common(name) !== undefined));
}

/** By the names of metrics. A target and its report series are all that may differ by them alone: nothing here grows by squares. */
function differ(owners: readonly ReadonlySet<Template>[]): boolean {
  const [some, others, ...more] = owners;
  if (some === undefined || others === undefined) return true;
  const [few, many] = some.size < others.size ? [some, others] : [others, some];
  const [one] = few;
  if (more.length > 0 || few.size > 1 || one === undefined) return false;
  return [...many].every((other) => haveNoNameInCommon(one, other));
}

function haveNoNameInCommon({ names: some }: Template, { names: others }: Template): boolean {
  if (some === undefined || others === undefined) return false;
  const [few, many] = some.size < others.size ? [some, others] : [others, some];
  for (const name of few) if (many.has(name)) return false;
  return true;
}
