import type { SeriesTable } from '../../contract/series-table.ts';

/** Targets remembered; of more, the one not sent for longest is forgotten, and its next table is uploaded again if the edge lacks it. */
const TARGETS_KEPT = 10_000;
/** What rows beside a table cost in each push, roughly: the entry, and each row. */
const ENTRY_BYTES = 80;
const ROW_BYTES = 10;
/** What a table costs once: the push that is sent twice, and each row. */
const UPLOAD_BYTES = 1500;
const TABLE_ROW_BYTES = 6;

interface Sent {
  readonly base: SeriesTable;
  /** The table that the target has had since, and what not uploading it has cost. */
  readonly candidate: string;
  readonly spent: number;
}

/** What a push says of a target's table. */
export interface TableUse {
  /** The table that the cells were sent over. */
  readonly base: SeriesTable;
  /** The target's own, at the end of the push. */
  readonly table: SeriesTable;
  /** Rows that travelled inline. */
  readonly inline: number;
}

/**
 * The table of each target that the edge is known to have. Where the target's set of series changes, what is new travels inline at first;
 * a table is uploaded when it has stayed long enough to be worth it. Lives with the process.
 */
export class SentTables {
  readonly #targets = new Map<string, Sent>();

  /** The table to send a target's scrapes over, if that is not their own. `tables`: theirs, in order. */
  base(targetKey: string, tables: readonly SeriesTable[]): SeriesTable | undefined {
    const sent = this.#targets.get(targetKey);
    const last = tables.at(-1);
    if (last === undefined) return undefined;
    const alone = tables.every(({ hash }) => hash === last.hash);
    if (sent === undefined) return alone ? undefined : tables[0];
    if (alone && last.hash === sent.base.hash) return undefined;
    const worth = alone && sent.candidate === last.hash && sent.spent >= UPLOAD_BYTES + TABLE_ROW_BYTES * last.rows.length;
    return worth ? undefined : sent.base;
  }

  /** These were stored. */
  set(uses: ReadonlyMap<string, TableUse>): void {
    for (const [key, { base, table, inline }] of uses) {
      const before = this.#targets.get(key);
      const same = before?.base.hash === base.hash && before.candidate === table.hash;
      const spent = base.hash === table.hash ? 0 : (same ? before.spent : 0) + ENTRY_BYTES + ROW_BYTES * inline;
      this.#targets.delete(key);
      this.#targets.set(key, { base, candidate: table.hash, spent });
    }
    for (const oldest of this.#targets.keys()) {
      if (this.#targets.size <= TARGETS_KEPT) break;
      this.#targets.delete(oldest);
    }
  }
}
