import type { Cells } from './cells.ts';
import { FIRST_PROBABILITIES } from './first-probabilities.ts';
import { bitLength, modelOf, NUMBER_CONTEXTS, TOP_CONTEXTS } from './range-coder.ts';
import { mantissa, NEAR, nearMantissa } from './scale.ts';

/**
 * What the encoder and the decoder of columns share: classes of rows, the contexts of the range coder, and what is remembered
 * of the rows that are done. FORMAT.md, "Columns", tells what is written in which order and in which context.
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
/** A copy of a row above, or changes as the sum or difference of those of one or two rows above. */
export const FOLLOWS = 7;
const CLASSES = 8;
/** Of no row. */
export const NO_CLASS = CLASSES;

/** What the next mantissa of a moving row is guessed to be: the last one, the last with the last change again, nothing at all. */
export const LAST = 0;
export const LINEAR = 1;
/** For what jumps about: the mantissas themselves are written, by the length that they had lately. None is negative. */
export const LEVEL = 2;
const GUESSES = 3;

/** Classes of lengths, for contexts. */
export const bucket = (length: number): 0 | 1 | 2 => (length === 0 ? 0 : length < 10 ? 1 : 2);
const BUCKETS = 3;
const SIZES = Uint8Array.from({ length: 54 }, (_, length) => [0, 4, 9, 15, 23, 33].filter((most) => length > most).length);
/** The same, finer. */
export const sizeOf = (length: number): number => SIZES[length] as number;
const SIZE_COUNT = 7;
const KINDS = 3;

/** Lengths that stand for a time: in seconds, in milliseconds, relative to the first scrape's. */
export const TIME_LENGTHS = { seconds: 63, milliseconds: 62 } as const;

/** Steps of a length from the one expected, each way, that have a context of their own; the last serves all beyond. */
export const MOST_STEPS = 12;
/** Contexts of {@link RELATIVE}: the direction, then steps up, then steps down. */
export const UP = 1;
export const DOWN = UP + MOST_STEPS + 1;
export const RELATIVE_CONTEXTS = DOWN + MOST_STEPS + 1;
/** Distances from the expected length by which the second bit is told apart, each way. */
export const MOST_TOP = 3;
const TOP_STEPS = 2 * MOST_TOP + 1;
/** Steps of the expected length by which zeros are told apart. */
const LEVELS = 4;

/** Where the contexts of each kind of symbol begin. */
export const SAME_CLASS = 0;
export const CLASS = SAME_CLASS + CLASSES + 1;
export const IRREGULAR_CLASS = CLASS + (CLASSES + 1) * 8;
export const STATE = IRREGULAR_CLASS + 8;
export const OTHER_SCALE = STATE + 3 * 4;
export const SCALE = OTHER_SCALE + 2 * (KINDS + 1);
export const ZERO = SCALE + KINDS * 32;
export const SAME_FIRST = ZERO + 2 * 3;
export const FIRST = SAME_FIRST + BUCKETS;
export const FIRST_SIGN = FIRST + (KINDS * SIZE_COUNT + KINDS) * NUMBER_CONTEXTS;
export const FIRST_TOP = FIRST_SIGN + 2;
export const TIME = FIRST_TOP + TOP_CONTEXTS;
export const TIME_SIGN = TIME + NUMBER_CONTEXTS;
export const TIME_TOP = TIME_SIGN + 1;
export const GUESS = TIME_TOP + TOP_CONTEXTS;
const NO_CHANGE = GUESS + (GUESSES + 1) * 4;
const CHANGE = NO_CHANGE + 2 * 2 * KINDS;
export const CHANGE_TOP = CHANGE + 2 * BUCKETS * NUMBER_CONTEXTS;
export const NO_ERROR = CHANGE_TOP + TOP_CONTEXTS;
export const ERROR_SIGN = NO_ERROR + 2 * 2 * LEVELS;
export const RELATIVE = ERROR_SIGN + 2 * 3;
export const RELATIVE_TOP = RELATIVE + 3 * RELATIVE_CONTEXTS;
export const ULPS = RELATIVE_TOP + 2 * TOP_STEPS;
const ULPS_SIGN = ULPS + BUCKETS * NUMBER_CONTEXTS;
export const ULPS_TOP = ULPS_SIGN + 3;
export const TWO = ULPS_TOP + TOP_CONTEXTS;
export const COPY = TWO + 1;
export const MINUS = COPY + 1;
export const DISTANCE = MINUS + 1;
export const DISTANCE_TOP = DISTANCE + 2 * NUMBER_CONTEXTS;
export const OTHER_RAW = DISTANCE_TOP + TOP_CONTEXTS;
export const RAW_LENGTH = OTHER_RAW + 1;
export const RAW_SIGN = RAW_LENGTH + 2 * 128;
export const OWN_TIMES = RAW_SIGN + 2;
export const OWN_TIME = OWN_TIMES + 2;
export const OWN_TIME_SIGN = OWN_TIME + NUMBER_CONTEXTS;
export const OWN_TIME_TOP = OWN_TIME_SIGN + 1;
export const CONTEXTS = OWN_TIME_TOP + TOP_CONTEXTS;

/** What columns begin with; never written to. */
export const FIRST_MODEL = modelOf(FIRST_PROBABILITIES, CONTEXTS);

/** Written last, in eight direct bits: whoever reads other rows than were written seldom finds it. */
export const END_MARK = 0xa5;

/** Rows whose memory is kept from use to use. */
const MOST_KEPT_ROWS = 16 * 1024;

/**
 * What is remembered of each row, in bytes side by side; one more row, behind them, stands for no row at all. Used again for other
 * cells: every row inherits before it is looked at.
 */
export class RowMemory {
  /** At `ROW_BYTES * row` and on: {@link SYMBOL} to {@link CHANGED}. */
  bytes: Uint8Array = new Uint8Array(0);
  /** The last first difference that is not 0. */
  firsts: Float64Array = new Float64Array(0);

  begin(rows: number): void {
    if (rows >= this.firsts.length || this.firsts.length > MOST_KEPT_ROWS) {
      this.bytes = new Uint8Array(ROW_BYTES * (rows + 1));
      this.firsts = new Float64Array(rows + 1);
    }
    const none = ROW_BYTES * rows;
    this.bytes.fill(0, none, none + ROW_BYTES);
    this.bytes[none + SYMBOL] = NO_CLASS;
    this.bytes[none + ZEROS] = 2;
    this.bytes[none + GUESSED] = GUESSES;
    this.firsts[rows] = 0;
  }

  /** All but the symbol: what a row does not write itself it has from the row it is like. */
  inherit(row: number, from: number): void {
    const { bytes, firsts } = this;
    const to = ROW_BYTES * row;
    const of = ROW_BYTES * from;
    bytes[to + SCALED] = bytes[of + SCALED] as number;
    bytes[to + LENGTH] = bytes[of + LENGTH] as number;
    bytes[to + ZEROS] = bytes[of + ZEROS] as number;
    bytes[to + GUESSED] = bytes[of + GUESSED] as number;
    bytes[to + CHANGED] = bytes[of + CHANGED] as number;
    firsts[row] = firsts[from] as number;
  }
}
export const ROW_BYTES = 8;
/** What was written in CLASS or SAME_CLASS. */
export const SYMBOL = 0;
export const SCALED = 1;
/** Of the last first difference that is not 0. */
export const LENGTH = 2;
/** Is the first difference 0: 0 no, 1 yes, 2 there is no row. */
export const ZEROS = 3;
export const GUESSED = 4;
/** Length of the first error that is not 0; 0: there was none. */
export const CHANGED = 5;

/** The kind of the scale before, or that there is no row, for {@link OTHER_SCALE}. */
export const NO_KIND = KINDS;

/** Where the lengths of first differences are; `length`: of that of the row it is like. */
export const firstContext = (against: boolean, kind: number, length: number): number =>
  FIRST + (against ? KINDS * SIZE_COUNT + bucket(length) : kind * SIZE_COUNT + sizeOf(length)) * NUMBER_CONTEXTS;

/** Of the value before this row, where there is one: its mantissa, else 0. */
export function predecessor(base: Cells | undefined, row: number, scale: number): number {
  if (base === undefined) return 0;
  const value = base.floats[row] as number;
  const m = scale >= NEAR ? nearMantissa(value, scale) : mantissa(value, scale);
  return Number.isNaN(m) ? 0 : m;
}

/** Within {@link RELATIVE_TOP}: by whether the numbers are whole values, and how far from what was expected. */
export const topContext = (set: number, longer: number): number =>
  (set === 2 ? TOP_STEPS : 0) + MOST_TOP + Math.max(-MOST_TOP, Math.min(MOST_TOP, longer));

/** Whether a mantissa is the one before, `zero`: whether the one before was; `change`: the length of the like row's first change, 0: none. */
export const noChangeContext = (zero: number, change: number, kind: number): number =>
  NO_CHANGE + (2 * zero + (change === 0 ? 0 : 1)) * KINDS + kind;

/** Of the first change of a row where the like row had none. */
export const changeContext = ({ bytes }: RowMemory, row: number, kind: number): number => {
  const first = bytes[ROW_BYTES * row + ZEROS] === 1 ? 0 : (bytes[ROW_BYTES * row + LENGTH] as number);
  return CHANGE + ((kind === 1 ? BUCKETS : 0) + bucket(first)) * NUMBER_CONTEXTS;
};

/** Whether a guess is right, `zero`: whether the one before was; `level`: the expected length of an error, eighths of a bit. */
export const noErrorContext = (guess: number, zero: number, level: number): number =>
  NO_ERROR + ((guess === LEVEL ? 2 : 0) + zero) * LEVELS + Math.min(LEVELS - 1, level >> 4);

/** Of a change in how far values are from their mantissas, and of its sign; `before`: how far the last one was. */
export const ulpsContext = (before: number): number => ULPS + bucket(bitLength(Math.abs(before))) * NUMBER_CONTEXTS;
export const ulpsSignContext = (before: number): number => ULPS_SIGN + (before === 0 ? 0 : before > 0 ? 1 : 2);

/** The expected length after an error of `length` bits, both in eighths of a bit. */
export const nextLevel = (level: number, length: number): number => level + (((8 * length - level) / 3) | 0);
