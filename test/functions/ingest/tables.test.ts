import { describe, expect, it } from 'vitest';
import { wireLimits } from '../../../contract/limits.ts';
import { buildTable } from '../../../contract/series-table.ts';
import { memoryStore } from '../../../functions/buffer/memory.ts';
import { type BlobCache, TableSource, tableKey } from '../../../functions/ingest/tables.ts';
import { sha256 } from '../../fakes/pushes.ts';

const { table } = await buildTable([[['__name__', 'a']], [['__name__', 'b']]], sha256);
const key = tableKey('acme', table.hash);

function open({ near, memoryBytes = 10_000 }: { near?: Map<string, Uint8Array<ArrayBuffer>>; memoryBytes?: number } = {}) {
  const store = memoryStore({ now: () => 0 });
  const asked: string[] = [];
  const used: string[] = [];
  const counting = {
    ...store,
    get: (name: string) => {
      asked.push('store');
      return store.get(name);
    },
  };
  const cache: BlobCache | undefined = near && {
    get: async (name) => {
      asked.push('cache');
      return near.get(name);
    },
    put: async (name, bytes) => void near.set(name, bytes),
  };
  const source = new TableSource({
    store: counting,
    cache,
    use: { note: (tenant) => void used.push(tenant) },
    limits: wireLimits,
    memoryBytes,
  });
  const later: Promise<void>[] = [];
  const find = (tenant = 'acme') => source.find(tenant, table.hash, (work) => void later.push(work));
  return { store, asked, used, find, later };
}

describe('TableSource', () => {
  it('looks in memory, then in the cache, then in the store, and fills the former two', async () => {
    const near = new Map<string, Uint8Array<ArrayBuffer>>();
    const { store, asked, used, find, later } = open({ near });
    expect(await find()).toBeUndefined();
    await store.create(key, table.bytes);
    expect((await find())?.rows).toEqual(table.rows);
    await Promise.all(later);
    expect(near.get(key)).toEqual(table.bytes);
    expect(asked).toEqual(['cache', 'store', 'cache', 'store']);
    await find();
    expect(asked).toHaveLength(4);
    expect(await find('other')).toBeUndefined();
    expect(used).toEqual(['acme', 'acme']);
  });

  it('takes it from the cache without asking the store', async () => {
    const { asked, find } = open({ near: new Map([[key, table.bytes]]) });
    expect((await find())?.rows).toEqual(table.rows);
    expect(asked).toEqual(['cache']);
  });

  it('does not believe a cache whose bytes are not the table', async () => {
    const { store, find } = open({ near: new Map([[key, Uint8Array.of(1, 2, 3)]]) });
    await store.create(key, table.bytes);
    expect((await find())?.rows).toEqual(table.rows);
  });

  it('works without a cache and without room in memory', async () => {
    const { store, asked, find } = open({ memoryBytes: 10 });
    await store.create(key, table.bytes);
    await find();
    expect((await find())?.rows).toEqual(table.rows);
    expect(asked).toEqual(['store', 'store']);
  });

  it('removes an object that is not what its name says, so that the device can send the right one', async () => {
    const { store, find } = open();
    await store.create(key, Uint8Array.of(1, 2, 3));
    expect(await find()).toBeUndefined();
    expect(await store.head(key)).toBeUndefined();
  });
});
