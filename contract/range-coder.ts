import { FormatError } from './binary.ts';

/**
 * An adaptive binary range coder: bits are written in the space that their probability leaves them, and both sides learn the
 * probabilities from the bits before. FORMAT.md, "Range coder", has every constant; one that differs makes another format.
 *
 * A probability is that of a 1, in 15 bits. It moves towards each bit by 1 / (n + 2), n being the bits seen, at most 14.
 */

const PROBABILITY_BITS = 15;
const HALF = 1 << (PROBABILITY_BITS - 1);
/** No bit is ever certain. */
const LEAST = 32;
const MOST = (1 << PROBABILITY_BITS) - LEAST;
const MOST_SEEN = 14;
const SEEN_BITS = 5;
const MOST_SEEN_MASK = (1 << SEEN_BITS) - 1;
/** The letter for even odds, and how many bits a letter counts for. */
const EVEN_LETTER = 'g'.charCodeAt(0);
const SEEN_BEFORE = 4;
const RATES = Int32Array.from({ length: MOST_SEEN + 1 }, (_, n) => Math.floor(65536 / (n + 2)));
/** Below this a byte is moved out. */
const BOTTOM = 2 ** 24;
const TWO_32 = 2 ** 32;
/** Powers of two; a look here costs less than raising. */
const UNITS = Array.from({ length: 54 }, (_, i) => 2 ** i);
/** Direct bits at once. */
const CHUNK_BITS = 16;

const LENGTH_BITS = 6;
/** Contexts that the length of a number takes; its second bit takes one for each length, which numbers may share. */
export const NUMBER_CONTEXTS = 1 << LENGTH_BITS;
export const TOP_CONTEXTS = 1 << LENGTH_BITS;

/** Bits of an integer of 0 to 2^53. */
export const bitLength = (value: number): number => (value < TWO_32 ? 32 - Math.clz32(value) : 64 - Math.clz32(Math.floor(value / TWO_32)));

/** Per context: the probability in the upper bits, how many bits were seen in the lowest five. */
export type Model = Int32Array;

/** All contexts with even odds, and ready to learn. */
export const evenModel = (contexts: number): Model => new Int32Array(contexts).fill(HALF << SEEN_BITS);

/** Odds by letters, `a` to `m`, as if some bits had been seen; even ones where there is no letter. */
export function modelOf(letters: string, contexts: number): Model {
  const model = evenModel(contexts);
  for (let i = 0; i < letters.length; i++) {
    if (letters[i] === '.') continue;
    const odds = letters.charCodeAt(i) - EVEN_LETTER;
    model[i] = (Math.round((1 << PROBABILITY_BITS) / (1 + 2 ** -odds)) << SEEN_BITS) | SEEN_BEFORE;
  }
  return model;
}

/** What a context is after a bit. */
function learnt(state: number, target: number): number {
  const seen = state & MOST_SEEN_MASK;
  const p = state >> SEEN_BITS;
  const moved = p + (((target - p) * (RATES[seen] as number)) >> 16);
  return (moved << SEEN_BITS) | (seen < MOST_SEEN ? seen + 1 : seen);
}

export class RangeEncoder {
  readonly #model: Int32Array;
  #out: Uint8Array<ArrayBuffer>;
  #at = 0;
  /** Low end and size of what is left, in 32 bits: typed memory, for a field would be a double. */
  readonly #window = Uint32Array.of(0, 0xffffffff);

  /**
   * @param model is copied
   * @param capacity bytes to begin with
   */
  constructor(model: Model, capacity: number) {
    this.#model = model.slice();
    this.#out = new Uint8Array(Math.max(64, capacity));
  }

  bit(context: number, bit: number): void {
    const model = this.#model;
    const window = this.#window;
    const state = model[context] as number;
    let range = window[1] as number;
    const bound = Math.imul(range >>> PROBABILITY_BITS, state >> SEEN_BITS) >>> 0;
    if (bit === 1) {
      range = bound;
      model[context] = learnt(state, MOST);
      if (range >= BOTTOM) {
        window[1] = range;
        return;
      }
    } else {
      const low = ((window[0] as number) + bound) >>> 0;
      window[0] = low;
      if (low < bound) this.#carry();
      range = (range - bound) >>> 0;
      model[context] = learnt(state, LEAST);
      if (range >= BOTTOM) {
        window[1] = range;
        return;
      }
    }
    this.#shift(window[0] as number, range);
  }

  /** Puts out bytes until the range is large enough again. */
  #shift(from: number, size: number): void {
    let low = from;
    let range = size;
    while (range < BOTTOM) {
      this.#put(low >>> 24);
      low = (low << 8) >>> 0;
      range = (range << 8) >>> 0;
    }
    this.#window[0] = low;
    this.#window[1] = range;
  }

  /** `count` bits, the highest first; takes the contexts behind `context`, `2^count - 1` of them. */
  tree(context: number, value: number, count: number): void {
    const model = this.#model;
    const window = this.#window;
    let low = window[0] as number;
    let range = window[1] as number;
    let node = 1;
    for (let i = count - 1; i >= 0; i--) {
      const state = model[context + node] as number;
      const bound = Math.imul(range >>> PROBABILITY_BITS, state >> SEEN_BITS) >>> 0;
      if (((value >> i) & 1) === 1) {
        range = bound;
        model[context + node] = learnt(state, MOST);
        node = 2 * node + 1;
      } else {
        low = (low + bound) >>> 0;
        if (low < bound) this.#carry();
        range = (range - bound) >>> 0;
        model[context + node] = learnt(state, LEAST);
        node = 2 * node;
      }
      while (range < BOTTOM) {
        this.#put(low >>> 24);
        low = (low << 8) >>> 0;
        range = (range << 8) >>> 0;
      }
    }
    window[0] = low;
    window[1] = range;
  }

  /** As many ones, and then a zero if `ends`, each in a context of its own behind `context`; those beyond `most` in that of `most`. */
  unary(context: number, most: number, ones: number, ends: boolean): void {
    const model = this.#model;
    const window = this.#window;
    let low = window[0] as number;
    let range = window[1] as number;
    const count = ends ? ones + 1 : ones;
    for (let i = 0; i < count; i++) {
      const at = i < most ? context + i : context + most;
      const state = model[at] as number;
      const bound = Math.imul(range >>> PROBABILITY_BITS, state >> SEEN_BITS) >>> 0;
      if (i < ones) {
        range = bound;
        model[at] = learnt(state, MOST);
      } else {
        low = (low + bound) >>> 0;
        if (low < bound) this.#carry();
        range = (range - bound) >>> 0;
        model[at] = learnt(state, LEAST);
      }
      while (range < BOTTOM) {
        this.#put(low >>> 24);
        low = (low << 8) >>> 0;
        range = (range << 8) >>> 0;
      }
    }
    window[0] = low;
    window[1] = range;
  }

  /** `count` bits of an integer, at most 53, as they are. */
  direct(value: number, count: number): void {
    const window = this.#window;
    let rest = value;
    for (let left = count; left > 0; ) {
      // The uppermost chunk is the short one.
      const bits = ((left - 1) % CHUNK_BITS) + 1;
      left -= bits;
      const unit = UNITS[left] as number;
      const chunk = Math.floor(rest / unit);
      rest -= chunk * unit;
      let range = (window[1] as number) >>> bits;
      const step = Math.imul(chunk, range) >>> 0;
      let low = ((window[0] as number) + step) >>> 0;
      if (low < step) this.#carry();
      while (range < BOTTOM) {
        this.#put(low >>> 24);
        low = (low << 8) >>> 0;
        range = (range << 8) >>> 0;
      }
      window[0] = low;
      window[1] = range;
    }
  }

  /** An integer of 0 to 2^53 - 1: its length, its second bit by the length, the others as they are. Returns the length. */
  number(context: number, top: number, value: number): number {
    const length = bitLength(value);
    this.tree(context, length, LENGTH_BITS);
    this.rest(top + length, value, length);
    return length;
  }

  /** What the length of an integer does not tell: its second bit, the others as they are. */
  rest(context: number, value: number, length: number): void {
    if (length < 2) return;
    const unit = UNITS[length - 2] as number;
    const head = Math.floor(value / unit);
    this.bit(context, head - 2);
    this.direct(value - head * unit, length - 2);
  }

  /** Into the bytes that are written already. There is one that takes it: what is written stays below 1. */
  #carry(): void {
    let i = this.#at - 1;
    while (this.#out[i] === 0xff) this.#out[i--] = 0;
    this.#out[i] = (this.#out[i] as number) + 1;
  }

  #put(byte: number): void {
    if (this.#at === this.#out.length) {
      const grown = new Uint8Array(2 * this.#out.length);
      grown.set(this.#out);
      this.#out = grown;
    }
    this.#out[this.#at++] = byte;
  }

  /** The shortest bytes that mean what was written: behind their end a decoder reads zeros. */
  finish(): Uint8Array<ArrayBuffer> {
    const [low = 0, range = 0] = this.#window;
    // Any value within the range will do: the one with the most zeros behind it.
    let value = low;
    for (const unit of [2 ** 24, 2 ** 16, 2 ** 8]) {
      value = Math.ceil(low / unit) * unit;
      if (value < low + range) break;
      value = low;
    }
    if (value >= 2 ** 32) this.#carry();
    for (let shift = 24; shift >= 0; shift -= 8) this.#put((value >>> shift) & 0xff);
    let end = this.#at;
    while (end > 0 && this.#out[end - 1] === 0) end--;
    return this.#out.slice(0, end);
  }
}

/** Reads what {@link RangeEncoder} wrote. Any bytes give some bits: whoever reads bounds how many, and calls {@link end}. */
export class RangeDecoder {
  readonly #model: Int32Array;
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Where the bytes lie within what is left, and its size. */
  readonly #window = Uint32Array.of(0, 0xffffffff);

  /** @param model is copied */
  constructor(model: Model, bytes: Uint8Array) {
    if (bytes.length > 0 && bytes[bytes.length - 1] === 0) throw new FormatError('range coder: ends with a zero, which is never written');
    this.#model = model.slice();
    this.#bytes = bytes;
    for (let i = 0; i < 4; i++) this.#window[0] = ((this.#window[0] as number) << 8) | this.#next();
  }

  #next(): number {
    const at = this.#at++;
    return at < this.#bytes.length ? (this.#bytes[at] as number) : 0;
  }

  bit(context: number): number {
    const model = this.#model;
    const window = this.#window;
    const state = model[context] as number;
    let range = window[1] as number;
    const code = window[0] as number;
    const bound = Math.imul(range >>> PROBABILITY_BITS, state >> SEEN_BITS) >>> 0;
    const bit = code < bound ? 1 : 0;
    if (bit === 1) {
      range = bound;
      model[context] = learnt(state, MOST);
    } else {
      window[0] = code - bound;
      range = (range - bound) >>> 0;
      model[context] = learnt(state, LEAST);
    }
    if (range >= BOTTOM) window[1] = range;
    else this.#shift(window[0] as number, range);
    return bit;
  }

  /** Takes in bytes until the range is large enough again. */
  #shift(from: number, size: number): void {
    let code = from;
    let range = size;
    while (range < BOTTOM) {
      code = ((code << 8) | this.#next()) >>> 0;
      range = (range << 8) >>> 0;
    }
    this.#window[0] = code;
    this.#window[1] = range;
  }

  tree(context: number, count: number): number {
    const model = this.#model;
    const window = this.#window;
    let code = window[0] as number;
    let range = window[1] as number;
    let node = 1;
    for (let i = 0; i < count; i++) {
      const state = model[context + node] as number;
      const bound = Math.imul(range >>> PROBABILITY_BITS, state >> SEEN_BITS) >>> 0;
      if (code < bound) {
        range = bound;
        model[context + node] = learnt(state, MOST);
        node = 2 * node + 1;
      } else {
        code = (code - bound) >>> 0;
        range = (range - bound) >>> 0;
        model[context + node] = learnt(state, LEAST);
        node = 2 * node;
      }
      while (range < BOTTOM) {
        code = ((code << 8) | this.#next()) >>> 0;
        range = (range << 8) >>> 0;
      }
    }
    window[0] = code;
    window[1] = range;
    return node - (1 << count);
  }

  /** Ones before a zero, or `limit` of them. */
  unary(context: number, most: number, limit: number): number {
    const model = this.#model;
    const window = this.#window;
    let code = window[0] as number;
    let range = window[1] as number;
    let ones = 0;
    for (let more = ones < limit; more; ) {
      const at = ones < most ? context + ones : context + most;
      const state = model[at] as number;
      const bound = Math.imul(range >>> PROBABILITY_BITS, state >> SEEN_BITS) >>> 0;
      if (code < bound) {
        range = bound;
        model[at] = learnt(state, MOST);
        more = ++ones < limit;
      } else {
        code = (code - bound) >>> 0;
        range = (range - bound) >>> 0;
        model[at] = learnt(state, LEAST);
        more = false;
      }
      while (range < BOTTOM) {
        code = ((code << 8) | this.#next()) >>> 0;
        range = (range << 8) >>> 0;
      }
    }
    window[0] = code;
    window[1] = range;
    return ones;
  }

  direct(count: number): number {
    const window = this.#window;
    let value = 0;
    for (let left = count; left > 0; ) {
      const bits = ((left - 1) % CHUNK_BITS) + 1;
      left -= bits;
      let range = (window[1] as number) >>> bits;
      let code = window[0] as number;
      const chunk = Math.floor(code / range);
      if (chunk >= 1 << bits) throw new FormatError('range coder: bytes that are never written');
      code = (code - Math.imul(chunk, range)) >>> 0;
      value = value * (1 << bits) + chunk;
      while (range < BOTTOM) {
        code = ((code << 8) | this.#next()) >>> 0;
        range = (range << 8) >>> 0;
      }
      window[0] = code;
      window[1] = range;
    }
    return value;
  }

  number(context: number, top: number): number {
    const length = this.tree(context, LENGTH_BITS);
    return this.rest(top + length, length);
  }

  /** The integer of `length` bits. */
  rest(context: number, length: number): number {
    if (length < 2) return length;
    if (length > 53) throw new FormatError(`range coder: expected a number of at most 53 bits, got ${length}`);
    return (2 + this.bit(context)) * (UNITS[length - 2] as number) + this.direct(length - 2);
  }

  /** Throws {@link FormatError} where bytes are left. */
  end(): void {
    // The decoder is four bytes ahead of what decides; an encoder leaves out trailing zeros, so it may also end before.
    if (this.#at < this.#bytes.length)
      throw new FormatError(`range coder: expected the end, got ${this.#bytes.length - this.#at} more bytes`);
  }
}
