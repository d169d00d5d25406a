import { expect, it } from 'vitest';
import { followPages, type Page } from '../../../functions/buffer/pages.ts';

const pages: Readonly<Record<string, Page>> = {
  start: { keys: ['a', 'b'], next: 'two' },
  // Stores may give an empty page and still have more.
  two: { keys: [], next: 'three' },
  three: { keys: ['c', 'd'], next: undefined },
};
const read = async (cursor: string | undefined): Promise<Page> => pages[cursor ?? 'start'] ?? { keys: [], next: undefined };

it.each([
  [undefined, ['a', 'b', 'c', 'd']],
  [3, ['a', 'b', 'c']],
  [1, ['a']],
  [0, []],
])('follows pages up to %s keys', async (limit, keys) => {
  expect(await followPages(read, limit)).toEqual(keys);
});
