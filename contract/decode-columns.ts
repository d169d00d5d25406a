import { FormatError } from './binary.ts';
import { ABSENT, type Cells, createCells, isTime, STALE, setStale, VALUE } from './cells.ts';
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
import { bitLength, NUMBER_CONTEXTS, RangeDecoder } from './range-coder.ts';
import { DECIMALS, fromMantissa, MAX_MANTISSA } from './scale.ts';

/**
 * Reads what `encodeColumns` wrote. Memory and time are bounded by `rows` and `times.length`, whatever the bytes: they must have
 * been checked against the limits. Throws {@link FormatError} on anything that cannot be told apart from damage.
 */
export function decodeColumns(bytes: Uint8Array, rows: number, times: ArrayLike<number>, previous?: Cells): Cells {
  const decoder = new ColumnsDecoder(bytes, rows, times, previous);
  return decoder.decode();
}

class ColumnsDecoder {
  readonly #cells: Cells;
  readonly #times: ArrayLike<number>;
  readonly #previous: Cells | undefined;
  readonly #coder: RangeDecoder;
  readonly #memory = new Memory();
  readonly #predictor = new Predictor();

  constructor(bytes: Uint8Array, rows: number, times: ArrayLike<number>, previous: Cells | undefined) {
    this.#coder = new RangeDecoder(CONTEXTS, bytes);
    this.#cells = createCells(rows, times.length);
    this.#times = times;
    this.#previous = previous;
  }

  decode(): Cells {
    const cells = this.#cells;
    const coder = this.#coder;
    for (let row = 0; row < cells.rows; row++) this.#row(row);
    if (coder.bit(OWN_TIMES) === 1) {
      cells.ownTimes = new Map();
      for (let row = 0; row < cells.rows; row++) if (coder.bit(OWN_TIMES + 1) === 1) cells.ownTimes.set(row, this.#ownTimes(row));
    }
    if (coder.direct(8) !== END_MARK)
      throw new FormatError('columns: the mark at the end is not there; damage, or other rows than were written');
    coder.end();
    return cells;
  }

  #row(row: number): void {
    const { scrapes, states } = this.#cells;
    const kind = this.#head(row);
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
      case MOVING:
        this.#scaled(row, first, end, kind === MOVING ? 1 : 0, base);
        return;
      case STEADY_RAW:
      case RAW:
        this.#raw(row, first, end, kind === RAW, base);
        return;
      default:
        throw new FormatError(`columns row ${row}: unknown class ${kind}`);
    }
  }

  #head(row: number): number {
    const coder = this.#coder;
    const memory = this.#memory;
    const { scrapes, states } = this.#cells;
    const symbol = coder.tree(CLASS + 8 * memory.symbol, 3);
    memory.symbol = symbol;
    const start = row * scrapes;
    if (symbol !== IRREGULAR) {
      if (symbol !== NONE) states.fill(VALUE, start, start + scrapes);
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

  #scaled(row: number, first: number, end: number, moving: 0 | 1, base: Cells | undefined): void {
    const { states } = this.#cells;
    const coder = this.#coder;
    const memory = this.#memory;
    memory.otherScale = coder.bit(OTHER_SCALE + 2 * moving + memory.otherScale);
    if (memory.otherScale === 1) memory.scale = coder.tree(SCALE, 5);
    const { scale } = memory;
    memory.otherFirst = coder.bit(OTHER_FIRST + 2 * moving + memory.otherFirst);
    if (memory.otherFirst === 1) {
      const against = base === undefined ? 0 : 1;
      const context = FIRST + ((2 * against + moving) * BUCKETS + bucket(memory.firstLength)) * NUMBER_CONTEXTS;
      const size = coder.number(context, FIRST_TOP);
      memory.firstLength = bitLength(size);
      memory.first = size !== 0 && coder.bit(FIRST_SIGN + against) === 1 ? -size : size;
    }
    let m = memory.first + predecessor(base, row, scale);
    this.#put(row, first, m, scale);
    if (moving === 0) {
      this.#fill(first + 1, end, this.#cells.words[2 * first] as number, this.#cells.words[2 * first + 1] as number);
      return;
    }
    const predictor = this.#predictor;
    predictor.start(m);
    let context = CHANGE + ((scale > 0 && scale <= DECIMALS ? BUCKETS : 0) + bucket(memory.firstLength)) * NUMBER_CONTEXTS;
    let sign = 0;
    for (let i = first + 1; i < end; i++) {
      if (states[i] !== VALUE) continue;
      const guess = predictor.guess();
      const size = coder.number(context, ERROR_TOP);
      context = errorContext(bitLength(size));
      sign = size === 0 ? 0 : 1 + coder.bit(ERROR_SIGN + 3 * predictor.chosen + sign);
      m = sign === 2 ? guess - size : guess + size;
      this.#put(row, i, m, scale);
      predictor.tell(m);
    }
  }

  #put(row: number, i: number, m: number, scale: number): void {
    if (!(Math.abs(m) <= MAX_MANTISSA)) throw new FormatError(`columns row ${row}: mantissa out of range`);
    this.#cells.floats[i] = fromMantissa(m, scale);
  }

  #raw(row: number, first: number, end: number, moving: boolean, base: Cells | undefined): void {
    const { states, words } = this.#cells;
    const memory = this.#memory;
    if (this.#coder.bit(OTHER_RAW) === 1) {
      const low = base === undefined ? memory.rawLow : (base.words[2 * row] as number);
      const high = base === undefined ? memory.rawHigh : (base.words[2 * row + 1] as number);
      this.#rawChange(low, high, base === undefined ? 0 : 1);
    }
    const { rawLow, rawHigh } = memory;
    for (let i = first; i < end; i++) {
      if (states[i] !== VALUE) continue;
      if (i > first && moving) this.#rawChange(memory.rawLow, memory.rawHigh, 1);
      words[2 * i] = memory.rawLow;
      words[2 * i + 1] = memory.rawHigh;
    }
    memory.rawLow = rawLow;
    memory.rawHigh = rawHigh;
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
    const memory = this.#memory;
    const sum = fromLow + low;
    memory.rawLow = sum >>> 0;
    memory.rawHigh = (fromHigh + high + (sum >= 2 ** 32 ? 1 : 0)) >>> 0;
  }

  #ownTimes(row: number): Float64Array {
    const { scrapes, states } = this.#cells;
    const coder = this.#coder;
    const memory = this.#memory;
    const own = new Float64Array(scrapes);
    for (let i = 0; i < scrapes; i++) {
      if (states[row * scrapes + i] !== VALUE) continue;
      const size = coder.number(OWN_TIME, OWN_TIME_TOP);
      memory.ownTime += size !== 0 && coder.bit(OWN_TIME_SIGN) === 1 ? -size : size;
      const time = (this.#times[i] as number) + memory.ownTime;
      if (!isTime(time)) throw new FormatError(`columns row ${row}: own time out of range`);
      own[i] = time;
    }
    return own;
  }
}
