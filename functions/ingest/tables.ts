import { FormatError } from '../../contract/binary.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { decodeTable, hashTable, type Row, type TableHash } from '../../contract/series-table.ts';
import type { ObjectStore } from '../model.ts';
import { ByteLru } from './byte-lru.ts';

/** A cache of bytes near the Worker that may forget at any time. Neither call rejects. */
export interface BlobCache {
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** The rows of a table and an estimate of the memory they take. */
export interface LoadedTable {
  readonly rows: readonly Row[];
  readonly bytes: number;
}

/** Of the tenant's own: one tenant cannot find, or guess at, another's tables. */
export const tableKey = (tenant: string, hash: TableHash): string => `v1/tables/${tenant}/${hash}`;

export const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

export interface TableSourceOptions {
  readonly store: ObjectStore;
  readonly cache: BlobCache | undefined;
  /** Hears of each table that is found. */
  readonly use: { note(tenant: string, hash: TableHash, afterwards: (work: Promise<void>) => void): void };
  readonly limits: WireLimits;
  /** Decoded tables kept in memory, estimated bytes. */
  readonly memoryBytes: number;
}

/** Finds series tables: in memory, in the cache of the data centre, in the object store. Else the device must send it. */
export class TableSource {
  readonly #options: TableSourceOptions;
  readonly #memory: ByteLru<LoadedTable>;

  constructor(options: TableSourceOptions) {
    this.#options = options;
    this.#memory = new ByteLru(options.memoryBytes);
  }

  /**
   * @param afterwards takes work that may end after the answer (`waitUntil`)
   * @returns undefined where the tenant has no such table. Rejects where the store does.
   */
  async find(tenant: string, hash: TableHash, afterwards: (work: Promise<void>) => void): Promise<LoadedTable | undefined> {
    const table = await this.#find(tenant, hash, afterwards);
    if (table !== undefined) this.#options.use.note(tenant, hash, afterwards);
    return table;
  }

  async #find(tenant: string, hash: TableHash, afterwards: (work: Promise<void>) => void): Promise<LoadedTable | undefined> {
    const key = tableKey(tenant, hash);
    const known = this.#memory.get(key);
    if (known !== undefined) return known;
    const { store, cache } = this.#options;
    const near = await cache?.get(key);
    if (near !== undefined) {
      const table = await this.#read(near, hash);
      if (table !== undefined) return this.#keep(key, table);
    }
    const stored = await store.get(key);
    if (stored === undefined) return undefined;
    const table = await this.#read(stored, hash);
    if (table === undefined) {
      // Bytes that are not what their name says can only stand in the way of the right ones.
      await store.delete([key]);
      return undefined;
    }
    if (cache !== undefined) afterwards(cache.put(key, stored));
    return this.#keep(key, table);
  }

  #keep(key: string, table: LoadedTable): LoadedTable {
    this.#memory.set(key, table, table.bytes);
    return table;
  }

  async #read(bytes: Uint8Array<ArrayBuffer>, hash: TableHash): Promise<LoadedTable | undefined> {
    if ((await hashTable(bytes, sha256)) !== hash) return undefined;
    try {
      const rows = decodeTable(bytes, this.#options.limits);
      return { rows, bytes: memoryOf(rows) };
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }
}

/** Rows share the label objects of the row before; strings take a byte a character, mostly. */
function memoryOf(rows: readonly Row[]): number {
  let bytes = 64;
  let before: Row = [];
  for (const row of rows) {
    bytes += 64 + 8 * row.length;
    row.forEach((label, i) => {
      if (before[i] !== label) bytes += 100 + label[0].length + label[1].length;
    });
    before = row;
  }
  return bytes;
}
