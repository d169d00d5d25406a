import type { FamilyType } from './exposition.ts';
import { isNameEnd, TextComparer } from './text-comparer.ts';
import { createShape, isClosed, type Shape } from './text-shape.ts';

/** A series, or a line of metadata, as it is written in a target's exposition, and what it stands for. */
export interface IndexEntry<T> {
  readonly item: T;
  readonly family: FamilyType;
  readonly hash: number;
  readonly length: number;
  /** Whether the text tells its own end, by a brace or a line end; a bare name needs a look at what follows it. */
  readonly closed: boolean;
  /** Offset of the text in the index's memory. */
  start: number;
  /** Place in the order of the last scrape. */
  position: number;
  seenAt: number;
  /** Another entry with the same hash. */
  next: IndexEntry<T> | undefined;
}

/**
 * The form of a {@link TextIndex} that can change, with an object for each text. The text expected next is compared first; a text at
 * another place is found by its hash, and the order is picked up from there.
 */
export class OpenTextIndex<T> {
  readonly #byHash = new Map<number, IndexEntry<T>>();
  #pool = new Uint8Array(1024);
  readonly #comparer = new TextComparer();
  #used = 0;
  #live = 0;
  #count = 0;
  #order: IndexEntry<T>[] = [];
  #nextOrder: IndexEntry<T>[] = [];
  #cursor = 0;
  /** So far all texts are those of the last scrape, in its order: nothing needs to be noted of them. */
  #inOrder = true;
  #iteration = 0;
  /** Whether the last scrape was good. */
  #committed = true;
  /** Only a failed scrape showed some texts lately: they are kept, and are not in the order. */
  #strays = false;
  #distinct = 0;
  #added: IndexEntry<T>[] = [];

  constructor() {
    this.#comparer.setPool(this.#pool);
  }

  /** Entries, for tests and memory figures. */
  get size(): number {
    return this.#count;
  }

  /** Bytes held for texts. */
  get bytes(): number {
    return this.#pool.length;
  }

  /** The index that has `shape`, with a scrape under way that has shown the first `cursor` texts of it. */
  static of<T>(shape: Shape<T>, cursor: number): OpenTextIndex<T> {
    const index = new OpenTextIndex<T>();
    index.begin();
    const { texts, ends, families, items } = shape;
    for (let i = 0; i < items.length; i++) {
      index.add(texts, i === 0 ? 0 : (ends[i - 1] as number), ends[i] as number, families[i] as FamilyType, items[i] as T);
    }
    index.commit();
    index.begin();
    index.#cursor = cursor;
    return index;
  }

  /** What it holds, where that is one scrape: each text once, in the order expected. Else undefined. */
  shape(): Shape<T> | undefined {
    if (this.#strays || !this.#committed || this.#order.length !== this.#count) return undefined;
    return createShape(this.#pool, this.#order);
  }

  begin(): void {
    if (this.#committed) this.#iteration++;
    this.#committed = false;
    this.#cursor = 0;
    this.#inOrder = true;
    this.#distinct = 0;
    this.#nextOrder.length = 0;
    this.#added = [];
  }

  /** The entry expected next, if the bytes at `at` are its text. */
  expected(bytes: Uint8Array, at: number, family: FamilyType): IndexEntry<T> | undefined {
    const entry = this.#order[this.#cursor];
    if (entry === undefined || entry.family !== family) return undefined;
    const end = at + entry.length;
    if (end > bytes.length || !this.#comparer.equal(bytes, at, entry.start, entry.length)) return undefined;
    if (!entry.closed && !isNameEnd(bytes, end)) return undefined;
    this.#cursor++;
    if (!this.#inOrder) this.#see(entry);
    return entry;
  }

  find(bytes: Uint8Array, start: number, end: number, family: FamilyType): IndexEntry<T> | undefined {
    const length = end - start;
    for (let entry = this.#byHash.get(hashOf(bytes, start, end, family)); entry !== undefined; entry = entry.next) {
      if (entry.length !== length || entry.family !== family || !this.#comparer.equal(bytes, start, entry.start, length)) continue;
      this.#leaveOrder();
      // Text that was put in between leaves the cursor where it is; what was left out or moved takes it along.
      if (this.#order[entry.position] === entry) this.#cursor = entry.position + 1;
      this.#see(entry);
      return entry;
    }
    return undefined;
  }

  add(bytes: Uint8Array, start: number, end: number, family: FamilyType, item: T): IndexEntry<T> {
    this.#leaveOrder();
    const length = end - start;
    if (this.#used + length > this.#pool.length) this.#resize(Math.max(this.#used + length, this.#pool.length * 2));
    this.#pool.set(bytes.subarray(start, end), this.#used);
    const hash = hashOf(bytes, start, end, family);
    const entry: IndexEntry<T> = {
      item,
      family,
      hash,
      length,
      closed: isClosed(bytes[end - 1]),
      start: this.#used,
      position: 0,
      seenAt: 0,
      next: this.#byHash.get(hash),
    };
    this.#byHash.set(hash, entry);
    this.#used += length;
    this.#live += length;
    this.#count++;
    this.#added.push(entry);
    this.#see(entry);
    return entry;
  }

  /** The scrape is good: its order is expected next, and texts it lacks are forgotten (returned: what they stood for). */
  commit(): T[] {
    this.#comparer.release();
    this.#committed = true;
    if (this.#inOrder && this.#cursor === this.#order.length && !this.#strays) return [];
    this.#leaveOrder();
    const gone: T[] = [];
    if (this.#distinct < this.#count) {
      for (const head of [...this.#byHash.values()]) {
        for (let entry: IndexEntry<T> | undefined = head; entry !== undefined; entry = entry.next) {
          if (entry.seenAt === this.#iteration) continue;
          this.#remove(entry);
          gone.push(entry.item);
        }
      }
    }
    this.#strays = this.#distinct < this.#count;
    const before = this.#order;
    this.#order = this.#nextOrder;
    this.#nextOrder = before;
    this.#order.forEach((entry, position) => {
      entry.position = position;
    });
    this.#added = [];
    if (this.#used > 4096 && this.#live * 2 < this.#used) this.#compact();
    return gone;
  }

  /**
   * The scrape failed: forget what only it brought. Returns what that stood for. What it showed of the rest counts as seen by the next
   * good scrape, too, as in Prometheus' cache.
   */
  rollback(): T[] {
    this.#comparer.release();
    this.#leaveOrder();
    const gone = this.#added.map((entry) => entry.item);
    for (const entry of this.#added) this.#remove(entry);
    this.#added = [];
    if (this.#used > 4096 && this.#live * 2 < this.#used) this.#compact();
    return gone;
  }

  clear(): void {
    this.#byHash.clear();
    this.#order = [];
    this.#nextOrder = [];
    this.#setPool(new Uint8Array(1024));
    this.#used = 0;
    this.#live = 0;
    this.#count = 0;
    this.#strays = false;
    this.#added = [];
  }

  #leaveOrder(): void {
    if (!this.#inOrder) return;
    this.#inOrder = false;
    for (let i = 0; i < this.#cursor; i++) this.#see(this.#order[i] as IndexEntry<T>);
  }

  /** Nothing holds the exposition between scrapes. */
  #see(entry: IndexEntry<T>): void {
    this.#nextOrder.push(entry);
    if (entry.seenAt !== this.#iteration) {
      entry.seenAt = this.#iteration;
      this.#distinct++;
    }
  }

  /** Compares four bytes at a time: this is where a scrape spends its time. `bytes` holds at least the entry's length. */

  #remove(entry: IndexEntry<T>): void {
    const head = this.#byHash.get(entry.hash);
    if (head === entry) {
      if (entry.next === undefined) this.#byHash.delete(entry.hash);
      else this.#byHash.set(entry.hash, entry.next);
    } else {
      for (let other = head; other !== undefined; other = other.next) if (other.next === entry) other.next = entry.next;
    }
    this.#count--;
    this.#live -= entry.length;
  }

  #resize(capacity: number): void {
    const pool = new Uint8Array(capacity);
    pool.set(this.#pool.subarray(0, this.#used));
    this.#setPool(pool);
  }

  #setPool(pool: Uint8Array<ArrayBuffer>): void {
    this.#pool = pool;
    this.#comparer.setPool(pool);
  }

  #compact(): void {
    const pool = new Uint8Array(Math.max(1024, this.#live));
    let at = 0;
    for (const head of this.#byHash.values()) {
      for (let entry: IndexEntry<T> | undefined = head; entry !== undefined; entry = entry.next) {
        pool.set(this.#pool.subarray(entry.start, entry.start + entry.length), at);
        entry.start = at;
        at += entry.length;
      }
    }
    this.#setPool(pool);
    this.#used = at;
  }
}

/** FNV-1a, cut to 30 bits: a small integer on every platform. */
function hashOf(bytes: Uint8Array, start: number, end: number, family: FamilyType): number {
  let hash = 0x811c9dc5 ^ family;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash & 0x3fffffff;
}
