import { type Area, type Entry, type SegmentStore, StoreError } from '../store.ts';

/** A store as it is seen by who only looks: every change is refused, so what repairs at opening cannot. */
export class ReadOnlyStore implements SegmentStore {
  readonly #store: SegmentStore;

  constructor(store: SegmentStore) {
    this.#store = store;
  }

  list(area: Area): Promise<readonly Entry[]> {
    return this.#store.list(area);
  }
  read(area: Area, name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#store.read(area, name, offset, length);
  }
  readFile(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#store.readFile(name);
  }
  lock(): Promise<void> {
    return refuse('lock');
  }
  unlock(): Promise<void> {
    return refuse('unlock');
  }
  create(_area: Area, name: string): Promise<void> {
    return refuse(`create ${name}`);
  }
  append(name: string): Promise<void> {
    return refuse(`append to ${name}`);
  }
  sync(name: string): Promise<void> {
    return refuse(`sync ${name}`);
  }
  truncate(name: string): Promise<void> {
    return refuse(`truncate ${name}`);
  }
  remove(_area: Area, name: string): Promise<void> {
    return refuse(`remove ${name}`);
  }
  replaceFile(name: string): Promise<void> {
    return refuse(`write ${name}`);
  }
  async close(): Promise<void> {}
}

const refuse = (what: string): Promise<never> => Promise.reject(new StoreError('failed', `cannot ${what}: opened for reading only`));
