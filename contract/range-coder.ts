/**
 * An adaptive binary range coder: bits are written in the space that their probability leaves them, and both sides learn the
 * probabilities from the bits before. FORMAT.md, "Range coder", has every constant; one that differs makes another format.
 *
 * A probability is that of a 1, in 15 bits. It moves towards each bit by 1 / (n + 2), n being the bits seen, at most 14.
 */

export const PROBABILITY_BITS = 15;
const HALF = 1 << (PROBABILITY_BITS - 1);
/** No bit is ever certain. */
export const LEAST = 32;
export const MOST = (1 << PROBABILITY_BITS) - LEAST;
const MOST_SEEN = 14;
export const SEEN_BITS = 5;
const MOST_SEEN_MASK = (1 << SEEN_BITS) - 1;
/** The letter for even odds, and how many bits a letter counts for. */
const EVEN_LETTER = 'g'.charCodeAt(0);
const SEEN_BEFORE = 4;
const RATES = Int32Array.from({ length: MOST_SEEN + 1 }, (_, n) => Math.floor(65536 / (n + 2)));
/** Below this a byte is moved out. */
export const BOTTOM = 2 ** 24;
const TWO_32 = 2 ** 32;
/** Powers of two; a look here costs less than raising. */
export const UNITS = Array.from({ length: 54 }, (_, i) => 2 ** i);
/** Direct bits at once. */
export const CHUNK_BITS = 16;

export const LENGTH_BITS = 6;
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
export function learnt(state: number, target: number): number {
  const seen = state & MOST_SEEN_MASK;
  const p = state >> SEEN_BITS;
  const moved = p + (((target - p) * (RATES[seen] as number)) >> 16);
  return (moved << SEEN_BITS) | (seen < MOST_SEEN ? seen + 1 : seen);
}
