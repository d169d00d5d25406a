import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../../functions/buffer/memory.ts';
import { deleteUnusedTables, TableUse } from '../../../functions/ingest/table-use.ts';
import { type BlobCache, tableKey } from '../../../functions/ingest/tables.ts';
import type { ObjectStore } from '../../../functions/model.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 10, 22, 23, 59, 59);
const A = 'a'.repeat(32);
const B = 'b'.repeat(32);

/** A store with a calendar; `calls` are those that cost. */
function open(cache?: BlobCache) {
  let nowMs = START;
  const now = () => nowMs;
  const calls: string[] = [];
  // Writes may follow each other at once: what is tested here is the calendar.
  let write = 0;
  const inner = memoryStore({ now: () => (write += 1000) });
  const store: { -readonly [K in keyof ObjectStore]: ObjectStore[K] } = {
    ...inner,
    create: (key, body) => {
      calls.push(`create ${key}`);
      return inner.create(key, body);
    },
    head: (key) => {
      calls.push(`head ${key}`);
      return inner.head(key);
    },
  };
  const later: Promise<void>[] = [];
  const isolate = () => new TableUse({ store, cache, now });
  return {
    store,
    calls,
    now,
    isolate,
    passDays: (days: number) => {
      nowMs += days * DAY_MS;
    },
    async use(by: TableUse, hash = A, tenant = 'acme') {
      by.note(tenant, hash, (work) => void later.push(work));
      await Promise.all(later);
    },
    async addTable(hash = A, tenant = 'acme') {
      await isolate().mark(tenant, hash);
      await inner.create(tableKey(tenant, hash), Uint8Array.of(1));
    },
    sweep: (budget?: number) => deleteUnusedTables({ store, now }, budget),
    tables: () => inner.list('v1/tables/'),
    markers: () => inner.list('v1/used/'),
  };
}

describe('TableUse', () => {
  it('marks a table once a day', async () => {
    const { isolate, use, calls, passDays, markers } = open();
    const one = isolate();
    for (let i = 0; i < 3; i++) await use(one);
    expect(calls).toEqual([`head v1/used/2026-11-22/acme/${A}`, `create v1/used/2026-11-22/acme/${A}`]);
    passDays(1);
    for (let i = 0; i < 3; i++) await use(one);
    expect(await markers()).toEqual([`v1/used/2026-11-22/acme/${A}`, `v1/used/2026-11-23/acme/${A}`]);
    expect(calls).toHaveLength(4);
  });

  it('writes nothing for an isolate that comes later, and asks nothing with a cache', async () => {
    const near = new Map<string, Uint8Array<ArrayBuffer>>();
    const cache: BlobCache = { get: async (key) => near.get(key), put: async (key, bytes) => void near.set(key, bytes) };
    for (const [given, expected] of [
      [undefined, ['head', 'create', 'head']],
      [cache, ['head', 'create']],
    ] as const) {
      const { isolate, use, calls } = open(given);
      await use(isolate());
      await use(isolate());
      expect(calls.map((call) => call.split(' ')[0])).toEqual(expected);
    }
  });

  it('tries again at the next push where the store failed', async () => {
    const { isolate, use, store, markers } = open();
    const { create } = store;
    store.create = () => Promise.reject(new Error('away'));
    const one = isolate();
    await use(one);
    expect(await markers()).toEqual([]);
    await expect(one.mark('acme', A)).rejects.toThrow('away');
    store.create = create;
    await use(one);
    expect(await markers()).toHaveLength(1);
  });
});

describe('deleteUnusedTables', () => {
  it('keeps a table for 30 days after the day of its last use', async () => {
    const { addTable, sweep, passDays, tables, markers } = open();
    await addTable();
    passDays(30);
    expect(await sweep()).toBe(0);
    expect(await tables()).toHaveLength(1);
    passDays(1);
    expect(await sweep()).toBe(1);
    expect([await tables(), await markers()]).toEqual([[], []]);
    expect(await sweep()).toBe(0);
  });

  it('keeps what is used, for as long as it is, and drops markers that are of no more use', async () => {
    const { addTable, isolate, use, sweep, passDays, tables, markers } = open();
    await addTable(A);
    await addTable(B);
    await addTable(A, 'other');
    const one = isolate();
    for (let day = 0; day < 100; day++) {
      passDays(1);
      if (day % 20 === 0) await use(one, A);
      await sweep();
    }
    expect(await tables()).toEqual([tableKey('acme', A)]);
    expect((await markers()).length).toBeLessThanOrEqual(2);
    passDays(31);
    expect(await sweep()).toBe(1);
    expect([await tables(), await markers()]).toEqual([[], []]);
  });

  it('works off many days at once after it did not run', async () => {
    const { addTable, isolate, use, sweep, passDays, tables, markers } = open();
    await addTable();
    const one = isolate();
    for (let day = 0; day < 5; day++) {
      passDays(1);
      await use(one);
    }
    passDays(400);
    expect(await sweep()).toBe(1);
    expect([await tables(), await markers()]).toEqual([[], []]);
  });

  it('does a bounded slice, and goes on at the next call', async () => {
    const { addTable, sweep, passDays, tables, calls } = open();
    for (let i = 0; i < 10; i++) await addTable(String(i).repeat(32));
    passDays(31);
    const before = calls.length;
    expect(await sweep(62)).toBe(2);
    expect(calls.length - before).toBe(62);
    expect(await tables()).toHaveLength(8);
    for (let i = 0; i < 4; i++) await sweep(62);
    expect(await tables()).toEqual([]);
  });

  it('leaves the marker where the table could not be deleted', async () => {
    const { addTable, sweep, passDays, store, markers } = open();
    await addTable();
    passDays(31);
    const { delete: remove } = store;
    store.delete = () => Promise.reject(new Error('away'));
    await expect(sweep()).rejects.toThrow('away');
    store.delete = remove;
    expect(await markers()).toHaveLength(1);
    expect(await sweep()).toBe(1);
  });

  it('passes over what is no marker', async () => {
    const { addTable, sweep, passDays, store, tables } = open();
    await store.create('v1/used/0', new Uint8Array(0));
    await addTable();
    passDays(31);
    expect(await sweep()).toBe(1);
    expect(await tables()).toEqual([]);
  });
});
