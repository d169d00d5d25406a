/**
 * Prometheus histograms out of plain counters, so that they are kept, summed and carried like any other. An observation is counted in
 * the one bucket it falls into and in the sum; {@link expandHistograms} makes of that what Prometheus reads.
 */

/** Upper bounds in seconds: fine where a group commit and a receiver's answer usually lie, up to the longest time limit. */
export const DURATION_BOUNDS: readonly number[] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60];

/** From the arrival of samples to the answer that says they are durable, as the Worker sees it. */
export const ACK_DURATION = 'relay_ack_duration_seconds';

/** Of one group commit: the object, its row, and the sync after it. */
export const COMMIT_DURATION = 'relay_commit_duration_seconds';
/** Of one POST to a receiver, with or without an answer. */
export const FORWARD_DURATION = 'relay_forward_duration_seconds';

/** Adds to a counter; names as in {@link expandHistograms}. */
type Add = (name: string, value: number) => void;

/** @param labels further ones in text form, such as `receiver="central"`; empty: none */
export function observeDuration(add: Add, family: string, labels: string, ms: number): void {
  const seconds = Math.max(0, ms) / 1000;
  const bound = DURATION_BOUNDS.find((candidate) => seconds <= candidate);
  add(seriesName(`${family}_bucket`, labels, `le="${bound ?? '+Inf'}"`), 1);
  add(seriesName(`${family}_sum`, labels), seconds);
}

const BUCKET = /^(\w+)_bucket\{(?:(.*),)?le="([^"]+)"\}$/;

/**
 * Buckets become cumulative, complete and ascending, followed by `_sum` and `_count`; all else stays. Bounds that an earlier version
 * counted under are kept, so that no count falls when bounds change.
 * @param fromTheStart families without labels that are shown at 0 before their first observation
 */
export function expandHistograms(values: Readonly<Record<string, number>>, fromTheStart: readonly string[] = []): Record<string, number> {
  const out: Record<string, number> = { ...values };
  const histograms = new Map<string, { readonly family: string; readonly labels: string; readonly counts: Map<number, number> }>();
  const histogram = (family: string, labels: string): Map<number, number> => {
    const name = seriesName(family, labels);
    const known = histograms.get(name) ?? { family, labels, counts: new Map(DURATION_BOUNDS.map((bound) => [bound, 0])) };
    histograms.set(name, known);
    return known.counts;
  };
  for (const family of fromTheStart) histogram(family, '');
  for (const [name, value] of Object.entries(values)) {
    const [, family, labels = '', le = ''] = BUCKET.exec(name) ?? [];
    if (family === undefined) continue;
    delete out[name];
    const counts = histogram(family, labels);
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  for (const { family, labels, counts } of histograms.values()) {
    let below = 0;
    if (!counts.has(Number.POSITIVE_INFINITY)) counts.set(Number.POSITIVE_INFINITY, 0);
    for (const [bound, count] of [...counts].sort(([a], [b]) => a - b)) {
      below += count;
      out[seriesName(`${family}_bucket`, labels, `le="${bound === Number.POSITIVE_INFINITY ? '+Inf' : bound}"`)] = below;
    }
    const sum = seriesName(`${family}_sum`, labels);
    const total = out[sum] ?? 0;
    // Taken out first: what belongs together stands together.
    delete out[sum];
    out[sum] = total;
    out[seriesName(`${family}_count`, labels)] = below;
  }
  return out;
}

function seriesName(name: string, ...labels: readonly string[]): string {
  const given = labels.filter((label) => label !== '');
  return given.length === 0 ? name : `${name}{${given.join(',')}}`;
}
