import { FormatError } from './binary.ts';
import { BOTTOM, CHUNK_BITS, LEAST, LENGTH_BITS, learnt, MOST, type Model, PROBABILITY_BITS, SEEN_BITS, UNITS } from './range-coder.ts';

/** Reads what `RangeEncoder` wrote. Any bytes give some bits: whoever reads bounds how many, and calls {@link end}. */
export class RangeDecoder {
  readonly #first: Model;
  readonly #model: Int32Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Where the bytes lie within what is left, and its size. */
  readonly #window = Uint32Array.of(0, 0xffffffff);

  /** @param model what each use begins with; never written to */
  constructor(model: Model) {
    this.#first = model;
    this.#model = model.slice();
  }

  /** Begins to read other bytes. Throws {@link FormatError}. */
  begin(bytes: Uint8Array): void {
    if (bytes.length > 0 && bytes[bytes.length - 1] === 0) throw new FormatError('range coder: ends with a zero, which is never written');
    this.#model.set(this.#first);
    this.#bytes = bytes;
    this.#at = 0;
    this.#window[0] = 0;
    this.#window[1] = 0xffffffff;
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
    if (count > 0 && count <= CHUNK_BITS) return this.#chunk(count);
    let value = 0;
    for (let left = count; left > 0; ) {
      const bits = ((left - 1) % CHUNK_BITS) + 1;
      left -= bits;
      value = value * (1 << bits) + this.#chunk(bits);
    }
    return value;
  }

  #chunk(bits: number): number {
    const window = this.#window;
    const range = (window[1] as number) >>> bits;
    const code = window[0] as number;
    const chunk = Math.floor(code / range);
    if (chunk >= 1 << bits) throw new FormatError('range coder: bytes that are never written');
    const left = (code - Math.imul(chunk, range)) >>> 0;
    if (range < BOTTOM) this.#shift(left, range);
    else {
      window[0] = left;
      window[1] = range;
    }
    return chunk;
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
