import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Sql, SqlValue } from '../../functions/shard/ledger.ts';

/** SQLite of one Durable Object that outlives its instances: each {@link open} stands for a new instance and fences off the last. */
export class FakeObjectStorage {
  readonly #database = new DatabaseSync(':memory:');
  #instance = 0;
  /** The next syncs reject: the platform could not make the writes durable. */
  failingSyncs = 0;
  /** Waited for before and after the writes of a sync become durable. */
  onSync: (moment: 'before' | 'after') => Promise<void> | undefined = () => undefined;
  /** What was neither synced nor waited for by {@link confirm} is gone with its instance. Set before the first {@link open}. */
  losesUnsynced = false;
  #savepoint = false;
  #syncing: Promise<void> | undefined;

  /** What the platform does before anything leaves the object: its writes are durable then. Rejects where their instance dies first. */
  async confirm(): Promise<void> {
    await this.#syncing;
    this.#keep();
  }

  #keep(): void {
    if (this.#savepoint) this.#database.exec('RELEASE synced; SAVEPOINT synced');
  }

  open(): Sql {
    const instance = ++this.#instance;
    if (this.#savepoint) this.#database.exec('ROLLBACK TO synced');
    else if (this.losesUnsynced) this.#database.exec('SAVEPOINT synced');
    this.#savepoint = this.losesUnsynced;
    const fenced = (): void => {
      if (instance !== this.#instance) throw new Error('Durable Object reset because it started elsewhere');
    };
    return {
      exec: (query, ...bindings) => {
        fenced();
        return this.#database.prepare(query).all(...(bindings as SQLInputValue[])) as Record<string, SqlValue>[];
      },
      transaction: (work) => {
        fenced();
        this.#database.exec('SAVEPOINT work');
        try {
          work();
        } catch (error) {
          this.#database.exec('ROLLBACK TO work; RELEASE work');
          throw error;
        }
        this.#database.exec('RELEASE work');
      },
      sync: async () => {
        fenced();
        if (this.failingSyncs > 0) {
          this.failingSyncs--;
          throw new Error('sync failed');
        }
        const slow = this.onSync('before');
        if (slow !== undefined) {
          const syncing = slow.then(fenced);
          this.#syncing = syncing;
          await syncing.finally(() => {
            if (this.#syncing === syncing) this.#syncing = undefined;
          });
        }
        fenced();
        this.#keep();
        await this.onSync('after');
        fenced();
      },
    };
  }

  close(): void {
    this.#database.close();
  }
}
