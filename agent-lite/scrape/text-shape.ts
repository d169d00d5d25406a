import type { FamilyType } from './exposition.ts';
import { CLOSE, NEWLINE } from './lexer.ts';

/** The texts of one scrape in their order, and what each stands for. Never changes, so that equal targets hold one together. */
export interface Shape<T> {
  /** One text after the other. */
  readonly texts: Uint8Array<ArrayBuffer>;
  /** Offset behind each text. */
  readonly ends: Uint32Array;
  readonly families: Uint8Array;
  readonly items: ArrayLike<T>;
  /** Equal for equal shapes. */
  readonly hash: number;
}

interface Text<T> {
  readonly item: T;
  readonly family: FamilyType;
  readonly start: number;
  readonly length: number;
}

/** @param pool holds the texts of `order` */
export function createShape<T>(pool: Uint8Array, order: readonly Text<T>[]): Shape<T> {
  let bytes = 0;
  for (const { length } of order) bytes += length;
  const texts = new Uint8Array(bytes);
  const ends = new Uint32Array(order.length);
  const families = new Uint8Array(order.length);
  let at = 0;
  order.forEach(({ start, length, family }, i) => {
    texts.set(pool.subarray(start, start + length), at);
    at += length;
    ends[i] = at;
    families[i] = family;
  });
  return { texts, ends, families, items: order.map(({ item }) => item), hash: hashOf(texts) };
}

/** Whether the text tells its own end, by a brace or a line end; a bare name needs a look at what follows it. */
export const isClosed = (last: number | undefined): boolean => last === CLOSE || last === NEWLINE;

export function sameShape<T>(a: Shape<T>, b: Shape<T>, sameItem: (a: T, b: T) => boolean): boolean {
  if (a.hash !== b.hash || a.items.length !== b.items.length || !sameBytes(a.texts, b.texts)) return false;
  for (let i = 0; i < a.items.length; i++) {
    if (a.ends[i] !== b.ends[i] || a.families[i] !== b.families[i] || !sameItem(a.items[i] as T, b.items[i] as T)) return false;
  }
  return true;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** FNV-1a, cut to 30 bits: a small integer on every platform. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash & 0x3fffffff;
}
