import { FormatError } from '../../contract/binary.ts';
import { DEAD_PREFIX, type DeadLetterHeader, deadPrefix, decodeDeadLetter, headerEnd } from '../dead-letter.ts';
import type { ObjectStore } from '../model.ts';

/** A letter in a listing. `fault` stands for a header that cannot be read. */
export type ListedLetter = { readonly id: string; readonly bytes: number } & (DeadLetterHeader | { readonly fault: string });

export interface ListedLetters {
  readonly letters: readonly ListedLetter[];
  /** For `after` of the next listing; absent at the end. */
  readonly next?: string;
}

/** `tenant/time-shard-seq-n`, the part of the key that shards/SCHEMA.md describes: nothing else in the bucket can be named by it. */
const ID = /^([A-Za-z0-9_-]{1,64})\/[0-9]{15}-[0-9]{1,9}\.[0-9]{1,9}-[0-9]{12,}-[0-9]{1,9}$/;

/** The tenant of a letter's id; undefined where the text is no id. */
export const tenantOf = (id: string): string | undefined => ID.exec(id)?.[1];
export const keyOf = (id: string): string => `${DEAD_PREFIX}${id}`;

/** Holds the header of nearly all letters. */
const HEAD_BYTES = 4096;
/** Requests to the bucket that are open at once; the platform allows six. */
const PARALLEL = 3;

/** Letters in the order of their keys: by tenant, oldest first. `after`: an id. */
export async function listLetters(
  store: ObjectStore,
  { tenant, limit, after }: { readonly tenant: string | undefined; readonly limit: number; readonly after: string | undefined },
): Promise<ListedLetters> {
  const prefix = tenant === undefined ? DEAD_PREFIX : deadPrefix(tenant);
  const keys = await store.list(prefix, { limit: limit + 1, ...(after === undefined ? {} : { startAfter: keyOf(after) }) });
  const page = keys.slice(0, limit);
  const letters: ListedLetter[] = [];
  for (let at = 0; at < page.length; at += PARALLEL) {
    const some = await Promise.all(page.slice(at, at + PARALLEL).map((key) => describe(store, key)));
    // Deleted since the listing: retention, or somebody else's drop.
    for (const letter of some) if (letter !== undefined) letters.push(letter);
  }
  const last = page.at(-1);
  return keys.length > limit && last !== undefined ? { letters, next: last.slice(DEAD_PREFIX.length) } : { letters };
}

async function describe(store: ObjectStore, key: string): Promise<ListedLetter | undefined> {
  const [bytes, start] = await Promise.all([store.head(key), store.get(key, { offset: 0, length: HEAD_BYTES })]);
  if (bytes === undefined || start === undefined) return undefined;
  const id = key.slice(DEAD_PREFIX.length);
  try {
    const end = headerEnd(start);
    const whole = end <= start.length ? start : await store.get(key, { offset: 0, length: end });
    return whole === undefined ? undefined : { id, bytes, ...decodeDeadLetter(whole).header };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { id, bytes, fault: error.message };
  }
}
