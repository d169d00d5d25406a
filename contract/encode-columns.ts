import { ABSENT, type Cells, isTime, STALE, VALUE } from './cells.ts';
import {
  BUCKETS,
  bucket,
  CHANGE,
  CLASS,
  CONTEXTS,
  END_MARK,
  ERROR_SIGN,
  ERROR_TOP,
  errorContext,
  FIRST,
  FIRST_SIGN,
  FIRST_TOP,
  IRREGULAR,
  IRREGULAR_CLASS,
  Memory,
  MOVING,
  NONE,
  OTHER_FIRST,
  OTHER_RAW,
  OTHER_SCALE,
  OWN_TIME,
  OWN_TIME_SIGN,
  OWN_TIME_TOP,
  OWN_TIMES,
  Predictor,
  predecessor,
  RAW,
  RAW_LENGTH,
  RAW_SIGN,
  SAME,
  SCALE,
  STATE,
  STEADY,
  STEADY_RAW,
} from './column-model.ts';
import { NUMBER_CONTEXTS, RangeEncoder } from './range-coder.ts';
import { commonFactor, DECIMALS, findDecimals, findFactor, MAX_MANTISSA, mantissa } from './scale.ts';

const sameBits = (a: Cells, i: number, b: Cells, j: number): boolean =>
  a.words[2 * i] === b.words[2 * j] && a.words[2 * i + 1] === b.words[2 * j + 1];

/**
 * The columnar form of {@link Cells}, used twice: for the scrapes of one target in a push, and (one scrape, against the
 * scrape before) in the device's log. Range coded, so that nothing is gained by deflating it.
 *
 * @param times the scrapes' times in ms, to which own times are relative. Throws RangeError where either is not an integer
 *   within 2^50 ms: a scrape with such a timestamp must be refused before it comes here
 * @param previous the cells of the scrape before (one scrape, same rows), where the reader is sure to have them
 */
export function encodeColumns(cells: Cells, times: ArrayLike<number>, previous?: Cells): Uint8Array<ArrayBuffer> {
  return new ColumnsEncoder(cells, times, previous).encode();
}

class ColumnsEncoder {
  readonly #cells: Cells;
  readonly #times: ArrayLike<number>;
  readonly #previous: Cells | undefined;
  readonly #coder: RangeEncoder;
  readonly #memory = new Memory();
  readonly #predictor = new Predictor();

  constructor(cells: Cells, times: ArrayLike<number>, previous: Cells | undefined) {
    this.#cells = cells;
    this.#times = times;
    this.#previous = previous;
    this.#coder = new RangeEncoder(CONTEXTS, cells.rows * 2 + 16);
  }

  encode(): Uint8Array<ArrayBuffer> {
    const { rows, ownTimes } = this.#cells;
    const coder = this.#coder;
    for (let row = 0; row < rows; row++) this.#row(row);
    coder.bit(OWN_TIMES, ownTimes === undefined ? 0 : 1);
    if (ownTimes !== undefined) for (let row = 0; row < rows; row++) this.#ownTimes(row, ownTimes.get(row));
    coder.direct(END_MARK, 8);
    return coder.finish();
  }

  #row(row: number): void {
    const { scrapes, states } = this.#cells;
    const cells = this.#cells;
    const previous = this.#previous;
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
    if (first === -1) {
      this.#head(row, NONE, irregular);
      return;
    }
    const base = previous !== undefined && previous.states[row] === VALUE ? previous : undefined;
    if (steady && base !== undefined && sameBits(cells, first, base, row)) {
      this.#head(row, SAME, irregular);
      return;
    }
    const scale = this.#scale(first, end, steady, base === undefined ? Number.NaN : (base.floats[row] as number));
    if (Number.isNaN(scale)) {
      this.#head(row, steady ? STEADY_RAW : RAW, irregular);
      this.#raw(row, first, steady ? first + 1 : end, base);
      return;
    }
    this.#head(row, steady ? STEADY : MOVING, irregular);
    this.#scaled(row, first, end, scale, steady ? 0 : 1, base);
  }

  /** The scale for the values of a row, and for the one before where that is possible. */
  #scale(first: number, end: number, steady: boolean, before: number): number {
    const { states, floats } = this.#cells;
    // No scale is wrong for nothing: that of the row before costs least.
    if (steady && Object.is(floats[first], 0) && Number.isNaN(before)) return this.#memory.scale;
    let scale = 0;
    let largest = 0;
    for (let i = first; i < end; i++) {
      if (states[i] !== VALUE) continue;
      const value = floats[i] as number;
      largest = Math.max(largest, Math.abs(value));
      if (Number.isNaN(mantissa(value, scale))) scale = Math.abs(value) > MAX_MANTISSA ? findFactor(value) : findDecimals(value, scale);
      if (Number.isNaN(scale)) return scale;
      if (steady) break;
    }
    const exact = (wanted: number): boolean => {
      for (let i = first; i < end; i++) if (states[i] === VALUE && Number.isNaN(mantissa(floats[i] as number, wanted))) return false;
      return true;
    };
    const finer = Number.isNaN(before) ? scale : findDecimals(before, scale);
    if (finer > scale && exact(finer)) return finer;
    // A later value may have raised the scale past what an earlier, larger one can take.
    if (scale > 0 && !steady && !exact(scale)) return Number.NaN;
    if (scale !== 0 || (steady && Number.isNaN(before))) return scale;
    return commonFactor(largest, (factor) => {
      if (!Number.isNaN(before) && before % factor !== 0) return false;
      for (let i = first; i < end; i++) if (states[i] === VALUE && (floats[i] as number) % factor !== 0) return false;
      return true;
    });
  }

  #head(row: number, kind: number, irregular: boolean): void {
    const coder = this.#coder;
    const memory = this.#memory;
    const symbol = irregular ? IRREGULAR : kind;
    coder.tree(CLASS + 8 * memory.symbol, symbol, 3);
    memory.symbol = symbol;
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

  #scaled(row: number, first: number, end: number, scale: number, moving: 0 | 1, base: Cells | undefined): void {
    const { states, floats } = this.#cells;
    const coder = this.#coder;
    const memory = this.#memory;
    const other = scale === memory.scale ? 0 : 1;
    coder.bit(OTHER_SCALE + 2 * moving + memory.otherScale, other);
    memory.otherScale = other;
    if (other === 1) coder.tree(SCALE, scale, 5);
    memory.scale = scale;

    let m = mantissa(floats[first] as number, scale);
    const difference = m - predecessor(base, row, scale);
    const otherFirst = difference === memory.first ? 0 : 1;
    coder.bit(OTHER_FIRST + 2 * moving + memory.otherFirst, otherFirst);
    memory.otherFirst = otherFirst;
    if (otherFirst === 1) {
      const against = base === undefined ? 0 : 1;
      const context = FIRST + ((2 * against + moving) * BUCKETS + bucket(memory.firstLength)) * NUMBER_CONTEXTS;
      memory.firstLength = coder.number(context, FIRST_TOP, Math.abs(difference));
      if (difference !== 0) coder.bit(FIRST_SIGN + against, difference < 0 ? 1 : 0);
    }
    memory.first = difference;
    if (moving === 0) return;

    const predictor = this.#predictor;
    predictor.start(m);
    let length = -1;
    let sign = 0;
    for (let i = first + 1; i < end; i++) {
      if (states[i] !== VALUE) continue;
      m = mantissa(floats[i] as number, scale);
      const error = m - predictor.guess();
      const context =
        length === -1
          ? CHANGE + ((scale > 0 && scale <= DECIMALS ? BUCKETS : 0) + bucket(memory.firstLength)) * NUMBER_CONTEXTS
          : errorContext(length);
      length = coder.number(context, ERROR_TOP, Math.abs(error));
      if (error !== 0) coder.bit(ERROR_SIGN + 3 * predictor.chosen + sign, error < 0 ? 1 : 0);
      sign = error === 0 ? 0 : error < 0 ? 2 : 1;
      predictor.tell(m);
    }
  }

  #raw(row: number, first: number, end: number, base: Cells | undefined): void {
    const { states, words } = this.#cells;
    const coder = this.#coder;
    const memory = this.#memory;
    let low = words[2 * first] as number;
    let high = words[2 * first + 1] as number;
    const other = low === memory.rawLow && high === memory.rawHigh ? 0 : 1;
    coder.bit(OTHER_RAW, other);
    if (other === 1)
      this.#rawChange(
        base?.words[2 * row] ?? memory.rawLow,
        base?.words[2 * row + 1] ?? memory.rawHigh,
        low,
        high,
        base === undefined ? 0 : 1,
      );
    memory.rawLow = low;
    memory.rawHigh = high;
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
    const memory = this.#memory;
    const has = own === undefined ? 0 : 1;
    coder.bit(OWN_TIMES + 1, has);
    if (own === undefined) return;
    const { scrapes, states } = this.#cells;
    for (let i = 0; i < scrapes; i++) {
      if (states[row * scrapes + i] !== VALUE) continue;
      const time = own[i] as number;
      if (!isTime(time)) throw new RangeError(`columns row ${row}: expected a time in ms within 2^50, got ${time}`);
      const offset = time - (this.#times[i] as number);
      const change = offset - memory.ownTime;
      coder.number(OWN_TIME, OWN_TIME_TOP, Math.abs(change));
      if (change !== 0) coder.bit(OWN_TIME_SIGN, change < 0 ? 1 : 0);
      memory.ownTime = offset;
    }
  }
}
