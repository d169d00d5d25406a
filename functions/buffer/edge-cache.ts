/** What the caller needs of the platform's cache: of one data centre, shared by its isolates. May forget at any time. */
export interface EdgeCache {
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

const MAX_AGE_SECONDS = 24 * 60 * 60;

/** By the Cache API. Never rejects: a cache that fails is an empty one. On workers.dev it keeps nothing. */
export function edgeCache(cache: Cache): EdgeCache {
  // Never fetched: the Cache API wants an address as its key. `.invalid` cannot exist, so no response of anybody's is met.
  const address = (key: string): string => `https://relay.invalid/${key}`;
  return {
    async get(key) {
      try {
        const response = await cache.match(address(key));
        return response === undefined ? undefined : new Uint8Array(await response.arrayBuffer());
      } catch {
        return undefined;
      }
    },
    async put(key, bytes) {
      const headers = { 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` };
      await cache.put(address(key), new Response(bytes, { headers })).catch(() => {});
    },
  };
}
