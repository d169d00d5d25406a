import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../contract/binary.ts';
import { decodeIndex, decodeObject, encodeObject, type LaneFragment } from '../../../functions/shard/object-format.ts';

const fragment: fc.Arbitrary<LaneFragment> = fc.record({
  device: fc.constantFrom('gw-1', 'gw-2', '__proto__', 'a'.repeat(64)),
  block: fc.uint8Array({ maxLength: 50 }),
  rawBytes: fc.nat(),
  samples: fc.nat(),
  series: fc.nat(),
  minMs: fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
  maxMs: fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
});

describe('data objects', () => {
  it('give back what was put in, in order and by lane', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fragment, { maxLength: 5 }), { minLength: 1, maxLength: 4 }), (lanes) => {
        const { bytes, index, entries } = encodeObject(lanes);
        const want = lanes.flatMap((lane, i) => lane.map((one) => ({ ...one, block: [...one.block], lane: i })));
        const got = decodeObject(bytes);
        expect(got.map(({ offset: _, length: _l, crc: _c, ...rest }) => ({ ...rest, block: [...rest.block] }))).toEqual(want);
        expect(decodeIndex(index)).toEqual(entries);
        for (const { offset, length, block } of got) expect(bytes.subarray(offset, offset + length)).toEqual(block);
      }),
    );
  });

  it('are refused when damaged, anywhere', () => {
    const one: LaneFragment = { device: 'gw', block: Uint8Array.of(1, 2, 3, 4, 5), rawBytes: 9, samples: 1, series: 1, minMs: 1, maxMs: 2 };
    const { bytes } = encodeObject([[one], [one, one]]);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(() => decodeObject(damaged), `byte ${at}`).toThrow(FormatError);
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeObject(bytes.subarray(0, length)), `cut to ${length}`).toThrow(FormatError);
    }
  });
});
