import { expect } from 'vitest';
import { type CommitRow, Ledger, LedgerError, type Sql } from '../../functions/shard/ledger.ts';

const row = (seq: number, more: Partial<CommitRow> = {}): CommitRow => ({
  seq,
  epoch: 1,
  key: `k${seq}`,
  size: 100 + seq,
  atMs: 1_700_000_000_000 + seq,
  borders: Uint8Array.of(seq, 0, 255),
  positions: [{ device: `gw-${seq % 2}`, logId: 'a'.repeat(32), stream: 0, stored: { position: seq, chain: 'c'.repeat(16) }, atMs: seq }],
  totals: { relay_commits_total: seq },
  ...more,
});

/** What every SQLite under a ledger must do; each case wants a storage of its own. */
export const ledgerCases: readonly [name: string, check: (sql: Sql) => void | Promise<void>][] = [
  [
    'gives back what was committed',
    async (sql) => {
      const ledger = new Ledger(sql);
      expect(ledger.newest()).toBeUndefined();
      expect(ledger.backlogFrom(0)).toEqual({ bytes: 0, objects: 0, oldestMs: undefined });
      for (let seq = 1; seq <= 5; seq++) ledger.transaction(() => ledger.insertCommit(row(seq)));
      ledger.transaction(() => ledger.insertCommit(row(6, { key: undefined, borders: undefined, size: 0 })));
      await ledger.sync();
      expect(ledger.newest()).toEqual({ seq: 6, totals: { relay_commits_total: 6 } });
      expect(ledger.objectsFrom(2, 2).map((object) => ({ ...object, borders: [...object.borders] }))).toEqual([
        { seq: 2, key: 'k2', size: 102, atMs: 1_700_000_000_002, borders: [2, 0, 255] },
        { seq: 3, key: 'k3', size: 103, atMs: 1_700_000_000_003, borders: [3, 0, 255] },
      ]);
      expect(ledger.objectsFrom(6, 2)).toEqual([]);
      expect(ledger.backlogFrom(4)).toEqual({ bytes: 104 + 105, objects: 2, oldestMs: 1_700_000_000_004 });
      expect(ledger.keysBetween(1, 3)).toEqual([
        { seq: 1, key: 'k1', size: 101 },
        { seq: 2, key: 'k2', size: 102 },
      ]);
      expect([ledger.holds('k3', 3), ledger.holds('k3', 4), ledger.holds('x', 3)]).toEqual([true, false, false]);
      expect(ledger.positionsAfter(4).map(({ device, stored }) => [device, stored.position])).toEqual([
        ['gw-1', 5],
        ['gw-0', 6],
      ]);
    },
  ],

  [
    'refuses a sequence twice, and leaves nothing of a transaction that failed',
    (sql) => {
      const ledger = new Ledger(sql);
      ledger.transaction(() => ledger.insertCommit(row(1)));
      expect(() =>
        ledger.transaction(() => {
          ledger.setMeta('epoch', '7');
          ledger.insertCommit(row(1));
        }),
      ).toThrow(LedgerError);
      expect(ledger.meta('epoch')).toBeUndefined();
    },
  ],

  [
    'never deletes the newest commit, so that sequences go on',
    (sql) => {
      const ledger = new Ledger(sql);
      for (let seq = 1; seq <= 3; seq++) ledger.insertCommit(row(seq));
      ledger.deleteBefore(3);
      expect(ledger.keysBetween(0, 10)).toHaveLength(1);
      ledger.deleteBefore(100);
      expect(ledger.newest()?.seq).toBe(3);
    },
  ],

  [
    'replaces settings, drains and buckets',
    (sql) => {
      const ledger = new Ledger(sql);
      for (const value of ['1', '2']) ledger.setMeta('epoch', value);
      expect(ledger.meta('epoch')).toBe('2');
      const range = (from: number, before: number) => ({ from: { seq: from, fragment: 2 }, before: { seq: before, fragment: 0 } });
      ledger.setDrain('main', 0, { seq: 5, fragment: 1, behind: [], totals: { a: 1 } });
      ledger.setDrain('main', 0, { seq: 6, fragment: 0, behind: [range(1, 3), range(4, 5)], totals: { a: 2 } });
      ledger.setDrain('main', 3, { seq: 1, fragment: 0, behind: [], totals: {} });
      ledger.setDrain('more', 0, { seq: 2, fragment: 0, behind: [], totals: {} });
      ledger.setDrain('more', 1, { seq: 2, fragment: 0, behind: [], totals: {} });
      ledger.deleteDrain('more', 1);
      expect([...ledger.drains()].map(([receiver, lanes]) => [receiver, ...lanes])).toEqual([
        [
          'main',
          [0, { seq: 6, fragment: 0, behind: [range(1, 3), range(4, 5)], totals: { a: 2 } }],
          [3, { seq: 1, fragment: 0, behind: [], totals: {} }],
        ],
        ['more', [0, { seq: 2, fragment: 0, behind: [], totals: {} }]],
      ]);
      ledger.setBucket(1, { 'gw-1': { 'log/0': [1, 'c', 2, ''] } });
      ledger.setBucket(1, { 'gw-1': { 'log/0': [2, 'd', 3, '1:c'] } });
      expect(ledger.buckets()).toEqual([{ 'gw-1': { 'log/0': [2, 'd', 3, '1:c'] } }]);
    },
  ],

  [
    'knows the lanes of the version that had one receiver',
    (sql) => {
      expect(new Ledger(sql).formerLanes()).toBeUndefined();
      sql.exec('CREATE TABLE lanes (lane INTEGER PRIMARY KEY, seq INTEGER NOT NULL, fragment INTEGER NOT NULL, totals TEXT NOT NULL)');
      sql.exec('INSERT INTO lanes VALUES (1, 7, 2, ?)', '{"a":3}');
      const ledger = new Ledger(sql);
      expect([...(ledger.formerLanes() ?? [])]).toEqual([[1, { seq: 7, fragment: 2, behind: [], totals: { a: 3 } }]]);
      ledger.dropFormerLanes();
      expect(ledger.formerLanes()).toBeUndefined();
    },
  ],

  [
    'takes large borders',
    (sql) => {
      const ledger = new Ledger(sql);
      const borders = new Uint8Array(500_000).fill(7);
      ledger.insertCommit(row(1, { borders: borders.subarray(1) }));
      expect(ledger.objectsFrom(1, 1)[0]?.borders).toEqual(borders.subarray(1));
    },
  ],
];
