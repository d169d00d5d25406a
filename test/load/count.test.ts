import { describe, expect, it } from 'vitest';
import { labels } from '../fakes/pushes.ts';
import { sample, writeRequest } from '../fakes/write-requests.ts';
import { SampleCounter } from './count.ts';
import { missing } from './run.ts';

/** Scrape n is at the time 1000 + 10 n. */
const FIRST_MS = 1000;
const scrapeOf = (ms: number) => (ms >= FIRST_MS && (ms - FIRST_MS) % 10 === 0 ? (ms - FIRST_MS) / 10 : undefined);
const at = (scrape: number) => sample(FIRST_MS + scrape * 10, scrape);
const request = (device: string, name: string, ...scrapes: readonly number[]) =>
  writeRequest([{ labels: [...labels({ __name__: name, device_id: device })], samples: scrapes.map(at) }]);

function counted(...requests: readonly Uint8Array[]) {
  const counter = new SampleCounter(scrapeOf);
  for (const one of requests) counter.add(one);
  return counter.counted();
}

describe('the receiver of load tests', () => {
  it.each([
    { name: 'all in order', requests: [request('a', 'm', 0, 1), request('a', 'm', 2, 3)], complete: 4, repeats: 0, disorder: 0 },
    { name: 'one taken twice', requests: [request('a', 'm', 0, 1), request('a', 'm', 1, 2)], complete: 3, repeats: 1, disorder: 0 },
    { name: 'a later one first', requests: [request('a', 'm', 2, 3), request('a', 'm', 0, 1)], complete: 4, repeats: 0, disorder: 2 },
    {
      name: 'a later one first, and again',
      requests: [request('a', 'm', 1), request('a', 'm', 1), request('a', 'm', 0)],
      complete: 2,
      repeats: 1,
      disorder: 1,
    },
    { name: 'a hole', requests: [request('a', 'm', 0, 2)], complete: -1, repeats: 0, disorder: 0 },
  ])('counts $name', ({ requests, complete, repeats, disorder }) => {
    const got = counted(...requests);
    expect(got).toMatchObject({ complete: { a: { [complete]: 1 } }, repeats, disorder, unknown: 0, series: 1 });
  });

  it('tells devices, series and times of no scrape apart', () => {
    const got = counted(
      request('a', 'm', 0),
      request('a', 'n', 0),
      request('b', 'm', 0, 1),
      writeRequest([{ labels: [...labels({ __name__: 'm', device_id: 'b' })], samples: [sample(5, 0)] }]),
    );
    expect(got).toMatchObject({ complete: { a: { 1: 2 }, b: { 2: 1 } }, series: 3, unknown: 1, samples: 5 });
  });
});

describe('missing', () => {
  it.each([
    { name: 'nothing', complete: { a: { 8: 2 } }, acknowledged: { a: 2 }, lost: 0 },
    { name: 'nothing where more came than was acknowledged', complete: { a: { 12: 2 } }, acknowledged: { a: 2 }, lost: 0 },
    { name: 'one sample of one series', complete: { a: { 8: 1, 7: 1 } }, acknowledged: { a: 2 }, lost: 1 },
    { name: 'a hole in one series', complete: { a: { 8: 1, [-1]: 1 } }, acknowledged: { a: 2 }, lost: 1 },
    { name: 'a series', complete: { a: { 8: 1 } }, acknowledged: { a: 2 }, lost: 1 },
    { name: 'a device', complete: {}, acknowledged: { a: 2 }, lost: 1 },
  ])('finds $name', ({ complete, acknowledged, lost }) => {
    expect(missing(complete as Record<string, Record<number, number>>, acknowledged as Record<string, number>, 4, 2)).toHaveLength(lost);
  });
});
