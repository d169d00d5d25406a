import type { Cells } from './cells.ts';
import { bitLength, NUMBER_CONTEXTS, TOP_CONTEXTS } from './range-coder.ts';
import { mantissa } from './scale.ts';

/**
 * What the encoder and the decoder of columns share: classes of rows, the contexts of the range coder, and what is remembered
 * and guessed from what both know already. FORMAT.md, "Columns", tells what is written in which order and in which context.
 */

/** No value in any cell. */
export const NONE = 0;
/** Every value equals the predecessor's bits. Only with a predecessor. */
export const SAME = 1;
/** Every value equals the first. */
export const STEADY = 2;
export const MOVING = 3;
/** As the two before, without a scale. */
export const STEADY_RAW = 4;
export const RAW = 5;
/** Not all cells are values, or, of class NONE, some are stale: the states follow, and then the class. */
export const IRREGULAR = 6;

/** Classes of lengths, for contexts. */
export const bucket = (length: number): number => (length === 0 ? 0 : length < 10 ? 1 : 2);
export const BUCKETS = 3;
/** The length of the error before it, by twos, as a context. */
export const errorContext = (length: number): number => ERROR + (length >> 1) * NUMBER_CONTEXTS;
const ERROR_LENGTHS = 27;

/** Where the contexts of each kind of symbol begin. */
export const CLASS = 0;
export const IRREGULAR_CLASS = CLASS + 8 * 8;
export const STATE = IRREGULAR_CLASS + 8;
export const OTHER_SCALE = STATE + 3 * 4;
export const SCALE = OTHER_SCALE + 2 * 2;
export const OTHER_FIRST = SCALE + 32;
export const FIRST = OTHER_FIRST + 2 * 2;
export const FIRST_SIGN = FIRST + 2 * 2 * BUCKETS * NUMBER_CONTEXTS;
export const FIRST_TOP = FIRST_SIGN + 2;
export const CHANGE = FIRST_TOP + TOP_CONTEXTS;
export const ERROR = CHANGE + 2 * BUCKETS * NUMBER_CONTEXTS;
export const ERROR_SIGN = ERROR + ERROR_LENGTHS * NUMBER_CONTEXTS;
export const ERROR_TOP = ERROR_SIGN + 3 * 3;
export const OTHER_RAW = ERROR_TOP + TOP_CONTEXTS;
export const RAW_LENGTH = OTHER_RAW + 1;
export const RAW_SIGN = RAW_LENGTH + 2 * 128;
export const OWN_TIMES = RAW_SIGN + 2;
export const OWN_TIME = OWN_TIMES + 2;
export const OWN_TIME_SIGN = OWN_TIME + NUMBER_CONTEXTS;
export const OWN_TIME_TOP = OWN_TIME_SIGN + 1;
export const CONTEXTS = OWN_TIME_TOP + TOP_CONTEXTS;

/** Written last, in eight direct bits: whoever reads other rows than were written seldom finds it. */
export const END_MARK = 0xa5;

/** What encoder and decoder remember from row to row; all of it is known to both before the symbol that it serves. */
export class Memory {
  /** Class of the row before. */
  symbol = NONE;
  scale = 0;
  otherScale = 0;
  first = 0;
  otherFirst = 0;
  firstLength = 0;
  rawLow = 0;
  rawHigh = 0;
  /** Own time less the scrape's, ms. */
  ownTime = 0;
}

/**
 * Guesses the next mantissa of a row: the last one, the last one with the last change again, or a sliding mean; whichever did
 * best lately. Nobody spends a bit on the choice.
 */
export class Predictor {
  #last = 0;
  #linear = 0;
  #mean = 0;
  #lastScore = 0;
  #linearScore = 0;
  #meanScore = 0;
  #count = 0;
  /** Which one is asked: part of a context. */
  chosen = 0;

  start(first: number): void {
    this.#last = first;
    this.#linear = first;
    this.#mean = first;
    this.#lastScore = 0;
    this.#linearScore = 0;
    this.#meanScore = 0;
    this.#count = 1;
    this.chosen = 0;
  }

  guess(): number {
    if (this.#count < 3) return this.#last;
    if (this.#linearScore < this.#lastScore && this.#linearScore <= this.#meanScore) {
      this.chosen = 1;
      return this.#linear;
    }
    this.chosen = this.#meanScore < this.#lastScore ? 2 : 0;
    return this.chosen === 2 ? this.#mean : this.#last;
  }

  tell(m: number): void {
    if (this.#count > 1) {
      this.#lastScore = score(this.#lastScore, m - this.#last);
      this.#linearScore = score(this.#linearScore, m - this.#linear);
      this.#meanScore = score(this.#meanScore, m - this.#mean);
    }
    this.#linear = 2 * m - this.#last;
    this.#last = m;
    this.#mean = Math.floor((this.#mean + m) / 2);
    this.#count++;
  }
}

const score = (before: number, error: number): number => before - (before >> 2) + 16 * bitLength(Math.abs(error));

/** Of the value before this row, where there is one: its mantissa, else 0. */
export function predecessor(base: Cells | undefined, row: number, scale: number): number {
  if (base === undefined) return 0;
  const m = mantissa(base.floats[row] as number, scale);
  return Number.isNaN(m) ? 0 : m;
}
