import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../../functions/buffer/memory.ts';
import { ByteBudget } from '../../../functions/shard/budget.ts';
import { Ledger } from '../../../functions/shard/ledger.ts';
import { ObjectCache } from '../../../functions/shard/object-cache.ts';
import { encodeObject } from '../../../functions/shard/object-format.ts';
import { END, postLimits, type ReadOptions, UnitReader } from '../../../functions/shard/unit.ts';
import { sampleOf } from '../../fakes/commit-requests.ts';
import { FlakyStore } from '../../fakes/flaky-store.ts';
import { FakeObjectStorage } from '../../fakes/sql.ts';

const START = { seq: 0, fragment: 0 };
const all: ReadOptions = { limits: postLimits(2000), suspectBefore: START };

/** `objects` objects of five fragments of one sample each, in one lane. */
async function rigOf(objects: number, budgetBytes: number) {
  const ledger = new Ledger(new FakeObjectStorage().open());
  let open = 0;
  let mostOpen = 0;
  const memory = memoryStore({ now: () => 0 });
  const store = new FlakyStore({
    create: (key, body) => memory.create(key, body),
    head: (key) => memory.head(key),
    list: (prefix, options) => memory.list(prefix, options),
    delete: (keys) => memory.delete(keys),
    get: async (key, range) => {
      mostOpen = Math.max(mostOpen, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return memory.get(key, range);
    },
  });
  for (let seq = 1; seq <= objects; seq++) {
    const lane = Array.from({ length: 5 }, (_, i) => ({ ...sampleOf('gw-1', seq * 10 + i, i), device: 'gw-1' }));
    const { bytes, index } = encodeObject([lane]);
    const key = `v1/data/${seq}`;
    await memory.create(key, bytes);
    ledger.insertCommit({ seq, epoch: 1, key, size: bytes.length, atMs: seq, borders: index, positions: [], totals: {} });
  }
  const budget = new ByteBudget(budgetBytes);
  const cache = new ObjectCache(budget.open('shard'));
  return { reader: new UnitReader(0, ledger, store, cache), store, budget, mostOpen: () => mostOpen };
}

describe('a unit', () => {
  it('is read from many objects, four at a time, and gives its memory back once', async () => {
    const { reader, store, budget, mostOpen } = await rigOf(40, 1e6);
    const result = await reader.read(START, all);
    if (result.kind !== 'unit') throw new Error(result.kind);
    const { unit } = result;
    expect(unit.samples).toBe(200);
    expect(unit.fragments.map(({ minMs }) => minMs)).toEqual([...unit.fragments.map(({ minMs }) => minMs)].sort((a, b) => a - b));
    expect(store.gets).toBe(40);
    expect(mostOpen()).toBe(4);
    const held = unit.fragments.reduce((sum, { block }) => sum + block.length, 0);
    expect(budget.used).toBe(2 * held);
    unit.release();
    unit.release();
    expect(budget.used).toBe(0);
  });

  it('is as small as memory is short, down to one fragment; where there is none, it is waited for', async () => {
    const sizes: number[] = [];
    for (const bytes of [100_000, 4_000, 400, 120]) {
      const { reader, budget } = await rigOf(40, bytes);
      const result = await reader.read(START, all);
      sizes.push(result.kind === 'unit' ? result.unit.fragments.length : 0);
      expect(budget.used).toBeLessThanOrEqual(bytes);
    }
    expect(sizes[0]).toBe(200);
    expect(sizes[1]).toBeGreaterThan(sizes[2] ?? 0);
    const { reader } = await rigOf(1, 10);
    expect(await reader.read(START, all)).toEqual({ kind: 'no_memory' });
  });

  it('gives its memory back where the store fails', async () => {
    const { reader, store, budget } = await rigOf(3, 1e6);
    store.fails = (call) => call === 'get';
    await expect(reader.read(START, all)).rejects.toThrow('get failed');
    expect(budget.used).toBe(0);
  });

  it('does not mix what may have been sent with what was not', async () => {
    const { reader } = await rigOf(4, 1e6);
    const suspectBefore = { seq: 2, fragment: 3 };
    const first = await reader.read(START, { ...all, suspectBefore });
    if (first.kind !== 'unit') throw new Error(first.kind);
    expect(first.unit.end).toEqual(suspectBefore);
    expect(first.unit.fragments.map(({ suspect }) => suspect)).toEqual(Array(8).fill(true));
    const rest = await reader.read(first.unit.end, { ...all, suspectBefore, before: END });
    if (rest.kind !== 'unit') throw new Error(rest.kind);
    expect(rest.unit.fragments.map(({ suspect }) => suspect)).toEqual(Array(12).fill(false));
  });

  it('is none behind the newest object, and one where a border of suspects has nothing before it', async () => {
    const { reader } = await rigOf(20, 1e6);
    expect(await reader.read({ seq: 21, fragment: 0 }, all)).toMatchObject({ kind: 'empty' });
    expect(await reader.read(START, { ...all, suspectBefore: { seq: 1, fragment: 0 } })).toMatchObject({ kind: 'unit' });
  });
});
