import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { r2Store } from '../../functions/buffer/r2.ts';
import { objectStoreSuite } from '../suites/object-store.ts';
import { unusedTablesSuite } from '../suites/unused-tables.ts';

const open = () => ({
  store: r2Store(env.BUFFER),
  // The local R2 does not limit writes to one key.
  aSecondLater: () => {},
});
objectStoreSuite('R2', open);
unusedTablesSuite('R2', open);

it('lists and deletes a thousand keys with each call', async () => {
  const calls: string[] = [];
  const bucket = {
    list: async ({ limit = 0, cursor = '0' }: R2ListOptions) => {
      calls.push(`list ${limit}`);
      const from = Number(cursor);
      const objects = Array.from({ length: limit }, (_, i) => ({ key: `k/${from + i}` }));
      return { objects, truncated: true, cursor: String(from + limit) };
    },
    delete: async (keys: string[]) => void calls.push(`delete ${keys.length}`),
  };
  const store = r2Store(bucket as unknown as R2Bucket);
  await store.delete(await store.list('k/', { limit: 2500 }));
  expect(calls).toEqual(['list 1000', 'list 1000', 'list 500', 'delete 1000', 'delete 1000', 'delete 500']);
});
