import type { ObjectStore } from '../../functions/model.ts';

/** What happens to a `create`. */
export type CreateFault =
  /** Rejects, nothing is stored. */
  | 'fails'
  /** Is stored, and rejects all the same. */
  | 'ambiguous'
  /** Never answers; is stored when {@link FlakyStore.landLate} is called. */
  | 'late'
  /** Is stored, and answers when {@link FlakyStore.landLate} is called. */
  | 'slow';

/** A store whose calls can be made to fail. */
export class FlakyStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #late: (() => Promise<unknown>)[] = [];
  /** Asked before each `create`. */
  createFault: (key: string) => CreateFault | undefined = () => undefined;
  /** Waited for before each `create`: it takes so long. */
  onCreate: (key: string) => Promise<void> | undefined = () => undefined;
  /** Asked before each other call. */
  fails: (call: 'get' | 'head' | 'list' | 'delete') => boolean = () => false;
  creates = 0;
  gets = 0;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async create(key: string, body: Uint8Array): Promise<'created' | 'exists'> {
    this.creates++;
    await this.onCreate(key);
    const fault = this.createFault(key);
    if (fault === 'late') {
      const copy = body.slice();
      this.#late.push(() => this.#store.create(key, copy));
      return new Promise(() => undefined);
    }
    if (fault === 'fails') throw new Error('store: connection lost');
    const outcome = await this.#store.create(key, body);
    if (fault === 'slow') {
      await new Promise<void>((resolve) => {
        this.#late.push(async () => resolve());
      });
    }
    if (fault === 'ambiguous') throw new Error('store: timeout');
    return outcome;
  }

  /** The puts that never answered arrive now, the slow ones answer. */
  async landLate(): Promise<void> {
    for (const land of this.#late.splice(0)) await land();
  }

  async get(key: string, range?: { readonly offset: number; readonly length: number }) {
    this.gets++;
    this.#mayFail('get');
    return this.#store.get(key, range);
  }

  async head(key: string) {
    this.#mayFail('head');
    return this.#store.head(key);
  }

  async list(prefix: string, options?: { readonly startAfter?: string; readonly limit?: number }) {
    this.#mayFail('list');
    return this.#store.list(prefix, options);
  }

  async delete(keys: readonly string[]) {
    this.#mayFail('delete');
    return this.#store.delete(keys);
  }

  #mayFail(call: 'get' | 'head' | 'list' | 'delete'): void {
    if (this.fails(call)) throw new Error(`store: ${call} failed`);
  }
}
