import type { ObjectStore } from '../model.ts';

/**
 * Which shards exist. A Durable Object namespace cannot be listed, so each shard gets an empty object, named like it, before
 * it acknowledges anything: the watchdog and /metrics find it there even if its alarm, and every isolate, is gone.
 */
const PREFIX = 'v1/shards/';
/** Names remembered as registered. Forgetting costs one look at the store. */
const REMEMBERED = 10_000;

export class ShardRegistry {
  readonly #store: ObjectStore;
  readonly #known = new Set<string>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Resolves once the shard is registered. Looks first: a key takes one write a second. */
  async register(name: string): Promise<void> {
    if (this.#known.has(name)) return;
    const key = PREFIX + name;
    if ((await this.#store.head(key)) === undefined) {
      try {
        await this.#store.create(key, new Uint8Array(0));
      } catch (error) {
        // Another isolate was faster.
        if ((await this.#store.head(key)) === undefined) throw error;
      }
    }
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.add(name);
  }

  /** Names of all shards of a tenant, of any generation. */
  async ofTenant(tenant: string): Promise<readonly string[]> {
    return (await this.#store.list(`${PREFIX}${tenant}/`)).map((key) => key.slice(PREFIX.length));
  }

  /** Names in byte order, at most `limit`. */
  async list(limit: number): Promise<readonly string[]> {
    return (await this.#store.list(PREFIX, { limit })).map((key) => key.slice(PREFIX.length));
  }
}
