import { FormatError } from './binary.ts';
import { type Cells, NO_CELLS, VALUE } from './cells.ts';
import {
  CHANGE_TOP,
  CHANGED,
  changeContext,
  DOWN,
  ERROR_SIGN,
  GUESS,
  GUESSED,
  LEVEL,
  LINEAR,
  MOST_STEPS,
  nextLevel,
  noChangeContext,
  noErrorContext,
  RELATIVE,
  RELATIVE_CONTEXTS,
  RELATIVE_TOP,
  ROW_BYTES,
  type RowMemory,
  SCALED,
  topContext,
  ULPS_TOP,
  UP,
  ulpsContext,
  ulpsSignContext,
} from './column-model.ts';
import { bitLength } from './range-coder.ts';
import type { RangeDecoder } from './range-decoder.ts';
import { fromMantissa, MAX_MANTISSA, MAX_ULPS, NEAR, scaleKind, Ulps } from './scale.ts';

/** Reads what follows the first mantissa of a row, and puts values where they belong. */
export class MovingDecoder {
  #cells = NO_CELLS;
  readonly #coder: RangeDecoder;
  readonly #memory: RowMemory;
  readonly #ulps = new Ulps();
  /** Of the value put last. */
  #steps = 0;

  constructor(coder: RangeDecoder, memory: RowMemory) {
    this.#coder = coder;
    this.#memory = memory;
  }

  begin(cells: Cells): void {
    this.#cells = cells;
  }

  /** Puts the first value of a row. */
  start(row: number, index: number, m: number, scale: number): void {
    this.#steps = 0;
    this.#put(row, index, m, scale);
  }

  /** The cells `first` to `end` of a row; `m` is the mantissa of the first. */
  decode(row: number, like: number, first: number, end: number, m: number): void {
    const { states } = this.#cells;
    const coder = this.#coder;
    const memory = this.#memory;
    const scale = memory.bytes[ROW_BYTES * row + SCALED] as number;
    const kind = scaleKind(scale);
    const guess = coder.tree(GUESS + 4 * (memory.bytes[ROW_BYTES * like + GUESSED] as number), 2);
    if (guess > LEVEL || (guess === LEVEL && m < 0)) throw new FormatError(`columns row ${row}: unknown guess ${guess}`);
    memory.bytes[ROW_BYTES * row + GUESSED] = guess;
    const change = memory.bytes[ROW_BYTES * like + CHANGED] as number;
    let level = guess === LEVEL ? 8 * bitLength(m) : -1;
    let zero = 0;
    let sign = 0;
    let last = m;
    // The change before it, where that is guessed to go on.
    let step = 0;
    for (let i = first + 1; i < end; i++) {
      if (states[i] !== VALUE) continue;
      zero = level === -1 ? coder.bit(noChangeContext(zero, change, kind)) : coder.bit(noErrorContext(guess, zero, level));
      let size = 0;
      if (zero === 1) sign = 0;
      else {
        if (guess !== LEVEL) sign = 1 + coder.bit(ERROR_SIGN + 3 * guess + sign);
        if (level !== -1) size = this.#relative(guess === LEVEL ? 2 : 1, level >> 3);
        else size = change > 0 ? this.#relative(0, change) : this.#change(row, kind);
        const length = bitLength(size);
        if (level === -1) memory.bytes[ROW_BYTES * row + CHANGED] = length;
        level = level === -1 ? 8 * length : nextLevel(level, length);
      }
      const error = sign === 2 ? -size : size;
      const next = guess === LEVEL ? size : last + step + error;
      if (guess === LINEAR) step = next - last;
      last = next;
      this.#put(row, i, next, scale);
    }
  }

  #change(row: number, kind: number): number {
    const size = this.#coder.number(changeContext(this.#memory, row, kind), CHANGE_TOP);
    if (size === 0) throw new FormatError(`columns row ${row}: expected a change`);
    return size;
  }

  #relative(set: number, expected: number): number {
    const coder = this.#coder;
    const base = RELATIVE + set * RELATIVE_CONTEXTS;
    // Of more than 53 bits there is none: the next one is refused below.
    const longer =
      expected <= 1 || coder.bit(base) === 1
        ? coder.unary(base + UP, MOST_STEPS, 54 - expected)
        : -1 - coder.unary(base + DOWN, MOST_STEPS, expected - 2);
    const length = expected + longer;
    return coder.rest(RELATIVE_TOP + topContext(set, longer), length);
  }

  #put(row: number, i: number, m: number, scale: number): void {
    if (!(Math.abs(m) <= MAX_MANTISSA)) throw new FormatError(`columns row ${row}: mantissa out of range`);
    const value = fromMantissa(m, scale);
    if (scale < NEAR) this.#cells.floats[i] = value;
    else this.#near(row, i, value);
  }

  #near(row: number, i: number, value: number): void {
    const coder = this.#coder;
    const before = this.#steps;
    const size = coder.number(ulpsContext(before), ULPS_TOP);
    const negative = size !== 0 && coder.bit(ulpsSignContext(before)) === 1;
    this.#steps = negative ? before - size : before + size;
    if (Math.abs(this.#steps) > MAX_ULPS) throw new FormatError(`columns row ${row}: expected a value within ${MAX_ULPS} ulps`);
    this.#ulps.add(value, this.#steps, this.#cells.words, i);
  }
}
