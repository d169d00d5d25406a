import { MemoryStore } from '../../agent-lite/wal/memory-store.ts';
import { type Area, type Entry, type SegmentStore, StoreError, type StoreFailure } from '../../agent-lite/wal/store.ts';

export type Operation = keyof SegmentStore;

/**
 * A store on which tests cut the power, fill the disk and break it. It keeps two states: what a process sees, and what would
 * be there after a power cut, which is only what was synced or made durably.
 */
export class UnreliableStore implements SegmentStore {
  readonly now: MemoryStore;
  #durable: Map<string, Uint8Array>;
  /** Makes an operation fail. An append that fails so writes half of its bytes first. */
  fault: ((operation: Operation, name: string) => StoreFailure | undefined) | undefined;
  /** Bytes that fit; more is `full`. */
  capacity = Number.POSITIVE_INFINITY;
  readonly calls: string[] = [];

  constructor(now = new MemoryStore(), durable: Map<string, Uint8Array> = new Map()) {
    this.now = now;
    this.#durable = durable;
  }

  /** The process is killed: nothing is lost, and the lock is stale. */
  async kill(): Promise<UnreliableStore> {
    await this.now.unlock();
    this.#die();
    return new UnreliableStore(this.now, this.#durable);
  }

  /** The machine loses its power. `torn`: how many bytes beyond the last sync reached the disk by chance. */
  async powerCut(torn: (name: string, unsynced: number) => number = () => 0): Promise<UnreliableStore> {
    const after = new UnreliableStore();
    for (const [key, bytes] of this.#durable) {
      const [place, name] = split(key);
      if (place === 'file') {
        await after.replaceFile(name, bytes, true);
        continue;
      }
      const seen = await this.now.read(place, name, 0, Number.MAX_SAFE_INTEGER).catch(() => bytes);
      const kept = bytes.length + Math.max(0, torn(name, Math.max(0, seen.length - bytes.length)));
      await after.create(place, name, kept > bytes.length ? seen.subarray(0, kept) : bytes, true);
    }
    after.calls.length = 0;
    this.#die();
    return after;
  }

  /** The log object of a dead process is still there, and its timers go on: it must not reach the new one's files. */
  #die(): void {
    this.fault = () => 'failed';
  }

  /** A copy of everything, as `cp -r` makes it. */
  async copy(): Promise<UnreliableStore> {
    const copy = new UnreliableStore();
    for (const area of ['wal', 'set-aside'] as const)
      for (const { name, bytes } of await this.now.list(area))
        await copy.create(area, name, await this.now.read(area, name, 0, bytes), true);
    for (const name of ['cursors.json', 'positions.json']) {
      const bytes = await this.now.readFile(name);
      if (bytes !== undefined) await copy.replaceFile(name, bytes, true);
    }
    return copy;
  }

  lock(): Promise<void> {
    return this.#do('lock', '', () => this.now.lock());
  }
  unlock(): Promise<void> {
    return this.now.unlock();
  }
  list(area: Area): Promise<readonly Entry[]> {
    return this.#do('list', area, () => this.now.list(area));
  }
  create(area: Area, name: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    return this.#do('create', name, async () => {
      await this.#room(bytes.length);
      await this.now.create(area, name, bytes, durable);
      if (durable) this.#durable.set(`${area}/${name}`, bytes.slice());
    });
  }
  async append(name: string, at: number, bytes: Uint8Array): Promise<void> {
    try {
      await this.#do('append', name, async () => {
        await this.#room(bytes.length);
        await this.now.append(name, at, bytes);
      });
    } catch (error) {
      await this.now.append(name, at, bytes.subarray(0, bytes.length >> 1));
      throw error;
    }
  }
  sync(name: string): Promise<void> {
    return this.#do('sync', name, async () => {
      this.#durable.set(`wal/${name}`, await this.now.read('wal', name, 0, Number.MAX_SAFE_INTEGER));
    });
  }
  read(area: Area, name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#do('read', name, () => this.now.read(area, name, offset, length));
  }
  truncate(name: string, length: number): Promise<void> {
    return this.#do('truncate', name, async () => {
      await this.now.truncate(name, length);
      const durable = this.#durable.get(`wal/${name}`);
      if (durable !== undefined) this.#durable.set(`wal/${name}`, durable.slice(0, length));
    });
  }
  remove(area: Area, name: string): Promise<void> {
    return this.#do('remove', name, async () => {
      await this.now.remove(area, name);
      this.#durable.delete(`${area}/${name}`);
    });
  }
  readFile(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#do('readFile', name, () => this.now.readFile(name));
  }
  replaceFile(name: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    return this.#do('replaceFile', name, async () => {
      await this.now.replaceFile(name, bytes, durable);
      if (durable) this.#durable.set(`file/${name}`, bytes.slice());
    });
  }
  close(): Promise<void> {
    return this.now.close();
  }

  async #used(): Promise<number> {
    let used = 0;
    for (const area of ['wal', 'set-aside'] as const) for (const { bytes } of await this.now.list(area)) used += bytes;
    return used;
  }

  async #room(bytes: number): Promise<void> {
    if (this.capacity !== Number.POSITIVE_INFINITY && (await this.#used()) + bytes > this.capacity)
      throw new StoreError('full', 'ENOSPC: no space left on device');
  }

  async #do<T>(operation: Operation, name: string, action: () => Promise<T>): Promise<T> {
    this.calls.push(`${operation} ${name}`);
    const failure = this.fault?.(operation, name);
    if (failure !== undefined) throw new StoreError(failure, `injected: ${operation} ${name} ${failure}`);
    return action();
  }
}

function split(key: string): [Area | 'file', string] {
  const at = key.indexOf('/');
  return [key.slice(0, at) as Area | 'file', key.slice(at + 1)];
}
