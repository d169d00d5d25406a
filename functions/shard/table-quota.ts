import type { UsageLimits } from '../config/types.ts';
import type { Sql } from './ledger.ts';
import type { Limited, ShardLimits } from './limits.ts';
import { TokenBucket } from './token-bucket.ts';

const DAY_SECONDS = 86_400;
/** The row of the tenant. No device has an empty name. */
const TENANT = '';
const MAX_RETRY_MS = 3_600_000;

export interface TableSize {
  readonly rows: number;
  /** Canonical ones. */
  readonly bytes: number;
}

/**
 * New series tables that a tenant and its devices may store in a day. Tables stay for a month, so what was used is kept in SQLite: a
 * shard that is asked to sleep in between gives nobody a second share.
 */
export class TableQuota {
  readonly #sql: Sql;
  readonly #limits: ShardLimits;
  readonly #now: () => number;

  /** @param now wall clock, ms */
  constructor(sql: Sql, limits: ShardLimits, now: () => number) {
    this.#sql = sql;
    this.#limits = limits;
    this.#now = now;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS table_use (owner TEXT PRIMARY KEY, rows REAL NOT NULL, bytes REAL NOT NULL, at_ms INTEGER NOT NULL)',
    );
  }

  /** Undefined: the table may be stored, and is charged. Throws where SQLite does. */
  take(device: string, { rows, bytes }: TableSize): Limited | undefined {
    const now = this.#now();
    const owners = [
      { name: device, kind: 'device', limits: this.#limits.device },
      { name: TENANT, kind: 'tenant', limits: this.#limits.tenant },
    ] as const;
    const uses = owners.map(({ name, kind, limits }) => ({ name, kind, ...this.#use(name, limits, now) }));
    for (const { kind, rowBucket, byteBucket } of uses) {
      const key = kind === 'tenant' ? 'limits' : 'device_limits';
      const rowWait = rowBucket.waitMs(rows, now);
      if (rowWait > 0)
        return { limit: `${kind}_table_rows`, key: `${key}.table_rows_per_day`, retryAfterMs: Math.min(MAX_RETRY_MS, rowWait) };
      const byteWait = byteBucket.waitMs(bytes, now);
      if (byteWait > 0)
        return { limit: `${kind}_table_bytes`, key: `${key}.table_size_per_day`, retryAfterMs: Math.min(MAX_RETRY_MS, byteWait) };
    }
    this.#sql.transaction(() => {
      for (const { name, rowBucket, byteBucket } of uses) {
        rowBucket.take(rows, now);
        byteBucket.take(bytes, now);
        this.#sql.exec(
          `INSERT INTO table_use VALUES (?, ?, ?, ?)
           ON CONFLICT (owner) DO UPDATE SET rows = excluded.rows, bytes = excluded.bytes, at_ms = excluded.at_ms`,
          name,
          rowBucket.level(now),
          byteBucket.level(now),
          now,
        );
      }
      // After two days everything is there again, unless a single table was larger than a day's share: then a little is given away.
      this.#sql.exec('DELETE FROM table_use WHERE at_ms < ?', now - 2 * DAY_SECONDS * 1000);
    });
    return undefined;
  }

  #use(owner: string, { tableRowsPerDay, tableBytesPerDay }: UsageLimits, now: number) {
    const row = this.#sql.exec('SELECT rows, bytes, at_ms FROM table_use WHERE owner = ?', owner)[0];
    const atMs = (row?.['at_ms'] as number | undefined) ?? now;
    return {
      rowBucket: new TokenBucket(tableRowsPerDay / DAY_SECONDS, tableRowsPerDay, atMs, row?.['rows'] as number | undefined),
      byteBucket: new TokenBucket(tableBytesPerDay / DAY_SECONDS, tableBytesPerDay, atMs, row?.['bytes'] as number | undefined),
    };
  }
}
