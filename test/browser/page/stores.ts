import { takeLock } from '../../../agent-lite/platform/lock-web.ts';
import { IndexedDbStore } from '../../../agent-lite/wal/indexeddb-store.ts';
import { LogLockedError, StoreError } from '../../../agent-lite/wal/store.ts';

/** Stores of this page by a number, for tests outside that call them one method at a time. */
const stores = new Map<number, IndexedDbStore>();
const superseded: string[] = [];

export interface StoreSettings {
  readonly name: string;
  readonly durability: 'strict' | 'relaxed';
}

export type Called =
  | { readonly value: unknown }
  | { readonly error: { readonly name: string; readonly reason: string | undefined; readonly message: string } };

export function openStore({ name, durability }: StoreSettings): number {
  const id = stores.size + 1;
  const store = new IndexedDbStore({
    ...{ factory: indexedDB, name, durability },
    claim: () => takeLock(navigator.locks, name),
    randomId: () => crypto.randomUUID(),
    onSuperseded: (reason) => superseded.push(reason),
  });
  stores.set(id, store);
  return id;
}

export const supersededReasons = (): readonly string[] => superseded;
export const deletionsOf = (id: number): number => stores.get(id)?.deletions ?? 0;

/** Calls one method of a store. Errors come back as values, since their class does not survive the way out of the page. */
export async function callStore(id: number, method: string, args: readonly unknown[]): Promise<Called> {
  const store = stores.get(id);
  const call: unknown = store === undefined ? undefined : Reflect.get(store, method);
  if (typeof call !== 'function') throw new TypeError(`store ${id} has no method ${method}`);
  try {
    return { value: await Reflect.apply(call, store, args) };
  } catch (error) {
    if (error instanceof StoreError) return { error: { name: error.name, reason: error.reason, message: error.message } };
    if (error instanceof LogLockedError) return { error: { name: error.name, reason: undefined, message: error.message } };
    throw error;
  }
}

/** Appends `record` times the byte 0, then 1, and so on, until the page ends. Does not wait for any of it. */
export function appendForEver(id: number, name: string, record: number): void {
  const store = stores.get(id);
  if (store === undefined) throw new RangeError(`no store ${id}`);
  const next = (count: number): Promise<void> =>
    store.append(name, count * record, new Uint8Array(record).fill(count % 256)).then(() => next(count + 1));
  next(0).catch((error: unknown) => console.error(error));
}
