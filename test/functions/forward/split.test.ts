import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../contract/binary.ts';
import { prometheus } from '../../../contract/generated/remote.js';
import { snappyCompress, snappyUncompress } from '../../../contract/snappy.ts';
import {
  countEntries,
  decodeSeries,
  encodeSeries,
  firstSamples,
  halve,
  halveByTime,
  type SeriesPart,
  timeRange,
} from '../../../functions/forward/split.ts';
import { fragment } from '../../fakes/commit-requests.ts';

const three = fragment(
  { labels: { __name__: 'a' }, samples: [[1, 1], [2, undefined], [3, -0]] }, // biome-ignore format: a table
  { labels: { __name__: 'b', x: 'ü' }, samples: [[2, 5]] }, // biome-ignore format: a table
);

const names = (parts: readonly SeriesPart[]) => parts.map(({ labels, entries }) => [labels[0]?.value, entries.map(({ ms }) => ms)]);

describe('splitting', () => {
  it('passes every byte of a fragment', () => {
    const raw = snappyUncompress(three.block, three.rawBytes);
    const again = snappyUncompress(encodeSeries(decodeSeries(three.block, three.rawBytes)), three.rawBytes);
    expect(again).toEqual(raw);
  });

  it('halves by series, then by samples', () => {
    const parts = decodeSeries(three.block, three.rawBytes);
    const [a, b] = halve(parts) ?? [[], []];
    expect(names(a)).toEqual([['a', [1, 2, 3]]]);
    expect(names(b)).toEqual([['b', [2]]]);
    const [first, second] = halve(a) ?? [[], []];
    expect([names(first), names(second)]).toEqual([[['a', [1]]], [['a', [2, 3]]]]);
    expect(halve(b)).toBeUndefined();
  });

  it('halves by time', () => {
    const parts = decodeSeries(three.block, three.rawBytes);
    const [early, late] = halveByTime(parts) ?? [[], []];
    expect(names(early)).toEqual([['a', [1]]]);
    expect(names(late)).toEqual([
      ['a', [2, 3]],
      ['b', [2]],
    ]);
  });

  it('finds first samples of series that go on', () => {
    expect(names(firstSamples(decodeSeries(three.block, three.rawBytes), 3))).toEqual([['a', [1]]]);
  });

  it('keeps histograms and exemplars', () => {
    const histogram = Uint8Array.of(0x78, 0x07); // timestamp = 7
    const bytes = prometheus.RawWriteRequest.encode({
      timeseries: [
        { labels: [{ name: '__name__', value: 'h' }], histograms: [histogram, Uint8Array.of(0x78, 0x09)], exemplars: [Uint8Array.of(1)] },
      ],
    }).finish();
    const parts = decodeSeries(snappyCompress(bytes), bytes.length);
    expect(timeRange(parts)).toEqual({ minMs: 7, maxMs: 9 });
    const [early, late] = halveByTime(parts) ?? [[], []];
    expect(early[0]?.exemplars).toEqual([]);
    expect(late[0]?.exemplars).toHaveLength(1);
    expect(snappyUncompress(encodeSeries(parts), bytes.length)).toEqual(Uint8Array.from(bytes));
  });

  const withAll = () => {
    const sample = (ms: number) => Uint8Array.of(0x10, ms);
    const bytes = prometheus.RawWriteRequest.encode({
      timeseries: [
        { labels: [{ name: '__name__', value: 'a' }], samples: [sample(1), sample(2)], exemplars: [Uint8Array.of(0x18, 1)] },
        { labels: [{ name: '__name__', value: 'b' }], samples: [sample(1)], exemplars: [Uint8Array.of(0x18, 2), Uint8Array.of(0x18, 3)] },
      ],
      metadata: [Uint8Array.of(0x08, 1), Uint8Array.of(0x08, 2)],
    }).finish();
    return { bytes: Uint8Array.from(bytes), parts: decodeSeries(snappyCompress(bytes), bytes.length) };
  };

  it('passes every byte of exemplars and metadata', () => {
    const { bytes, parts } = withAll();
    expect(snappyUncompress(encodeSeries(parts), bytes.length)).toEqual(bytes);
    expect(countEntries(parts)).toBe(3);
  });

  it('tries a sample without its exemplars, exemplars and metadata by themselves, and loses none of them', () => {
    const visit = (parts: readonly SeriesPart[]): readonly SeriesPart[] => {
      const halves = halve(parts);
      return halves === undefined ? parts : [...visit(halves[0]), ...visit(halves[1])];
    };
    const leaves = visit(withAll().parts).map((part) => [
      ...[part.labels[0]?.value, part.entries.length, part.exemplars.length, part.metadata?.length],
    ]);
    expect(leaves).toEqual([
      ['a', 1, 0, undefined],
      ['a', 1, 0, undefined],
      ['a', 0, 1, undefined],
      ['b', 1, 0, undefined],
      ['b', 0, 2, undefined],
      [undefined, 0, 0, 2],
    ]);
  });

  it('keeps metadata where it cuts by time', () => {
    const [early, late] = halveByTime(withAll().parts) ?? [[], []];
    expect(early.map(({ entries }) => entries.length)).toEqual([1, 1]);
    expect(late.map(({ entries, metadata }) => [entries.length, metadata?.length])).toEqual([
      [1, undefined],
      [0, 2],
    ]);
  });

  it.each([
    ['not snappy', Uint8Array.of(0xff, 0xff, 0xff)],
    ['not protobuf', snappyCompress(Uint8Array.of(0x0a, 0x7f, 1))],
    ['a sample cut short', snappyCompress(Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x09, 0x01))],
    ['larger than it says', snappyCompress(new Uint8Array(1000))],
  ])('refuses what is %s', (_name, block) => {
    expect(() => decodeSeries(block, 100)).toThrow(FormatError);
  });

  it('halving ends, loses nothing and keeps the order within a series', () => {
    const series = fc.array(fc.uniqueArray(fc.integer({ min: -5, max: 20 }), { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(series, fc.infiniteStream(fc.boolean()), (all, byTime) => {
        const one = fragment(
          ...all.map((times, i) => ({
            labels: { __name__: `m${i}` },
            samples: times.sort((a, b) => a - b).map((ms) => [ms, ms] as const),
          })),
        );
        const visit = (parts: readonly SeriesPart[]): readonly SeriesPart[] => {
          const halves = byTime.next().value ? (halveByTime(parts) ?? halve(parts)) : halve(parts);
          if (halves === undefined) return parts;
          expect(countEntries(halves[0]) + countEntries(halves[1])).toBe(countEntries(parts));
          expect(Math.min(countEntries(halves[0]), countEntries(halves[1]))).toBeGreaterThan(0);
          return [...visit(halves[0]), ...visit(halves[1])];
        };
        const leaves = visit(decodeSeries(one.block, one.rawBytes));
        all.forEach((times, i) => {
          const mine = leaves.filter(({ labels }) => labels[0]?.value === `m${i}`);
          expect(mine.flatMap(({ entries }) => entries.map(({ ms }) => ms))).toEqual(times);
        });
      }),
      { numRuns: 60 },
    );
  });
});
