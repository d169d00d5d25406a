import { type Cells, NO_CELLS, VALUE } from './cells.ts';
import {
  CHANGE_TOP,
  CHANGED,
  changeContext,
  DOWN,
  ERROR_SIGN,
  GUESS,
  GUESSED,
  LAST,
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
  topContext,
  ULPS_TOP,
  UP,
  ulpsContext,
  ulpsSignContext,
} from './column-model.ts';
import { bitLength } from './range-coder.ts';
import type { RangeEncoder } from './range-encoder.ts';
import { fromMantissa, mantissa, NEAR, nearMantissa, scaleKind, Ulps } from './scale.ts';

/** What guesses cost, estimated in eighths of a bit: an error that is 0, a sign where both are found, each value that is written whole. */
const COST_OF_ZERO = 2;
const COST_OF_SIGN = 10;
const GAIN_OF_LEVEL = 8;
/** A guess that is another than in the row that this one is like. */
const COST_OF_CHANGE = 32;
/** A length is seldom dearer than this, however far from what is expected. */
const MOST_STRAY = 32;

/** Writes what follows the first mantissa of a row that moves. */
export class MovingEncoder {
  #cells = NO_CELLS;
  readonly #coder: RangeEncoder;
  readonly #memory: RowMemory;
  readonly #ulps = new Ulps();
  /** Mantissas of the row, the first `#count` of them. */
  #mantissas = new Float64Array(8);
  #count = 0;

  constructor(coder: RangeEncoder, memory: RowMemory) {
    this.#coder = coder;
    this.#memory = memory;
  }

  begin(cells: Cells): void {
    this.#cells = cells;
    if (this.#mantissas.length < cells.scrapes) this.#mantissas = new Float64Array(cells.scrapes);
  }

  /** The cells `first` to `end` of a row, whose first value is written, with `ulps`. */
  encode(row: number, like: number, first: number, end: number, scale: number, ulps: number): void {
    const { states } = this.#cells;
    const coder = this.#coder;
    const memory = this.#memory;
    const mantissas = this.#mantissas;
    this.#read(first, end, scale);
    const guess = this.#choose(memory.bytes[ROW_BYTES * like + GUESSED] as number);
    coder.tree(GUESS + 4 * (memory.bytes[ROW_BYTES * like + GUESSED] as number), guess, 2);
    memory.bytes[ROW_BYTES * row + GUESSED] = guess;
    const change = memory.bytes[ROW_BYTES * like + CHANGED] as number;
    let steps = ulps;
    // -1: not known yet.
    let level = guess === LEVEL ? 8 * bitLength(mantissas[0] as number) : -1;
    let zero = 0;
    let sign = 0;
    let at = first;
    for (let n = 1; n < this.#count; n++) {
      const m = mantissas[n] as number;
      const error = guess === LEVEL ? m : guess === LAST || n === 1 ? m - (mantissas[n - 1] as number) : this.#linear(n);
      if (level === -1) coder.bit(noChangeContext(zero, change, scaleKind(scale)), error === 0 ? 1 : 0);
      else coder.bit(noErrorContext(guess, zero, level), error === 0 ? 1 : 0);
      zero = error === 0 ? 1 : 0;
      if (error === 0) sign = 0;
      else {
        const size = Math.abs(error);
        const length = bitLength(size);
        if (guess !== LEVEL) {
          coder.bit(ERROR_SIGN + 3 * guess + sign, error < 0 ? 1 : 0);
          sign = error < 0 ? 2 : 1;
        }
        if (level !== -1) this.#relative(guess === LEVEL ? 2 : 1, level >> 3, size, length);
        else {
          if (change > 0) this.#relative(0, change, size, length);
          else this.#change(row, scale, size);
          memory.bytes[ROW_BYTES * row + CHANGED] = length;
        }
        level = level === -1 ? 8 * length : nextLevel(level, length);
      }
      if (scale < NEAR) continue;
      do at++;
      while (states[at] !== VALUE);
      steps = this.ulps(at, scale, steps);
    }
  }

  #read(first: number, end: number, scale: number): void {
    const { states, floats } = this.#cells;
    const mantissas = this.#mantissas;
    let count = 0;
    for (let i = first; i < end; i++) {
      if (states[i] !== VALUE) continue;
      const value = floats[i] as number;
      mantissas[count++] = scale >= NEAR ? nearMantissa(value, scale) : mantissa(value, scale);
    }
    this.#count = count;
  }

  #linear(n: number): number {
    const mantissas = this.#mantissas;
    return (mantissas[n] as number) - (2 * (mantissas[n - 1] as number) - (mantissas[n - 2] as number));
  }

  /** The guess that costs least, by an estimate; `liked` unless another gains something. */
  #choose(liked: number): number {
    let best: number = LAST;
    let least = Number.POSITIVE_INFINITY;
    for (let guess = LAST; guess <= LEVEL; guess++) {
      if (guess === LINEAR && this.#count < 3) continue;
      const cost = this.#cost(guess) + (guess === liked ? 0 : COST_OF_CHANGE);
      if (cost >= least) continue;
      best = guess;
      least = cost;
    }
    return best;
  }

  #cost(guess: number): number {
    const mantissas = this.#mantissas;
    const count = this.#count;
    let cost = guess === LEVEL ? -GAIN_OF_LEVEL * count : 0;
    let level = guess === LEVEL ? 8 * bitLength(Math.abs(mantissas[0] as number)) : -1;
    let positive = 0;
    let negative = 0;
    if (guess === LEVEL && (mantissas[0] as number) < 0) return Number.POSITIVE_INFINITY;
    for (let n = 1; n < count; n++) {
      const m = mantissas[n] as number;
      const error = guess === LEVEL ? m : guess === LAST || n === 1 ? m - (mantissas[n - 1] as number) : this.#linear(n);
      if (error === 0) {
        cost += COST_OF_ZERO;
        continue;
      }
      if (error < 0) negative++;
      else positive++;
      const length = bitLength(Math.abs(error));
      cost += 8 * length;
      if (level === -1) level = 8 * length;
      else {
        cost += Math.min(MOST_STRAY, Math.abs(8 * length - level));
        level = nextLevel(level, length);
      }
    }
    if (guess === LEVEL) return negative > 0 ? Number.POSITIVE_INFINITY : cost;
    return cost + COST_OF_SIGN * Math.min(positive + negative, 3 * Math.min(positive, negative));
  }

  /** The first error that is not 0, where nothing tells how large. */
  #change(row: number, scale: number, size: number): void {
    this.#coder.number(changeContext(this.#memory, row, scaleKind(scale)), CHANGE_TOP, size);
  }

  /** A number that is not 0, by how much longer or shorter it is than expected. */
  #relative(set: number, expected: number, size: number, length: number): void {
    const coder = this.#coder;
    const base = RELATIVE + set * RELATIVE_CONTEXTS;
    const longer = length - expected;
    if (expected > 1) coder.bit(base, longer >= 0 ? 1 : 0);
    if (longer >= 0) coder.unary(base + UP, MOST_STEPS, longer, true);
    else coder.unary(base + DOWN, MOST_STEPS, -longer - 1, length > 1);
    coder.rest(RELATIVE_TOP + topContext(set, longer), size, length);
  }

  /** How far a value is from what its mantissa stands for; `before`: how far the one before was, which is returned for the next. */
  ulps(index: number, scale: number, before: number): number {
    const { floats, words } = this.#cells;
    const coder = this.#coder;
    const near = fromMantissa(nearMantissa(floats[index] as number, scale), scale);
    const steps = this.#ulps.between(near, words[2 * index] as number, words[2 * index + 1] as number);
    const change = steps - before;
    coder.number(ulpsContext(before), ULPS_TOP, Math.abs(change));
    if (change !== 0) coder.bit(ulpsSignContext(before), change < 0 ? 1 : 0);
    return steps;
  }
}
