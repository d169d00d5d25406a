import type { Clock, ObjectStore } from '../model.ts';
import type { S3Settings } from './s3.ts';

/** The store that is configured. */
export interface OpenStore {
  readonly store: ObjectStore;
  /** Undefined where the store can be used, else what is wrong with it, fit for a page. Rejects where it does not answer. */
  readonly check: () => Promise<string | undefined>;
}

/** Written by {@link honoursConditions} on S3, never on R2. */
const READY_KEY = 'v1/ready';

/** The SDK is nearly as large as all the rest: it is loaded at the first call, so who uses R2 does not pay for it at start. */
export function openS3(settings: S3Settings, clock: Clock): OpenStore {
  const store = lazyStore(async () => (await import('./s3.ts')).s3Store(settings, clock));
  let honoured = false;
  const check = async (): Promise<string | undefined> => {
    if (honoured) return reachable(store);
    honoured = await honoursConditions(store, READY_KEY);
    return honoured ? undefined : WRITES_OVER;
  };
  return { store, check };
}

const WRITES_OVER =
  'S3_ENDPOINT: expected a server that honours "If-None-Match: *" on PutObject, got one that writes over objects. Use another server or version.';

/** The check of a store that is known to do what it should. */
export async function reachable(store: ObjectStore): Promise<undefined> {
  await store.head(READY_KEY);
}

function lazyStore(load: () => Promise<ObjectStore>): ObjectStore {
  let loaded: ObjectStore | undefined;
  // Not the promise is kept but what came of it: on this platform a promise belongs to the request that made it.
  const store = async (): Promise<ObjectStore> => {
    loaded ??= await load();
    return loaded;
  };
  return {
    create: async (key, body) => (await store()).create(key, body),
    get: async (key, range) => (await store()).get(key, range),
    head: async (key) => (await store()).head(key),
    list: async (prefix, options) => (await store()).list(prefix, options),
    delete: async (keys) => (await store()).delete(keys),
  };
}

/**
 * Whether the store refuses to write over an object. One that ignores the condition would let a superseded shard destroy what its
 * successor stored. Leaves the empty object `key` behind.
 */
export async function honoursConditions(store: ObjectStore, key: string): Promise<boolean> {
  const empty = new Uint8Array(0);
  return (await store.create(key, empty)) === 'exists' || (await store.create(key, empty)) === 'exists';
}
