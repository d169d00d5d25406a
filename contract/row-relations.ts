import { type Cells, NO_CELLS, VALUE } from './cells.ts';
import { MAX_MANTISSA } from './scale.ts';

/** Scrapes from which on it pays to look whether a row changes as another, and as the sum or difference of two others. */
const SCRAPES_FOR_ONE = 3;
const SCRAPES_FOR_TWO = 8;
/** Changes in all below this cost no more than to say which rows they are those of. */
const LEAST_CHANGE = 64;
/** Rows that are tried as one of two. */
const MOST_TRIED = 64;

/**
 * Finds rows that are told by others: copies (what is allocated, and what of the heap is), and sums (what the heap has from the system
 * is what it uses and what it keeps idle). Only for an encoder, which need not find any.
 */
export class RowRelations {
  #cells = NO_CELLS;
  /** Row + 1 by a hash of its first and last value; 0: empty. At most half full. */
  readonly #copies = new HashSlots();
  /** The same by the change from the first value to the last, which is an integer. */
  readonly #changes = new HashSlots();
  #mask = 0;
  /** Of each row in `#changes`, by row. */
  #change: Float64Array = new Float64Array(0);
  #tried: number[] = [];
  /** What {@link findSum} has found; `second` -1: there is one row only. */
  first = -1;
  second = -1;
  minus = false;

  begin(cells: Cells): void {
    this.#cells = cells;
    this.#mask = 2 ** Math.ceil(Math.log2(2 * cells.rows + 2)) - 1;
    this.#copies.clear();
    this.#changes.clear();
    if (this.#tried.length > 0) this.#tried = [];
  }

  /** An earlier row given here whose cells are all the same; -1: none. Every cell of both is a value. */
  findCopy(row: number): number {
    const { scrapes, words } = this.#cells;
    const copies = this.#copies.of(this.#mask + 1);
    const from = 2 * row * scrapes;
    const to = from + 2 * scrapes - 2;
    let at = hash((words[from] as number) ^ (words[to] as number), (words[from + 1] as number) + (words[to + 1] as number)) & this.#mask;
    for (; copies[at] !== 0; at = (at + 1) & this.#mask) {
      const other = (copies[at] as number) - 1;
      if (this.#same(row, other)) return other;
    }
    copies[at] = row + 1;
    return -1;
  }

  #same(row: number, other: number): boolean {
    const { scrapes, words } = this.#cells;
    const size = 2 * scrapes;
    for (let i = 0; i < size; i++) if (words[row * size + i] !== words[other * size + i]) return false;
    return true;
  }

  /** Whether the changes of a row are those of an earlier one given here, or the sum or difference of two. Every cell is a value. */
  findSum(row: number): boolean {
    const { scrapes, floats } = this.#cells;
    if (scrapes < SCRAPES_FOR_ONE) return false;
    const start = row * scrapes;
    const end = start + scrapes;
    for (let i = start; i < end; i++) {
      const value = floats[i] as number;
      // A sum would make +0 of -0.
      if (!(Number.isInteger(value) && Math.abs(value) <= MAX_MANTISSA) || Object.is(value, -0)) return false;
    }
    const change = (floats[end - 1] as number) - (floats[start] as number);
    if (Math.abs(change) < LEAST_CHANGE) return false;
    const changes = this.#changes.of(this.#mask + 1);
    if (this.#change.length < this.#cells.rows) this.#change = new Float64Array(this.#cells.rows);
    this.second = -1;
    this.minus = false;
    this.first = this.#withChange(change);
    if (this.first !== -1 && this.#follows(row)) return true;
    if (scrapes >= SCRAPES_FOR_TWO && this.#findTwo(row, change)) return true;
    this.#change[row] = change;
    let at = hash(change | 0, change / 2 ** 32) & this.#mask;
    while (changes[at] !== 0) at = (at + 1) & this.#mask;
    changes[at] = row + 1;
    this.#tried.push(row);
    return false;
  }

  #findTwo(row: number, change: number): boolean {
    const tried = this.#tried;
    for (let i = tried.length - 1; i >= Math.max(0, tried.length - MOST_TRIED); i--) {
      const first = tried[i] as number;
      const of = this.#change[first] as number;
      this.first = first;
      this.minus = false;
      this.second = this.#withChange(change - of);
      if (this.second !== -1 && this.#follows(row)) return true;
      this.minus = true;
      this.second = this.#withChange(of - change);
      if (this.second !== -1 && this.#follows(row)) return true;
    }
    return false;
  }

  #withChange(change: number): number {
    const changes = this.#changes.of(this.#mask + 1);
    let at = hash(change | 0, change / 2 ** 32) & this.#mask;
    for (; changes[at] !== 0; at = (at + 1) & this.#mask) {
      const row = (changes[at] as number) - 1;
      if (this.#change[row] === change) return row;
    }
    return -1;
  }

  #follows(row: number): boolean {
    const { scrapes, floats } = this.#cells;
    const { first, second, minus } = this;
    for (let i = 1; i < scrapes; i++) {
      const at = row * scrapes + i;
      if (follow(floats, at, first * scrapes + i, second === -1 ? -1 : second * scrapes + i, minus) !== floats[at]) return false;
    }
    return true;
  }
}

/** Slots of a table that are kept from use to use; more than this are not. */
const MOST_KEPT_SLOTS = 32 * 1024;

/** The slots of a hash table, made empty when they are first asked for. */
class HashSlots {
  #slots = new Int32Array(0);
  #empty = true;

  clear(): void {
    this.#empty = true;
  }

  /** The same `size` until they are cleared. */
  of(size: number): Int32Array {
    if (!this.#empty) return this.#slots;
    this.#empty = false;
    if (this.#slots.length < size || this.#slots.length > MOST_KEPT_SLOTS) this.#slots = new Int32Array(size);
    else this.#slots.fill(0, 0, size);
    return this.#slots;
  }
}

/** The value of a cell from the one before in its row and the changes of one or two others; `second` -1: of one. */
export function follow(floats: Float64Array, at: number, first: number, second: number, minus: boolean): number {
  const value = (floats[at - 1] as number) + ((floats[first] as number) - (floats[first - 1] as number));
  if (second === -1) return value;
  const change = (floats[second] as number) - (floats[second - 1] as number);
  return minus ? value - change : value + change;
}

/** Whether all cells of a row are values. */
export function isWhole({ scrapes, states }: Cells, row: number): boolean {
  for (let i = row * scrapes; i < (row + 1) * scrapes; i++) if (states[i] !== VALUE) return false;
  return true;
}

function hash(a: number, b: number): number {
  const h = Math.imul(a ^ Math.imul(b | 0, 0x85ebca6b), 0x9e3779b1);
  return h ^ (h >>> 15);
}
