import { compareText } from '../../contract/labels.ts';
import { followPages } from '../../functions/buffer/pages.ts';
import type { ObjectStore } from '../../functions/model.ts';

/** Objects in memory; a page of a listing holds what `pageSize` says, even nothing while there is more, as R2's may. */
export function partialPages(pageSize: (wanted: number) => number): ObjectStore {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    create: async (key, body) => {
      if (objects.has(key)) return 'exists';
      objects.set(key, new Uint8Array(body));
      return 'created';
    },
    get: async (key, range) => {
      const body = objects.get(key);
      return range === undefined ? body?.slice() : body?.slice(range.offset, range.offset + range.length);
    },
    head: async (key) => objects.get(key)?.length,
    list: (prefix, { startAfter, limit } = {}) =>
      followPages(async (cursor, wanted) => {
        const after = cursor ?? startAfter ?? '';
        const all = [...objects.keys()].filter((key) => key.startsWith(prefix) && compareText(key, after) > 0).sort(compareText);
        const keys = all.slice(0, Math.min(wanted, pageSize(wanted)));
        return { keys, next: keys.length < all.length ? (keys.at(-1) ?? after) : undefined };
      }, limit),
    delete: async (keys) => {
      for (const key of keys) objects.delete(key);
    },
  };
}
