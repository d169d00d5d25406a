import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FloatReader, normalizeFloatLabel, parseFloatText } from '../../../agent-lite/scrape/float.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function read(text: string): number | undefined {
  const reader = new FloatReader();
  return reader.read(bytes(text), 0) ? reader.value : undefined;
}

describe('numbers that Go reads', () => {
  const cases: [text: string, value: number][] = [
    ['0', 0],
    ['-0', -0],
    ['+1', 1],
    ['1.', 1],
    ['.5', 0.5],
    ['-.5e1', -5],
    ['1e5', 100_000],
    ['1E+05', 100_000],
    ['1e-5', 1e-5],
    ['1e00000000000005', 100_000],
    ['123456789012345', 123456789012345],
    ['1234567890123456789', 1234567890123456800],
    ['0.1234567890123456789', 0.12345678901234568],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['5e-324', 5e-324],
    ['1e-999', 0],
    ['1e22', 1e22],
    ['9007199254740993', 9007199254740992],
    ['000000000000000000000001.5', 1.5],
    ['0.000000000000000000000000000001', 1e-30],
    ['inf', Number.POSITIVE_INFINITY],
    ['+Inf', Number.POSITIVE_INFINITY],
    ['-INFINITY', Number.NEGATIVE_INFINITY],
    ['NaN', Number.NaN],
    ['nan', Number.NaN],
  ];
  it.each(cases)('%s', (text, value) => {
    expect(read(text)).toBe(value);
    expect(parseFloatText(text)).toBe(value);
  });
});

describe('words that Go refuses', () => {
  it.each([
    '',
    '.',
    '-',
    '+',
    'e5',
    '1e',
    '1e+',
    '0x10',
    '0x1p4',
    '1_000',
    '1p3',
    '--1',
    '1.2.3',
    '+nan',
    '-nan',
    'infi',
    '1e999',
    '-1e999',
    '1,5',
    '"1"',
    'Infinity1',
    '１',
  ])('%j', (text) => {
    expect(read(text)).toBeUndefined();
    expect(parseFloatText(text)).toBeUndefined();
  });
});

it('reads every double from its shortest form, and from 17 digits', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(read(Object.is(value, -0) ? '-0' : String(value))).toBe(value);
      if (value !== 0) expect([read(value.toPrecision(17)), read(value.toExponential())]).toEqual([value, value]);
    }),
  );
});

it('reads decimals with few digits as Number() does', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.integer({ min: -40, max: 40 }), (mantissa, exponent) => {
      const text = `${mantissa}e${exponent}`;
      expect(read(text)).toBe(Number(text));
    }),
  );
});

it.each([
  ['a blank', '12 34', 2],
  ['a tab', '12\t34', 2],
  ['a line end', '12\n34', 2],
  ['the end', '12', 2],
])('stops at %s', (_, text, end) => {
  const reader = new FloatReader();
  expect(reader.read(bytes(text), 0)).toBe(true);
  expect(reader.end).toBe(end);
});

describe('le and quantile values in OpenMetrics form', () => {
  it.each([
    ['1', '1.0'],
    ['0', '0.0'],
    ['-0', '0.0'],
    ['-1', '-1.0'],
    ['0.5', '0.5'],
    ['.5', '0.5'],
    ['10', '10.0'],
    ['100000', '100000.0'],
    ['1000000', '1e+06'],
    ['1e6', '1e+06'],
    ['1234567', '1.234567e+06'],
    ['0.0001', '0.0001'],
    ['0.00001', '1e-05'],
    ['1e-10', '1e-10'],
    ['2.50', '2.5'],
    ['123.456', '123.456'],
    ['-12.5', '-12.5'],
    ['1e100', '1e+100'],
    ['+Inf', '+Inf'],
    ['inf', '+Inf'],
    ['-inf', '-Inf'],
    ['NaN', 'NaN'],
    ['abc', 'abc'],
    ['', ''],
    ['0x1p4', '0x1p4'],
  ])('%s -> %s', (text, normal) => {
    expect(normalizeFloatLabel(text)).toBe(normal);
  });
});
