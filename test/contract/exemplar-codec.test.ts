import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter, FormatError } from '../../contract/binary.ts';
import { bitsOfDouble, doubleOfBits } from '../../contract/double.ts';
import {
  countExemplars,
  countRunes,
  decodeExemplars,
  encodeExemplars,
  exemplarBytes,
  type PushExemplar,
} from '../../contract/exemplar-codec.ts';
import { decodeOrRefuse, mutate, specialBits } from './arbitraries.ts';
import { describeExemplar, pushExemplars } from './attachments.ts';

const TIMES = [1_700_000_000_000, 1_700_000_015_000, 1_700_000_030_001];

function encode(exemplars: readonly PushExemplar[], times: readonly number[] = TIMES): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  encodeExemplars(exemplars, times, writer);
  return writer.bytes();
}
const describeAll = (exemplars: readonly PushExemplar[]) => exemplars.map(describeExemplar);

describe('exemplars', () => {
  it('read back to the bit, and take no more than was reckoned', () => {
    fc.assert(
      fc.property(pushExemplars(5, 3), (given) => {
        const bytes = encode(given);
        expect(describeAll(decodeExemplars(bytes, 5, TIMES))).toEqual(describeAll(given));
        expect(countExemplars(bytes)).toEqual({
          exemplars: given.length,
          labels: given.reduce((sum, { labels }) => sum + labels.length, 0),
        });
        expect(bytes.length).toBeLessThanOrEqual(given.reduce((sum, one) => sum + exemplarBytes(one), 0));
      }),
      { numRuns: 500 },
    );
  });

  it('from hostile bytes are refused, or mean exemplars that encode to the same again', () => {
    fc.assert(
      fc.property(
        pushExemplars(5, 3).chain((given) => mutate(encode(given))),
        (bytes) => {
          const read = decodeOrRefuse(
            () => decodeExemplars(bytes, 5, TIMES),
            (error) => error instanceof FormatError,
          );
          if (read !== undefined) expect(describeAll(decodeExemplars(encode(read), 5, TIMES))).toEqual(describeAll(read));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('none are no bytes', () => {
    expect(encode([])).toEqual(new Uint8Array(0));
    expect(decodeExemplars(new Uint8Array(0), 0, [])).toEqual([]);
  });

  const one: PushExemplar = { row: 0, scrape: 0, labels: [['a', 'b']], value: 1, ms: undefined };
  it.each<[string, readonly PushExemplar[]]>([
    ['rows that go back', [{ ...one, row: 1 }, one]],
    ['scrapes that go back', [{ ...one, scrape: 1 }, one]],
    ['a scrape that is not there', [{ ...one, scrape: 3 }]],
    ['a time that is none', [{ ...one, ms: Number.NaN }]],
    ['more of one sample than allowed', Array.from({ length: 33 }, () => one)],
  ])('are not written with %s', (_name, given) => {
    expect(() => encode(given)).toThrow(RangeError);
  });

  it.each<[string, readonly number[]]>([
    ['a row beyond the table', [1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a scrape beyond the last', [1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a text that is not there', [1, 1, 1, 1, 0x61, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['more labels than announced', [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['fewer labels than announced', [1, 1, 1, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['more texts than its labels can name', [1, 0, 1, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['an empty value', [1, 1, 2, 1, 0x61, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a label name twice', [1, 2, 1, 1, 0x61, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['bytes behind the last', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]],
  ])('are refused with %s', (_name, bytes) => {
    expect(() => decodeExemplars(Uint8Array.from(bytes), 5, TIMES)).toThrow(FormatError);
  });

  it('are refused with more than 128 characters of labels, however many bytes', () => {
    const wide = { ...one, labels: [['a', '\u{1f600}'.repeat(127)]] as const };
    expect(decodeExemplars(encode([wide]), 1, TIMES)).toEqual([wide]);
    expect(() => decodeExemplars(encode([{ ...one, labels: [['a', 'x'.repeat(128)]] }]), 1, TIMES)).toThrow(/128 characters/);
  });
});

it('counts characters, not halves of them', () => {
  expect(['', 'ab', 'é', '\u{1f600}x'].map(countRunes)).toEqual([0, 2, 1, 2]);
});

it.each(specialBits)('a double of the bits of %s', (_name, [low, high]) => {
  const value = doubleOfBits(low, high);
  expect(bitsOfDouble(value)).toEqual(Number.isNaN(value) ? [1, 0x7ff80000] : [low, high]);
});
