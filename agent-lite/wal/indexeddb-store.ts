import {
  chunkRange,
  completionOf,
  cutChunks,
  LEADER_KEY,
  type Leader,
  openDatabase,
  readChunks,
  resultOf,
  TABLES,
} from './indexeddb-tables.ts';
import { type Area, type Entry, LogLockedError, type SegmentStore, StoreError } from './store.ts';

/** A lock that ends with the page or worker that holds it, as Web Locks do. */
export interface Claim {
  release(): void;
  /** Aborted where another has taken the lock away. */
  readonly lost: AbortSignal;
}

export interface IndexedDbOptions {
  readonly factory: IDBFactory;
  /** Of the database; one log each. */
  readonly name: string;
  /** Takes the lock that belongs to `name`; undefined where another page has it. */
  readonly claim: () => Promise<Claim | undefined>;
  /** 32 hex digits or so, different each time. */
  readonly randomId: () => string;
  /**
   * Of appends and small changes. `strict`, for the sync policy `always`: each is on the disk before it resolves. `relaxed`: it
   * is with the operating system, and {@link IndexedDbStore.sync} brings it to the disk.
   */
  readonly durability: 'strict' | 'relaxed';
  /** Another page writes this log now: everything here fails from now on. Called once. */
  readonly onSuperseded?: (reason: string) => void;
}

/** Another leader has the log. */
class SupersededError extends StoreError {
  constructor(name: string, got: string) {
    super('failed', `${name}: another tab has taken over this log (its leader is ${got}); this one must not use it any more`);
  }
}

/**
 * A log in IndexedDB. Every operation is ONE transaction, which happens or does not: a tab that is killed in the middle leaves
 * no half of a record. Nothing but requests to the database is waited for inside one, or it would commit by itself: what is
 * compressed or hashed is so before.
 *
 * Each transaction of the page that holds the lock looks whether it is still the leader; so a page that slept, lost its lock
 * and woke up can neither write nor read what is another's by now. Where the database was deleted (site data cleared, evicted)
 * while we hold the lock, it is made anew at the next use, empty: what was in it is then missing, as a lost file would be.
 */
export class IndexedDbStore implements SegmentStore {
  readonly #options: IndexedDbOptions;
  #connection: Promise<IDBDatabase> | undefined;
  #claim: Claim | undefined;
  #leader: Leader | undefined;
  /** Once superseded, for good. */
  #superseded: StoreError | undefined;
  /** Something was written that no strict transaction has followed yet. */
  #relaxed = false;
  #deletions = 0;

  constructor(options: IndexedDbOptions) {
    this.#options = options;
  }

  /** How often the database was found deleted while in use. */
  get deletions(): number {
    return this.#deletions;
  }

  async lock(): Promise<void> {
    if (this.#claim === undefined) {
      const claim = await this.#options.claim();
      if (claim === undefined) throw new LogLockedError(`${this.#options.name}: another tab has this log`);
      this.#claim = claim;
      claim.lost.addEventListener('abort', () => {
        if (this.#claim === claim) this.#supersede(new SupersededError(this.#options.name, 'whoever took the lock'));
      });
    }
    try {
      await this.#transact('lock', 'readwrite', 'strict', async (transaction) => {
        const meta = transaction.objectStore('meta');
        const before = leaderOf(await resultOf(meta.get(LEADER_KEY)));
        const leader = { term: (before?.term ?? 0) + 1, id: this.#options.randomId() };
        await resultOf(meta.put(leader, LEADER_KEY));
        this.#leader = leader;
      });
    } catch (error) {
      await this.unlock();
      throw error;
    }
  }

  async unlock(): Promise<void> {
    this.#leader = undefined;
    const claim = this.#claim;
    this.#claim = undefined;
    claim?.release();
  }

  list(area: Area): Promise<readonly Entry[]> {
    return this.#read(`list ${area}`, async (transaction) => {
      const segments = transaction.objectStore('segments');
      const range = IDBKeyRange.bound([area], [area, []]);
      const [keys, lengths] = await Promise.all([resultOf(segments.getAllKeys(range)), resultOf(segments.getAll(range))]);
      return keys.map((key, i) => ({ name: Array.isArray(key) ? String(key[1]) : '', bytes: Number(lengths[i]) }));
    });
  }

  create(area: Area, name: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    const content = bytes.slice();
    return this.#write(`create ${area}/${name}`, durable, async (transaction) => {
      const chunks = transaction.objectStore('chunks');
      await resultOf(chunks.delete(chunkRange(area, name, 0)));
      if (content.length > 0) await resultOf(chunks.put(content, [area, name, 0]));
      await resultOf(transaction.objectStore('segments').put(content.length, [area, name]));
    });
  }

  append(name: string, at: number, bytes: Uint8Array): Promise<void> {
    const content = bytes.slice();
    return this.#write(`append to ${name}`, false, async (transaction) => {
      const length = await segmentLength(transaction, 'wal', name);
      if (at > length) throw new StoreError('failed', `${name}: expected an append at its end ${length}, got ${at}`);
      const chunks = transaction.objectStore('chunks');
      if (at < length) await cutChunks(chunks, 'wal', name, at);
      if (content.length > 0) await resultOf(chunks.put(content, ['wal', name, at]));
      await resultOf(transaction.objectStore('segments').put(at + content.length, ['wal', name]));
    });
  }

  /** A strict transaction: with it everything that was committed before is on the disk. */
  async sync(name: string): Promise<void> {
    if (!this.#relaxed) {
      await this.#read(`sync ${name}`, (transaction) => segmentLength(transaction, 'wal', name));
      return;
    }
    await this.#write(`sync ${name}`, true, async (transaction) => {
      const length = await segmentLength(transaction, 'wal', name);
      await resultOf(transaction.objectStore('segments').put(length, ['wal', name]));
    });
  }

  read(area: Area, name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#read(`read ${area}/${name} at ${offset}`, async (transaction) => {
      const end = Math.min(offset + length, await segmentLength(transaction, area, name));
      return readChunks(transaction.objectStore('chunks'), area, name, offset, end);
    });
  }

  truncate(name: string, length: number): Promise<void> {
    return this.#write(`truncate ${name}`, true, async (transaction) => {
      if (length >= (await segmentLength(transaction, 'wal', name))) return;
      await cutChunks(transaction.objectStore('chunks'), 'wal', name, length);
      await resultOf(transaction.objectStore('segments').put(length, ['wal', name]));
    });
  }

  remove(area: Area, name: string): Promise<void> {
    return this.#write(`remove ${area}/${name}`, false, async (transaction) => {
      await resultOf(transaction.objectStore('chunks').delete(chunkRange(area, name, 0)));
      await resultOf(transaction.objectStore('segments').delete([area, name]));
    });
  }

  readFile(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#read(`read ${name}`, async (transaction) => {
      const bytes: unknown = await resultOf(transaction.objectStore('files').get(name));
      return bytes instanceof Uint8Array ? new Uint8Array(bytes) : undefined;
    });
  }

  replaceFile(name: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    const content = bytes.slice();
    return this.#write(`write ${name}`, durable, async (transaction) => {
      await resultOf(transaction.objectStore('files').put(content, name));
    });
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    (await connection?.catch(() => undefined))?.close();
  }

  #read<T>(what: string, action: (transaction: IDBTransaction) => Promise<T>): Promise<T> {
    return this.#transact(what, 'readonly', 'relaxed', async (transaction) => {
      if (this.#leader !== undefined) await this.#checkLeader(transaction, this.#leader);
      return action(transaction);
    });
  }

  async #write(what: string, durable: boolean, action: (transaction: IDBTransaction) => Promise<void>): Promise<void> {
    const durability = durable ? 'strict' : this.#options.durability;
    if (durability === 'relaxed') this.#relaxed = true;
    const madeAnew = await this.#transact(what, 'readwrite', durability, async (transaction) => {
      const leader = this.#leader;
      if (leader === undefined) throw new StoreError('failed', `${this.#options.name}: expected the lock to be held, it is not`);
      const known = await this.#checkLeader(transaction, leader);
      if (!known) await resultOf(transaction.objectStore('meta').put(leader, LEADER_KEY));
      await action(transaction);
      return !known;
    });
    if (madeAnew) this.#deletions++;
    // Nothing relaxed can have been committed meanwhile: the log makes its changes one at a time.
    if (durability === 'strict') this.#relaxed = false;
  }

  /** False where there is no leader: the database was deleted, and is a new one. The lock is still ours. */
  async #checkLeader(transaction: IDBTransaction, leader: Leader): Promise<boolean> {
    const found = leaderOf(await resultOf(transaction.objectStore('meta').get(LEADER_KEY)));
    if (found !== undefined && found.id !== leader.id) throw new SupersededError(this.#options.name, `${found.id}, term ${found.term}`);
    return found !== undefined;
  }

  async #transact<T>(
    what: string,
    mode: 'readonly' | 'readwrite',
    durability: 'strict' | 'relaxed',
    action: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T> {
    if (this.#superseded !== undefined) throw this.#superseded;
    let transaction: IDBTransaction | undefined;
    try {
      transaction = await this.#begin(mode, durability);
      const committed = completionOf(transaction);
      committed.catch(() => undefined);
      const value = await action(transaction);
      await committed;
      return value;
    } catch (cause) {
      if (transaction !== undefined) abort(transaction);
      // A commit that fails for lack of space aborts requests under way with a reason that says less.
      throw this.#failure(what, transaction?.error ?? cause);
    }
  }

  async #begin(mode: 'readonly' | 'readwrite', durability: 'strict' | 'relaxed'): Promise<IDBTransaction> {
    const database = await this.#connect();
    try {
      return database.transaction(TABLES, mode, { durability });
    } catch (error) {
      // Closed under us: by a deletion, or the browser. Once more on a new connection.
      if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') throw error;
      this.#connection = undefined;
      return (await this.#connect()).transaction(TABLES, mode, { durability });
    }
  }

  #connect(): Promise<IDBDatabase> {
    if (this.#connection !== undefined) return this.#connection;
    const connection = openDatabase(this.#options.factory, this.#options.name);
    this.#connection = connection;
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    connection.then((database) => {
      database.onclose = forget;
      // Somebody deletes it, or a newer version of this program changes it: standing in the way would block that page for ever.
      database.onversionchange = () => {
        forget();
        database.close();
      };
    }, forget);
    return connection;
  }

  #failure(what: string, cause: unknown): Error {
    if (cause instanceof SupersededError) this.#supersede(cause);
    if (cause instanceof StoreError) return cause;
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    const full = cause instanceof Error && cause.name === 'QuotaExceededError';
    return new StoreError(full ? 'full' : 'failed', `${this.#options.name}: cannot ${what}: ${text}`, { cause });
  }

  #supersede(reason: StoreError): void {
    if (this.#superseded !== undefined) return;
    this.#superseded = reason;
    this.#options.onSuperseded?.(reason.message);
  }
}

function leaderOf(value: unknown): Leader | undefined {
  if (typeof value !== 'object' || value === null || !('term' in value) || !('id' in value)) return undefined;
  const { term, id } = value;
  return typeof term === 'number' && typeof id === 'string' ? { term, id } : undefined;
}

async function segmentLength(transaction: IDBTransaction, area: Area, name: string): Promise<number> {
  const length: unknown = await resultOf(transaction.objectStore('segments').get([area, name]));
  if (typeof length !== 'number') throw new StoreError('missing', `${area}/${name}: there is no such segment`);
  return length;
}

/** One that is finished already cannot be, and need not. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // InvalidStateError: it is over.
  }
}
