import { type Cells, NO_CELLS, VALUE } from './cells.ts';
import { bitLength } from './range-coder.ts';
import {
  binaryFactor,
  findDecimals,
  findFactor,
  fromMantissa,
  MAX_MANTISSA,
  MOST_BINARY,
  mantissa,
  NEAR,
  nearMantissa,
  SCALES,
  Ulps,
} from './scale.ts';

/** What another scale costs, in bits: a row that is steady stays with one that costs no more. */
const BITS_OF_CHANGE = 5;
/** Integers below this gain nothing from a factor. */
const LEAST_FOR_FACTOR = 2 ** 14;
/** More decimals than anything is measured with: then a near scale is tried as well. */
const MOST_LIKELY_DECIMALS = 9;

/** Finds the scale of each row, which is an encoder's own business: a decoder is told. */
export class ScaleChooser {
  #cells = NO_CELLS;
  readonly #ulps = new Ulps();
  /** Of the scale chosen last: the mantissa of the first value. */
  mantissa = 0;

  begin(cells: Cells): void {
    this.#cells = cells;
  }

  /**
   * A scale for the values of a row among the cells `first` to `end`, and for `before`, the value before them, where that is possible;
   * NaN where there is none. Where several will do, `liked` costs least.
   * @param before NaN: there is none
   */
  choose(first: number, end: number, steady: boolean, before: number, liked: number): number {
    const { floats, words } = this.#cells;
    if (steady && words[2 * first] === 0 && words[2 * first + 1] === 0 && Number.isNaN(before)) {
      this.mantissa = 0;
      return liked;
    }
    const scale = this.#find(first, end, steady, before, liked);
    this.mantissa = Number.isNaN(scale)
      ? scale
      : scale >= NEAR
        ? nearMantissa(floats[first] as number, scale)
        : mantissa(floats[first] as number, scale);
    return scale;
  }

  #find(first: number, end: number, steady: boolean, before: number, liked: number): number {
    const value = this.#cells.floats[first] as number;
    const alone = Number.isNaN(before);
    const scale = this.#decimals(first, steady ? first + 1 : end, liked);
    if (Number.isNaN(scale) || scale > MOST_LIKELY_DECIMALS) {
      const near = this.#near(first, steady ? first + 1 : end);
      return Number.isNaN(near) ? scale : near;
    }
    const finer = alone ? scale : findDecimals(before, scale);
    if (finer > scale && this.#exact(first, end, finer)) return finer;
    const found = scale === 0 ? this.#factor(first, steady ? first + 1 : end, before) : scale;
    if (!steady || found === liked || liked >= NEAR || (!alone && Number.isNaN(mantissa(before, liked)))) return found;
    const m = mantissa(value, liked);
    if (Number.isNaN(m)) return found;
    return bitLength(Math.abs(m)) - bitLength(Math.abs(mantissa(value, found))) <= BITS_OF_CHANGE ? liked : found;
  }

  /** The least number of decimals that all values can do with, or a factor for a huge one; NaN if there is none. */
  #decimals(first: number, end: number, liked: number): number {
    const { states, floats } = this.#cells;
    let scale = 0;
    let raised = false;
    for (let i = first; i < end; i++) {
      if (states[i] !== VALUE) continue;
      const value = floats[i] as number;
      if (!Number.isNaN(mantissa(value, scale))) continue;
      if (Math.abs(value) > MAX_MANTISSA) scale = findFactor(value);
      else if (liked > scale && liked <= MOST_LIKELY_DECIMALS && leastIs(value, liked)) scale = liked;
      else scale = findDecimals(value, scale);
      if (Number.isNaN(scale)) return scale;
      raised = i > first;
    }
    // A later value may have raised the scale past what an earlier, larger one can take.
    return raised && !this.#exact(first, end, scale) ? Number.NaN : scale;
  }

  #exact(first: number, end: number, scale: number): boolean {
    const { states, floats } = this.#cells;
    for (let i = first; i < end; i++) if (states[i] === VALUE && Number.isNaN(mantissa(floats[i] as number, scale))) return false;
    return true;
  }

  #near(first: number, end: number): number {
    for (let scale = NEAR; scale < SCALES; scale++) if (this.#isNear(first, end, scale)) return scale;
    return Number.NaN;
  }

  #isNear(first: number, end: number, scale: number): boolean {
    const { states, floats, words } = this.#cells;
    for (let i = first; i < end; i++) {
      if (states[i] !== VALUE) continue;
      const m = nearMantissa(floats[i] as number, scale);
      if (Number.isNaN(m)) return false;
      const steps = this.#ulps.between(fromMantissa(m, scale), words[2 * i] as number, words[2 * i + 1] as number);
      if (Number.isNaN(steps)) return false;
    }
    return true;
  }

  /** Of integers, `before` among them; 0 where a factor would not shorten them. */
  #factor(first: number, end: number, before: number): number {
    const { states, floats } = this.#cells;
    let scale: number = MOST_BINARY;
    let large = false;
    for (let i = first; i < end && scale !== 0; i++) {
      if (states[i] !== VALUE) continue;
      const value = floats[i] as number;
      if (value !== 0) scale = binaryFactor(value, scale);
      large ||= Math.abs(value) >= LEAST_FOR_FACTOR;
    }
    if (!large || scale === 0) return 0;
    return Number.isNaN(before) ? scale : binaryFactor(before, scale);
  }
}

/** Whether a value has `scale` decimals and not fewer. */
const leastIs = (value: number, scale: number): boolean =>
  !Number.isNaN(mantissa(value, scale)) && Number.isNaN(mantissa(value, scale - 1));
