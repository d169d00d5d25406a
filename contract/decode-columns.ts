import { FormatError } from './binary.ts';
import { ABSENT, type Cells, createCells, isTime, NO_CELLS, STALE, setStale, VALUE } from './cells.ts';
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
import { MovingDecoder } from './decode-moving.ts';
import { bitLength, NUMBER_CONTEXTS } from './range-coder.ts';
import { RangeDecoder } from './range-decoder.ts';
import { follow, isWhole } from './row-relations.ts';
import { scaleKind, timeMantissa } from './scale.ts';

/**
 * Reads what `encodeColumns` wrote. Memory and time are bounded by `rows` and `times.length`, whatever the bytes: they must have
 * been checked against the limits. Throws {@link FormatError} on anything that cannot be told apart from damage.
 */
export function decodeColumns(bytes: Uint8Array, rows: number, times: ArrayLike<number>, previous?: Cells, like?: Int32Array): Cells {
  return new ColumnsDecoder().decode(bytes, rows, times, previous, like);
}

/** Decodes one after the other in memory that it keeps, as a `ColumnsEncoder` does. */
export class ColumnsDecoder {
  #cells = NO_CELLS;
  #times: ArrayLike<number> = [];
  #previous: Cells | undefined;
  #like: Int32Array | undefined;
  readonly #coder = new RangeDecoder(FIRST_MODEL);
  readonly #memory = new RowMemory();
  readonly #moving = new MovingDecoder(this.#coder, this.#memory);
  #rawLow = 0;
  #rawHigh = 0;
  /** Own time less the scrape's, ms. */
  #ownTime = 0;

  /** As {@link decodeColumns}. */
  decode(bytes: Uint8Array, rows: number, times: ArrayLike<number>, previous?: Cells, like?: Int32Array): Cells {
    const cells = createCells(rows, times.length);
    const coder = this.#coder;
    coder.begin(bytes);
    this.#begin(cells, times, previous, like);
    for (let row = 0; row < cells.rows; row++) this.#row(row);
    if (coder.bit(OWN_TIMES) === 1) {
      cells.ownTimes = new Map();
      for (let row = 0; row < cells.rows; row++) if (coder.bit(OWN_TIMES + 1) === 1) cells.ownTimes.set(row, this.#ownTimes(row));
    }
    if (coder.direct(8) !== END_MARK)
      throw new FormatError('columns: the mark at the end is not there; damage, or other rows than were written');
    coder.end();
    this.#begin(NO_CELLS, [], undefined, undefined);
    return cells;
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
    this.#moving.begin(cells);
  }

  #row(row: number): void {
    const { rows, scrapes, states } = this.#cells;
    const like = this.#like === undefined ? (row === 0 ? rows : row - 1) : (this.#like[row] as number);
    this.#memory.inherit(row, like);
    const kind = this.#head(row, like);
    if (kind === NONE) return;
    const start = row * scrapes;
    const end = start + scrapes;
    let first = start;
    while (first < end && states[first] !== VALUE) first++;
    if (first === end) throw new FormatError(`columns row ${row}: class ${kind} without a value`);
    const previous = this.#previous;
    const base = previous !== undefined && previous.states[row] === VALUE ? previous : undefined;
    switch (kind) {
      case SAME:
        if (base === undefined) throw new FormatError(`columns row ${row}: expected a predecessor`);
        this.#fill(first, end, base.words[2 * row] as number, base.words[2 * row + 1] as number);
        return;
      case STEADY:
        this.#first(row, like, first, 0, base);
        this.#fill(first + 1, end, this.#cells.words[2 * first] as number, this.#cells.words[2 * first + 1] as number);
        return;
      case MOVING: {
        const m = this.#first(row, like, first, 1, base);
        this.#moving.decode(row, like, first, end, m);
        return;
      }
      case STEADY_RAW:
      case RAW:
        this.#rawValues(row, first, end, kind === RAW, base);
        return;
      case FOLLOWS:
        this.#follows(row, like, base);
        return;
      default:
        throw new FormatError(`columns row ${row}: unknown class ${kind}`);
    }
  }

  #head(row: number, like: number): number {
    const coder = this.#coder;
    const { scrapes, states } = this.#cells;
    const { bytes } = this.#memory;
    const liked = bytes[ROW_BYTES * like + SYMBOL] as number;
    const symbol = coder.bit(SAME_CLASS + liked) === 1 ? liked : coder.tree(CLASS + 8 * liked, 3);
    bytes[ROW_BYTES * row + SYMBOL] = symbol;
    const start = row * scrapes;
    if (symbol !== IRREGULAR) {
      if (symbol !== NONE) for (let i = start; i < start + scrapes; i++) states[i] = VALUE;
      return symbol;
    }
    const kind = coder.tree(IRREGULAR_CLASS, 3);
    let before = VALUE as number;
    for (let i = start; i < start + scrapes; i++) {
      const state = coder.tree(STATE + 4 * before, 2);
      if (state > STALE || (state === VALUE && kind === NONE))
        throw new FormatError(`columns row ${row}: class ${kind} with a cell of state ${state}`);
      if (state === STALE) setStale(this.#cells, i);
      else if (state !== ABSENT) states[i] = state;
      before = state;
    }
    return kind;
  }

  #fill(first: number, end: number, low: number, high: number): void {
    const { states, words } = this.#cells;
    for (let i = first; i < end; i++) {
      if (states[i] !== VALUE) continue;
      words[2 * i] = low;
      words[2 * i + 1] = high;
    }
  }

  #follows(row: number, like: number, base: Cells | undefined): void {
    const coder = this.#coder;
    const cells = this.#cells;
    const { scrapes, words, floats } = cells;
    const two = coder.bit(TWO) === 1;
    const copy = !two && coder.bit(COPY) === 1;
    const minus = two && coder.bit(MINUS) === 1;
    const first = this.#source(row, DISTANCE);
    const second = two ? this.#source(row, DISTANCE + NUMBER_CONTEXTS) : -1;
    const size = 2 * scrapes;
    if (copy) {
      words.copyWithin(row * size, first * size, (first + 1) * size);
      this.#memory.inherit(row, first);
      return;
    }
    this.#first(row, like, row * scrapes, 1, base);
    for (let i = 1; i < scrapes; i++) {
      const at = row * scrapes + i;
      const value = follow(floats, at, first * scrapes + i, second === -1 ? -1 : second * scrapes + i, minus);
      // Of others a JavaScript number need not keep all bits.
      if (!Number.isInteger(value)) throw new FormatError(`columns row ${row}: expected integers as sums`);
      floats[at] = value;
    }
  }

  #source(row: number, context: number): number {
    const source = row - this.#coder.number(context, DISTANCE_TOP);
    if (source < 0 || source === row || this.#memory.bytes[ROW_BYTES * source + SYMBOL] === NONE || !isWhole(this.#cells, source))
      throw new FormatError(`columns row ${row}: expected a row above that has all its values`);
    return source;
  }

  /** The scale and the first value. Returns its mantissa. */
  #first(row: number, like: number, index: number, moving: 0 | 1, base: Cells | undefined): number {
    const coder = this.#coder;
    const memory = this.#memory;
    const likedKind = scaleKind(memory.bytes[ROW_BYTES * like + SCALED] as number);
    const none = like === this.#cells.rows;
    if (coder.bit(OTHER_SCALE + (NO_KIND + 1) * moving + (none ? NO_KIND : likedKind)) === 1)
      memory.bytes[ROW_BYTES * row + SCALED] = coder.tree(SCALE + 32 * likedKind, 5);
    const scale = memory.bytes[ROW_BYTES * row + SCALED] as number;
    const m = this.#difference(row, like, scale, moving, base) + predecessor(base, row, scale);
    this.#moving.start(row, index, m, scale);
    return m;
  }

  #difference(row: number, like: number, scale: number, moving: 0 | 1, base: Cells | undefined): number {
    const coder = this.#coder;
    const memory = this.#memory;
    const zero = coder.bit(ZERO + 3 * moving + (memory.bytes[ROW_BYTES * like + ZEROS] as number));
    memory.bytes[ROW_BYTES * row + ZEROS] = zero;
    if (zero === 1) return 0;
    const liked = memory.firsts[like] as number;
    const likedLength = memory.bytes[ROW_BYTES * like + LENGTH] as number;
    if (moving === 0 && liked !== 0 && coder.bit(SAME_FIRST + bucket(likedLength)) === 1) return liked;
    const context = firstContext(base !== undefined, scaleKind(scale), likedLength);
    const length = coder.tree(context, 6);
    let difference: number;
    if (length === TIME_LENGTHS.seconds || length === TIME_LENGTHS.milliseconds) {
      difference = this.#time(scale, length === TIME_LENGTHS.seconds);
    } else {
      difference = coder.rest(FIRST_TOP + length, length);
      if (coder.bit(FIRST_SIGN + (base === undefined ? 0 : 1)) === 1) difference = -difference;
    }
    // Below 2^53 whatever the predecessor, so that the sum is exact.
    if (!(Math.abs(difference) < 2 ** 52) || difference === 0) throw new FormatError(`columns row ${row}: first difference out of range`);
    memory.firsts[row] = difference;
    memory.bytes[ROW_BYTES * row + LENGTH] = bitLength(Math.abs(difference));
    return difference;
  }

  #time(scale: number, inSeconds: boolean): number {
    const coder = this.#coder;
    const late = coder.number(TIME, TIME_TOP);
    const negative = late !== 0 && coder.bit(TIME_SIGN) === 1;
    return timeMantissa(this.#times[0] as number, scale, inSeconds) + (negative ? -late : late);
  }

  #rawValues(row: number, first: number, end: number, moving: boolean, base: Cells | undefined): void {
    const { states, words } = this.#cells;
    if (this.#coder.bit(OTHER_RAW) === 1) {
      const low = base === undefined ? this.#rawLow : (base.words[2 * row] as number);
      const high = base === undefined ? this.#rawHigh : (base.words[2 * row + 1] as number);
      this.#rawChange(low, high, base === undefined ? 0 : 1);
    }
    const rawLow = this.#rawLow;
    const rawHigh = this.#rawHigh;
    for (let i = first; i < end; i++) {
      if (states[i] !== VALUE) continue;
      if (i > first && moving) this.#rawChange(this.#rawLow, this.#rawHigh, 1);
      words[2 * i] = this.#rawLow;
      words[2 * i + 1] = this.#rawHigh;
    }
    this.#rawLow = rawLow;
    this.#rawHigh = rawHigh;
  }

  /** Leaves its result in the memory. */
  #rawChange(fromLow: number, fromHigh: number, near: number): void {
    const coder = this.#coder;
    const length = coder.tree(RAW_LENGTH + 128 * near, 7);
    if (length > 64) throw new FormatError(`columns: expected a difference of at most 64 bits, got ${length}`);
    let low = 0;
    let high = 0;
    if (length > 0) {
      const negative = coder.bit(RAW_SIGN + near);
      if (length > 32) {
        high = length > 33 ? 2 ** (length - 33) + coder.direct(length - 33) : 1;
        low = coder.direct(32);
      } else {
        low = 2 ** (length - 1) + coder.direct(length - 1);
      }
      if (negative === 1) {
        high = (~high + (low === 0 ? 1 : 0)) >>> 0;
        low = -low >>> 0;
      }
    }
    const sum = fromLow + low;
    this.#rawLow = sum >>> 0;
    this.#rawHigh = (fromHigh + high + (sum >= 2 ** 32 ? 1 : 0)) >>> 0;
  }

  #ownTimes(row: number): Float64Array {
    const { scrapes, states } = this.#cells;
    const coder = this.#coder;
    const own = new Float64Array(scrapes);
    for (let i = 0; i < scrapes; i++) {
      if (states[row * scrapes + i] !== VALUE) continue;
      const size = coder.number(OWN_TIME, OWN_TIME_TOP);
      this.#ownTime += size !== 0 && coder.bit(OWN_TIME_SIGN) === 1 ? -size : size;
      const time = (this.#times[i] as number) + this.#ownTime;
      if (!isTime(time)) throw new FormatError(`columns row ${row}: own time out of range`);
      own[i] = time;
    }
    return own;
  }
}
