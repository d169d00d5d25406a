import type { ObjectStore } from '../model.ts';
import { type OpenStore, reachable } from './open.ts';
import { followPages } from './pages.ts';

/** Keys of one delete call, and of one page of a listing, as R2 limits them. */
const KEYS_PER_CALL = 1000;

export function openR2(bucket: R2Bucket): OpenStore {
  const store = r2Store(bucket);
  return { store, check: () => reachable(store) };
}

/**
 * Cloudflare R2 by its binding. Strongly consistent: what `create` reported is in every later `get` and `list`.
 * One key takes one write a second; a second one rejects. Errors of the platform pass through.
 */
export function r2Store(bucket: R2Bucket): ObjectStore {
  return {
    async create(key, body) {
      // A condition that fails gives null instead of throwing.
      const made = await bucket.put(key, body, { onlyIf: { etagDoesNotMatch: '*' } });
      return made === null ? 'exists' : 'created';
    },

    async get(key, range) {
      const object = await bucket.get(key, range === undefined ? {} : { range });
      return object === null ? undefined : new Uint8Array(await object.arrayBuffer());
    },

    async head(key) {
      return (await bucket.head(key))?.size;
    },

    list(prefix, options = {}) {
      return followPages(async (cursor, wanted) => {
        const request: R2ListOptions = { prefix, limit: Math.min(wanted, KEYS_PER_CALL) };
        if (cursor !== undefined) request.cursor = cursor;
        else if (options.startAfter !== undefined) request.startAfter = options.startAfter;
        const answer: R2Objects = await bucket.list(request);
        return { keys: answer.objects.map((object) => object.key), next: answer.truncated ? answer.cursor : undefined };
      }, options.limit);
    },

    async delete(keys) {
      for (let i = 0; i < keys.length; i += KEYS_PER_CALL) await bucket.delete(keys.slice(i, i + KEYS_PER_CALL));
    },
  };
}
