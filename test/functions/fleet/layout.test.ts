import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../../functions/buffer/memory.ts';
import { commitToShard } from '../../../functions/fleet/commit.ts';
import { Layouts, storedShards } from '../../../functions/fleet/layout.ts';
import { ShardRegistry } from '../../../functions/fleet/registry.ts';
import type { ObjectStore } from '../../../functions/model.ts';
import { push } from '../../fakes/commit-requests.ts';
import { FakeShard } from '../../fakes/shard-stub.ts';

/** An isolate of the Worker; `said` collects what it tells of conflicts. */
function isolate(store: ObjectStore, generation: number, shards: number, now = () => 0) {
  const said: string[] = [];
  return { said, layouts: new Layouts({ store, now, generation, shards: () => shards, onConflict: (words) => said.push(words) }) };
}
const newStore = () => memoryStore({ now: () => 0 });
const device = { tenant: 'acme', device: 'gw-1' };

describe('the layout of a generation', () => {
  it('is written once, before anything else, and looked at once by an isolate', async () => {
    const store = newStore();
    let gets = 0;
    const { get } = store;
    store.get = (key, range) => {
      gets++;
      return get(key, range);
    };
    const { layouts, said } = isolate(store, 1, 4);
    const [one, two] = await Promise.all([layouts.place(device), layouts.place(device)]);
    expect([one, two]).toEqual(Array(2).fill({ name: 'acme/1/1', conflict: undefined }));
    expect(await store.list('')).toEqual(['v1/generations/acme/1']);
    expect(new TextDecoder().decode(await store.get('v1/generations/acme/1'))).toBe('{"shards":4}');
    expect(gets).toBe(3);
    expect(said).toEqual([]);
    expect(await layouts.conflicts()).toEqual([]);
  });

  it('is what the first wrote, whatever another one is configured for', async () => {
    const store = newStore();
    await isolate(store, 1, 4).layouts.place(device);
    const { layouts, said } = isolate(store, 1, 2);
    expect(await layouts.place(device)).toEqual({ name: 'acme/1/1', conflict: 'shards' });
    await layouts.place({ tenant: 'acme', device: 'gw-2' });
    expect(said).toEqual([
      'tenant acme: generation 1 has 4 shards since its first push, the configuration gives it 2; 4 are used. Raise shard.generation above 1 to change that',
    ]);
    expect(await layouts.conflicts()).toEqual([
      'Tenants whose generation 1 has another number of shards than is configured: 1. The stored one is used.',
    ]);
  });

  it('is that of the faster one where two write it at the same moment', async () => {
    const store = newStore();
    const [a, b] = [isolate(store, 1, 4), isolate(store, 1, 2)];
    const places = await Promise.all([a.layouts.place(device), b.layouts.place(device)]);
    expect(new Set(places.map(({ name }) => name)).size).toBe(1);
    expect(await storedShards(store, 'acme', 1)).toBe(4);
    expect([a.said.length, b.said.length]).toEqual([0, 1]);
  });

  it('is believed where the write failed after all', async () => {
    const store = newStore();
    const { create } = store;
    store.create = async (key, body) => {
      await create(key, body);
      throw new Error('timeout');
    };
    expect((await isolate(store, 1, 4).layouts.place(device)).name).toBe('acme/1/1');
    store.create = () => Promise.reject(new Error('R2 is away'));
    const { layouts } = isolate(store, 2, 4);
    await expect(layouts.place(device)).rejects.toThrow('R2 is away');
    // The next push asks again.
    store.create = create;
    expect((await layouts.place(device)).name).toBe('acme/2/1');
  });

  it.each(['', '4', '{"shards":0}', '{"shards":1.5}', '{"shards":"4"}', '{"shards":1000001}', 'null'])(
    'is not guessed from %j',
    async (text) => {
      const store = newStore();
      await store.create('v1/generations/acme/1', new TextEncoder().encode(text));
      await expect(isolate(store, 1, 4).layouts.place(device)).rejects.toThrow(
        `v1/generations/acme/1: expected {"shards": a whole number from 1}, got ${JSON.stringify(text)}`,
      );
    },
  );

  it('must be there where a shard tells of its generation', async () => {
    const store = newStore();
    const { layouts } = isolate(store, 1, 4);
    expect(layouts.follow('acme', 2)).toBe(true);
    await expect(layouts.place(device)).rejects.toThrow('v1/generations/acme/2: expected the layout of a generation in use, got nothing');
    await expect(storedShards(store, 'acme', 2)).rejects.toThrow('v1/generations/acme/2');
  });

  it('of a newer generation is used by an older configuration, and that is said once', async () => {
    const store = newStore();
    await isolate(store, 2, 2).layouts.place(device);
    const { layouts, said } = isolate(store, 1, 4);
    expect([layouts.follow('acme', 2), layouts.follow('acme', 2), layouts.follow('acme', 1)]).toEqual([true, false, false]);
    expect(await layouts.place(device)).toEqual({ name: 'acme/2/1', conflict: 'generation' });
    expect(await layouts.place({ tenant: 'beta', device: 'gw-1' })).toEqual({ name: 'beta/1/1', conflict: undefined });
    expect(said).toHaveLength(1);
  });

  it('is looked for in the bucket once a minute, also for tenants that do not push here', async () => {
    const store = newStore();
    let nowMs = 0;
    let lists = 0;
    const { list } = store;
    store.list = (...given) => {
      lists++;
      return list(...given);
    };
    await isolate(store, 3, 2).layouts.place(device);
    await isolate(store, 1, 2).layouts.place({ tenant: 'beta', device: 'gw-1' });
    const { layouts } = isolate(store, 1, 4, () => nowMs);
    const found = [
      'Tenants that use a generation of shards after the configured 1: 1, up to 3.',
      'Tenants whose generation 1 has another number of shards than is configured: 1. The stored one is used.',
    ];
    for (let i = 0; i < 3; i++) expect(await layouts.conflicts()).toEqual(found);
    expect(lists).toBe(1);
    nowMs = 60_000;
    store.list = () => Promise.reject(new Error('R2 is away'));
    await expect(layouts.conflicts()).rejects.toThrow('R2 is away');
    store.list = list;
    expect(await layouts.conflicts()).toEqual(found);
  });
});

describe('a push', () => {
  const route = (store: ObjectStore, generation: number, shards: ReadonlyMap<string, FakeShard>) => {
    const places: string[] = [];
    const { layouts } = isolate(store, generation, 1);
    const stub = (name: string) => shards.get(name) ?? new FakeShard();
    return {
      places,
      layouts,
      registry: new ShardRegistry(store),
      shard: stub,
      onPlace: ({ name }: { readonly name: string }) => void places.push(name),
    };
  };
  const closed = (generation: number): FakeShard => {
    const shard = new FakeShard();
    shard.result = { kind: 'moved', generation };
    return shard;
  };

  it('follows at most three moves', async () => {
    const store = memoryStore({ now: () => 0 });
    for (let g = 2; g <= 6; g++) await store.create(`v1/generations/acme/${g}`, new TextEncoder().encode('{"shards":1}'));
    const shards = new Map([1, 2, 3, 4].map((g) => [`acme/${g}/0`, closed(g + 1)]));
    const first = route(store, 1, shards);
    expect(await commitToShard(device, push({ from: 0, to: 1 }), first)).toMatchObject({ kind: 'busy' });
    expect(first.places).toEqual(['acme/1/0', 'acme/2/0', 'acme/3/0', 'acme/4/0']);
    // It has learnt all the same.
    expect(await commitToShard(device, push({ from: 0, to: 1 }), first)).toMatchObject({ kind: 'stored' });
    expect(first.places.slice(4)).toEqual(['acme/5/0']);
  });

  it('does not go in circles where a shard names no newer generation', async () => {
    const store = memoryStore({ now: () => 0 });
    const shards = new Map([['acme/2/0', closed(2)]]);
    const lost = route(store, 2, shards);
    expect(await commitToShard(device, push({ from: 0, to: 1 }), lost)).toMatchObject({
      kind: 'busy',
      reason: expect.stringMatching(/being changed/),
    });
    expect(lost.places).toEqual(['acme/2/0']);
  });

  it('registers each shard before it is asked', async () => {
    const store = memoryStore({ now: () => 0 });
    await store.create('v1/generations/acme/2', new TextEncoder().encode('{"shards":1}'));
    const given = route(store, 1, new Map([['acme/1/0', closed(2)]]));
    const seen: (readonly string[])[] = [];
    const asked = {
      ...given,
      shard: (name: string) => {
        const shard = given.shard(name);
        const { commit } = shard;
        shard.commit = async (request) => {
          seen.push(await store.list('v1/shards/'));
          return commit.call(shard, request);
        };
        return shard;
      },
    };
    await commitToShard(device, push({ from: 0, to: 1 }), asked);
    expect(seen).toEqual([['v1/shards/acme/1/0'], ['v1/shards/acme/1/0', 'v1/shards/acme/2/0']]);
  });
});
