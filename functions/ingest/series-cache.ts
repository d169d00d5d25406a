import { type Labels, METRIC_NAME } from '../../contract/labels.ts';
import { encodeLabelFields } from '../../contract/remote-write.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Row } from '../../contract/series-table.ts';
import { ByteLru } from './byte-lru.ts';
import type { DropReason, SeriesRules } from './labels.ts';
import { hashOfSum, sumOfFields } from './series-hash.ts';
import { buildTemplate, type DeviceLabels, deviceValues, KEPT, MAX_ENTRY_BYTES, type SlotChoice, type Template } from './template.ts';
import { FIRST_SLOT } from './template-ops.ts';

/** The series of one (table, target, device): a template and what is the device's own. Made for each push, at little cost. */
export class SeriesEntry {
  readonly template: Template;
  /** By slot: the label with the device's value. */
  readonly fields: readonly Uint8Array[];
  /** By set of slots: bytes of its labels. */
  readonly setLengths: readonly number[];
  readonly #setSums: readonly number[];
  readonly #values: readonly string[];

  constructor(template: Template, values: readonly string[], fields: readonly Uint8Array[], { hash }: SeriesRules) {
    this.template = template;
    this.fields = fields;
    this.#values = values;
    const sums = fields.map((field) => sumOfFields(hash, field));
    const { sets } = template.ops;
    const overSets = (of: (slot: number) => number): readonly number[] =>
      Array.from({ length: sets.size }, (_, set) => sets.slots(set).reduce((sum, slot) => (sum + of(slot)) | 0, 0));
    this.setLengths = overSets((slot) => (fields[slot] as Uint8Array).length);
    this.#setSums = overSets((slot) => sums[slot] as number);
  }

  /** Why the row is not forwarded; undefined where it is. */
  dropped(row: number): DropReason | undefined {
    return this.template.drops[row] === KEPT ? undefined : this.template.reason(row);
  }

  /** Bytes of a kept row's labels. */
  labelLength(row: number): number {
    const { fixedLengths, sets } = this.template;
    return (fixedLengths[row] as number) + (this.setLengths[sets[row] as number] as number);
  }

  /** 32 bits of a kept row's labels, which nobody can steer who does not know the key. */
  hash(row: number): number {
    const { sums, sets } = this.template;
    return hashOfSum(((sums[row] as number) + (this.#setSums[sets[row] as number] as number)) | 0);
  }

  /** The label fields of a kept row. */
  labelFields(row: number): Uint8Array<ArrayBuffer> {
    const { symbols, starts } = this.template.ops;
    const out = new Uint8Array(this.labelLength(row));
    const end = starts[row + 1] as number;
    let length = 0;
    for (let at = starts[row] as number; at < end; at++) {
      const symbol = symbols[at] as number;
      if (symbol < FIRST_SLOT) {
        out[length++] = symbol;
        continue;
      }
      const field = this.fields[symbol - FIRST_SLOT] as Uint8Array;
      out.set(field, length);
      length += field.length;
    }
    return out;
  }

  /** The labels that all kept rows have with one value. */
  common(name: string): string | undefined {
    const value = this.template.common.get(name);
    return typeof value === 'number' ? this.#values[value] : value;
  }
}

/** Names, of target and external labels, that cannot be slots; the empty one stands for the device. */
type Fixed = Set<string>;
const NOTHING_IS_SLOT: SlotChoice = () => false;
/** Estimate for a key, its entry and a few names. */
const SHAPE_BYTES = 1000;

/**
 * Templates by table, names of the device's labels, and the values of those that rules read; for one configuration. Relabelling then costs
 * once, not once per push or device, as long as the templates in use fit.
 */
export class SeriesCache {
  readonly #templates: ByteLru<Template>;
  /** By table and names of labels: what rules were seen to read. */
  readonly #shapes: ByteLru<Fixed>;

  constructor(limitBytes: number) {
    this.#templates = new ByteLru(limitBytes);
    this.#shapes = new ByteLru(limitBytes / 16);
  }

  /** Estimate of the memory in use. */
  get bytes(): number {
    return this.#templates.bytes + this.#shapes.bytes;
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
    const labels: DeviceLabels = { target, external, device: identity.device };
    const shape = shapeOf(identity.tenant, table, labels);
    const fixed = this.#fixed(shape, rules);
    // At most once for each value that may be a slot.
    for (;;) {
      const isSlot = slotsBut(fixed, rules);
      const template = this.#template(shape, rows, labels, isSlot, rules, fixed);
      if (template === 'again') continue;
      if (!template.ok) return template;
      const entry = entryOf(template.value, deviceValues(labels, isSlot), rules);
      if (entry !== 'unfit') return entry;
      const alone = this.#template(shape, rows, labels, NOTHING_IS_SLOT, rules, fixed);
      if (alone === 'again') throw new Error('a template without slots has values that rules read');
      if (!alone.ok) return alone;
      const own = entryOf(alone.value, [], rules);
      return own === 'unfit' ? err('too_large') : own;
    }
  }

  #fixed(shape: string, { rules, identityLabel }: SeriesRules): Fixed {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const fixed: Fixed = new Set(rules.labelsRead.map((name) => (name === identityLabel ? '' : name)));
    this.#shapes.set(shape, fixed, SHAPE_BYTES + 2 * shape.length);
    return fixed;
  }

  #template(
    shape: string,
    rows: readonly Row[],
    labels: DeviceLabels,
    isSlot: SlotChoice,
    rules: SeriesRules,
    fixed: Fixed,
  ): Result<Template, 'too_large'> | 'again' {
    const key = keyOf(shape, labels, isSlot);
    const known = this.#templates.get(key);
    if (known !== undefined) return ok(known);
    const built = buildTemplate(rows, labels, isSlot, rules);
    if (built.ok) {
      this.#templates.set(key, built.value, built.value.bytes + 2 * key.length);
      return built;
    }
    if (built.error.reason === 'too_large') return err('too_large');
    for (const name of namesOf(built.error.sources, labels, isSlot)) fixed.add(name);
    return 'again';
  }
}

function entryOf(template: Template, values: readonly string[], rules: SeriesRules): Result<SeriesEntry, 'too_large'> | 'unfit' {
  const fields = template.slots.map(({ name, source }) => encodeLabelFields([[name, values[source] as string]]));
  const lengths = fields.map(({ length }) => length);
  if (values.length > 0 && !template.fits(values, lengths, rules)) return 'unfit';
  const entry = new SeriesEntry(template, values, fields, rules);
  return template.deviceBytes(entry.setLengths) > MAX_ENTRY_BYTES ? err('too_large') : ok(entry);
}

/** A metric's name and the identity's own label decide more than rules say. */
const slotsBut =
  (fixed: Fixed, { identityLabel }: SeriesRules): SlotChoice =>
  (kind, name) =>
    kind === 'device' ? !fixed.has('') : name !== METRIC_NAME && name !== identityLabel && !fixed.has(name);

const shapeOf = (tenant: string, table: string, { target, external }: DeviceLabels): string => {
  const names = (labels: Labels): string => labels.map(([name]) => `${name.length}:${name}`).join('');
  return `${tenant}/${table}/${names(target)}/${names(external)}/`;
};

function keyOf(shape: string, { target, external, device }: DeviceLabels, isSlot: SlotChoice): string {
  let key = shape;
  for (const [name, value] of target) key += isSlot('target', name) ? '*' : `${value.length}:${value}`;
  key += '/';
  for (const [name, value] of external) key += isSlot('external', name) ? '*' : `${value.length}:${value}`;
  return `${key}/${isSlot('device', '') ? '*' : device}`;
}

/** In the order of {@link deviceValues}. */
function namesOf(sources: ReadonlySet<number>, { target, external }: DeviceLabels, isSlot: SlotChoice): readonly string[] {
  const names: string[] = [];
  for (const [name] of target) if (isSlot('target', name)) names.push(name);
  for (const [name] of external) if (isSlot('external', name)) names.push(name);
  names.push('');
  return names.filter((_, source) => sources.has(source));
}
