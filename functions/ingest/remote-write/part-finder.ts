import { backOf, insertsOf, lengthOf, MAX_BACK, MAX_BYTES, offsetOf, type PartList, part } from './label-parts.ts';
import { type Layout, MAX_LABELS, sharedLength } from './plain-layout.ts';

/** Series that are looked at, a power of 2. */
const WINDOW = MAX_BACK + 1;
/** Labels by hash, a power of 2; of two in one place the later one stays. */
const SLOTS = 8192;
/** Shorter copies within a label spare nothing. */
const LEAST_COPY = 5;

/**
 * Finds what the labels of a series have in common with those of series before it in the same request. Whole labels by their hashes: what
 * two series share begins and ends with one. Of a label that is nowhere, what it has in common with the one in its place in the series
 * before.
 */
export class PartFinder {
  readonly #view: DataView;
  readonly #inserts: number;
  /** By series within the window and label; of the label behind the last its end. */
  readonly #starts = new Int32Array(WINDOW * MAX_LABELS);
  readonly #hashes = new Int32Array(WINDOW * MAX_LABELS);
  readonly #labels = new Uint8Array(WINDOW);
  readonly #insertAt = new Uint8Array(WINDOW * MAX_LABELS);
  /** By hash: series * MAX_LABELS + label, at the latest; -1: none. */
  readonly #latest = new Int32Array(SLOTS).fill(-1);
  #series = 0;
  /** The first part of this series. */
  #first = 0;
  /** The series that the last part copies from, and the label that follows there; -1: none. */
  #source = -1;
  #next = 0;

  constructor(bytes: Uint8Array, inserts: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#inserts = inserts;
  }

  /** Adds the parts of the series of this layout to the list. */
  find(layout: Layout, list: PartList): void {
    const { labels, starts, ends, hashes, insertAt } = layout;
    const series = this.#series++;
    const base = baseOf(series);
    this.#labels[series % WINDOW] = labels;
    for (let i = 0; i < this.#inserts; i++) this.#insertAt[base + i] = insertAt[i] as number;
    for (let label = 0; label < labels; label++) {
      this.#starts[base + label] = starts[label] as number;
      this.#hashes[base + label] = hashes[label] as number;
    }
    this.#starts[base + labels] = ends[labels - 1] as number;
    this.#first = list.count;
    this.#source = -1;
    let insert = 0;
    for (let label = 0; label < labels; label++) {
      for (; insert < this.#inserts && insertAt[insert] === label; insert++) this.#addInsert(series, insert, list);
      this.#addLabel(series, base, label, list);
    }
    for (; insert < this.#inserts; insert++) this.#addInsert(series, insert, list);
    for (let label = 0; label < labels; label++) this.#latest[(hashes[label] as number) & (SLOTS - 1)] = series * MAX_LABELS + label;
  }

  /** From where the labels before it came, if it follows there, too. */
  #addInsert(series: number, insert: number, list: PartList): void {
    const follows = this.#source >= 0 && this.#insertAt[baseOf(this.#source) + insert] === this.#next;
    const source = follows ? this.#source : series - 1;
    if (source < 0) {
      list.add(part(0, insert, 0, 0));
      return;
    }
    const base = baseOf(source);
    const at = this.#insertAt[base + insert] as number;
    const offset = (this.#starts[base + at] as number) - (this.#starts[base] as number);
    if (offset > MAX_BYTES) {
      list.add(part(0, insert, 0, 0));
      return;
    }
    list.add(part(series - source, insert, offset, 0));
    this.#source = source;
    this.#next = at;
  }

  #addLabel(series: number, base: number, label: number, list: PartList): void {
    if (this.#source >= 0 && this.#isSame(base + label, this.#source, this.#next)) {
      this.#addCopy(series, base, label, list);
      return;
    }
    const latest = this.#latest[(this.#hashes[base + label] as number) & (SLOTS - 1)] as number;
    const source = Math.floor(latest / MAX_LABELS);
    if (latest >= 0 && series - source <= MAX_BACK && this.#isSame(base + label, source, latest % MAX_LABELS)) {
      this.#source = source;
      this.#next = latest % MAX_LABELS;
      this.#addCopy(series, base, label, list);
      return;
    }
    this.#addOwn(series, base, label, list);
  }

  /** A label that stands at {@link #next} of {@link #source}. */
  #addCopy(series: number, base: number, label: number, list: PartList): void {
    const length = (this.#starts[base + label + 1] as number) - (this.#starts[base + label] as number);
    this.#addBytes(series, this.#offset(), length, list);
    this.#next++;
  }

  /** What differs from the label in its place, and what does not. */
  #addOwn(series: number, base: number, label: number, list: PartList): void {
    const at = this.#starts[base + label] as number;
    const length = (this.#starts[base + label + 1] as number) - at;
    if (this.#source < 0 && series > 0) {
      this.#source = series - 1;
      this.#next = label;
    }
    const source = this.#source;
    if (source < 0 || this.#next >= (this.#labels[source % WINDOW] as number)) {
      this.#addLiteral(length, list);
      this.#source = -1;
      return;
    }
    const from = this.#starts[baseOf(source) + this.#next] as number;
    const most = Math.min(length, (this.#starts[baseOf(source) + this.#next + 1] as number) - from);
    const offset = this.#offset();
    // The first bytes go on with the copy before them.
    let least = list.count > this.#first && backOf(list.parts[list.count - 1] as number) === series - source ? 1 : LEAST_COPY;
    let own = 0;
    for (let done = 0; done < most; ) {
      const shared = sharedLength(this.#view, from + done, at + done, most - done);
      if (shared < least) done += Math.max(1, shared);
      else {
        this.#addLiteral(done - own, list);
        this.#addBytes(series, offset + done, shared, list);
        done += shared;
        own = done;
      }
      least = LEAST_COPY;
    }
    this.#addLiteral(length - own, list);
    this.#next++;
  }

  /** Bytes that stand at `offset` of {@link #source}, too. One part with those before them, where they go on. */
  #addBytes(series: number, offset: number, length: number, list: PartList): void {
    if (offset + length > MAX_BYTES) {
      this.#addLiteral(length, list);
      return;
    }
    const back = series - this.#source;
    const inserts = this.#insertsBefore(this.#source, this.#next);
    if (list.count > this.#first) {
      const last = list.parts[list.count - 1] as number;
      const whole = lengthOf(last) + length;
      const goesOn =
        lengthOf(last) > 0 && backOf(last) === back && insertsOf(last) === inserts && offsetOf(last) + lengthOf(last) === offset;
      if (goesOn && whole <= MAX_BYTES) {
        list.parts[list.count - 1] = part(back, inserts, offsetOf(last), whole);
        return;
      }
    }
    list.add(part(back, inserts, offset, length));
  }

  #addLiteral(length: number, list: PartList): void {
    for (let left = length; left > 0; left -= MAX_BYTES) list.add(part(0, 0, 0, Math.min(left, MAX_BYTES)));
  }

  /** Of the label that is next, in the labels of its series as they came. */
  #offset(): number {
    const base = baseOf(this.#source);
    return (this.#starts[base + this.#next] as number) - (this.#starts[base] as number);
  }

  /** Labels that are put in before a label of a series. */
  #insertsBefore(series: number, label: number): number {
    let count = 0;
    while (count < this.#inserts && (this.#insertAt[baseOf(series) + count] as number) <= label) count++;
    return count;
  }

  #isSame(slot: number, series: number, label: number): boolean {
    if (label >= (this.#labels[series % WINDOW] as number)) return false;
    const other = baseOf(series) + label;
    if (this.#hashes[slot] !== this.#hashes[other]) return false;
    const start = this.#starts[slot] as number;
    const from = this.#starts[other] as number;
    const length = (this.#starts[slot + 1] as number) - start;
    return length === (this.#starts[other + 1] as number) - from && sharedLength(this.#view, from, start, length) === length;
  }
}

const baseOf = (series: number): number => (series % WINDOW) * MAX_LABELS;
