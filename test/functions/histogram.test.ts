import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DURATION_BOUNDS, expandHistograms, observeDuration } from '../../functions/histogram.ts';
import { Counters } from '../../functions/shard/counters.ts';

function counted(observations: readonly (readonly [labels: string, ms: number])[]): Record<string, number> {
  const counters = new Counters();
  for (const [labels, ms] of observations) observeDuration((name, value) => counters.add(name, value), 'x_seconds', labels, ms);
  return { ...counters.totals() };
}

describe('a histogram', () => {
  it('has cumulative buckets in ascending order with +Inf, then sum and count', () => {
    const values = expandHistograms({
      ...counted([
        ['', 0],
        ['', 10],
        ['', 11],
        ['', 70_000],
      ]),
      other_total: 7,
    });
    const names = Object.keys(values);
    expect(names[0]).toBe('other_total');
    expect(names.slice(1)).toEqual([
      ...DURATION_BOUNDS.map((bound) => `x_seconds_bucket{le="${bound}"}`),
      'x_seconds_bucket{le="+Inf"}',
      'x_seconds_sum',
      'x_seconds_count',
    ]);
    expect(values).toMatchObject({
      other_total: 7,
      'x_seconds_bucket{le="0.01"}': 2,
      'x_seconds_bucket{le="0.025"}': 3,
      'x_seconds_bucket{le="60"}': 3,
      'x_seconds_bucket{le="+Inf"}': 4,
      x_seconds_count: 4,
    });
    expect(values['x_seconds_sum']).toBeCloseTo(70.021, 9);
  });

  it('is one for each set of labels', () => {
    const values = expandHistograms(
      counted([
        ['receiver="a"', 100],
        ['receiver="b"', 20],
        ['receiver="b"', 20],
      ]),
    );
    expect(values).toMatchObject({
      'x_seconds_bucket{receiver="a",le="0.05"}': 0,
      'x_seconds_bucket{receiver="a",le="0.1"}': 1,
      'x_seconds_count{receiver="a"}': 1,
      'x_seconds_bucket{receiver="b",le="+Inf"}': 2,
      'x_seconds_sum{receiver="b"}': 0.04,
    });
  });

  it('is there at 0 where asked for, complete', () => {
    const values = expandHistograms({}, ['x_seconds']);
    expect(Object.values(values)).toEqual(Array.from({ length: DURATION_BOUNDS.length + 3 }, () => 0));
  });

  it('takes a clock that was set back for no time', () => {
    expect(expandHistograms(counted([['', -5]]))).toMatchObject({ 'x_seconds_bucket{le="0.01"}': 1, x_seconds_sum: 0, x_seconds_count: 1 });
  });

  it('keeps what an earlier version counted under other bounds', () => {
    const values = expandHistograms({ 'x_seconds_bucket{le="0.07"}': 2, 'x_seconds_bucket{le="0.05"}': 1, x_seconds_sum: 0.2 });
    expect(values).toMatchObject({
      'x_seconds_bucket{le="0.05"}': 1,
      'x_seconds_bucket{le="0.07"}': 3,
      'x_seconds_bucket{le="0.1"}': 3,
      x_seconds_count: 3,
    });
  });

  it('agrees with a count of the observations themselves', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100_000 })), (times) => {
        const values = expandHistograms(counted(times.map((ms) => ['', ms])), ['x_seconds']);
        for (const bound of [...DURATION_BOUNDS, Number.POSITIVE_INFINITY]) {
          const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : bound;
          expect(values[`x_seconds_bucket{le="${le}"}`]).toBe(times.filter((ms) => ms / 1000 <= bound).length);
        }
        expect(values['x_seconds_count']).toBe(times.length);
      }),
    );
  });
});
