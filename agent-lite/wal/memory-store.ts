import { type Area, type Entry, LogLockedError, type SegmentStore, StoreError } from './store.ts';

/** A store in memory: what the log goes on with when its disk fails, and what tests use. */
export class MemoryStore implements SegmentStore {
  readonly #areas: Record<Area, Map<string, Uint8Array<ArrayBuffer>>> = { wal: new Map(), 'set-aside': new Map() };
  /** Segments grow in buffers that are larger than their content. */
  readonly #lengths = new Map<string, number>();
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  #locked = false;

  async lock(): Promise<void> {
    if (this.#locked) throw new LogLockedError('this log is already open');
    this.#locked = true;
  }

  async unlock(): Promise<void> {
    this.#locked = false;
  }

  async list(area: Area): Promise<readonly Entry[]> {
    return [...this.#areas[area]].map(([name, bytes]) => ({ name, bytes: this.#length(area, name, bytes) }));
  }

  async create(area: Area, name: string, bytes: Uint8Array, _durable: boolean): Promise<void> {
    this.#areas[area].set(name, new Uint8Array(bytes));
    if (area === 'wal') this.#lengths.set(name, bytes.length);
  }

  async append(name: string, at: number, bytes: Uint8Array): Promise<void> {
    let buffer = this.#find('wal', name);
    if (at > this.#length('wal', name, buffer)) throw new StoreError('failed', `${name}: expected an append at its end, got ${at}`);
    const end = at + bytes.length;
    if (end > buffer.length) {
      const grown = new Uint8Array(Math.max(end, buffer.length * 2));
      grown.set(buffer.subarray(0, at));
      this.#areas.wal.set(name, grown);
      buffer = grown;
    }
    buffer.set(bytes, at);
    this.#lengths.set(name, end);
  }

  async sync(name: string): Promise<void> {
    this.#find('wal', name);
  }

  async read(area: Area, name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.#find(area, name);
    return bytes.slice(offset, Math.min(offset + length, this.#length(area, name, bytes)));
  }

  async truncate(name: string, length: number): Promise<void> {
    this.#lengths.set(name, Math.min(length, this.#length('wal', name, this.#find('wal', name))));
  }

  async remove(area: Area, name: string): Promise<void> {
    this.#areas[area].delete(name);
    if (area === 'wal') this.#lengths.delete(name);
  }

  async readFile(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#files.get(name)?.slice();
  }

  async replaceFile(name: string, bytes: Uint8Array, _durable: boolean): Promise<void> {
    this.#files.set(name, new Uint8Array(bytes));
  }

  async close(): Promise<void> {}

  #find(area: Area, name: string): Uint8Array<ArrayBuffer> {
    const bytes = this.#areas[area].get(name);
    if (bytes === undefined) throw new StoreError('missing', `${area}/${name}: there is no such segment`);
    return bytes;
  }

  #length(area: Area, name: string, bytes: Uint8Array): number {
    return area === 'wal' ? (this.#lengths.get(name) ?? bytes.length) : bytes.length;
  }
}
