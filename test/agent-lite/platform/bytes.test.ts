import { inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { deflate } from '../../../agent-lite/platform/bytes.ts';

it.each([0, 1, 100_000])('deflates %i bytes to the zlib form', async (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => i % 251);
  const packed = await deflate(bytes);
  expect(new Uint8Array(inflateSync(packed))).toEqual(bytes);
  expect(packed[0]).toBe(0x78);
});
