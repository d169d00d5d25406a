import type { LabelIds } from './label-ids.ts';
import { MAX_BACK, MAX_BYTES, type PartList, part } from './label-parts.ts';
import { type Layout, MAX_LABELS, sharedLength } from './plain-layout.ts';

/** Series that are looked at, a power of 2. */
const WINDOW = MAX_BACK + 1;
/** The logarithm of the labels of a series, with the place behind the last: places are found by shifts. */
const LABEL_BITS = 6;
/** Shorter copies within a label spare nothing. */
const LEAST_COPY = 5;

/** What is known of the last series. One request after the other may use it: each asks only for what it has put there. */
export class PartWindow {
  /** By series within the window and label: where it stands in the request, behind the last where that ends; its id. */
  readonly starts = new Int32Array(WINDOW * MAX_LABELS);
  readonly ids = new Int32Array(WINDOW * MAX_LABELS);
  /** By series within the window: labels, and before which of them each one is put in. */
  readonly labels = new Uint8Array(WINDOW);
  readonly insertAt = new Uint8Array(WINDOW * MAX_LABELS);
}

/**
 * Finds what the labels of a series have in common with those of series before it in the same request. Whole labels by their ids: what
 * two series share begins and ends with one. Of a label that is nowhere, what it has in common with the one in its place in the series
 * before.
 */
export class PartFinder {
  readonly #view: DataView;
  readonly #inserts: number;
  readonly #ids: LabelIds;
  readonly #window: PartWindow;
  #series = 0;
  /** The part that is being made: a copy, if it has a length. */
  #back = 0;
  #before = 0;
  #offset = 0;
  #length = 0;

  constructor(bytes: Uint8Array, inserts: number, ids: LabelIds, window = new PartWindow()) {
    this.#window = window;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#inserts = inserts;
    this.#ids = ids;
  }

  /** Adds the parts of the series of this layout to the list. */
  find({ labels, starts, ends, ids, insertAt }: Layout, list: PartList): void {
    const series = this.#series++;
    const base = baseOf(series);
    this.#add(base, labels, starts, ends, ids, insertAt);
    const windowIds = this.#window.ids;
    // Where the last part was copied from, and the label that follows there.
    let source = -1;
    let next = 0;
    let insert = 0;
    for (let label = 0; label < labels; label++) {
      for (; insert < this.#inserts && insertAt[insert] === label; insert++) {
        source = this.#putIn(series, insert, source, next, list);
        next = source >= 0 ? (this.#window.insertAt[baseOf(source) + insert] as number) : 0;
      }
      const id = ids[label] as number;
      if (source < 0 || next >= (this.#window.labels[source & MAX_BACK] as number) || windowIds[baseOf(source) + next] !== id) {
        const last = this.#ids.lastPlace(id);
        const candidate = last >> LABEL_BITS;
        if (last >= 0 && series - candidate <= MAX_BACK && windowIds[baseOf(candidate) + (last & (MAX_LABELS - 1))] === id) {
          source = candidate;
          next = last & (MAX_LABELS - 1);
        } else {
          if (source < 0) {
            source = series - 1;
            next = label;
          }
          this.#addDifferent(series, label, source, next++, list);
          continue;
        }
      }
      this.#copy(series, source, next++, 0, (ends[label] as number) - (starts[label] as number), list);
    }
    for (; insert < this.#inserts; insert++) {
      source = this.#putIn(series, insert, source, next, list);
      next = source >= 0 ? (this.#window.insertAt[baseOf(source) + insert] as number) : 0;
    }
    this.#flush(list);
    for (let label = 0; label < labels; label++) this.#ids.note(ids[label] as number, (series << LABEL_BITS) | label);
  }

  #add(base: number, labels: number, starts: Int32Array, ends: Int32Array, ids: Int32Array, insertAt: Uint8Array): void {
    this.#window.labels[base >> LABEL_BITS] = labels;
    for (let i = 0; i < this.#inserts; i++) this.#window.insertAt[base + i] = insertAt[i] as number;
    const windowStarts = this.#window.starts;
    const windowIds = this.#window.ids;
    for (let label = 0; label < labels; label++) {
      windowStarts[base + label] = starts[label] as number;
      windowIds[base + label] = ids[label] as number;
    }
    windowStarts[base + labels] = ends[labels - 1] as number;
  }

  /** A label that is put in: from where the labels before it came, if it follows there, too. Returns that series; -1: from none. */
  #putIn(series: number, insert: number, source: number, next: number, list: PartList): number {
    this.#flush(list);
    const from = source >= 0 && this.#window.insertAt[baseOf(source) + insert] === next ? source : series - 1;
    const offset = from < 0 ? 0 : this.#offsetOf(from, this.#window.insertAt[baseOf(from) + insert] as number);
    const known = from >= 0 && offset <= MAX_BYTES;
    list.add(known ? part(series - from, insert, offset, 0) : part(0, insert, 0, 0));
    return known ? from : -1;
  }

  /** `length` bytes that stand in a label of another series, too, from `skip` on. */
  #copy(series: number, source: number, label: number, skip: number, length: number, list: PartList): void {
    const offset = this.#offsetOf(source, label) + skip;
    let before = 0;
    while (before < this.#inserts && (this.#window.insertAt[baseOf(source) + before] as number) <= label) before++;
    const back = series - source;
    if (this.#length > 0) {
      const whole = this.#length + length;
      if (this.#back === back && this.#before === before && this.#offset + this.#length === offset && whole <= MAX_BYTES) {
        this.#length = whole;
        return;
      }
      this.#flush(list);
    }
    if (offset + length > MAX_BYTES) {
      addOwn(length, list);
      return;
    }
    this.#back = back;
    this.#before = before;
    this.#offset = offset;
    this.#length = length;
  }

  #flush(list: PartList): void {
    if (this.#length > 0) list.add(part(this.#back, this.#before, this.#offset, this.#length));
    this.#length = 0;
  }

  /** A label that differs from that of another series. */
  #addDifferent(series: number, label: number, source: number, other: number, list: PartList): void {
    const base = baseOf(series) + label;
    const at = this.#window.starts[base] as number;
    const length = (this.#window.starts[base + 1] as number) - at;
    let own = 0;
    if (source >= 0 && other < (this.#window.labels[source & MAX_BACK] as number)) {
      const from = this.#window.starts[baseOf(source) + other] as number;
      const most = Math.min(length, (this.#window.starts[baseOf(source) + other + 1] as number) - from);
      // The first bytes go on with the copy before them.
      let least = this.#length > 0 && this.#back === series - source ? 1 : LEAST_COPY;
      for (let done = 0; done < most; ) {
        const shared = sharedLength(this.#view, from + done, at + done, most - done);
        if (shared < least) done += Math.max(1, shared);
        else {
          if (done > own) {
            this.#flush(list);
            addOwn(done - own, list);
          }
          this.#copy(series, source, other, done, shared, list);
          done += shared;
          own = done;
        }
        least = LEAST_COPY;
      }
    }
    if (length === own) return;
    this.#flush(list);
    addOwn(length - own, list);
  }

  /** Of a label, or of the end, in the labels of its series as they came. */
  #offsetOf(series: number, label: number): number {
    const base = baseOf(series);
    return (this.#window.starts[base + label] as number) - (this.#window.starts[base] as number);
  }
}

function addOwn(length: number, list: PartList): void {
  for (let left = length; left > 0; left -= MAX_BYTES) list.add(part(0, 0, 0, Math.min(left, MAX_BYTES)));
}

const baseOf = (series: number): number => (series & MAX_BACK) << LABEL_BITS;
