/** Label sets, as Prometheus defines them: names unique and sorted by their UTF-8 bytes, no empty value. */

export type Label = readonly [name: string, value: string];
/** Sorted by {@link compareText}, names unique, values not empty. */
export type Labels = readonly Label[];

export const METRIC_NAME = '__name__';

/**
 * Orders two strings as their UTF-8 bytes (and Go) do. Differs from `<` only where a surrogate pair meets
 * U+E000..U+FFFF, which is why the plain comparison decides first.
 */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xIsSurrogate = x >= 0xd800 && x <= 0xdfff;
    const yIsSurrogate = y >= 0xd800 && y <= 0xdfff;
    if (xIsSurrogate !== yIsSurrogate) return xIsSurrogate ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

/** Sorts by name and drops empty values, which mean "absent". A repeated name: the last one wins. */
export function sortLabels(pairs: Iterable<Label>): Labels {
  const byName = new Map<string, string>();
  for (const [name, value] of pairs) byName.set(name, value);
  return [...byName].filter(([, value]) => value !== '').sort((a, b) => compareText(a[0], b[0]));
}

export function labelsFromRecord(record: Readonly<Record<string, string>>): Labels {
  return sortLabels(Object.entries(record));
}

export function labelsToRecord(labels: Labels): Record<string, string> {
  // A null prototype: a label may be called `__proto__`.
  const record: Record<string, string> = Object.create(null);
  for (const [name, value] of labels) record[name] = value;
  return record;
}

export function labelValue(labels: Labels, name: string): string {
  for (const label of labels) if (label[0] === name) return label[1];
  return '';
}

/** `labels` and those of `extra` whose names it lacks. Both sorted, and so is what comes out. */
export function addMissing(labels: Labels, extra: Labels): Labels {
  if (extra.length === 0) return labels;
  const merged: Label[] = [];
  let i = 0;
  for (const label of extra) {
    while (i < labels.length && compareText((labels[i] as Label)[0], label[0]) < 0) merged.push(labels[i++] as Label);
    if (labels[i]?.[0] !== label[0]) merged.push(label);
  }
  while (i < labels.length) merged.push(labels[i++] as Label);
  return merged;
}

/** A string that two label sets share only when they are equal; a map key, never shown and never stored. */
export function labelsKey(labels: Labels): string {
  let key = '';
  for (const label of labels) key += `${label[0].length}:${label[0]}${label[1].length}:${label[1]}`;
  return key;
}

/** `{a="1", b="2"}` with the metric name in front, for messages and pages. */
export function formatLabels(labels: Labels): string {
  const rest = labels.filter(([name]) => name !== METRIC_NAME).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const name = labelValue(labels, METRIC_NAME);
  return rest.length === 0 && name !== '' ? name : `${name}{${rest.join(', ')}}`;
}

const LEGACY_LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LEGACY_METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
/** A lone surrogate has no UTF-8 form. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** Prometheus 3's default (`metric_name_validation_scheme: utf8`): any text that is not empty. */
export const isValidName = (name: string): boolean => name !== '' && hasUtf8Form(name);
export const hasUtf8Form = (text: string): boolean => !LONE_SURROGATE.test(text);
/** Bytes of the UTF-8 form. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate is half of a pair of 4 bytes: 2 each.
    if (unit >= 0x80) length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}
export const isLegacyLabelName = (name: string): boolean => LEGACY_LABEL_NAME.test(name);
export const isLegacyMetricName = (name: string): boolean => LEGACY_METRIC_NAME.test(name);
