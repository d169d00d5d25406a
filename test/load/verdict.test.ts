import { describe, expect, it } from 'vitest';
import type { Counted } from './count.ts';
import { Heard } from './device.ts';
import { growth, type MemorySample } from './memory.ts';
import { defaultLoad, type LoadResult } from './run.ts';
import { failures, judge } from './verdict.ts';

const MIB = 1024 ** 2;

const heard = (changes: Partial<Heard> = {}): Heard => Object.assign(new Heard(), { stored: 1000 }, changes);
const memory = (bytesAt: (seconds: number) => number): readonly MemorySample[] =>
  Array.from({ length: 150 }, (_, i) => ({ seconds: i * 2, bytes: bytesAt(i * 2) }));
const counted: Counted = { requests: 1, samples: 8, series: 2, repeats: 0, disorder: 0, unknown: 0, complete: { a: { 4: 2 } } };

/** A run in which all went well. */
const good: LoadResult = {
  options: defaultLoad,
  samplesPerPush: 8,
  noopPerSecond: 5000,
  steady: { processorSeconds: 1, seconds: 5, heard: heard() },
  steadyDrainSeconds: 1,
  memory: memory((seconds) => 400 * MIB + (seconds < 100 ? seconds * MIB : 100 * MIB) + ((seconds * 7919) % 60) * MIB),
  overload: { processorSeconds: 1, seconds: 60, heard: heard({ waits: new Map([[503, 5]]) }) },
  drainSeconds: 3,
  recovery: { processorSeconds: 1, seconds: 5, heard: heard() },
  counted,
  acknowledged: { a: 1 },
  seriesPerDevice: 2,
};

describe('the verdict of a load test', () => {
  it('passes what is well, with noise in memory and growth in the warm-up', () => {
    const { exact, timed } = judge(good);
    expect(failures([...exact, ...timed])).toEqual([]);
    expect([...exact, ...timed].map(({ passed }) => passed)).not.toContain(undefined);
  });

  it.each([
    {
      name: 'an error',
      changes: { steady: { processorSeconds: 1, seconds: 5, heard: heard({ errorCount: 1 }) } },
      failed: 'no error under steady load',
    },
    {
      name: '503 under steady load',
      changes: { steady: { processorSeconds: 1, seconds: 5, heard: heard({ waits: new Map([[503, 1]]) }) } },
      failed: 'no error under steady load',
    },
    { name: 'not drained', changes: { steadyDrainSeconds: undefined }, failed: 'all drained after steady load' },
    {
      name: 'no 503 over its rate',
      changes: { overload: { processorSeconds: 1, seconds: 60, heard: heard() } },
      failed: '429 or 503 with Retry-After',
    },
    {
      name: 'a wait without a time',
      changes: { overload: { processorSeconds: 1, seconds: 60, heard: heard({ waits: new Map([[429, 1]]), waitsWithoutTime: 1 }) } },
      failed: '429 or 503 with Retry-After',
    },
    {
      name: 'an error afterwards',
      changes: { recovery: { processorSeconds: 1, seconds: 5, heard: heard({ errorCount: 1 }) } },
      failed: 'no error afterwards',
    },
    { name: 'a sample lost', changes: { counted: { ...counted, complete: { a: { 4: 1, 3: 1 } } } }, failed: 'no loss' },
    { name: 'a sample that nobody sent', changes: { counted: { ...counted, unknown: 1 } }, failed: 'no loss' },
    { name: 'a low rate', changes: { steady: { processorSeconds: 1, seconds: 10, heard: heard() } }, failed: 'at least 150 pushes/s' },
    { name: 'a leak', changes: { memory: memory((seconds) => 400 * MIB + seconds * 0.1 * MIB) }, failed: 'memory of workerd flat' },
    { name: 'no recovery', changes: { recovery: { processorSeconds: 1, seconds: 5, heard: heard({ stored: 500 }) } }, failed: 'recovered' },
  ])('fails for $name', ({ changes, failed }) => {
    const { exact, timed } = judge({ ...good, ...changes });
    expect(failures([...exact, ...timed])).toContainEqual(expect.stringContaining(failed));
  });

  it('takes 0.3 of a no-op Worker for enough on a slow machine', () => {
    const { timed } = judge({ ...good, noopPerSecond: 300, steady: { processorSeconds: 1, seconds: 10, heard: heard() } });
    expect(timed[0]?.passed).toBe(true);
  });

  it('does not judge memory in a short run', () => {
    const { timed } = judge({ ...good, options: { ...defaultLoad, seconds: 60 } });
    expect(timed[1]?.passed).toBeUndefined();
  });
});

it('growth is the slope in spite of outliers', () => {
  const samples = memory((seconds) => (seconds % 50 === 0 ? 900 * MIB : 400 * MIB + (seconds / 60) * MIB));
  expect((growth(samples, 100)?.bytesPerMinute ?? 0) / MIB).toBeCloseTo(1, 5);
  expect(growth(samples.slice(0, 1), 0)).toBeUndefined();
});
