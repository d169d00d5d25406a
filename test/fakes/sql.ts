import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Sql, SqlValue } from '../../functions/shard/ledger.ts';

/** SQLite of one Durable Object that outlives its instances: each {@link open} stands for a new instance and fences off the last. */
export class FakeObjectStorage {
  readonly #database = new DatabaseSync(':memory:');
  #instance = 0;
  /** The next syncs reject: the platform could not make the writes durable. */
  failingSyncs = 0;

  open(): Sql {
    const instance = ++this.#instance;
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
        this.#database.exec('BEGIN');
        try {
          work();
          this.#database.exec('COMMIT');
        } catch (error) {
          this.#database.exec('ROLLBACK');
          throw error;
        }
      },
      sync: async () => {
        fenced();
        if (this.failingSyncs > 0) {
          this.failingSyncs--;
          throw new Error('sync failed');
        }
      },
    };
  }

  close(): void {
    this.#database.close();
  }
}
