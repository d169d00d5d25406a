import { StoreError } from './store.ts';

/**
 * The database of a log, and the few verbs on it.
 *
 * | object store | key                  | value                                                       |
 * | ------------ | -------------------- | ----------------------------------------------------------- |
 * | `meta`       | `leader`             | {@link Leader}: whose writes count                          |
 * | `segments`   | [area, name]         | bytes: the length of the segment                            |
 * | `chunks`     | [area, name, offset] | Uint8Array: the bytes of one append, from that offset on    |
 * | `files`      | name                 | Uint8Array: a small file                                    |
 */
const VERSION = 1;
export const TABLES = ['meta', 'segments', 'chunks', 'files'] as const;
export const LEADER_KEY = 'leader';

/** Who may write. `term` rises with each claim; `id` is random, so that a database made anew does not repeat an old term. */
export interface Leader {
  readonly term: number;
  readonly id: string;
}

export type ChunkKey = readonly [area: string, name: string, offset: number];

/** Rejects with the browser's error. Waits while a deletion of the database is under way. */
export function openDatabase(factory: IDBFactory, name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(name, VERSION);
    request.onupgradeneeded = () => {
      for (const table of TABLES) request.result.createObjectStore(table);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new StoreError('failed', `${name}: another tab holds an older version of the database open`));
  });
}

export function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Resolves once the transaction is committed. Rejects with why it was not, undefined where it was given up by the caller. */
export function completionOf(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

/** Chunks of a segment that begin in `[from, to)`. */
export const chunkRange = (area: string, name: string, from: number, to = Number.POSITIVE_INFINITY): IDBKeyRange =>
  IDBKeyRange.bound([area, name, from], [area, name, to], false, true);

/** Where the chunk that holds `offset` begins; 0 where there is none. */
export async function chunkStart(chunks: IDBObjectStore, area: string, name: string, offset: number): Promise<number> {
  const range = IDBKeyRange.bound([area, name, 0], [area, name, offset]);
  const cursor = await resultOf(chunks.openKeyCursor(range, 'prev'));
  const key = cursor?.primaryKey;
  return Array.isArray(key) ? Number(key[2]) : 0;
}

/** What of `[offset, end)` the chunks hold, in one piece. */
export async function readChunks(
  chunks: IDBObjectStore,
  area: string,
  name: string,
  offset: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (offset >= end) return new Uint8Array(0);
  const from = await chunkStart(chunks, area, name, offset);
  const pieces: readonly unknown[] = await resultOf(chunks.getAll(chunkRange(area, name, from, end)));
  const bytes = new Uint8Array(end - offset);
  let at = from;
  for (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) throw new StoreError('failed', `${area}/${name}: expected bytes at ${at}, got something else`);
    const skipped = Math.max(0, offset - at);
    if (skipped < piece.length) bytes.set(piece.subarray(skipped, end - at), at + skipped - offset);
    at += piece.length;
  }
  if (at < end) throw new StoreError('failed', `${area}/${name}: expected bytes up to ${end}, got them up to ${at}`);
  return bytes;
}

/** Cuts the chunks of a segment at `length`. */
export async function cutChunks(chunks: IDBObjectStore, area: string, name: string, length: number): Promise<void> {
  if (length > 0) {
    const from = await chunkStart(chunks, area, name, length - 1);
    const piece: unknown = await resultOf(chunks.get([area, name, from]));
    if (piece instanceof Uint8Array && from + piece.length > length)
      await resultOf(chunks.put(piece.slice(0, length - from), [area, name, from]));
  }
  await resultOf(chunks.delete(chunkRange(area, name, length)));
}
