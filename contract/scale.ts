/**
 * Scales: a value as an integer, its mantissa, by a fixed factor, taken only where that gives back all 64 bits.
 *
 * Codes 0 to 19 stand for `mantissa / 10^code`; 20 to 28 for `mantissa * factor`, for sizes in sectors, kilobytes and pages, and for
 * huge values; 29 to 31 for a double near `mantissa / 10^3`, `10^6` or `10^9`: what a sum of such numbers, or a product with 0.001,
 * comes to. How far off it is, in units of the last of its 64 bits, is written beside the mantissa.
 */

export const SCALES = 32;
const DECIMALS = 19;
const FACTORS = [2 ** 9, 2 ** 10, 2 ** 12, 2 ** 20, 2 ** 30, 1e3, 1e6, 1e9, 1e12] as const;
/** The first code of a factor, and of a near scale. */
const FACTOR = DECIMALS + 1;
export const NEAR = FACTOR + FACTORS.length;
/** Of 2^20: factors beyond are for huge values only. */
export const MOST_BINARY = FACTOR + 3;
/** Bounds the mantissa so that the errors of guesses stay exact, and leaves room for microseconds since 1970. */
export const MAX_MANTISSA = 2 ** 51 - 1;
/** How far a value may be from what its mantissa stands for. */
export const MAX_ULPS = 64;

const TENS = Array.from({ length: DECIMALS + 1 }, (_, i) => Number(`1e${i}`));
const POWERS = Float64Array.from([...TENS, ...FACTORS, 1e3, 1e6, 1e9]);

const KINDS = Uint8Array.from({ length: SCALES }, (_, scale) => (scale === 0 ? 0 : scale < FACTOR || scale >= NEAR ? 1 : 2));
/** For contexts: 0 integers, 1 decimals, 2 factors. */
export const scaleKind = (scale: number): number => KINDS[scale] as number;

/** The mantissa of `value`, or NaN where there is none that stands for exactly this value; none does for -0. Not for near scales. */
export function mantissa(value: number, scale: number): number {
  if (value === 0) return Object.is(value, 0) ? 0 : Number.NaN;
  const power = POWERS[scale] as number;
  const divides = scale < FACTOR;
  const m = Math.round(divides ? value * power : value / power);
  return Math.abs(m) <= MAX_MANTISSA && (divides ? m / power : m * power) === value ? m : Number.NaN;
}

/** The mantissa whose value is nearest; NaN where it is too large, and for 0 other than +0 itself. */
export function nearMantissa(value: number, scale: number): number {
  const m = Math.round(value * (POWERS[scale] as number));
  return Math.abs(m) <= MAX_MANTISSA && (m !== 0 || Object.is(value, 0)) ? m : Number.NaN;
}

/** Of a near scale: what the mantissa stands for, to which the ulps are added. */
export function fromMantissa(m: number, scale: number): number {
  const power = POWERS[scale] as number;
  return scale < FACTOR || scale >= NEAR ? m / power : m * power;
}

/** Steps from double to double, for near scales. Holds the 64 bits of one of them. */
export class Ulps {
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer);

  /** How many steps these 64 bits lie above those of `near`; NaN where that is too many. */
  between(near: number, low: number, high: number): number {
    this.#float[0] = near;
    const steps = (high - (this.#words[1] as number)) * 2 ** 32 + low - (this.#words[0] as number);
    return Math.abs(steps) <= MAX_ULPS ? steps : Number.NaN;
  }

  /** Writes the 64 bits `steps` above those of `near`. */
  add(near: number, steps: number, to: Uint32Array, index: number): void {
    this.#float[0] = near;
    const low = (this.#words[0] as number) + steps;
    to[2 * index] = low;
    to[2 * index + 1] = (this.#words[1] as number) + (low < 0 ? -1 : low >= 2 ** 32 ? 1 : 0);
  }
}

/** A time in ms as a mantissa of seconds, or of milliseconds, at this scale; Infinity where it is not one of decimals. */
export function timeMantissa(ms: number, scale: number, inSeconds: boolean): number {
  if (scaleKind(scale) === 2) return Number.POSITIVE_INFINITY;
  const product = ms * (POWERS[scale] as number);
  return Math.round(inSeconds ? product / 1000 : product);
}

/** The least number of decimals, `atLeast` or more, under which `value` has a mantissa; NaN if there is none. */
export function findDecimals(value: number, atLeast: number): number {
  const size = Math.abs(value);
  for (let scale = atLeast; scale <= DECIMALS; scale++) {
    if (size * (TENS[scale] as number) > MAX_MANTISSA) return Number.NaN;
    if (!Number.isNaN(mantissa(value, scale))) return scale;
  }
  return Number.NaN;
}

/** For a value beyond the largest mantissa: a factor that leaves it one, or NaN. */
export function findFactor(value: number): number {
  for (let scale = FACTOR; scale < NEAR; scale++) if (!Number.isNaN(mantissa(value, scale))) return scale;
  return Number.NaN;
}

/**
 * The scale of the largest binary factor that an integer has, at most that of the scale `most`; 0 where that is none.
 * Division by a power of two is exact, and much cheaper than a remainder.
 */
export function binaryFactor(value: number, most: number): number {
  // Most have not even the least.
  if (!Number.isInteger(value / (POWERS[FACTOR] as number))) return 0;
  for (let scale = most; scale >= FACTOR; scale--) if (Number.isInteger(value / (POWERS[scale] as number))) return scale;
  return 0;
}
