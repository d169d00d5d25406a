import { ABSENT, type Cells, isTime, NO_CELLS, STALE, VALUE } from './cells.ts';
import { ScaleChooser } from './choose-scale.ts';
import {
  bucket,
  CLASS,
  COPY,
  DISTANCE,
  DISTANCE_TOP,
  END_MARK,
  FIRST_MODEL,
  FIRST_SIGN,
  FIRST_TOP,
  FOLLOWS,
  firstContext,
  IRREGULAR,
  IRREGULAR_CLASS,
  LENGTH,
  MINUS,
  MOVING,
  NO_KIND,
  NONE,
  OTHER_RAW,
  OTHER_SCALE,
  OWN_TIME,
  OWN_TIME_SIGN,
  OWN_TIME_TOP,
  OWN_TIMES,
  predecessor,
  RAW,
  RAW_LENGTH,
  RAW_SIGN,
  ROW_BYTES,
  RowMemory,
  SAME,
  SAME_CLASS,
  SAME_FIRST,
  SCALE,
  SCALED,
  STATE,
  STEADY,
  STEADY_RAW,
  SYMBOL,
  TIME,
  TIME_LENGTHS,
  TIME_SIGN,
  TIME_TOP,
  TWO,
  ZERO,
  ZEROS,
} from './column-model.ts';
import { MovingEncoder } from './encode-moving.ts';
import { bitLength, NUMBER_CONTEXTS } from './range-coder.ts';
import { RangeEncoder } from './range-encoder.ts';
import { RowRelations } from './row-relations.ts';
import { NEAR, scaleKind, timeMantissa } from './scale.ts';

/** Bits of a first difference from which on it pays to look for a row that has the same. */
const BITS_WORTH_A_COPY = 13;
/** Bits that a time must save to be written as one. */
const BITS_OF_TIME = 8;

const sameBits = (a: Cells, i: number, b: Cells, j: number): boolean =>
  a.words[2 * i] === b.words[2 * j] && a.words[2 * i + 1] === b.words[2 * j + 1];

/**
 * The columnar form of {@link Cells}, used twice: for the scrapes of one target in a push, and (one scrape, against the
 * scrape before) in the device's log. Range coded, so that nothing is gained by deflating it.
 *
 * @param times the scrapes' times in ms, to which own times are relative. Throws RangeError where either is not an integer
 *   within 2^50 ms: a scrape with such a timestamp must be refused before it comes here
 * @param previous the cells of the scrape before (one scrape, same rows), where the reader is sure to have them
 * @param like for each row an earlier one that it is probably like, or the number of rows where there is none; the reader has the same
 */
export function encodeColumns(cells: Cells, times: ArrayLike<number>, previous?: Cells, like?: Int32Array): Uint8Array<ArrayBuffer> {
  return new ColumnsEncoder().encode(cells, times, previous, like);
}

/** Encodes one after the other in memory that it keeps, some 100 bytes a row: the contexts alone take 13 kB. */
export class ColumnsEncoder {
  #cells = NO_CELLS;
  #times: ArrayLike<number> = [];
  #previous: Cells | undefined;
  #like: Int32Array | undefined;
  readonly #coder = new RangeEncoder(FIRST_MODEL);
  readonly #memory = new RowMemory();
  readonly #scales = new ScaleChooser();
  readonly #relations = new RowRelations();
  readonly #moving = new MovingEncoder(this.#coder, this.#memory);
  /** Of the row's first mantissa, where it has one. */
  #difference = 0;
  #rawLow = 0;
  #rawHigh = 0;
  /** Own time less the scrape's, ms. */
  #ownTime = 0;

  /** As {@link encodeColumns}. */
  encode(cells: Cells, times: ArrayLike<number>, previous?: Cells, like?: Int32Array): Uint8Array<ArrayBuffer> {
    const { rows, ownTimes } = cells;
    this.#begin(cells, times, previous, like);
    const coder = this.#coder;
    coder.begin();
    for (let row = 0; row < rows; row++) this.#row(row);
    coder.bit(OWN_TIMES, ownTimes === undefined ? 0 : 1);
    if (ownTimes !== undefined) for (let row = 0; row < rows; row++) this.#ownTimes(row, ownTimes.get(row));
    coder.direct(END_MARK, 8);
    this.#begin(NO_CELLS, [], undefined, undefined);
    return coder.finish();
  }

  #begin(cells: Cells, times: ArrayLike<number>, previous: Cells | undefined, like: Int32Array | undefined): void {
    this.#cells = cells;
    this.#times = times;
    this.#previous = previous;
    this.#like = like;
    this.#rawLow = 0;
    this.#rawHigh = 0;
    this.#ownTime = 0;
    this.#memory.begin(cells.rows);
    this.#scales.begin(cells);
    this.#relations.begin(cells);
    this.#moving.begin(cells);
  }

  #row(row: number): void {
    const { rows, scrapes, states } = this.#cells;
    const cells = this.#cells;
    const memory = this.#memory;
    const like = this.#like === undefined ? (row === 0 ? rows : row - 1) : (this.#like[row] as number);
    const start = row * scrapes;
    const end = start + scrapes;
    let first = -1;
    let absent = 0;
    let stale = 0;
    let steady = true;
    for (let i = start; i < end; i++) {
      if (states[i] === ABSENT) absent++;
      else if (states[i] === STALE) stale++;
      else if (first === -1) first = i;
      else if (steady) steady = sameBits(cells, i, cells, first);
    }
    const irregular = first === -1 ? stale > 0 : absent + stale > 0;
    memory.inherit(row, like);
    if (first === -1) {
      this.#head(row, like, NONE, irregular);
      return;
    }
    const previous = this.#previous;
    const base = previous !== undefined && previous.states[row] === VALUE ? previous : undefined;
    if (steady && base !== undefined && sameBits(cells, first, base, row)) {
      this.#head(row, like, SAME, irregular);
      return;
    }
    const before = base === undefined ? Number.NaN : (base.floats[row] as number);
    const scale = this.#scales.choose(first, end, steady, before, memory.bytes[ROW_BYTES * like + SCALED] as number);
    this.#difference = Number.isNaN(scale) ? scale : this.#scales.mantissa - predecessor(base, row, scale);
    if (!irregular && this.#follows(row, like, scale, steady, base)) return;
    if (Number.isNaN(scale)) {
      this.#head(row, like, steady ? STEADY_RAW : RAW, irregular);
      this.#rawValues(row, first, steady ? first + 1 : end, base);
      return;
    }
    this.#head(row, like, steady ? STEADY : MOVING, irregular);
    const steps = this.#first(row, like, first, scale, steady ? 0 : 1, base);
    if (!steady) this.#moving.encode(row, like, first, end, scale, steps);
  }

  #head(row: number, like: number, kind: number, irregular: boolean): void {
    const coder = this.#coder;
    const symbol = irregular ? IRREGULAR : kind;
    const { bytes } = this.#memory;
    const liked = bytes[ROW_BYTES * like + SYMBOL] as number;
    coder.bit(SAME_CLASS + liked, symbol === liked ? 1 : 0);
    if (symbol !== liked) coder.tree(CLASS + 8 * liked, symbol, 3);
    bytes[ROW_BYTES * row + SYMBOL] = symbol;
    if (!irregular) return;
    coder.tree(IRREGULAR_CLASS, kind, 3);
    const { scrapes, states } = this.#cells;
    let before = VALUE as number;
    for (let i = row * scrapes; i < (row + 1) * scrapes; i++) {
      const state = states[i] as number;
      coder.tree(STATE + 4 * before, state, 2);
      before = state;
    }
  }

  /** Writes a row by others, where there are some and it pays. */
  #follows(row: number, like: number, scale: number, steady: boolean, base: Cells | undefined): boolean {
    const relations = this.#relations;
    const coder = this.#coder;
    const memory = this.#memory;
    const start = row * this.#cells.scrapes;
    if (steady) {
      if (Number.isNaN(scale)) return false;
      const difference = this.#difference;
      if (bitLength(Math.abs(difference)) <= BITS_WORTH_A_COPY) return false;
      if (difference === memory.firsts[like] && scale === memory.bytes[ROW_BYTES * like + SCALED]) return false;
    }
    const source = relations.findCopy(row);
    if (source !== -1) {
      this.#head(row, like, FOLLOWS, false);
      coder.bit(TWO, 0);
      coder.bit(COPY, 1);
      coder.number(DISTANCE, DISTANCE_TOP, row - source);
      memory.inherit(row, source);
      return true;
    }
    if (steady || Number.isNaN(scale) || !relations.findSum(row)) return false;
    const { first, second, minus } = relations;
    this.#head(row, like, FOLLOWS, false);
    coder.bit(TWO, second === -1 ? 0 : 1);
    if (second === -1) coder.bit(COPY, 0);
    else coder.bit(MINUS, minus ? 1 : 0);
    coder.number(DISTANCE, DISTANCE_TOP, row - first);
    if (second !== -1) coder.number(DISTANCE + NUMBER_CONTEXTS, DISTANCE_TOP, row - second);
    this.#first(row, like, start, scale, 1, base);
    return true;
  }

  /** The scale and the first value. Returns its ulps. */
  #first(row: number, like: number, index: number, scale: number, moving: 0 | 1, base: Cells | undefined): number {
    this.#firstMantissa(row, like, scale, moving, base);
    return scale >= NEAR ? this.#moving.ulps(index, scale, 0) : 0;
  }

  #firstMantissa(row: number, like: number, scale: number, moving: 0 | 1, base: Cells | undefined): void {
    const coder = this.#coder;
    const memory = this.#memory;
    const likedScale = memory.bytes[ROW_BYTES * like + SCALED] as number;
    const likedKind = scaleKind(likedScale);
    const other = scale === likedScale ? 0 : 1;
    const none = like === this.#cells.rows;
    coder.bit(OTHER_SCALE + (NO_KIND + 1) * moving + (none ? NO_KIND : likedKind), other);
    if (other === 1) coder.tree(SCALE + 32 * likedKind, scale, 5);
    memory.bytes[ROW_BYTES * row + SCALED] = scale;

    const difference = this.#difference;
    coder.bit(ZERO + 3 * moving + (memory.bytes[ROW_BYTES * like + ZEROS] as number), difference === 0 ? 1 : 0);
    memory.bytes[ROW_BYTES * row + ZEROS] = difference === 0 ? 1 : 0;
    if (difference === 0) return;
    const liked = memory.firsts[like] as number;
    const likedLength = memory.bytes[ROW_BYTES * like + LENGTH] as number;
    if (moving === 0 && liked !== 0) {
      coder.bit(SAME_FIRST + bucket(likedLength), difference === liked ? 1 : 0);
      if (difference === liked) return;
    }
    memory.firsts[row] = difference;
    const size = Math.abs(difference);
    const length = bitLength(size);
    memory.bytes[ROW_BYTES * row + LENGTH] = length;
    const context = firstContext(base !== undefined, scaleKind(scale), likedLength);
    if (base === undefined && length > 34 && this.#time(context, difference, length, scale)) return;
    coder.number(context, FIRST_TOP, size);
    coder.bit(FIRST_SIGN + (base === undefined ? 0 : 1), difference < 0 ? 1 : 0);
  }

  /** A first mantissa that is near the time of the first scrape. */
  #time(context: number, m: number, length: number, scale: number): boolean {
    const coder = this.#coder;
    for (const inSeconds of [true, false]) {
      const late = m - timeMantissa(this.#times[0] as number, scale, inSeconds);
      if (!(Math.abs(late) < 2 ** (length - BITS_OF_TIME))) continue;
      coder.tree(context, inSeconds ? TIME_LENGTHS.seconds : TIME_LENGTHS.milliseconds, 6);
      coder.number(TIME, TIME_TOP, Math.abs(late));
      if (late !== 0) coder.bit(TIME_SIGN, late < 0 ? 1 : 0);
      return true;
    }
    return false;
  }

  #rawValues(row: number, first: number, end: number, base: Cells | undefined): void {
    const { states, words } = this.#cells;
    const coder = this.#coder;
    let low = words[2 * first] as number;
    let high = words[2 * first + 1] as number;
    const other = low === this.#rawLow && high === this.#rawHigh ? 0 : 1;
    coder.bit(OTHER_RAW, other);
    if (other === 1)
      this.#rawChange(
        base?.words[2 * row] ?? this.#rawLow,
        base?.words[2 * row + 1] ?? this.#rawHigh,
        low,
        high,
        base === undefined ? 0 : 1,
      );
    this.#rawLow = low;
    this.#rawHigh = high;
    for (let i = first + 1; i < end; i++) {
      if (states[i] !== VALUE) continue;
      const nextLow = words[2 * i] as number;
      const nextHigh = words[2 * i + 1] as number;
      this.#rawChange(low, high, nextLow, nextHigh, 1);
      low = nextLow;
      high = nextHigh;
    }
  }

  /** The difference of two 64-bit integers, modulo 2^64. */
  #rawChange(fromLow: number, fromHigh: number, toLow: number, toHigh: number, near: number): void {
    let low = (toLow - fromLow) >>> 0;
    let high = (toHigh - fromHigh - (toLow < fromLow ? 1 : 0)) >>> 0;
    const negative = high >>> 31;
    if (negative === 1) {
      high = (~high + (low === 0 ? 1 : 0)) >>> 0;
      low = -low >>> 0;
    }
    const length = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(low);
    const coder = this.#coder;
    coder.tree(RAW_LENGTH + 128 * near, length, 7);
    if (length === 0) return;
    coder.bit(RAW_SIGN + near, negative);
    if (length > 33) coder.direct(high - 2 ** (length - 33), length - 33);
    if (length > 32) coder.direct(low, 32);
    else coder.direct(low - 2 ** (length - 1), length - 1);
  }

  #ownTimes(row: number, own: Float64Array | undefined): void {
    const coder = this.#coder;
    const has = own === undefined ? 0 : 1;
    coder.bit(OWN_TIMES + 1, has);
    if (own === undefined) return;
    const { scrapes, states } = this.#cells;
    for (let i = 0; i < scrapes; i++) {
      if (states[row * scrapes + i] !== VALUE) continue;
      const time = own[i] as number;
      if (!isTime(time)) throw new RangeError(`columns row ${row}: expected a time in ms within 2^50, got ${time}`);
      const offset = time - (this.#times[i] as number);
      const change = offset - this.#ownTime;
      coder.number(OWN_TIME, OWN_TIME_TOP, Math.abs(change));
      if (change !== 0) coder.bit(OWN_TIME_SIGN, change < 0 ? 1 : 0);
      this.#ownTime = offset;
    }
  }
}
