import { expect, it } from 'vitest';
import { bearer, equalSecrets } from '../../../functions/auth/secret.ts';

it.each([
  ['a', 'a', true],
  ['a', 'b', false],
  ['a', 'aa', false],
  ['', 'a', false],
])('equalSecrets(%j, %j) is %s', async (a, b, equal) => {
  expect(await equalSecrets(a, b)).toBe(equal);
});

it.each([
  ['Bearer x', 'x'],
  ['bearer  x', 'x'],
  ['Basic x', ''],
  ['Bearer', ''],
  ['Bearer x y', ''],
  [undefined, ''],
])('bearer(%j) is %j', (header, token) => {
  expect(bearer(header)).toBe(token);
});
