import { compareText, type Label, type Labels, METRIC_NAME, sortLabels, utf8Length } from '../../contract/labels.ts';

/** Up to so many they are put into their places one by one, which takes a fifth of the memory; of many that would take long. */
const FEW_LABELS = 32;

/**
 * The labels of a series after the target's are merged in and before metric relabelling; scrape/scrape.go
 * `mutateSampleLabels`. `exposed` may hold empty values: they mean absent, but under honor_labels they still keep the
 * target's label of that name away.
 */
export function mergeLabels(exposed: Labels, target: Labels, honorLabels: boolean): Labels {
  if (exposed.length > FEW_LABELS) return mergeAny(exposed, target, honorLabels);
  const labels = [...target];
  for (const label of exposed) {
    if (target.some((own) => own[0] === label[0])) return mergeAny(exposed, target, honorLabels);
    if (label[1] === '') continue;
    let at = labels.length;
    labels.push(label);
    for (; at > 0 && compareText((labels[at - 1] as Label)[0], label[0]) > 0; at--) labels[at] = labels[at - 1] as Label;
    labels[at] = label;
  }
  return labels;
}

function mergeAny(exposed: Labels, target: Labels, honorLabels: boolean): Labels {
  const merged = new Map<string, string>(exposed);
  const conflicts: Label[] = [];
  for (const [name, value] of target) {
    const existing = merged.get(name);
    if (honorLabels) {
      if (existing === undefined) merged.set(name, value);
    } else {
      if (existing !== undefined && existing !== '') conflicts.push([name, existing]);
      merged.set(name, value);
    }
  }
  // Shortest names first, so that `job` gets `exported_job` before an exposed `exported_job` moves on.
  conflicts.sort((a, b) => utf8Length(a[0]) - utf8Length(b[0]));
  for (const [name, value] of conflicts) {
    let moved = `exported_${name}`;
    while ((merged.get(moved) ?? '') !== '') moved = `exported_${moved}`;
    merged.set(moved, value);
  }
  return sortLabels(merged);
}

/** Labels without those that only the agent sees. */
export const publicLabels = (labels: Labels): Labels => labels.filter(([name]) => !name.startsWith('__'));

export const hasMetricName = (labels: Labels): boolean => labels.some(([name]) => name === METRIC_NAME);
