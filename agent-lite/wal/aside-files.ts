import type { SegmentStore } from './store.ts';

interface AsideFile {
  readonly bytes: number;
  store: SegmentStore;
}

/** The files of records kept aside, the oldest first, and where each lies. */
export class AsideFiles {
  readonly #files = new Map<string, AsideFile>();

  get size(): number {
    return this.#files.size;
  }

  async load(store: SegmentStore): Promise<void> {
    for (const { name, bytes } of [...(await store.list('set-aside'))].sort((a, b) => (a.name < b.name ? -1 : 1)))
      this.add(name, bytes, store);
  }

  add(name: string, bytes: number, store: SegmentStore): void {
    this.#files.set(name, { bytes, store });
  }

  bytesOn(store: SegmentStore | undefined): number {
    let bytes = 0;
    for (const file of this.#files.values()) if (file.store === store) bytes += file.bytes;
    return bytes;
  }

  /** Forgets the oldest on `store`, whose file is then to be removed; undefined: there is none. */
  takeOldest(store: SegmentStore): { readonly name: string; readonly bytes: number } | undefined {
    for (const [name, file] of this.#files) {
      if (file.store !== store) continue;
      this.#files.delete(name);
      return { name, bytes: file.bytes };
    }
    return undefined;
  }

  async copy(from: SegmentStore, to: SegmentStore): Promise<void> {
    for (const [name, file] of this.#files)
      if (file.store === from) await to.create('set-aside', name, await from.read('set-aside', name, 0, file.bytes), true);
  }

  /** All lie there now. */
  moved(to: SegmentStore): void {
    for (const file of this.#files.values()) file.store = to;
  }
}
