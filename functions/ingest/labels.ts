import { addMissing, type Labels, labelsKey, labelValue, METRIC_NAME, utf8Length } from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { type CompiledRules, relabel } from '../../contract/relabel.ts';
import { encodeLabelFields } from '../../contract/remote-write.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import { compareBytes, type Row, rebuild } from '../../contract/series-table.ts';
import { ByteLru } from './byte-lru.ts';
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

/** The series of one (table, target, device). */
export interface SeriesEntry {
  /** Per row of the table: the encoded label fields, or why the series is not forwarded. */
  readonly rows: readonly (Uint8Array | DropReason)[];
  /** Per row: the hash of its bytes, to find equal ones fast. */
  readonly hashes: Int32Array;
  /** Rows where a rule had changed the identity label. */
  readonly identityRestored: number;
  /** Estimate of the memory it takes. */
  readonly bytes: number;
}

/** Label bytes of one series. Above it a series costs more than it can be worth; dropped as `label_limit`. */
export const MAX_SERIES_LABEL_BYTES = 64 * 1024;
/** Label bytes of one entry: a target with long labels and a table with many rows must not multiply to gigabytes. */
export const MAX_ENTRY_BYTES = 32 * 1024 * 1024;

/** @param external the device's own external labels */
export function buildEntry(
  rows: readonly Row[],
  target: Labels,
  external: Labels,
  device: string,
  rules: SeriesRules,
): Result<SeriesEntry, 'too_large'> {
  const added = addMissing(strip(external, rules.reservedLabels), rules.externalLabels);
  const out: (Uint8Array | DropReason)[] = [];
  const hashes = new Int32Array(rows.length);
  const seen = new Map<number, Uint8Array>();
  let identityRestored = 0;
  let bytes = 128;
  for (const row of rows) {
    const { series, restored } = buildSeries(rebuild(row, target), added, device, rules);
    if (restored) identityRestored++;
    bytes += 96;
    if (typeof series !== 'string') {
      bytes += series.length;
      if (bytes > MAX_ENTRY_BYTES) return err('too_large');
    }
    out.push(typeof series === 'string' ? series : unlessSeen(series, rules.hash(series), seen, hashes, out.length));
  }
  return ok({ rows: out, hashes, identityRestored, bytes });
}

/** The way of one series. `restored`: a rule had changed the identity label. */
export function buildSeries(
  labels: Labels,
  added: Labels,
  device: string,
  rules: SeriesRules,
): { readonly series: Uint8Array | DropReason; readonly restored: boolean } {
  const own = setAside(strip(labels, rules.reservedLabels), rules.identityLabel, device);
  const before = setLabel(addMissing(own, added), rules.identityLabel, device);
  const after = relabel(rules.rules, before);
  if (after === undefined) return { series: 'relabel', restored: false };
  const restored = labelValue(after, rules.identityLabel) !== device;
  return { series: encodeSeries(guard(after, device, rules), rules.limits), restored };
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

function encodeSeries(labels: Labels, limits: WireLimits): Uint8Array | DropReason {
  if (labelValue(labels, METRIC_NAME) === '') return 'no_metric_name';
  if (labels.length > limits.labelsPerSeries) return 'label_limit';
  for (const [name, value] of labels) {
    if (utf8Length(name) > limits.labelNameBytes || utf8Length(value) > limits.labelValueBytes) return 'label_limit';
  }
  const bytes = encodeLabelFields(labels);
  return bytes.length > MAX_SERIES_LABEL_BYTES ? 'label_limit' : bytes;
}

function unlessSeen(
  series: Uint8Array,
  own: number,
  seen: Map<number, Uint8Array>,
  hashes: Int32Array,
  row: number,
): Uint8Array | DropReason {
  let hash = own;
  hashes[row] = hash;
  for (let other = seen.get(hash); other !== undefined; other = seen.get(hash)) {
    if (compareBytes(series, other) === 0) return 'duplicate_after_relabel';
    hash = (hash + 1) | 0;
  }
  seen.set(hash, series);
  return series;
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

/**
 * Entries by (table, target labels, external labels, device), for one configuration. Relabelling then costs once, not once
 * per push, as long as a device's pushes meet the same isolate.
 */
export class SeriesCache {
  readonly #entries: ByteLru<SeriesEntry>;

  constructor(limitBytes: number) {
    this.#entries = new ByteLru(limitBytes);
  }

  /** @param table names the rows: a table's hash within its tenant, or the built-in table */
  entry(
    table: string,
    rows: readonly Row[],
    target: Labels,
    external: Labels,
    identity: { readonly tenant: string; readonly device: string },
    rules: SeriesRules,
  ): Result<SeriesEntry, 'too_large'> {
    const key = `${identity.tenant}/${identity.device}/${table}/${labelsKey(target)}/${labelsKey(external)}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return ok(known);
    const built = buildEntry(rows, target, external, identity.device, rules);
    if (built.ok) this.#entries.set(key, built.value, built.value.bytes + 2 * key.length);
    return built;
  }
}
