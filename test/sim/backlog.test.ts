import { describe, expect, it } from 'vitest';
import { type LoadOptions, simulateBacklog } from './backlog.ts';
import { defaultSim, type SimOptions } from './options.ts';

/** docs/scaling.md: 20,000 samples/s, receiver 200 ms away, 100 ms a read of the bucket, six connections for all of it. */
const RATED = 20_000;
const load: LoadOptions = { samplesPerSecond: RATED, pushSamples: 400, outageMs: 120_000 };
const alone: SimOptions = { ...defaultSim, shards: 1 };

const cases: readonly [name: string, options: Partial<SimOptions>, load: Partial<LoadOptions>, times: number][] = [
  ['one lane, as by default', { lanes: 1, windowMs: 0 }, {}, 5],
  ['four lanes, towards a receiver with a window', { lanes: 4 }, {}, 5],
  ['one lane, small devices: 100 samples a push', { lanes: 1, windowMs: 0 }, { pushSamples: 100 }, 5],
  // Every series of every push with its labels: the bytes of a POST count, 4 MB/s of them are rated.
  [
    'one lane, one scrape a push',
    { lanes: 1, windowMs: 0, rawBytesPerSample: 250, blockBytesPerSample: 40 },
    { samplesPerSecond: 15_000 },
    5,
  ],
  ['four lanes, one scrape a push', { lanes: 4, rawBytesPerSample: 250, blockBytesPerSample: 40 }, {}, 5],
  ['one lane and a fifth of the memory', { lanes: 1, windowMs: 0, isolateBytes: 8 * 1024 * 1024 }, {}, 5],
];

describe('a backlog at the rated load', () => {
  it.each(cases)('drains at least five times as fast as live data come: %s', async (_name, options, own, times) => {
    const sim = { ...alone, ...options };
    const result = await simulateBacklog(sim, { ...load, ...own });
    const live = own.samplesPerSecond ?? RATED;
    expect(result.backlogSamples).toBeGreaterThan(live * 110);
    expect(result.samplesPerSecond).toBeGreaterThan(times * live);
    expect(result).toMatchObject({ lost: 0, refused: 0 });
    expect(result.peakBytes).toBeLessThanOrEqual(sim.isolateBytes ?? 40 * 1024 * 1024);
  });
});
