import { ByteLru } from '../byte-lru.ts';
import { backOf, lengthOf, offsetOf, type PartList } from './label-parts.ts';
import { isEqual } from './plain-layout.ts';

/**
 * The series of a request in their order. Senders send the same ones again and again: where the next request has them in the same order,
 * it is enough to see that its labels are the same, and what of them repeats need not be found again. Kept as parts, a tenth of the labels.
 */
export interface Lineup {
  readonly series: number;
  /** By series: the end of its parts. */
  readonly ends: Uint32Array;
  readonly parts: Uint32Array;
  /** What is no copy, one after the other. */
  readonly own: Uint8Array;
  /** Which series these are (series-sketch.ts). */
  readonly sketch: Uint8Array;
}

/** Estimate for an entry beside its arrays. */
const ENTRY_BYTES = 600;
/** The same for a sender. */
const SENDER_BYTES = 200;
/** So many requests of a sender one after the other that were not followed, and it is held to be one that never repeats itself. */
const MISSES = 64;
/** Then one in so many is kept, to find out when that changes. */
const ONE_IN = 8;

/** For one configuration, like what rules make of labels. By sender and first series: a sender may have several in turn. */
export class LineupCache {
  readonly #kept: ByteLru<Lineup>;
  readonly #misses: ByteLru<{ count: number }>;

  constructor(limitBytes: number) {
    this.#kept = new ByteLru(limitBytes);
    this.#misses = new ByteLru(limitBytes / 16);
  }

  /**
   * A request of the sender cannot be followed. Whether its lineup should be kept: those of a sender whose batches begin elsewhere each time
   * are work for nothing, and would push out those of others.
   */
  missed(sender: string): boolean {
    const misses = this.#misses.get(sender) ?? { count: 0 };
    this.#misses.set(sender, misses, SENDER_BYTES + 2 * sender.length);
    misses.count++;
    return misses.count <= MISSES || misses.count % ONE_IN === 0;
  }

  /** A request of the sender was followed to its end. */
  followed(sender: string): void {
    const misses = this.#misses.get(sender);
    if (misses !== undefined) misses.count = 0;
  }

  /** @param key of the first series, see `labelKey` */
  get(key: string): Lineup | undefined {
    return this.#kept.get(key);
  }

  set(key: string, lineup: Lineup): void {
    const { ends, parts, own, sketch } = lineup;
    this.#kept.set(key, lineup, ENTRY_BYTES + 2 * key.length + ends.byteLength + parts.byteLength + own.length + sketch.length);
  }
}

/** Holds the series of a request against those of an earlier one. */
export class Follower {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly lineup: Lineup;
  #own = 0;

  constructor(bytes: Uint8Array, lineup: Lineup) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.lineup = lineup;
  }

  /**
   * Where the labels at `from` end, if they are those of the series of this number; -1: they are not, or that cannot be said.
   *
   * @param starts where the series before it stand, all of which were the same
   */
  labelEnd(series: number, from: number, to: number, starts: Int32Array): number {
    const { ends, parts, own } = this.lineup;
    if (series >= this.lineup.series) return -1;
    const view = this.#view;
    const last = ends[series] as number;
    let at = from;
    for (let i = series === 0 ? 0 : (ends[series - 1] as number); i < last; i++) {
      const one = parts[i] as number;
      const length = lengthOf(one);
      if (length > to - at) return -1;
      const back = backOf(one);
      if (back > 0) {
        if (!isEqual(view, (starts[series - back] as number) + offsetOf(one), at, length)) return -1;
      } else if (length > 0) {
        const bytes = this.#bytes;
        let next = this.#own;
        for (let end = at + length, j = at; j < end; j++) if (bytes[j] !== own[next++]) return -1;
        this.#own = next;
      }
      at += length;
    }
    return at;
  }
}

/** Collects a lineup from the parts of one series after the other. */
export class LineupBuilder {
  readonly #bytes: Uint8Array;
  #ends = new Uint32Array(2048);
  #series = 0;
  #own = new Uint8Array(8192);
  #ownLength = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get series(): number {
    return this.#series;
  }

  /** @param from where the labels are whose parts the list has from `first` on */
  add(from: number, list: PartList, first: number): void {
    if (this.#series === this.#ends.length) {
      const grown = new Uint32Array(2 * this.#series);
      grown.set(this.#ends);
      this.#ends = grown;
    }
    this.#ends[this.#series++] = list.count;
    let at = from;
    for (let i = first; i < list.count; i++) {
      const one = list.parts[i] as number;
      const length = lengthOf(one);
      if (backOf(one) === 0) this.#addOwn(at, length);
      at += length;
    }
  }

  #addOwn(from: number, length: number): void {
    if (this.#ownLength + length > this.#own.length) {
      const grown = new Uint8Array(2 * (this.#ownLength + length));
      grown.set(this.#own);
      this.#own = grown;
    }
    for (let i = 0; i < length; i++) this.#own[this.#ownLength++] = this.#bytes[from + i] as number;
  }

  finish(list: PartList, sketch: Uint8Array): Lineup {
    return {
      series: this.#series,
      ends: this.#ends.slice(0, this.#series),
      parts: list.parts.slice(0, list.count),
      own: this.#own.slice(0, this.#ownLength),
      sketch: sketch.slice(),
    };
  }
}
