import type { Random } from './random.ts';

/** `accepted`: the input meant something. `refused`: the documented refusal. */
export type Outcome = 'accepted' | 'refused';

/** Something that takes bytes from outside, with what must hold for any bytes. */
export interface FuzzTarget {
  /** Also the folder of its regression cases. */
  readonly name: string;
  /** What {@link check} holds, in words. */
  readonly promise: string;
  /** Valid inputs, from the kept fixtures as far as there are any. Each is accepted. */
  seeds(): Promise<readonly Uint8Array[]>;
  /** An input near `input`; `other` is another one, to take parts of. */
  mutate(input: Uint8Array, other: Uint8Array, random: Random): Uint8Array;
  /** Throws where the promise is broken. */
  check(input: Uint8Array): Promise<Outcome>;
}

/** A broken promise, as opposed to an error that the code under test threw by itself. */
export class BrokenPromise extends Error {
  override name = 'BrokenPromise';
}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new BrokenPromise(what);
}

/** Both as JSON, for a message that shows the difference; bigints and Maps are the caller's matter. */
export function mustEqual(got: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a === b) return;
  let at = 0;
  while (a?.[at] === b?.[at]) at++;
  const near = (text: string | undefined): string => `${text}`.slice(Math.max(0, at - 60), at + 100);
  throw new BrokenPromise(`${what}: expected ...${near(b)}, got ...${near(a)}`);
}

/** Runs a decoder: a value, or undefined where it threw the error that is documented. */
export function orRefusal<T>(decode: () => T, isRefusal: (error: unknown) => boolean): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}
