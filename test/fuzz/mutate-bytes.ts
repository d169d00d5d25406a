import type { Random } from './random.ts';

/** Longer inputs say nothing new, and cost time. */
export const MAX_INPUT_BYTES = 256 * 1024;

const INTERESTING = [0, 1, 0x0a, 0x20, 0x22, 0x5c, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
const WORDS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

type Change = (bytes: Uint8Array, other: Uint8Array, random: Random) => Uint8Array;

const changes: readonly Change[] = [
  (bytes, _, random) => patched(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  (bytes, _, random) => patched(bytes, random, () => random.pick(INTERESTING)),
  (bytes, _, random) => patched(bytes, random, () => random.below(256)),
  (bytes, _, random) => patched(bytes, random, (byte) => byte + (random.chance(0.5) ? 1 : -1)),
  /** A word that overflows something. */
  (bytes, _, random) => {
    const copy = bytes.slice();
    const at = random.below(Math.max(1, copy.length - 3));
    if (copy.length >= 4) new DataView(copy.buffer).setUint32(at, random.pick(WORDS), random.chance(0.5));
    return copy;
  },
  (bytes, _, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, _, random) => splice(bytes, ...range(bytes, random), new Uint8Array(0)),
  (bytes, _, random) => splice(bytes, random.below(bytes.length + 1), 0, bytes.subarray(...bounds(bytes, random))),
  (bytes, _, random) =>
    splice(
      bytes,
      random.below(bytes.length + 1),
      0,
      Uint8Array.from({ length: random.int(1, 8) }, () => random.below(256)),
    ),
  (bytes, other, random) => splice(bytes, ...range(bytes, random), other.subarray(...bounds(other, random))),
  /** The beginning of one, the end of the other. */
  (bytes, other, random) => splice(bytes, random.below(bytes.length + 1), bytes.length, other.subarray(random.below(other.length + 1))),
];

/** One to four changes that know nothing of the format. */
export function mutateBytes(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let changed = bytes;
  for (let left = random.int(1, 4); left > 0; left--) changed = random.pick(changes)(changed, other, random);
  return changed.subarray(0, MAX_INPUT_BYTES);
}

function patched(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  const copy = bytes.slice();
  const at = random.below(copy.length);
  if (copy.length > 0) copy[at] = change(copy[at] as number);
  return copy;
}

/** A stretch: mostly short, sometimes anything. */
function bounds(bytes: Uint8Array, random: Random): [start: number, end: number] {
  const start = random.below(bytes.length + 1);
  const most = random.chance(0.8) ? 16 : bytes.length;
  return [start, Math.min(bytes.length, start + random.int(0, most))];
}

function range(bytes: Uint8Array, random: Random): [at: number, count: number] {
  const [start, end] = bounds(bytes, random);
  return [start, end - start];
}

function splice(bytes: Uint8Array, at: number, count: number, insert: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.length, at + count));
  const whole = new Uint8Array(at + insert.length + rest.length);
  whole.set(bytes.subarray(0, at), 0);
  whole.set(insert, at);
  whole.set(rest, at + insert.length);
  return whole;
}
