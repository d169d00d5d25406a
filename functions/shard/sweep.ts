import type { ObjectStore } from '../model.ts';
import { dataPrefix, parseDataKey, type ShardName } from './keys.ts';
import type { Ledger } from './ledger.ts';

const PAGE = 1000;

/**
 * Deletes data objects that no row knows: their put ended after its answer was given up, or their instance died before the row.
 * Nobody was told that they are stored, so they are deleted, never drained: the device sends that data again.
 * `frontier`: keys from there on belong to commits under way. Returns how many were deleted. Rejects where the store does.
 */
export async function sweepOrphans(
  name: ShardName,
  store: ObjectStore,
  ledger: Ledger,
  frontier: { readonly epoch: number; readonly seq: number },
): Promise<number> {
  const prefix = dataPrefix(name);
  let deleted = 0;
  for (let startAfter: string | undefined; ; ) {
    const keys = await store.list(prefix, startAfter === undefined ? { limit: PAGE } : { startAfter, limit: PAGE });
    const orphans = keys.filter((key) => {
      const place = parseDataKey(key, prefix);
      if (place === undefined) return false;
      const settled = place.epoch < frontier.epoch || (place.epoch === frontier.epoch && place.seq < frontier.seq);
      return settled && !ledger.holds(key, place.seq);
    });
    if (orphans.length > 0) await store.delete(orphans);
    deleted += orphans.length;
    if (keys.length < PAGE) return deleted;
    startAfter = keys.at(-1);
  }
}
