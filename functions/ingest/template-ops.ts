/** In the symbols of a row: slot n is FIRST_SLOT + n; what is less is a byte. */
export const FIRST_SLOT = 256;

/**
 * The steps by which a row is written, numbers one after the other. A literal: the symbols `[from, to)`. A copy of what stands in an
 * earlier row: that row, where it starts there, how long it is (both as fixed bytes and the slots beside them), and the symbols that it
 * stands for, in case that row was not written.
 */
export const LITERAL = 0;
const COPY = 1;

/** Shorter copies spare less than they cost: two or three bytes, and the literals around them a byte. */
const LEAST_COPY = 6;
const HASH_BITS = 14;

/** Sets of slots, by number. Set 0 is empty. */
export class SlotSets {
  readonly #numbers = new Map<string, number>([['', 0]]);
  readonly #sets: (readonly number[])[] = [[]];

  get size(): number {
    return this.#sets.length;
  }

  of(slots: readonly number[]): number {
    const key = slots.join();
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#sets.length);
    return this.#sets.push([...slots]) - 1;
  }

  slots(set: number): readonly number[] {
    return this.#sets[set] ?? [];
  }
}

/** The label bytes of a template's rows, and how each kept row follows from those before. */
export interface TemplateOps {
  readonly sets: SlotSets;
  /** The rows' label bytes and slots. */
  readonly symbols: Uint16Array;
  /** By row, and one more: where its symbols start. */
  readonly starts: Uint32Array;
  readonly steps: Uint32Array;
  /** By row, and one more: where its steps start. */
  readonly stepStarts: Uint32Array;
}

export const memoryOfOps = ({ symbols, starts, steps, sets }: TemplateOps): number =>
  2 * symbols.length + 8 * starts.length + 4 * steps.length + 100 * sets.size;

/**
 * Finds what repeats in the labels of a table's rows, once for all pushes: the search that compression otherwise is, so it may take its
 * time. By hashes of short sequences; of those that begin alike the longest counts, of equally long ones the latest, and a longer one that
 * begins a symbol later goes before. A copy stays within one row, for samples stand between two.
 */
export function findCopies(symbols: Uint16Array, starts: Uint32Array, sets: SlotSets): TemplateOps {
  const rows = starts.length - 1;
  const stepStarts = new Uint32Array(rows + 1);
  const steps: number[] = [];
  const search = new Search(symbols, starts);
  for (let row = 0; row < rows; row++) {
    stepStarts[row] = steps.length;
    const end = starts[row + 1] as number;
    let at = starts[row] as number;
    let literal = at;
    search.begin(row);
    while (at + LEAST_COPY <= end) {
      let length = search.longest(at, end);
      for (; length >= LEAST_COPY && search.longest(at + 1, end) > length + 1; at++) length = search.length;
      if (length < LEAST_COPY) {
        at++;
        continue;
      }
      search.longest(at, end);
      const { found, row: other } = search;
      if (literal < at) steps.push(LITERAL, literal, at);
      const before = measure(symbols, starts[other] as number, found, sets);
      const size = measure(symbols, at, at + length, sets);
      steps.push(COPY, other, before.bytes, before.set, size.bytes, size.set, at, at + length);
      at += length;
      literal = at;
    }
    if (literal < end) steps.push(LITERAL, literal, end);
  }
  stepStarts[rows] = steps.length;
  return { sets, symbols, starts, steps: Uint32Array.from(steps), stepStarts };
}

/** Rows back: further ones may be out of reach of a copy, where samples stand between. */
const NEAR_ROWS = 64;
const NEAR_SYMBOLS = 16 * 1024;
/** Places that are looked at for one copy. */
const TRIES = 32;

/** Finds where what stands at one place stands before, in rows that are near. */
class Search {
  /** Of the last {@link longest}: how long it is, where it starts, and in which row. */
  length = 0;
  found = 0;
  row = 0;
  readonly #symbols: Uint16Array;
  readonly #starts: Uint32Array;
  /** By hash: the latest place; by place: the one before with the same hash. -1: none. */
  readonly #latest = new Int32Array(1 << HASH_BITS).fill(-1);
  readonly #before: Int32Array;
  readonly #rowOf: Uint32Array;
  #own = 0;
  #known = 0;

  constructor(symbols: Uint16Array, starts: Uint32Array) {
    this.#symbols = symbols;
    this.#starts = starts;
    this.#before = new Int32Array(symbols.length);
    this.#rowOf = new Uint32Array(symbols.length);
  }

  /** What follows is of this row. */
  begin(row: number): void {
    this.#rowOf.fill(row, this.#starts[row] as number, this.#starts[row + 1] as number);
    this.#own = row;
    this.#known = this.#starts[row] as number;
  }

  /** The longest copy for `at`, 0 where there is none. Places are asked for in ascending order, or again. */
  longest(at: number, end: number): number {
    this.length = 0;
    if (at + LEAST_COPY > end) return 0;
    const symbols = this.#symbols;
    // What stands before `at` may be copied from.
    for (; this.#known < at; this.#known++) this.#add(this.#known);
    let tries = TRIES;
    for (let place = this.#latest[hashAt(symbols, at)] as number; place >= 0 && tries > 0; place = this.#before[place] as number, tries--) {
      const row = this.#rowOf[place] as number;
      if (this.#own - row > NEAR_ROWS || at - place > NEAR_SYMBOLS) break;
      if (place >= at) continue;
      const length = sharedLength(symbols, place, this.#starts[row + 1] as number, at, end);
      if (length < LEAST_COPY || length <= this.length) continue;
      this.length = length;
      this.found = place;
      this.row = row;
    }
    return this.length;
  }

  #add(place: number): void {
    const hash = hashAt(this.#symbols, place);
    this.#before[place] = this.#latest[hash] as number;
    this.#latest[hash] = place;
  }
}

function hashAt(symbols: Uint16Array, at: number): number {
  let hash = 0;
  for (let i = 0; i < LEAST_COPY; i++) hash = Math.imul(hash ^ (symbols[at + i] as number), 0x9e3779b1);
  return hash >>> (32 - HASH_BITS);
}

function sharedLength(symbols: Uint16Array, a: number, aEnd: number, b: number, bEnd: number): number {
  const most = Math.min(aEnd - a, bEnd - b);
  let length = 0;
  while (length < most && symbols[a + length] === symbols[b + length]) length++;
  return length;
}

function measure(symbols: Uint16Array, from: number, to: number, sets: SlotSets): { readonly bytes: number; readonly set: number } {
  const slots: number[] = [];
  for (let at = from; at < to; at++) {
    const symbol = symbols[at] as number;
    if (symbol >= FIRST_SLOT) slots.push(symbol - FIRST_SLOT);
  }
  return { bytes: to - from - slots.length, set: sets.of(slots) };
}
