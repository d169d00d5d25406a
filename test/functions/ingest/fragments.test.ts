import { describe, expect, it } from 'vitest';
import { type Cells, createCells, setStale, setValue } from '../../../contract/cells.ts';
import { encodeExemplar, encodeFamily, encodeLabelFields } from '../../../contract/remote-write.ts';
import { snappyConcat, snappyUncompress } from '../../../contract/snappy.ts';
import { FragmentWriter, MAX_FRAGMENT_BYTES } from '../../../functions/ingest/fragments.ts';
import { labels } from '../../fakes/pushes.ts';
import { decodeWriteRequest } from '../../fakes/remote-write.ts';
import { seriesOf } from '../../fakes/shard-stub.ts';

const name = (text: string, more = {}) => encodeLabelFields(labels({ __name__: text, ...more }));
const times = (count: number) => Array.from({ length: count }, (_, i) => 1000 * (i + 1));
function filled(rows: number, scrapes: number): Cells {
  const cells = createCells(rows, scrapes);
  for (let i = 0; i < rows * scrapes; i++) setValue(cells, i, i);
  return cells;
}

describe('FragmentWriter', () => {
  it('puts what fits into one fragment and tells its borders', () => {
    const writer = new FragmentWriter(100);
    const cells = filled(2, 3);
    writer.add(name('a'), cells, 0, times(3), 0, 3);
    writer.add(name('b'), cells, 1, times(3), 1, 3);
    const fragments = writer.finish();
    expect(fragments).toMatchObject([{ samples: 5, series: 2, minMs: 1000, maxMs: 3000 }]);
    expect(fragments[0]?.rawBytes).toBe(writer.rawBytes);
    expect(seriesOf({ fragments }).map(({ samples }) => samples.map(({ time }) => time))).toEqual([
      [1000, 2000, 3000],
      [2000, 3000],
    ]);
  });

  it('makes none of nothing', () => {
    expect(new FragmentWriter(100).finish()).toEqual([]);
  });

  it('never splits a series that fits, and never takes more samples than allowed', () => {
    const writer = new FragmentWriter(5);
    const cells = filled(4, 3);
    for (let row = 0; row < 4; row++) writer.add(name(`m${row}`), cells, row, times(3), 0, 3);
    expect(writer.finish().map(({ samples, series }) => [samples, series])).toEqual([
      [3, 1],
      [3, 1],
      [3, 1],
      [3, 1],
    ]);
  });

  it('splits a series that alone has too many samples, in order', () => {
    const writer = new FragmentWriter(4);
    const cells = filled(1, 10);
    cells.states[3] = 0;
    setStale(cells, 9);
    writer.add(name('m'), cells, 0, times(10), 0, 10);
    const fragments = writer.finish();
    expect(fragments.map(({ samples, minMs, maxMs }) => [samples, minMs, maxMs])).toEqual([
      [4, 1000, 5000],
      [4, 6000, 9000],
      [1, 10_000, 10_000],
    ]);
    const written = seriesOf({ fragments }).flatMap(({ samples }) => samples);
    expect(written.map(({ time }) => time)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10].map((second) => second * 1000));
    expect(written.at(-1)?.bits).toBe(0x7ff0000000000002n);
  });

  it('keeps fragments below the limit in bytes', () => {
    const writer = new FragmentWriter(100_000);
    const long = { long: 'x'.repeat(16_000) };
    const cells = filled(100, 20);
    for (let row = 0; row < 100; row++) writer.add(name(`m${row}`, long), cells, row, times(20), 0, 20);
    const fragments = writer.finish();
    expect(fragments.length).toBeGreaterThan(3);
    for (const { rawBytes } of fragments) expect(rawBytes).toBeLessThanOrEqual(MAX_FRAGMENT_BYTES);
    expect(fragments.reduce((sum, { samples }) => sum + samples, 0)).toBe(2000);
    expect(fragments.reduce((sum, { rawBytes }) => sum + rawBytes, 0)).toBe(writer.rawBytes);
  });

  it('goes by the series’ own times', () => {
    const writer = new FragmentWriter(10);
    const cells = filled(1, 2);
    cells.ownTimes = new Map([[0, Float64Array.of(-5, 7)]]);
    writer.add(name('m'), cells, 0, times(2), 0, 2);
    expect(writer.finish()).toMatchObject([{ minMs: -5, maxMs: 7 }]);
  });

  it('puts exemplars beside their samples, also where a series is split', () => {
    const writer = new FragmentWriter(2);
    const cells = filled(1, 5);
    const exemplars = [0, 2, 2, 4].map((scrape, i) => ({
      scrape,
      bytes: encodeExemplar([['trace_id', String(i)]], i, 1000 * (scrape + 1)),
    }));
    writer.add(name('m'), cells, 0, times(5), 0, 5, exemplars);
    const requests = writer.finish().map(({ block, rawBytes }) => decodeWriteRequest(snappyUncompress(block, rawBytes)));
    expect(requests.map(({ series }) => series.map((one) => [one.samples.map(({ ms }) => ms), one.exemplars.map(({ ms }) => ms)]))).toEqual(
      [
        [[[1000, 2000], [1000]]],
        [
          [
            [3000, 4000],
            [3000, 3000],
          ],
        ],
        [[[5000], [5000]]],
      ],
    );
  });

  it('keeps fragments with many exemplars below the limit in bytes', () => {
    const writer = new FragmentWriter(100_000);
    const cells = filled(1, 1000);
    const bytes = encodeExemplar([['trace_id', '\u{1f600}'.repeat(120)]], 1, 1);
    const exemplars = Array.from({ length: 2000 }, (_, i) => ({ scrape: i >> 1, bytes }));
    writer.add(name('m'), cells, 0, times(1000), 0, 1000, exemplars);
    const fragments = writer.finish();
    expect(fragments.length).toBe(2);
    for (const { rawBytes } of fragments) expect(rawBytes).toBeLessThanOrEqual(MAX_FRAGMENT_BYTES);
    const series = fragments.flatMap(({ block, rawBytes }) => decodeWriteRequest(snappyUncompress(block, rawBytes)).series);
    expect(series.flatMap(({ samples }) => samples)).toHaveLength(1000);
    for (const one of series) expect(one.exemplars).toHaveLength(2 * one.samples.length);
  });

  it('puts metadata behind the last samples, and what has no room there into fragments of its own', () => {
    const writer = new FragmentWriter(10);
    writer.add(name('m'), filled(1, 2), 0, times(2), 0, 2);
    const families = Array.from({ length: 600 }, (_, i) => ({ family: `f${i}`, type: 'gauge' as const, help: 'x'.repeat(1000), unit: '' }));
    for (const family of families) writer.addFamily(encodeFamily(family), 77);
    const fragments = writer.finish();
    expect(fragments).toMatchObject([
      { samples: 2, series: 1, minMs: 1000, maxMs: 2000 },
      { samples: 0, series: 0, minMs: 77, maxMs: 77 },
    ]);
    for (const { rawBytes } of fragments) expect(rawBytes).toBeLessThanOrEqual(MAX_FRAGMENT_BYTES);
    const joined = snappyUncompress(snappyConcat(fragments.map(({ block }) => block)), 1 << 21);
    expect(decodeWriteRequest(joined)).toMatchObject({ series: [{}], metadata: families });
  });
});
