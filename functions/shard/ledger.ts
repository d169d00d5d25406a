import type { Totals } from './counters.ts';
import type { LogPosition, PositionsSnapshot } from './positions.ts';

/** What a shard needs of SQLite. Adapters: the Durable Object's storage; Node's SQLite in tests. */
export interface Sql {
  exec(query: string, ...bindings: readonly SqlValue[]): readonly Readonly<Record<string, SqlValue>>[];
  /** All or nothing. `work` is synchronous. */
  transaction(work: () => void): void;
  /** Resolves when everything written so far is durable. Rejects where that cannot be promised. */
  sync(): Promise<void>;
}
export type SqlValue = string | number | null | ArrayBuffer | Uint8Array;

/** One group commit. `key`, `borders`: absent where it only moved positions. */
export interface CommitRow {
  readonly seq: number;
  readonly epoch: number;
  readonly key: string | undefined;
  /** Of the object, bytes. */
  readonly size: number;
  readonly atMs: number;
  /** The object's index. */
  readonly borders: Uint8Array | undefined;
  readonly positions: readonly LogPosition[];
  /** Totals of the commit side after this commit. */
  readonly totals: Totals;
}
export type StoredObject = Pick<CommitRow, 'seq' | 'size' | 'atMs'> & { readonly key: string; readonly borders: Uint8Array };

/** The next fragment a lane has to send: number `fragment` of its fragments in the object of `seq`, or the first after it. */
export interface LaneCursor {
  readonly seq: number;
  readonly fragment: number;
}
/** Of one lane, `from` up to but not `before`. */
export interface LaneRange {
  readonly from: LaneCursor;
  readonly before: LaneCursor;
}
/** How far one lane has come towards one receiver. */
export interface DrainRow extends LaneCursor {
  /** What is still to be sent behind the cursor, oldest first. */
  readonly behind: readonly LaneRange[];
  readonly totals: Totals;
}

/** In place of a lane: what was counted towards a receiver by lanes that are no more. It has no position. */
export const FORMER_LANES = -1;

export interface Backlog {
  readonly bytes: number;
  readonly objects: number;
  /** Commit time of the oldest, ms; undefined: none. */
  readonly oldestMs: number | undefined;
}

export type MetaName = 'epoch' | 'lanes' | 'swept_ms' | 'snapshot_seq' | 'shard' | 'opened' | 'closed_by' | 'drain_after' | 'totals';

const TABLES = [
  'CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
  `CREATE TABLE IF NOT EXISTS commits (seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, key TEXT, size INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, borders BLOB, positions TEXT NOT NULL, totals TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS drains (receiver TEXT NOT NULL, lane INTEGER NOT NULL, seq INTEGER NOT NULL, fragment INTEGER NOT NULL,
    behind TEXT NOT NULL, totals TEXT NOT NULL, PRIMARY KEY (receiver, lane)) WITHOUT ROWID`,
  'CREATE TABLE IF NOT EXISTS positions (bucket INTEGER PRIMARY KEY, devices TEXT NOT NULL)',
];

/** SQLite refused: this instance has been replaced by a newer one, or its storage failed. It must not go on. */
export class LedgerError extends Error {
  override name = 'LedgerError';
}

/** A shard's durable memory, described in SCHEMA.md. Every call throws {@link LedgerError} once a newer instance has started. */
export class Ledger {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    for (const table of TABLES) this.#exec(table);
  }

  transaction(work: () => void): void {
    try {
      this.#sql.transaction(work);
    } catch (cause) {
      throw new LedgerError('ledger: transaction failed', { cause });
    }
  }

  async sync(): Promise<void> {
    try {
      await this.#sql.sync();
    } catch (cause) {
      throw new LedgerError('ledger: sync failed', { cause });
    }
  }

  #exec(query: string, ...bindings: readonly SqlValue[]): readonly Readonly<Record<string, SqlValue>>[] {
    try {
      return this.#sql.exec(query, ...bindings);
    } catch (cause) {
      throw new LedgerError(`ledger: ${query.split(' ', 3).join(' ')} failed`, { cause });
    }
  }

  meta(name: MetaName): string | undefined {
    return this.#exec('SELECT value FROM meta WHERE name = ?', name)[0]?.['value'] as string | undefined;
  }

  setMeta(name: MetaName, value: string): void {
    this.#exec('INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, value);
  }

  insertCommit(row: CommitRow): void {
    this.#exec(
      'INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      row.seq,
      row.epoch,
      row.key ?? null,
      row.size,
      row.atMs,
      row.borders ?? null,
      JSON.stringify(row.positions.map((p) => [p.device, p.logId, p.stream, p.stored.position, p.stored.chain, p.atMs])),
      JSON.stringify(row.totals),
    );
  }

  /** The newest commit is never deleted, so sequence numbers never start again. */
  newest(): { readonly seq: number; readonly totals: Totals } | undefined {
    const row = this.#exec('SELECT seq, totals FROM commits ORDER BY seq DESC LIMIT 1')[0];
    return row && { seq: row['seq'] as number, totals: totalsOf(row) };
  }

  /** Objects from `seq` on, oldest first. */
  objectsFrom(seq: number, limit: number): readonly StoredObject[] {
    return this.#exec(
      'SELECT seq, key, size, at_ms, borders FROM commits WHERE seq >= ? AND key IS NOT NULL ORDER BY seq LIMIT ?',
      seq,
      limit,
    ).map((row) => ({
      seq: row['seq'] as number,
      key: row['key'] as string,
      size: row['size'] as number,
      atMs: row['at_ms'] as number,
      borders: bytesOf(row['borders']),
    }));
  }

  backlogFrom(seq: number): Backlog {
    const row = this.#exec(
      'SELECT COUNT(*) AS objects, SUM(size) AS bytes, MIN(at_ms) AS oldest FROM commits WHERE seq >= ? AND key IS NOT NULL',
      seq,
    )[0];
    return {
      bytes: (row?.['bytes'] as number | null) ?? 0,
      objects: (row?.['objects'] as number) ?? 0,
      oldestMs: (row?.['oldest'] as number | null) ?? undefined,
    };
  }

  /** The objects `from <= seq < before`. */
  keysBetween(from: number, before: number): readonly Pick<StoredObject, 'seq' | 'key' | 'size'>[] {
    return this.#exec('SELECT seq, key, size FROM commits WHERE seq >= ? AND seq < ? AND key IS NOT NULL ORDER BY seq', from, before).map(
      (row) => ({ seq: row['seq'] as number, key: row['key'] as string, size: row['size'] as number }),
    );
  }

  holds(key: string, seq: number): boolean {
    return this.#exec('SELECT 1 FROM commits WHERE seq = ? AND key = ?', seq, key).length > 0;
  }

  /** Positions of commits after `seq`, oldest first. */
  positionsAfter(seq: number): readonly LogPosition[] {
    return this.#exec('SELECT positions FROM commits WHERE seq > ? ORDER BY seq', seq).flatMap((row) =>
      (JSON.parse(row['positions'] as string) as [string, string, number, number, string, number][]).map(
        ([device, logId, stream, position, chain, atMs]): LogPosition => ({ device, logId, stream, stored: { position, chain }, atMs }),
      ),
    );
  }

  /** Deletes rows before `seq`, but never the newest. */
  deleteBefore(seq: number): void {
    this.#exec('DELETE FROM commits WHERE seq < ? AND seq < (SELECT MAX(seq) FROM commits)', seq);
  }

  /** By receiver and lane; {@link FORMER_LANES} among the lanes. */
  drains(): ReadonlyMap<string, ReadonlyMap<number, DrainRow>> {
    const drains = new Map<string, Map<number, DrainRow>>();
    for (const row of this.#exec('SELECT receiver, lane, seq, fragment, behind, totals FROM drains ORDER BY receiver, lane')) {
      const receiver = row['receiver'] as string;
      const lanes = drains.get(receiver) ?? new Map<number, DrainRow>();
      drains.set(receiver, lanes);
      const behind = JSON.parse(row['behind'] as string) as [number, number, number, number][];
      lanes.set(row['lane'] as number, {
        ...cursorOf(row),
        behind: behind.map(([seq, fragment, endSeq, endFragment]) => ({
          from: { seq, fragment },
          before: { seq: endSeq, fragment: endFragment },
        })),
        totals: totalsOf(row),
      });
    }
    return drains;
  }

  setDrain(receiver: string, lane: number, { seq, fragment, behind, totals }: DrainRow): void {
    this.#exec(
      `INSERT INTO drains VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (receiver, lane)
       DO UPDATE SET seq = excluded.seq, fragment = excluded.fragment, behind = excluded.behind, totals = excluded.totals`,
      receiver,
      lane,
      seq,
      fragment,
      JSON.stringify(behind.map(({ from, before }) => [from.seq, from.fragment, before.seq, before.fragment])),
      JSON.stringify(totals),
    );
  }

  deleteDrain(receiver: string, lane: number): void {
    this.#exec('DELETE FROM drains WHERE receiver = ? AND lane = ?', receiver, lane);
  }

  /** What versions with one receiver only kept, by lane; undefined where none has been at work here. */
  formerLanes(): ReadonlyMap<number, DrainRow> | undefined {
    if (this.#exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'lanes'").length === 0) return undefined;
    const rows = this.#exec('SELECT lane, seq, fragment, totals FROM lanes');
    return new Map(rows.map((row) => [row['lane'] as number, { ...cursorOf(row), behind: [], totals: totalsOf(row) }]));
  }

  dropFormerLanes(): void {
    this.#exec('DROP TABLE lanes');
  }

  buckets(): readonly PositionsSnapshot[] {
    return this.#exec('SELECT devices FROM positions').map((row) => JSON.parse(row['devices'] as string) as PositionsSnapshot);
  }

  setBucket(bucket: number, devices: PositionsSnapshot): void {
    const text = JSON.stringify(devices);
    this.#exec('INSERT INTO positions VALUES (?, ?) ON CONFLICT (bucket) DO UPDATE SET devices = excluded.devices', bucket, text);
  }
}

function bytesOf(value: SqlValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new Error(`commits.borders: expected a blob, got ${typeof value}`);
}

const cursorOf = (row: Readonly<Record<string, SqlValue>>): LaneCursor => ({
  seq: row['seq'] as number,
  fragment: row['fragment'] as number,
});

const totalsOf = (row: Readonly<Record<string, SqlValue>>): Totals => JSON.parse(row['totals'] as string) as Totals;
