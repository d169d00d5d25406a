import type { Chain } from './push.ts';

/**
 * The chain value of a record: 64 bits that depend on its payload and on the chain of the record before, so two logs that
 * share a position and its chain share everything up to it. Not a defence against forgery: it is compared only within what
 * one authenticated device sends.
 */
export function nextChain(before: Chain, payload: Uint8Array): Chain {
  let a = Number.parseInt(before.slice(0, 8), 16) ^ payload.length;
  let b = Number.parseInt(before.slice(8), 16) ^ 0x9e3779b9;
  for (let i = 0; i < payload.length; i++) {
    const byte = payload[i] as number;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
    b ^= b >>> 13;
  }
  a = mix(a ^ (b >>> 7));
  b = mix(b ^ (a >>> 9));
  return digits(a) + digits(b);
}

/** The finalizer of MurmurHash3: every input bit reaches every output bit. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const digits = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
