import { expect, it } from 'vitest';
import { memoryStore } from '../../../functions/buffer/memory.ts';
import { ShardRegistry } from '../../../functions/fleet/registry.ts';

it('registers a shard once and lists what any isolate registered', async () => {
  const store = memoryStore({ now: () => 0 });
  const registry = new ShardRegistry(store);
  let looks = 0;
  const { head } = store;
  store.head = (key) => {
    looks++;
    return head(key);
  };
  await registry.register('acme/1/0');
  await registry.register('acme/1/0');
  expect(looks).toBe(1);
  // Another isolate; the key is too fresh to be written again, so it must not try.
  await new ShardRegistry(store).register('acme/1/0');
  await registry.register('beta/1/3');
  expect(await new ShardRegistry(store).list(10)).toEqual(['acme/1/0', 'beta/1/3']);
  expect(await registry.list(1)).toEqual(['acme/1/0']);
});

it('is content where another isolate was faster, and tries again where nothing was written', async () => {
  const store = memoryStore({ now: () => 0 });
  const { create } = store;
  store.create = () => Promise.reject(new Error('429'));
  const registry = new ShardRegistry(store);
  await expect(registry.register('acme/1/0')).rejects.toThrow('429');
  store.create = async (key, body) => {
    await create(key, body);
    throw new Error('429');
  };
  await registry.register('acme/1/0');
  expect(await registry.list(10)).toEqual(['acme/1/0']);
});
