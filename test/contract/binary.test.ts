import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, FormatError } from '../../contract/binary.ts';

const written = (write: (writer: ByteWriter) => void, capacity = 1): Uint8Array<ArrayBuffer> => {
  const writer = new ByteWriter(capacity);
  write(writer);
  return writer.bytes();
};

describe('varint', () => {
  for (const [value, bytes] of [
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [300, [0xac, 2]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
    [2 ** 32, [0x80, 0x80, 0x80, 0x80, 0x10]],
    [2 ** 53, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
  ] as const) {
    it(`writes ${value} as ${bytes.length} bytes and reads it back`, () => {
      const got = written((writer) => writer.varint(value));
      expect([...got]).toEqual(bytes);
      expect(new ByteReader(got).varint()).toBe(value);
    });
  }

  it('reads back every integer to 2^53', () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(2 ** 31 - 1), fc.maxSafeNat()), (value) => {
        const reader = new ByteReader(written((writer) => writer.varint(value)));
        expect(reader.varint()).toBe(value);
        reader.end();
      }),
    );
  });

  for (const [name, bytes] of [
    ['nothing', []],
    ['no end', [0x80, 0x80]],
    ['a longer form than needed', [0x80, 0x00]],
    ['2^53 + 1, which a number would round to 2^53', [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]],
    ['2^56', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['ten bytes', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => new ByteReader(Uint8Array.from(bytes)).varint()).toThrow(FormatError);
    });
  }
});

describe('zigzag', () => {
  it('maps 0, -1, 1, -2 to 0, 1, 2, 3', () => {
    expect([...written((writer) => [0, -1, 1, -2].forEach((value) => void writer.zigzag(value)))]).toEqual([0, 1, 2, 3]);
  });
  it('reads back everything within 2^52', () => {
    const limit = 2 ** 52;
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.constantFrom(limit, -limit, limit - 1), fc.integer({ min: -limit, max: limit })), (value) => {
        expect(new ByteReader(written((writer) => writer.zigzag(value))).zigzag()).toBe(value + 0);
      }),
    );
  });
});

describe('the rest', () => {
  it('reads back fixed integers, blocks and text in any mixture', () => {
    const step = fc.oneof(
      fc.nat(255).map((value) => ['u8', value] as const),
      fc.nat(0xffffffff).map((value) => ['u32', value] as const),
      fc.maxSafeNat().map((value) => ['u64', value] as const),
      fc.uint8Array({ maxLength: 300 }).map((value) => ['block', value] as const),
      fc.string({ unit: 'grapheme', maxLength: 20 }).map((value) => ['string', value] as const),
    );
    fc.assert(
      fc.property(fc.array(step), fc.nat(5), (steps, capacity) => {
        const writer = new ByteWriter(capacity);
        for (const [kind, value] of steps) {
          if (kind === 'block') writer.block(value);
          else if (kind === 'string') writer.string(value);
          else writer[kind](value);
        }
        const bytes = writer.bytes();
        expect(bytes.length).toBe(writer.length);
        const reader = new ByteReader(bytes);
        for (const [kind, value] of steps) {
          if (kind === 'block') expect([...reader.block()]).toEqual([...value]);
          else expect(reader[kind]()).toBe(value);
        }
        reader.end();
      }),
    );
  });

  it('keeps a leading byte order mark, which is data', () => {
    const text = '\ufeffa';
    expect(new ByteReader(written((writer) => writer.string(text))).string()).toBe(text);
  });

  it('gives bytes that later writes do not change', () => {
    const writer = new ByteWriter();
    writer.u8(1);
    const first = writer.bytes();
    writer.clear();
    writer.u8(2);
    expect([...first]).toEqual([1]);
  });

  it('reads a view that does not start at its buffer', () => {
    const whole = Uint8Array.from([9, 9, 1, 0, 0, 0]);
    expect(new ByteReader(whole.subarray(2)).u32()).toBe(1);
  });

  for (const [name, read] of [
    ['a block longer than the input', (r) => r.block()],
    ['a block over the limit', (r) => r.block(1)],
    ['text that is not UTF-8', (r) => r.u8() + r.string()],
    ['bytes left over', (r) => r.end()],
    ['too few bytes', (r) => r.raw(100)],
  ] as readonly (readonly [string, (reader: ByteReader) => unknown])[]) {
    it(`refuses ${name}, naming the offset`, () => {
      expect(() => read(new ByteReader(Uint8Array.from([5, 2, 0xff, 0xfe])))).toThrow(/^offset \d+: expected/);
    });
  }
  it('refuses a u64 beyond 2^53', () => {
    expect(() => new ByteReader(new Uint8Array(8).fill(0xff)).u64()).toThrow(FormatError);
  });
});
