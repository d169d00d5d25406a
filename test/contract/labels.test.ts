import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareText,
  formatLabels,
  hasUtf8Form,
  isLegacyLabelName,
  isLegacyMetricName,
  isValidName,
  labelsFromRecord,
  labelsKey,
  labelsToRecord,
  labelValue,
  sortLabels,
  utf8Length,
} from '../../contract/labels.ts';
import { labels, text } from './arbitraries.ts';

it('compares text as its UTF-8 bytes compare', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
    {
      numRuns: 500,
      examples: [
        ['\u{10000}', '\uffff'],
        ['a\u{10ffff}', 'a\ue000'],
        ['', 'a'],
      ],
    },
  );
});

it('knows the length of the UTF-8 form', () => {
  fc.assert(
    fc.property(text, (given) => void expect(utf8Length(given)).toBe(Buffer.byteLength(given))),
    { examples: [['é€\u{1f600}']] },
  );
});

it('sorts, drops empty values, and lets the last of equal names win', () => {
  expect(
    sortLabels([
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
      ['c', 'x'],
      ['c', ''],
    ]),
  ).toEqual([
    ['a', '2'],
    ['b', '3'],
  ]);
});

it('turns labels into a record and back, __proto__ included', () => {
  fc.assert(fc.property(labels, (given) => void expect(labelsFromRecord(labelsToRecord(given))).toEqual(given)));
});

it('gives equal keys to equal label sets only', () => {
  fc.assert(
    fc.property(labels, labels, (a, b) => {
      expect(labelsKey(a) === labelsKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
    {
      examples: [
        [
          [['a', '1:b']],
          [
            ['a', '1'],
            ['b', ''],
          ],
        ],
      ],
    },
  );
});

it('finds a value, or the empty text', () => {
  expect(labelValue([['a', '1']], 'a')).toBe('1');
  expect(labelValue([['a', '1']], 'b')).toBe('');
});

describe('formatLabels', () => {
  for (const [given, wanted] of [
    [[], '{}'],
    [[['__name__', 'up']], 'up'],
    [
      [
        ['__name__', 'up'],
        ['job', 'a"b\n'],
      ],
      'up{job="a\\"b\\n"}',
    ],
    [[['job', 'x']], '{job="x"}'],
  ] as const) {
    it(`writes ${wanted}`, () => expect(formatLabels(given)).toBe(wanted));
  }
});

describe('names', () => {
  for (const [name, valid, legacyLabel, legacyMetric] of [
    ['', false, false, false],
    ['up', true, true, true],
    ['a:b', true, false, true],
    ['0a', true, false, false],
    ['with space', true, false, false],
    ['\ud800', false, false, false],
    ['\u{1f600}', true, false, false],
  ] as const) {
    it(`${JSON.stringify(name)}`, () => {
      expect([isValidName(name), isLegacyLabelName(name), isLegacyMetricName(name)]).toEqual([valid, legacyLabel, legacyMetric]);
    });
  }
  it('a half of a pair has no UTF-8 form', () => {
    expect([hasUtf8Form('a\udc00'), hasUtf8Form('\u{1f600}'), hasUtf8Form('')]).toEqual([false, true, true]);
  });
});
