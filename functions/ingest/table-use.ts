import type { TableHash } from '../../contract/series-table.ts';
import type { ObjectStore } from '../model.ts';
import { type BlobCache, tableKey } from './tables.ts';

/**
 * Which series tables are in use: a table that a push names gets an empty object for the day, `v1/used/<day>/<tenant>/<hash>`. Sorted
 * by day the markers are a queue: the oldest come first in a listing, and need no cursor that somebody would have to keep.
 */
const PREFIX = 'v1/used/';
const DAY_MS = 86_400_000;
/** Tables unused for so many whole days (UTC) are deleted. */
export const UNUSED_DAYS = 30;
/** Markers remembered as made. Forgetting costs one look at the cache or the store. */
const REMEMBERED = 10_000;
/** Of one run of {@link deleteUnusedTables}; the platform allows ten thousand calls from one request. */
const CALLS = 1_000;
const MARKERS = 1_000;

const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);
const markerKey = (day: number, tenant: string, hash: TableHash): string =>
  `${PREFIX}${new Date(day * DAY_MS).toISOString().slice(0, 10)}/${tenant}/${hash}`;

function parseMarker(key: string): { readonly day: number; readonly tenant: string; readonly hash: TableHash } | undefined {
  const [, date = '', tenant = '', hash = ''] = /^(\d{4}-\d\d-\d\d)\/([^/]+)\/([0-9a-f]{32})$/.exec(key.slice(PREFIX.length)) ?? [];
  const day = dayOf(Date.parse(date));
  return Number.isNaN(day) ? undefined : { day, tenant, hash };
}

export interface TableUseOptions {
  readonly store: ObjectStore;
  /** Spares the other isolates of a data centre the look at the store. */
  readonly cache: BlobCache | undefined;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export class TableUse {
  readonly #options: TableUseOptions;
  #day = 0;
  #marked = new Set<string>();

  constructor(options: TableUseOptions) {
    this.#options = options;
  }

  /**
   * Says that a push names this table. The first time a day it is marked, after the answer; a mark that fails is tried again at
   * the next push.
   * @param afterwards takes work that may end after the answer; it does not reject
   */
  note(tenant: string, hash: TableHash, afterwards: (work: Promise<void>) => void): void {
    const key = this.#today(tenant, hash);
    if (this.#marked.has(key)) return;
    this.#remember(key);
    afterwards(this.#make(key).catch(() => void this.#marked.delete(key)));
  }

  /** Resolves once the table is marked. Before it is stored: one without a mark would stay for ever. Rejects where the store does. */
  async mark(tenant: string, hash: TableHash): Promise<void> {
    const key = this.#today(tenant, hash);
    if (this.#marked.has(key)) return;
    await this.#make(key);
    this.#remember(key);
  }

  #today(tenant: string, hash: TableHash): string {
    const day = dayOf(this.#options.now());
    if (day !== this.#day) this.#marked = new Set();
    this.#day = day;
    return markerKey(day, tenant, hash);
  }

  #remember(key: string): void {
    if (this.#marked.size >= REMEMBERED) this.#marked.clear();
    this.#marked.add(key);
  }

  /** Looks first: looking is cheaper than writing, and a key takes one write a second. */
  async #make(key: string): Promise<void> {
    const { store, cache } = this.#options;
    if ((await cache?.get(key)) !== undefined) return;
    if ((await store.head(key)) === undefined) {
      try {
        await store.create(key, new Uint8Array(0));
      } catch (error) {
        // Another isolate was faster.
        if ((await store.head(key)) === undefined) throw error;
      }
    }
    await cache?.put(key, new Uint8Array(0));
  }
}

/**
 * Deletes tables that no push has named for {@link UNUSED_DAYS} days, and the markers of those days: a bounded slice, so it is called
 * again and again, by the watchdog. A table that is deleted while a push is on its way costs its device an upload, nothing else.
 * @returns how many tables were deleted. Rejects where the store does; the next call goes on from there.
 */
export async function deleteUnusedTables({ store, now }: Pick<TableUseOptions, 'store' | 'now'>, budget = CALLS): Promise<number> {
  let calls = budget;
  const today = dayOf(now());
  const markers: string[] = [];
  const tables: string[] = [];
  for (const key of await store.list(PREFIX, { limit: MARKERS })) {
    const marker = parseMarker(key);
    if (marker === undefined) continue;
    if (marker.day >= today - UNUSED_DAYS || calls <= 0) break;
    const { tenant, hash } = marker;
    let used = false;
    // Today's first: most tables are in use each day.
    for (let day = today; !used && day >= today - UNUSED_DAYS; day--, calls--) {
      used = (await store.head(markerKey(day, tenant, hash))) !== undefined;
    }
    if (!used) tables.push(tableKey(tenant, hash));
    markers.push(key);
  }
  // The markers last: without them nobody would come back for the tables.
  if (tables.length > 0) await store.delete([...new Set(tables)]);
  if (markers.length > 0) await store.delete(markers);
  return new Set(tables).size;
}
