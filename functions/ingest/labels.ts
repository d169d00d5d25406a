import { addMissing, type Labels, labelValue, METRIC_NAME, utf8Length } from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { type CompiledRules, relabel } from '../../contract/relabel.ts';
import { encodeLabelFields } from '../../contract/remote-write.ts';
import type { SeriesHash } from './series-hash.ts';

/**
 * From a table's rows to the label bytes that the receiver gets:
 * target labels overwritten by the row -> reserved labels stripped -> a label of the identity's name set aside -> external
 * labels of the device, then of the tenant, where missing -> identity set -> rules -> reserved labels and identity as they
 * were -> limits -> equal series.
 */

export type DropReason =
  /** A rule dropped the series. */
  | 'relabel'
  /** The rules made it equal to a series before it; a receiver would lose one of the two without a word. */
  | 'duplicate_after_relabel'
  /** Too many labels, or too long ones. */
  | 'label_limit'
  /** The rules took the metric's name away. */
  | 'no_metric_name';

/** One tenant's part of relay.yml, ready to run. */
export interface SeriesRules {
  readonly identityLabel: string;
  readonly externalLabels: Labels;
  readonly reservedLabels: ReadonlySet<string>;
  readonly rules: CompiledRules;
  readonly limits: WireLimits;
  readonly hash: SeriesHash;
}

/** Label bytes of one series. Above it a series costs more than it can be worth; dropped as `label_limit`. */
export const MAX_SERIES_LABEL_BYTES = 64 * 1024;

/** What a series without such labels gets, as long as its own, its target's, or its device's do not say otherwise. */
export const addedLabels = (external: Labels, { reservedLabels, externalLabels }: SeriesRules): Labels =>
  addMissing(strip(external, reservedLabels), externalLabels);

/**
 * The way of one series, as bytes.
 *
 * @param added from {@link addedLabels}
 * @returns `restored`: a rule had changed the identity label
 */
export function buildSeries(
  labels: Labels,
  added: Labels,
  device: string,
  rules: SeriesRules,
): { readonly series: Uint8Array | DropReason; readonly restored: boolean } {
  const { final, identity } = finalLabels(labels, added, device, rules);
  if (final === undefined) return { series: 'relabel', restored: false };
  const restored = identity !== device;
  const fault = faultOf(final, rules.limits);
  if (fault !== undefined) return { series: fault, restored };
  const bytes = encodeLabelFields(final);
  return { series: bytes.length > MAX_SERIES_LABEL_BYTES ? 'label_limit' : bytes, restored };
}

/**
 * The way of one series, up to its limits.
 *
 * @param read told each value that a rule reads
 * @returns `final`: undefined where a rule drops it; `identity`: what the rules had made of the identity label
 */
export function finalLabels(
  labels: Labels,
  added: Labels,
  device: string,
  rules: SeriesRules,
  read?: (value: string) => void,
): { readonly final: Labels | undefined; readonly identity: string } {
  const own = setAside(strip(labels, rules.reservedLabels), rules.identityLabel, device);
  const before = setLabel(addMissing(own, added), rules.identityLabel, device);
  const after = relabel(rules.rules, before, read);
  if (after === undefined) return { final: undefined, identity: device };
  return { final: guard(after, device, rules), identity: labelValue(after, rules.identityLabel) };
}

/**
 * A series' own label of the identity's name moves to `exported_<name>`, prefixed again where that is taken: what Prometheus
 * does with a scraped label that its own ones would hide. Overwritten, two series could become one.
 */
function setAside(labels: Labels, name: string, device: string): Labels {
  const value = labelValue(labels, name);
  if (value === '' || value === device) return labels;
  let free = `exported_${name}`;
  while (labelValue(labels, free) !== '') free = `exported_${free}`;
  return setLabel(setLabel(labels, name, ''), free, value);
}

/** What a rule must not decide: a device's name, and labels from which a receiver takes more than a label. */
function guard(labels: Labels, device: string, rules: SeriesRules): Labels {
  let guarded = labels;
  for (const name of rules.reservedLabels) guarded = setLabel(guarded, name, labelValue(rules.externalLabels, name));
  return setLabel(guarded, rules.identityLabel, device);
}

/** Why no receiver is to see such labels. Their bytes together have a limit of their own. */
export function faultOf(labels: Labels, limits: WireLimits): DropReason | undefined {
  if (labelValue(labels, METRIC_NAME) === '') return 'no_metric_name';
  if (labels.length > limits.labelsPerSeries) return 'label_limit';
  for (const [name, value] of labels) {
    if (utf8Length(name) > limits.labelNameBytes || utf8Length(value) > limits.labelValueBytes) return 'label_limit';
  }
  return undefined;
}

function strip(labels: Labels, names: ReadonlySet<string>): Labels {
  return names.size === 0 || !labels.some(([name]) => names.has(name)) ? labels : labels.filter(([name]) => !names.has(name));
}

/** An empty value removes the label. */
function setLabel(labels: Labels, name: string, value: string): Labels {
  if (labelValue(labels, name) === value) return labels;
  const rest = labels.filter((label) => label[0] !== name);
  return value === '' ? rest : addMissing(rest, [[name, value]]);
}
