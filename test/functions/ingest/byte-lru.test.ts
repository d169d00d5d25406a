import { expect, it } from 'vitest';
import { ByteLru } from '../../../functions/ingest/byte-lru.ts';

it('keeps what was used last, within its bytes', () => {
  const lru = new ByteLru<number>(10);
  lru.set('a', 1, 4);
  lru.set('b', 2, 4);
  expect(lru.get('a')).toBe(1);
  lru.set('c', 3, 4);
  expect([lru.get('a'), lru.get('b'), lru.get('c'), lru.bytes]).toEqual([1, undefined, 3, 8]);
  lru.set('a', 5, 2);
  expect([lru.get('a'), lru.bytes]).toEqual([5, 6]);
  lru.set('a', 6, 11);
  expect([lru.get('a'), lru.bytes]).toEqual([undefined, 4]);
  lru.delete('c');
  lru.delete('c');
  expect(lru.bytes).toBe(0);
});
