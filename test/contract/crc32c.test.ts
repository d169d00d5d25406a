import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../contract/crc32c.ts';

/** RFC 3720, appendix B.4, and the usual check value. */
describe('known values', () => {
  for (const [name, bytes, wanted] of [
    ['nothing', [], 0],
    ['123456789', [...'123456789'].map((c) => c.charCodeAt(0)), 0xe3069283],
    ['32 zeros', Array.from({ length: 32 }, () => 0), 0x8a9136aa],
    ['32 times 0xff', Array.from({ length: 32 }, () => 0xff), 0x62a8ab43],
    ['0 to 31', Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['31 to 0', Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ] as const) {
    it(name, () => expect(crc32c(Uint8Array.from(bytes))).toBe(wanted));
  }
});

it('goes on from a seed as if the input had been one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (a, b) => {
      expect(crc32c(b, crc32c(a))).toBe(crc32c(Uint8Array.from([...a, ...b])));
    }),
  );
});
