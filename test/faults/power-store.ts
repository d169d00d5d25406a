import { MemoryStore } from '../../agent-lite/wal/memory-store.ts';
import { type Area, type Entry, type SegmentStore, StoreError } from '../../agent-lite/wal/store.ts';
import type { CardStore } from './device.ts';
import type { Random } from './random.ts';

const AREAS = ['wal', 'set-aside'] as const;
/** A medium writes so much at once or not at all. */
const BLOCK = 512;

/**
 * A store below whose fsync anything may be lost, and in any order: after a power cut each block that was not synced is the new one,
 * the old one, or zeros; a file may be shorter; one that was removed may be back; a small file that was replaced may be an older
 * one, empty, or torn. What was synced, or made durably, is there.
 */
export class PowerStore implements CardStore {
  readonly #random: Random;
  readonly #now = new MemoryStore();
  /** By `area/name`, or `file/name`. */
  readonly #durable = new Map<string, Uint8Array>();
  /** Contents that a small file has had since it was durable. */
  readonly #versions = new Map<string, Uint8Array[]>();
  #dead = false;
  /** Writes and syncs until the power goes. */
  #operationsLeft = Number.POSITIVE_INFINITY;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The power goes at the write or sync after so many: that one is not over, and nothing follows it. {@link powerCut} says what is left. */
  dieAfter(operations: number): void {
    this.#operationsLeft = operations;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** The system has written everything, as it does by itself every half minute. */
  async writeBack(): Promise<void> {
    for (const area of AREAS) {
      for (const key of this.#durable.keys()) if (key.startsWith(`${area}/`)) this.#durable.delete(key);
      for (const { name, bytes } of await this.#now.list(area))
        this.#durable.set(`${area}/${name}`, await this.#now.read(area, name, 0, bytes));
    }
    for (const [name, versions] of this.#versions) {
      const newest = versions.at(-1);
      if (newest !== undefined) this.#durable.set(`file/${name}`, newest);
    }
    this.#versions.clear();
  }

  async kill(): Promise<CardStore> {
    return this.#successor((key, seen) => seen ?? this.#durable.get(key));
  }

  copy(): Promise<CardStore> {
    return this.kill();
  }

  async powerCut(): Promise<CardStore> {
    return this.#successor((key, seen) => (key.startsWith('file/') ? this.#smallFile(key) : this.#file(seen, this.#durable.get(key))));
  }

  /** What of this one is in the next life's: `left` undefined is nothing. That is durable then. */
  async #successor(left: (key: string, seen: Uint8Array | undefined) => Uint8Array | undefined): Promise<PowerStore> {
    const after = new PowerStore(this.#random);
    const keys = new Set(this.#durable.keys());
    for (const area of AREAS) for (const { name } of await this.#now.list(area)) keys.add(`${area}/${name}`);
    for (const name of this.#versions.keys()) keys.add(`file/${name}`);
    for (const key of keys) {
      const [place, name] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)];
      const seen =
        place === 'file'
          ? await this.#now.readFile(name)
          : await this.#now.read(place as Area, name, 0, Number.MAX_SAFE_INTEGER).catch(() => undefined);
      const bytes = left(key, seen);
      if (bytes === undefined) continue;
      if (place === 'file') await after.replaceFile(name, bytes, true);
      else await after.create(place as Area, name, bytes, true);
    }
    this.#dead = true;
    return after;
  }

  #file(seen: Uint8Array | undefined, durable: Uint8Array | undefined): Uint8Array | undefined {
    // Removed, or made, and the folder was not synced.
    if (seen === undefined) return this.#random.chance(0.5) ? durable : undefined;
    if (durable === undefined && this.#random.chance(0.3)) return undefined;
    const old = durable ?? new Uint8Array(0);
    const [shorter, longer] = [Math.min(old.length, seen.length), Math.max(old.length, seen.length)];
    const result = new Uint8Array(this.#random.pick([old.length, seen.length, this.#random.int(shorter, longer)]));
    for (let at = 0; at < result.length; at += BLOCK) {
      const block = this.#random.chance(0.5) ? seen : old;
      result.set(block.subarray(at, Math.min(at + BLOCK, result.length)), at);
      // The part of a synced block that was there before stays, whatever follows it.
      result.set(old.subarray(at, Math.min(at + BLOCK, result.length, equalUpTo(old, seen))), at);
    }
    return result;
  }

  #smallFile(key: string): Uint8Array | undefined {
    const durable = this.#durable.get(key);
    const versions = this.#versions.get(key.slice('file/'.length)) ?? [];
    if (versions.length === 0) return durable;
    const one = this.#random.pick([durable, ...versions]);
    if (one === durable || this.#random.chance(0.6)) return one;
    return one?.subarray(0, this.#random.int(0, one.length));
  }

  lock(): Promise<void> {
    return this.#do(() => this.#now.lock());
  }
  unlock(): Promise<void> {
    return this.#do(() => this.#now.unlock());
  }
  list(area: Area): Promise<readonly Entry[]> {
    return this.#do(() => this.#now.list(area));
  }
  create(area: Area, name: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    const key = `${area}/${name}`;
    const keep = (): void => void (durable && this.#durable.set(key, bytes.slice()));
    return this.#change(() => this.#now.create(area, name, bytes, durable), keep);
  }
  append(name: string, at: number, bytes: Uint8Array): Promise<void> {
    return this.#change(() => this.#now.append(name, at, bytes));
  }
  sync(name: string): Promise<void> {
    return this.#change(undefined, () => this.#keep(name));
  }
  read(area: Area, name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#do(() => this.#now.read(area, name, offset, length));
  }
  truncate(name: string, length: number): Promise<void> {
    return this.#change(
      () => this.#now.truncate(name, length),
      () => this.#keep(name),
    );
  }
  remove(area: Area, name: string): Promise<void> {
    return this.#change(() => this.#now.remove(area, name));
  }
  readFile(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#do(() => this.#now.readFile(name));
  }
  replaceFile(name: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    const write = async (): Promise<void> => {
      await this.#now.replaceFile(name, bytes, durable);
      this.#versions.set(name, [...(this.#versions.get(name) ?? []), bytes.slice()]);
    };
    return this.#change(write, () => {
      if (!durable) return;
      this.#durable.set(`file/${name}`, bytes.slice());
      this.#versions.delete(name);
    });
  }
  async close(): Promise<void> {}

  async #keep(name: string): Promise<void> {
    this.#durable.set(`wal/${name}`, await this.#now.read('wal', name, 0, Number.MAX_SAFE_INTEGER));
  }

  /** `write`: what others see at once, and a power cut tears. `keep`: what makes it durable. */
  #change(write: (() => Promise<void>) | undefined, keep?: () => void | Promise<void>): Promise<void> {
    return this.#do(async () => {
      const isLast = this.#operationsLeft-- <= 0;
      await write?.();
      if (!isLast) return keep?.();
      this.#dead = true;
      throw new StoreError('failed', 'the power is gone');
    });
  }

  #do<T>(action: () => Promise<T>): Promise<T> {
    return this.#dead ? Promise.reject(new StoreError('failed', 'this process is dead')) : action();
  }
}

function equalUpTo(a: Uint8Array, b: Uint8Array): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

/** So that a scenario can ask for what only this store has. */
export function powerStoreOf({ store }: { readonly store: SegmentStore }): PowerStore {
  if (!(store instanceof PowerStore)) throw new Error('expected a PowerStore');
  return store;
}
