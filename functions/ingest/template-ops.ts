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
 * Finds what repeats in the labels of a table's rows, once for all pushes: the search that compression otherwise is. As snappy does it:
 * by hashes of short sequences, the latest of each counts. A copy stays within one row, for samples stand between two.
 */
export function findCopies(symbols: Uint16Array, starts: Uint32Array, sets: SlotSets): TemplateOps {
  const rows = starts.length - 1;
  const stepStarts = new Uint32Array(rows + 1);
  const steps: number[] = [];
  const latest = new Int32Array(1 << HASH_BITS).fill(-1);
  const rowOf = new Uint32Array(symbols.length);
  for (let row = 0; row < rows; row++) {
    stepStarts[row] = steps.length;
    const start = starts[row] as number;
    const end = starts[row + 1] as number;
    rowOf.fill(row, start, end);
    let literal = start;
    let next = start;
    for (let at = start; at + LEAST_COPY <= end; at++) {
      const hash = hashAt(symbols, at);
      const found = latest[hash] as number;
      latest[hash] = at;
      if (found < 0 || at < next) continue;
      const length = sharedLength(symbols, found, starts[(rowOf[found] as number) + 1] as number, at, end);
      if (length < LEAST_COPY) continue;
      if (literal < at) steps.push(LITERAL, literal, at);
      const other = rowOf[found] as number;
      const before = measure(symbols, starts[other] as number, found, sets);
      const size = measure(symbols, at, at + length, sets);
      steps.push(COPY, other, before.bytes, before.set, size.bytes, size.set, at, at + length);
      next = at + length;
      literal = next;
    }
    if (literal < end) steps.push(LITERAL, literal, end);
  }
  stepStarts[rows] = steps.length;
  return { sets, symbols, starts, steps: Uint32Array.from(steps), stepStarts };
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
