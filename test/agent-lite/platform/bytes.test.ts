import { inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { deflate, sha256 } from '../../../agent-lite/platform/bytes.ts';

it('hashes', () => {
  const abc = Buffer.from(sha256(new TextEncoder().encode('abc'))).toString('hex');
  expect(abc).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

it.each([0, 1, 100_000])('deflates %i bytes to the zlib form', async (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
  const packed = await deflate(bytes);
  expect(new Uint8Array(inflateSync(packed))).toEqual(bytes);
  expect(packed[0]).toBe(0x78);
});
