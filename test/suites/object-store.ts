import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../functions/model.ts';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Lets a second pass: stores take one write a second and key. */
  readonly aSecondLater: () => void;
}

const bytes = (...values: number[]) => Uint8Array.from(values);

/** What every object store must do. Each test gets a prefix of its own, so the store may be shared. */
export function objectStoreSuite(name: string, open: () => StoreUnderTest): void {
  describe(`object store: ${name}`, () => {
    it('creates an object once', async () => {
      const { store, aSecondLater } = open();
      expect(await store.create('once/a', bytes(1, 2, 3))).toBe('created');
      aSecondLater();
      expect(await store.create('once/a', bytes(9))).toBe('exists');
      expect(await store.get('once/a')).toEqual(bytes(1, 2, 3));
      expect(await store.head('once/a')).toBe(3);
    });

    it('keeps an empty object', async () => {
      const { store } = open();
      expect(await store.create('empty/a', bytes())).toBe('created');
      expect(await store.get('empty/a')).toEqual(bytes());
      expect(await store.head('empty/a')).toBe(0);
    });

    it('knows no object that was never created', async () => {
      const { store } = open();
      expect(await store.get('never/a')).toBeUndefined();
      expect(await store.get('never/a', { offset: 0, length: 1 })).toBeUndefined();
      expect(await store.head('never/a')).toBeUndefined();
      expect(await store.list('never/')).toEqual([]);
    });

    it('reads a range, cut at the end of the object', async () => {
      const { store } = open();
      await store.create('range/a', bytes(0, 1, 2, 3, 4));
      expect(await store.get('range/a', { offset: 1, length: 3 })).toEqual(bytes(1, 2, 3));
      expect(await store.get('range/a', { offset: 3, length: 100 })).toEqual(bytes(3, 4));
    });

    it('takes a view of a larger buffer for what it shows', async () => {
      const { store } = open();
      const view = bytes(7, 8, 9, 10).subarray(1, 3);
      await store.create('view/a', view);
      view.fill(0);
      expect(await store.get('view/a')).toEqual(bytes(8, 9));
    });

    it('lists in byte order, by prefix, after a key, up to a limit', async () => {
      const { store } = open();
      for (const key of ['list/é', 'list/a/1', 'list/B', 'list/a-1', 'list/z', 'list/a', 'lisu/a']) await store.create(key, bytes(1));
      expect(await store.list('list/')).toEqual(['list/B', 'list/a', 'list/a-1', 'list/a/1', 'list/z', 'list/é']);
      expect(await store.list('list/a')).toEqual(['list/a', 'list/a-1', 'list/a/1']);
      expect(await store.list('list/', { startAfter: 'list/a-1' })).toEqual(['list/a/1', 'list/z', 'list/é']);
      expect(await store.list('list/', { startAfter: 'list/a', limit: 2 })).toEqual(['list/a-1', 'list/a/1']);
      expect(await store.list('list/', { limit: 4 })).toHaveLength(4);
      expect(await store.list('list/', { limit: 0 })).toEqual([]);
      expect(await store.list('list/', { startAfter: 'list/é' })).toEqual([]);
    });

    it('follows pages', async () => {
      const { store } = open();
      const keys = Array.from({ length: 1100 }, (_, i) => `pages/${String(i).padStart(8, '0')}`);
      for (let i = 0; i < keys.length; i += 50) await Promise.all(keys.slice(i, i + 50).map((key) => store.create(key, bytes(1))));
      expect(await store.list('pages/')).toEqual(keys);
      await store.delete(keys);
      expect(await store.list('pages/')).toEqual([]);
    });

    it('deletes, and does not mind absent keys', async () => {
      const { store, aSecondLater } = open();
      await store.create('delete/a', bytes(1));
      await store.create('delete/b', bytes(2));
      await store.delete(['delete/a', 'delete/none']);
      await store.delete([]);
      expect(await store.get('delete/a')).toBeUndefined();
      expect(await store.list('delete/')).toEqual(['delete/b']);
      aSecondLater();
      expect(await store.create('delete/a', bytes(3))).toBe('created');
    });

    it('lets one of several simultaneous creators win', async () => {
      const { store } = open();
      const outcomes = await Promise.allSettled([1, 2, 3, 4].map((value) => store.create('race/a', bytes(value))));
      // The others learn that it exists, or are turned away for writing too often.
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value === 'created')).toHaveLength(1);
      expect(await store.head('race/a')).toBe(1);
    });
  });
}
