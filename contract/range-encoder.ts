import {
  BOTTOM,
  bitLength,
  CHUNK_BITS,
  LEAST,
  LENGTH_BITS,
  learnt,
  MOST,
  type Model,
  PROBABILITY_BITS,
  SEEN_BITS,
  UNITS,
} from './range-coder.ts';

/** An output that grew beyond this is not kept. */
const MOST_KEPT_BYTES = 64 * 1024;

/** Writes bits as FORMAT.md, "Range coder", tells. */
export class RangeEncoder {
  readonly #first: Model;
  readonly #model: Int32Array;
  /** Kept from use to use. */
  #out: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  #at = 0;
  /** Low end and size of what is left, in 32 bits: typed memory, for a field would be a double. */
  readonly #window = Uint32Array.of(0, 0xffffffff);

  /** @param model what each use begins with; never written to */
  constructor(model: Model) {
    this.#first = model;
    this.#model = model.slice();
  }

  /** Begins anew, whatever was written. */
  begin(): void {
    this.#model.set(this.#first);
    this.#at = 0;
    this.#window[0] = 0;
    this.#window[1] = 0xffffffff;
    if (this.#out.length > MOST_KEPT_BYTES) this.#out = new Uint8Array(64);
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
    if (count > 0 && count <= CHUNK_BITS) {
      this.#chunk(value, count);
      return;
    }
    let rest = value;
    for (let left = count; left > 0; ) {
      // The uppermost chunk is the short one.
      const bits = ((left - 1) % CHUNK_BITS) + 1;
      left -= bits;
      const unit = UNITS[left] as number;
      const chunk = Math.floor(rest / unit);
      rest -= chunk * unit;
      this.#chunk(chunk, bits);
    }
  }

  #chunk(chunk: number, bits: number): void {
    const window = this.#window;
    const range = (window[1] as number) >>> bits;
    const step = Math.imul(chunk, range) >>> 0;
    const low = ((window[0] as number) + step) >>> 0;
    if (low < step) this.#carry();
    if (range < BOTTOM) {
      this.#shift(low, range);
      return;
    }
    window[0] = low;
    window[1] = range;
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
    if (length < 32) {
      const below = length - 2;
      this.bit(context, (value >>> below) & 1);
      this.direct(value & ((1 << below) - 1), below);
      return;
    }
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
