import { describe, expect, it } from 'vitest';
import type { WrittenSeries } from '../../contract/decode-remote-write.ts';
import { labelsFromRecord } from '../../contract/labels.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import { compare, STALE_BITS } from './harness/delivered.ts';
import { valueBits } from './harness/exposition.ts';

/** The comparison that the other tests rely on must find each kind of fault. */
const target = { job: 'j', instance: 'i', cluster: 'c' };
const scraped = [
  { askedMs: 1000, text: 'a 1\nb{x="y"} NaN\n' },
  { askedMs: 2000, text: 'a 2\n' },
  { askedMs: 3000, text: undefined },
];

type Samples = [time: number, value: string | bigint][];
const series = (labels: Record<string, string>, samples: Samples): WrittenSeries => ({
  labels: labelsFromRecord({ ...target, ...labels }),
  samples: samples.map(([time, value]) => ({ time, bits: typeof value === 'bigint' ? value : valueBits(value) })),
});

/** What a right agent makes of {@link scraped}, taken 5 ms before the target was asked. */
function right(): WrittenSeries[] {
  const values: Record<string, [string, string, string]> = { up: ['1', '1', '0'], scrape_samples_scraped: ['2', '1', '0'] };
  return [
    series({ __name__: 'a' }, [
      [995, '1'],
      [1995, '2'],
      [2995, STALE_BITS],
    ]),
    series({ __name__: 'b', x: 'y' }, [
      [995, 'NaN'],
      [1995, STALE_BITS],
    ]),
    ...REPORT_NAMES.map((name) => {
      const [first, second, third] = values[name] ?? ['0', '0', '0'];
      return series({ __name__: name }, [
        [995, first],
        [1995, second],
        [2995, third],
      ]);
    }),
  ];
}
const faultsOf = (delivered: readonly WrittenSeries[]) => compare({ scraped, delivered, labels: target }).faults;
const change = (index: number, samples: (before: WrittenSeries['samples']) => WrittenSeries['samples']): WrittenSeries[] =>
  right().map((one, i) => (i === index ? { ...one, samples: samples(one.samples) } : one));

describe('compare', () => {
  it('finds nothing wrong with what is right', () => {
    expect(compare({ scraped, delivered: right(), labels: target })).toEqual({
      scrapes: 3,
      samples: 5,
      markers: 2,
      missingScrapes: 0,
      faults: [],
    });
  });

  it.each([
    { name: 'a missing sample', delivered: change(0, (samples) => samples.slice(1)), fault: /^a\{\}.*expected 0x3ff.*got nothing/ },
    { name: 'a missing marker', delivered: change(1, (samples) => samples.slice(0, 1)), fault: /^b\{x="y"\}.*got nothing/ },
    {
      name: 'another NaN',
      delivered: change(1, ([first, ...rest]) => [{ time: first?.time ?? 0, bits: 0x7ff8000000000000n }, ...rest]),
      fault: /expected 0x7ff8000000000001, got 0x7ff8000000000000/,
    },
    {
      name: 'another time',
      delivered: change(0, (samples) => samples.map((s, i) => (i === 0 ? { ...s, time: 996 } : s))),
      fault: /never scraped/,
    },
    { name: 'a sample too many', delivered: [...right(), series({ __name__: 'c' }, [[995, '1']])], fault: /^c\{\}.*never scraped/ },
    {
      name: 'a label too many',
      delivered: change(0, (s) => s).map((one) => ({ ...one, labels: labelsFromRecord({ ...Object.fromEntries(one.labels), z: '1' }) })),
      fault: /./,
    },
    { name: 'two values of one time', delivered: change(0, (samples) => [...samples, { time: 2995, bits: 0n }]), fault: /two values/ },
    { name: 'the wrong order', delivered: change(0, (samples) => [...samples].reverse()), fault: /came after/ },
    {
      name: 'a scrape that never arrived',
      delivered: right().map((one) => ({ ...one, samples: one.samples.filter(({ time }) => time !== 1995) })),
      fault: /the scrape of 00:00:02.000 never arrived/,
    },
    { name: 'a report series that lacks', delivered: right().slice(0, -1), fault: /scrape_series_added .*missing/ },
    { name: 'a wrong up', delivered: change(2, (samples) => samples.map((s) => ({ ...s, bits: 0n }))), fault: /up at .*expected 1/ },
  ])('finds $name', ({ delivered, fault }) => {
    expect(faultsOf(delivered).join('\n')).toMatch(new RegExp(fault.source, 'm'));
  });

  it('lets a scrape be missing where that is allowed, but only whole', () => {
    const mayBeMissing = ({ askedMs }: { askedMs: number }) => askedMs === 3000;
    const without = right().map((one) => ({ ...one, samples: one.samples.filter(({ time }) => time !== 2995) }));
    expect(compare({ scraped, delivered: without, labels: target, mayBeMissing }).faults).toEqual([]);
    const partly = change(0, (samples) => samples.filter(({ time }) => time !== 2995));
    expect(compare({ scraped, delivered: partly, labels: target, mayBeMissing }).faults).not.toEqual([]);
  });
});
