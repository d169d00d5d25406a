import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { push as reference } from '../../contract/generated/push.js';
import * as wire from '../../contract/push-wire.ts';

/** protobufjs' own codec, generated from proto/push.proto, is what ours is held to. */

const position = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const time = fc.oneof(fc.constantFrom(0, -1, 2 ** 50, -(2 ** 50), -(2 ** 32), Number.MIN_SAFE_INTEGER), fc.maxSafeInteger());
const bytes = fc.uint8Array({ maxLength: 20 });
const text = fc.string({ unit: 'grapheme', maxLength: 10 });
const u32 = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1), fc.nat());
const int32 = fc.oneof(fc.constantFrom(0, -1, -(2 ** 31)), fc.integer());
const labels = fc.array(fc.record({ name: text, value: text, known: fc.nat(3) }), { maxLength: 3 });
const point = fc.record({ position, chain: bytes });

const request = fc.record({
  ...{ format: u32, logId: bytes, stream: u32, base: position, baseChain: bytes, to: position, chain: bytes },
  gaps: fc.array(fc.record({ from: position, to: position, reason: int32 }), { maxLength: 3 }),
  clock: fc.record({ wallMs: time, bootMs: time, offsetMs: time }),
  version: text,
  backlog: fc.record({ records: position, bytes: position, oldestMs: time }),
  baseMs: time,
  externalLabels: labels,
  targets: fc.array(
    fc.record({
      ...{ labels, table: bytes, times: bytes, columns: bytes, report: bytes, mask: bytes, labelsHash: bytes },
      ...{ inline: bytes, exemplars: bytes, histograms: bytes, metadata: bytes },
    }),
    { maxLength: 3 },
  ),
});
const answer = fc.record({
  ...{ code: int32, logId: bytes, position, message: text, edgeMs: time },
  unknownTables: fc.array(bytes, { maxLength: 3 }),
  stored: fc.option(point, { nil: undefined }),
  points: fc.array(point, { maxLength: 3 }),
  minPushIntervalMs: u32,
  masks: fc.array(fc.record({ targets: fc.array(u32, { maxLength: 3 }), rows: bytes }), { maxLength: 3 }),
  configVersion: text,
  freshWindowMs: position,
});

const ours = { PushRequest: wire.PushRequest, PushAnswer: wire.PushAnswer };
const theirs = {
  PushRequest: (message: object) => reference.PushRequest.encode(message as reference.IPushRequest).finish(),
  PushAnswer: (message: object) => reference.PushAnswer.encode(message as reference.IPushAnswer).finish(),
};

describe.each([
  { name: 'PushRequest', values: request },
  { name: 'PushAnswer', values: answer },
] as const)('$name', ({ name, values }) => {
  it('is written as protobufjs writes it, and read back', () => {
    fc.assert(
      fc.property(values, (message) => {
        const encoded = ours[name].encode(message as never);
        expect(Buffer.from(encoded).equals(Buffer.from(theirs[name](message)))).toBe(true);
        expect(ours[name].decode(encoded)).toEqual(message);
      }),
    );
  });

  it('knows every field of the proto, and no other', () => {
    const fields = Object.keys(Object.getPrototypeOf(Reflect.construct(reference[name], []))).filter((key) => key !== 'constructor');
    expect(Object.keys(ours[name].decode(new Uint8Array(0))).sort()).toEqual(fields.sort());
  });

  it('bytes that are cut or changed are read or refused, never a crash', () => {
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(255), (message, at, byte) => {
        const encoded = ours[name].encode(message as never);
        if (encoded.length > 0) encoded[at % encoded.length] = byte;
        for (const spoilt of [encoded, encoded.subarray(0, at % (encoded.length + 1))]) {
          try {
            ours[name].decode(spoilt);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        }
      }),
    );
  });
});

describe('what other writers may send', () => {
  const read = (...bytes: number[]): ReturnType<typeof wire.PushRequest.decode> => wire.PushRequest.decode(Uint8Array.from(bytes));
  it.each([
    { name: 'a varint longer than need be', bytes: [0x08, 0x81, 0x80, 0x00], format: 1 },
    { name: 'a field twice: the last counts', bytes: [0x08, 1, 0x08, 2], format: 2 },
    { name: 'an unknown varint', bytes: [0xf8, 0x07, 5, 0x08, 1], format: 1 },
    { name: 'unknown bytes', bytes: [0xfa, 0x07, 2, 9, 9, 0x08, 1], format: 1 },
    { name: 'unknown fixed numbers', bytes: [0xf9, 0x07, 1, 2, 3, 4, 5, 6, 7, 8, 0xfd, 0x07, 1, 2, 3, 4, 0x08, 1], format: 1 },
    { name: 'a known field of another wire type', bytes: [0x0a, 1, 7, 0x08, 1], format: 1 },
    { name: 'more than 32 bits in 32: cut', bytes: [0x08, 0x81, 0x80, 0x80, 0x80, 0x10], format: 1 },
  ])('$name', ({ bytes, format }) => {
    expect(read(...bytes).format).toBe(format);
    expect(reference.PushRequest.decode(Uint8Array.from(bytes)).format).toBe(format);
  });

  it('a message in two parts is put together', () => {
    expect(read(0x4a, 2, 0x08, 7, 0x4a, 2, 0x10, 8).clock).toMatchObject({ wallMs: 7, bootMs: 8 });
  });

  it('an integer beyond 2^53 is no safe one', () => {
    expect(Number.isSafeInteger(read(0x20, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10).base)).toBe(false);
    expect(Number.isSafeInteger(read(0x60, ...Array<number>(9).fill(0x80), 0x01).baseMs)).toBe(false);
  });

  it.each([
    { name: 'a group', bytes: [0x0b, 0x0c] },
    { name: 'field 0', bytes: [0x00, 1] },
    { name: 'a length beyond the end', bytes: [0x12, 5, 1] },
    { name: 'a varint of 11 bytes', bytes: [0x08, ...Array<number>(10).fill(0x80), 1] },
    { name: 'text that is not UTF-8', bytes: [0x52, 1, 0xff] },
  ])('$name is refused', ({ bytes }) => {
    expect(() => read(...bytes)).toThrow(FormatError);
  });
});
