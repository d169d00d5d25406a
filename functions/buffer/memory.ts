import { compareText } from '../../contract/labels.ts';
import type { ObjectStore } from '../model.ts';
import { followPages } from './pages.ts';

export interface MemoryStoreOptions {
  /** Ms; for the limit of one write a second and key. */
  readonly now: () => number;
  /** Keys of one page of a listing. Small in tests, so that paging is gone through. */
  readonly pageSize?: number;
}

const WRITE_INTERVAL_MS = 1000;
/** R2's limit, in UTF-8 bytes. */
const MAX_KEY_BYTES = 1024;

/**
 * Objects in memory, for tests: as strict as R2, so that what passes here passes there. A key takes one write a second, a
 * range must begin inside the object, listings come in pages, bodies are copied in and out.
 */
export function memoryStore(options: MemoryStoreOptions): ObjectStore {
  const { now, pageSize = 3 } = options;
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const written = new Map<string, number>();

  const page = (prefix: string, after: string | undefined, wanted: number) => {
    const all = [...objects.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || compareText(key, after) > 0));
    const keys = all.sort(compareText).slice(0, Math.min(wanted, pageSize));
    return { keys, next: keys.length < all.length ? keys.at(-1) : undefined };
  };

  return {
    async create(key, body) {
      if (new TextEncoder().encode(key).length > MAX_KEY_BYTES) throw new RangeError(`key: expected at most ${MAX_KEY_BYTES} bytes`);
      if (now() - (written.get(key) ?? Number.NEGATIVE_INFINITY) < WRITE_INTERVAL_MS) throw new Error(`${key}: 429 too many writes`);
      if (objects.has(key)) return 'exists';
      objects.set(key, new Uint8Array(body));
      written.set(key, now());
      return 'created';
    },

    async get(key, range) {
      const body = objects.get(key);
      if (body === undefined) return undefined;
      if (range === undefined) return body.slice();
      if (range.offset >= body.length) throw new RangeError(`${key}: offset ${range.offset} of ${body.length} bytes`);
      return body.slice(range.offset, range.offset + range.length);
    },

    async head(key) {
      return objects.get(key)?.length;
    },

    list(prefix, { startAfter, limit } = {}) {
      return followPages(async (cursor, wanted) => page(prefix, cursor ?? startAfter, wanted), limit);
    },

    async delete(keys) {
      for (const key of keys) objects.delete(key);
    },
  };
}
