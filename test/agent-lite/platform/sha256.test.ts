import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../agent-lite/platform/sha256.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('sha256', () => {
  it.each([
    ['nothing', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'two blocks',
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ])('of %s is that of FIPS 180-4', (_name, text, digest) => {
    expect(hex(sha256(new TextEncoder().encode(text)))).toBe(digest);
  });
  it('is that of OpenSSL at every length around a block, in the middle of a buffer too', () => {
    const buffer = Uint8Array.from({ length: 300 }, (_, i) => i * 7);
    for (let length = 0; length < 200; length++) {
      const bytes = buffer.subarray(3, 3 + length);
      expect(hex(sha256(bytes))).toBe(expected(bytes));
    }
  });
  it('is that of OpenSSL for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => hex(sha256(bytes)) === expected(bytes)));
  });
});
