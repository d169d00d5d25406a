/**
 * Scales: a value as an integer, its mantissa, times a fixed factor, taken only where that gives back all 64 bits.
 *
 * Codes 0 to 22 stand for `mantissa / 10^code`; the others for `mantissa * factor`, for sizes in sectors, kilobytes and pages, and
 * for huge values.
 */

export const SCALES = 32;
/** The largest code that stands for decimals. */
export const DECIMALS = 22;
const FACTORS = [2 ** 9, 2 ** 10, 2 ** 12, 2 ** 20, 2 ** 30, 1e3, 1e6, 1e9, 1e12] as const;
/** Codes of the factors 2^9 to 2^20, the largest first. */
const BINARY = [26, 25, 24, 23] as const;
/** Integers below this gain nothing from a factor. */
const LEAST_FOR_FACTOR = 2 ** 14;
/** Bounds the mantissa so that the errors of predictions stay exact. */
export const MAX_MANTISSA = 2 ** 50;

const TENS = Array.from({ length: DECIMALS + 1 }, (_, i) => Number(`1e${i}`));

const powerOf = (scale: number): number => (scale <= DECIMALS ? TENS[scale] : FACTORS[scale - DECIMALS - 1]) as number;

/** The mantissa of `value`, or NaN where there is none that stands for exactly this value; none does for -0. */
export function mantissa(value: number, scale: number): number {
  if (value === 0) return Object.is(value, 0) ? 0 : Number.NaN;
  const power = powerOf(scale);
  const divides = scale <= DECIMALS;
  const m = Math.round(divides ? value * power : value / power);
  return Math.abs(m) <= MAX_MANTISSA && (divides ? m / power : m * power) === value ? m : Number.NaN;
}

export function fromMantissa(m: number, scale: number): number {
  const power = powerOf(scale);
  return scale <= DECIMALS ? m / power : m * power;
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

/** For a value beyond 2^50: a factor that leaves it a mantissa, or NaN. */
export function findFactor(value: number): number {
  for (let scale = DECIMALS + 1; scale < SCALES; scale++) if (!Number.isNaN(mantissa(value, scale))) return scale;
  return Number.NaN;
}

/** The scale of the largest binary factor that all of some integers have, where it shortens them; else 0. */
export function commonFactor(largest: number, all: (factor: number) => boolean): number {
  if (largest < LEAST_FOR_FACTOR) return 0;
  for (const scale of BINARY) if (all(powerOf(scale))) return scale;
  return 0;
}
