import { NORMAL_NAN } from './cells.ts';

/** The 64 bits of a double, low half first. Every NaN gives {@link NORMAL_NAN}: a number does not tell which one it holds. */
export function bitsOfDouble(value: number): readonly [low: number, high: number] {
  if (Number.isNaN(value)) return [NORMAL_NAN.low, NORMAL_NAN.high];
  const words = new Uint32Array(Float64Array.of(value).buffer);
  return [words[0] as number, words[1] as number];
}

export const doubleOfBits = (low: number, high: number): number => new Float64Array(Uint32Array.of(low, high).buffer)[0] as number;
