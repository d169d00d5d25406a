import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import * as node from '../../../agent-lite/platform/bytes.ts';
import * as web from '../../../agent-lite/platform/bytes-web.ts';

const pattern = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, i) => (i * i) % 251);

describe('the web form of', () => {
  it.each([0, 1, 100_000])('a hash and a deflate of %i bytes is read by the other', async (length) => {
    const bytes = pattern(length);
    expect(await web.sha256(bytes)).toEqual(new Uint8Array(node.sha256(bytes)));
    expect(node.columnCompression.decompress(await web.deflate(bytes), length)).toEqual(bytes);
    expect(await web.columnCompression.decompress(await node.deflate(bytes), length)).toEqual(bytes);
  });

  it.each([
    { name: 'more than was said', bytes: new Uint8Array(deflateSync(pattern(1000))), size: 999 },
    { name: 'a bomb', bytes: new Uint8Array(deflateSync(new Uint8Array(10_000_000))), size: 1000 },
    { name: 'no zlib', bytes: pattern(50), size: 1000 },
    { name: 'a part', bytes: new Uint8Array(deflateSync(pattern(1000))).subarray(0, 100), size: 1000 },
  ])('inflate refuses $name', async ({ bytes, size }) => {
    await expect(web.columnCompression.decompress(bytes, size)).rejects.toBeInstanceOf(Error);
  });

  it('randomness gives as many bytes as asked for', () => {
    expect(web.randomBytes(16)).toHaveLength(16);
    expect(web.randomBytes(16)).not.toEqual(web.randomBytes(16));
  });
});
