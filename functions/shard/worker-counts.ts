import { Counters, type Totals } from './counters.ts';
import type { Sql } from './ledger.ts';

/** The counters of all isolates of the Worker, in the one object that keeps them. */
export class WorkerCounts {
  readonly #sql: Sql;
  readonly #counters: Counters;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS worker_counts (id INTEGER PRIMARY KEY, totals TEXT NOT NULL)');
    const row = sql.exec('SELECT totals FROM worker_counts')[0];
    this.#counters = new Counters(JSON.parse((row?.['totals'] as string | undefined) ?? '{}') as Totals);
  }

  /** Durable before the platform lets the answer go. Nothing given: only asks. @returns the totals since the object was made */
  add(counts: Totals): Totals {
    const names = Object.entries(counts);
    for (const [name, value] of names) this.#counters.add(name, value);
    const totals = this.#counters.totals();
    if (names.length > 0)
      this.#sql.exec(
        'INSERT INTO worker_counts VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET totals = excluded.totals',
        JSON.stringify(totals),
      );
    return totals;
  }
}
