import { expect, it } from 'vitest';
import { memoryStore } from '../../../functions/buffer/memory.ts';
import { objectStoreSuite } from '../../suites/object-store.ts';
import { unusedTablesSuite } from '../../suites/unused-tables.ts';

const open = () => {
  let time = 0;
  return {
    store: memoryStore({ now: () => time }),
    aSecondLater: () => {
      time += 1000;
    },
  };
};
objectStoreSuite('memory', open);
unusedTablesSuite('memory', open);

it('turns away a second write of a key within a second', async () => {
  let time = 0;
  const store = memoryStore({ now: () => time });
  await store.create('a', Uint8Array.of(1));
  time = 999;
  await expect(store.create('a', Uint8Array.of(1))).rejects.toThrow('429');
});

it('refuses a range that begins behind the object, as R2 does', async () => {
  const store = memoryStore({ now: () => 0 });
  await store.create('a', Uint8Array.of(1, 2));
  await expect(store.get('a', { offset: 2, length: 1 })).rejects.toThrow('offset 2 of 2');
});
