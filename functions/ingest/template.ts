import { type Labels, labelValue, METRIC_NAME } from '../../contract/labels.ts';
import { encodeLabelFields } from '../../contract/remote-write.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import { type Row, rebuild } from '../../contract/series-table.ts';
import { addedLabels, type DropReason, faultOf, finalLabels, MAX_SERIES_LABEL_BYTES, type SeriesRules } from './labels.ts';
import { FIRST_SLOT, findCopies, memoryOfOps, SlotSets, type TemplateOps } from './template-ops.ts';

/**
 * What a tenant's rules make of a table's rows, for all devices at once. The values that differ from device to device (of the target's
 * labels, of the device's external labels, its name) are slots: the rows are built once with stand-ins in their place. That is exact
 * where no rule reads a stand-in, and where no value of a device equals one that stands beside it in other rows: the former is watched
 * while building, the latter checked for each device ({@link Template.fits}).
 */

export const DROP_REASONS = [
  'relabel',
  'duplicate_after_relabel',
  'label_limit',
  'no_metric_name',
] as const satisfies readonly DropReason[];
/** In {@link Template.drops}: the row is kept. Else the number of its reason, plus one. */
export const KEPT = 0;

/** Label bytes of one device's series: a target with long labels and a table with many rows must not multiply to gigabytes. */
export const MAX_ENTRY_BYTES = 32 * 1024 * 1024;
/** Of a row in {@link Template.deviceBytes}, beside its labels. */
const ROW_BYTES = 96;
const MAX_SLOTS = 250;

/** A label whose value is a device's own. */
export interface Slot {
  readonly name: string;
  /** Which of the device's values. */
  readonly source: number;
}

/** What a device's values must not be, for its rows to be those of the template: they are equal to no other row by chance. */
interface Conflicts {
  /** By source: texts that stand in other rows under the same name. */
  readonly texts: ReadonlyMap<number, ReadonlySet<string>>;
  /** Sources that stand under the same name. */
  readonly pairs: readonly (readonly [number, number])[];
}

/** What may differ from device to device. */
export interface DeviceLabels {
  readonly target: Labels;
  readonly external: Labels;
  readonly device: string;
}
/** Which of these are slots; for target and external labels by name. */
export type SlotChoice = (kind: 'target' | 'external' | 'device', name: string) => boolean;

/** A stand-in for a value: half of a surrogate pair, which no text in UTF-8 can hold, and the source's number. */
const STAND_IN = 0xd800;
const standIn = (source: number): string => String.fromCharCode(STAND_IN, source);
const sourceOf = (value: string): number => (value.length === 2 && value.charCodeAt(0) === STAND_IN ? value.charCodeAt(1) : -1);

/** The values of a device in the order of their sources. */
export function deviceValues({ target, external, device }: DeviceLabels, isSlot: SlotChoice): readonly string[] {
  const values: string[] = [];
  for (const [name, value] of target) if (isSlot('target', name)) values.push(value);
  for (const [name, value] of external) if (isSlot('external', name)) values.push(value);
  if (isSlot('device', '')) values.push(device);
  return values;
}

export class Template {
  /** By row: {@link KEPT}, or why no device's series of that row goes out. */
  readonly drops: Uint8Array;
  readonly slots: readonly Slot[];
  readonly ops: TemplateOps;
  /** By row: the sum of the hashes of its fixed fields. */
  readonly sums: Int32Array;
  /** By row: bytes of its fixed fields, and which slots it has ({@link TemplateOps.sets}). */
  readonly fixedLengths: Uint32Array;
  readonly sets: Uint16Array;
  /** Rows where a rule had changed the identity label. */
  readonly identityRestored: number;
  /** Estimate of the memory it takes. */
  readonly bytes: number;
  /** The names of the kept rows' metrics; undefined where one is a slot. */
  readonly names: ReadonlySet<string> | undefined;
  /** Labels that all kept rows have with the same value: a text, or the number of a source. */
  readonly common: ReadonlyMap<string, string | number>;
  readonly #conflicts: Conflicts;
  /** Rows that count for {@link deviceBytes}, by set. */
  readonly #rowsOfSet: readonly number[];
  readonly #longest: number;
  readonly #fixedTotal: number;

  constructor(made: TemplateParts) {
    this.drops = made.drops;
    this.slots = made.slots;
    this.ops = made.ops;
    this.sums = made.sums;
    this.fixedLengths = made.fixedLengths;
    this.sets = made.sets;
    this.identityRestored = made.identityRestored;
    this.names = made.names;
    this.common = made.common;
    this.#conflicts = made.conflicts;
    this.#rowsOfSet = made.rowsOfSet;
    this.#longest = made.longest;
    this.#fixedTotal = made.fixedTotal;
    let conflicts = 0;
    for (const texts of made.conflicts.texts.values()) for (const text of texts) conflicts += 50 + text.length;
    this.bytes = 1024 + 16 * this.drops.length + memoryOfOps(made.ops) + conflicts + 60 * (made.names?.size ?? 0);
  }

  get rows(): number {
    return this.drops.length;
  }

  reason(row: number): DropReason {
    return DROP_REASONS[(this.drops[row] as number) - 1] as DropReason;
  }

  /** Whether the rows of a device with these values are those of the template. `lengths`: of its labels, by slot. */
  fits(values: readonly string[], lengths: readonly number[], { limits }: SeriesRules): boolean {
    for (const [source, texts] of this.#conflicts.texts) if (texts.has(values[source] as string)) return false;
    for (const [a, b] of this.#conflicts.pairs) if (values[a] === values[b]) return false;
    // Then some rows may be over a limit and some not. Three bytes: of any UTF-16 unit.
    if (values.some((value) => value.length * 3 > limits.labelValueBytes)) return false;
    return this.#longest + lengths.reduce((sum, length) => sum + length, 0) <= MAX_SERIES_LABEL_BYTES;
  }

  /** What the label bytes of all its rows would take for one device. `setLengths`: of its labels, by set. */
  deviceBytes(setLengths: readonly number[]): number {
    return this.#rowsOfSet.reduce((sum, rows, set) => sum + rows * (setLengths[set] as number), this.#fixedTotal);
  }
}

interface TemplateParts
  extends Pick<Template, 'drops' | 'slots' | 'ops' | 'sums' | 'fixedLengths' | 'sets' | 'identityRestored' | 'names' | 'common'> {
  readonly conflicts: Conflicts;
  readonly rowsOfSet: readonly number[];
  readonly longest: number;
  readonly fixedTotal: number;
}

/**
 * Runs the rules over all rows of a table.
 *
 * @returns `read`: sources that a rule reads: they cannot be slots. `too_large`: see {@link MAX_ENTRY_BYTES}
 */
export function buildTemplate(
  rows: readonly Row[],
  labels: DeviceLabels,
  isSlot: SlotChoice,
  rules: SeriesRules,
): Result<Template, { readonly reason: 'too_large' } | { readonly reason: 'read'; readonly sources: ReadonlySet<number> }> {
  const { target, external, device } = withStandIns(labels, isSlot);
  const added = addedLabels(external, rules);
  const builder = new Builder(rows.length, rules, device);
  const read = (value: string): void => builder.noteRead(sourceOf(value));
  for (const row of rows) {
    const own = rebuild(row, target);
    const { final, identity } = finalLabels(own, added, device, rules, read);
    builder.add(final, final === undefined ? device : identity, labelValue(own, rules.identityLabel));
    if (builder.size > MAX_ENTRY_BYTES) return err({ reason: 'too_large' });
  }
  return builder.sourcesRead.size > 0 ? err({ reason: 'read', sources: builder.sourcesRead }) : ok(builder.finish());
}

function withStandIns({ target, external, device }: DeviceLabels, isSlot: SlotChoice): DeviceLabels {
  let source = 0;
  const stand = (kind: 'target' | 'external', labels: Labels): Labels =>
    labels.map((label) => (isSlot(kind, label[0]) ? [label[0], standIn(source++)] : label));
  const own = stand('target', target);
  const theirs = stand('external', external);
  return { target: own, external: theirs, device: isSlot('device', '') ? standIn(source) : device };
}

/** What stands under one name in the kept rows. */
interface UnderName {
  readonly sources: Set<number>;
  readonly texts: Set<string>;
  rows: number;
}

class Builder {
  readonly sourcesRead = new Set<number>();
  readonly #rules: SeriesRules;
  readonly #device: string;
  readonly #identity: number;
  readonly #drops: Uint8Array;
  readonly #sums: Int32Array;
  readonly #fixedLengths: Uint32Array;
  readonly #sets: Uint16Array;
  readonly #starts: Uint32Array<ArrayBuffer>;
  #symbols = new Uint16Array(16 * 1024);
  #length = 0;
  readonly #slots: Slot[] = [];
  readonly #slotNumbers = new Map<string, number>();
  readonly #slotSets = new SlotSets();
  /** Rows by a hash of their symbols. */
  readonly #seen = new Map<number, number>();
  readonly #names = new Map<string, UnderName>();
  readonly #identityTexts = new Set<string>();
  readonly #identityPairs: [number, number][] = [];
  readonly #rowsOfSet: number[] = [];
  #rows = 0;
  #kept = 0;
  #restored = 0;
  #longest = 0;
  #fixedTotal = 128;

  constructor(rows: number, rules: SeriesRules, device: string) {
    this.#rules = rules;
    this.#device = device;
    this.#identity = sourceOf(device);
    this.#drops = new Uint8Array(rows);
    this.#sums = new Int32Array(rows);
    this.#fixedLengths = new Uint32Array(rows);
    this.#sets = new Uint16Array(rows);
    this.#starts = new Uint32Array(rows + 1);
  }

  get size(): number {
    return this.#fixedTotal;
  }

  noteRead(source: number): void {
    if (source >= 0) this.sourcesRead.add(source);
  }

  /** `identity`: what the rules left under the identity's name; `own`: what the series itself has there. */
  add(final: Labels | undefined, identity: string, own: string): void {
    this.#fixedTotal += ROW_BYTES;
    if (identity !== this.#device) this.#restored++;
    this.#noteIdentity(identity);
    this.#noteIdentity(own);
    const fault = final === undefined ? 'relabel' : faultOf(final, this.#rules.limits);
    const reason = fault ?? this.#addKept(final ?? []);
    const row = this.#rows++;
    this.#drops[row] = reason === undefined ? KEPT : DROP_REASONS.indexOf(reason) + 1;
    this.#starts[row + 1] = this.#length;
  }

  /** Where the device's name is a slot its real one must not be what it is compared with. */
  #noteIdentity(value: string): void {
    if (this.#identity < 0 || value === '' || value === this.#device) return;
    const source = sourceOf(value);
    if (source < 0) this.#identityTexts.add(value);
    else this.#identityPairs.push([this.#identity, source]);
  }

  #addKept(labels: Labels): DropReason | undefined {
    const row = this.#rows;
    const { hash } = this.#rules;
    const slots: number[] = [];
    let fixedLength = 0;
    let sum = 0;
    const start = this.#length;
    for (const label of labels) {
      const source = sourceOf(label[1]);
      if (source < 0) {
        const field = encodeLabelFields([label]);
        this.#append(field);
        fixedLength += field.length;
        sum = (sum + hash(field)) | 0;
      } else {
        const slot = this.#slot(label[0], source);
        slots.push(slot);
        this.#append([FIRST_SLOT + slot]);
      }
    }
    const set = this.#slotSets.of(slots);
    if (fixedLength > MAX_SERIES_LABEL_BYTES) {
      this.#length = start;
      return 'label_limit';
    }
    this.#fixedTotal += fixedLength;
    this.#rowsOfSet[set] = (this.#rowsOfSet[set] ?? 0) + 1;
    this.#longest = Math.max(this.#longest, fixedLength);
    if (this.#isRepeat(row, start, sum ^ set)) {
      this.#length = start;
      return 'duplicate_after_relabel';
    }
    this.#fixedLengths[row] = fixedLength;
    this.#sets[row] = set;
    this.#sums[row] = sum;
    this.#noteNames(labels);
    this.#kept++;
    return undefined;
  }

  #append(symbols: ArrayLike<number>): void {
    if (this.#length + symbols.length > this.#symbols.length) {
      const grown = new Uint16Array(Math.max(this.#length + symbols.length, this.#symbols.length * 2));
      grown.set(this.#symbols.subarray(0, this.#length));
      this.#symbols = grown;
    }
    this.#symbols.set(symbols, this.#length);
    this.#length += symbols.length;
  }

  #slot(name: string, source: number): number {
    const key = `${source}/${name}`;
    const known = this.#slotNumbers.get(key);
    if (known !== undefined) return known;
    // Only many names that rules copy to can come to this; then the rest is none.
    if (this.#slots.length >= MAX_SLOTS) this.sourcesRead.add(source);
    const slot = Math.min(this.#slots.length, MAX_SLOTS);
    this.#slots.push({ name, source });
    this.#slotNumbers.set(key, slot);
    return slot;
  }

  /** Whether a row before has the same symbols as this one, which starts at `start`. */
  #isRepeat(row: number, start: number, own: number): boolean {
    let hash = own;
    for (let other = this.#seen.get(hash); other !== undefined; other = this.#seen.get(hash)) {
      if (this.#isEqual(this.#starts[other] as number, this.#starts[other + 1] as number, start)) return true;
      hash = (hash + 1) | 0;
    }
    this.#seen.set(hash, row);
    return false;
  }

  #isEqual(from: number, to: number, start: number): boolean {
    if (to - from !== this.#length - start) return false;
    for (let i = 0; i < to - from; i++) if (this.#symbols[from + i] !== this.#symbols[start + i]) return false;
    return true;
  }

  #noteNames(labels: Labels): void {
    for (const [name, value] of labels) {
      const under = this.#names.get(name) ?? { sources: new Set<number>(), texts: new Set<string>(), rows: 0 };
      this.#names.set(name, under);
      under.rows++;
      const source = sourceOf(value);
      if (source < 0) under.texts.add(value);
      else under.sources.add(source);
    }
  }

  finish(): Template {
    const common = new Map<string, string | number>();
    for (const [name, { sources, texts, rows }] of this.#names) {
      const [value] = [...sources, ...texts];
      if (rows === this.#kept && sources.size + texts.size === 1 && value !== undefined) common.set(name, value);
    }
    const names = this.#names.get(METRIC_NAME);
    const ops = findCopies(this.#symbols.slice(0, this.#length), this.#starts, this.#slotSets);
    return new Template({
      drops: this.#drops,
      slots: this.#slots,
      ops,
      sums: this.#sums,
      fixedLengths: this.#fixedLengths,
      sets: this.#sets,
      identityRestored: this.#restored,
      names: names === undefined ? new Set() : names.sources.size > 0 ? undefined : names.texts,
      common,
      conflicts: this.#conflicts(),
      rowsOfSet: Array.from({ length: ops.sets.size }, (_, set) => this.#rowsOfSet[set] ?? 0),
      longest: this.#longest,
      fixedTotal: this.#fixedTotal,
    });
  }

  #conflicts(): Conflicts {
    const all = new Map<number, Set<string>>();
    const pairs: (readonly [number, number])[] = [...this.#identityPairs];
    for (const { sources, texts } of this.#names.values()) {
      for (const source of sources) {
        for (const other of sources) if (other > source) pairs.push([source, other]);
        if (texts.size > 0) all.set(source, new Set([...(all.get(source) ?? []), ...texts]));
      }
    }
    if (this.#identityTexts.size > 0) all.set(this.#identity, new Set([...(all.get(this.#identity) ?? []), ...this.#identityTexts]));
    return { texts: all, pairs };
  }
}
