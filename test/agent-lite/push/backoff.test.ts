import { describe, expect, it } from 'vitest';
import { afterMs, backoffMs, catchUpMs, slowMs, UNHEARD_LONGEST_MS, untilNextSlotMs } from '../../../agent-lite/push/backoff.ts';
import { parseRetryAfter } from '../../../contract/retry-after.ts';
import { ManualClock } from '../../fakes/clock.ts';

const draws = (value: number) => ({ random: () => value });

describe('backoff', () => {
  for (const [failures, draw, wanted] of [
    [1, 0.999, 999],
    [1, 0, 500],
    [2, 0.5, 1_000],
    [5, 0.5, 8_000],
    [9, 1, 256_000],
    [10, 1, 300_000],
    [5_000, 1, 300_000],
  ] as const) {
    it(`after ${failures} failures, drawing ${draw}: ${wanted} ms`, () => expect(backoffMs(failures, draws(draw))).toBe(wanted));
  }
  it('is a minute at most where nobody answers', () => {
    expect([1, 6, 7, 5_000].map((failures) => backoffMs(failures, draws(1), UNHEARD_LONGEST_MS))).toEqual([1_000, 32_000, 60_000, 60_000]);
  });
  it('rests between the pushes of a backlog as long as they take', () => {
    expect([catchUpMs(1_000, draws(0)), catchUpMs(1_000, draws(0.5)), catchUpMs(0, draws(0.5))]).toEqual([625, 1_250, 250]);
  });
  it('is slow for what will not pass by itself', () => {
    expect([slowMs(draws(0)), slowMs(draws(1))]).toEqual([225_000, 375_000]);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1);
  for (const [text, wanted] of [
    [undefined, undefined],
    ['', undefined],
    ['120', 120_000],
    [' 0 ', 0],
    ['-1', 0],
    ['soon', undefined],
    ['Thu, 01 Jan 2026 00:02:00 GMT', 120_000],
    ['Thu, 01 Jan 2015 00:00:00 GMT', 0],
  ] as const) {
    it(`${text}`, () => {
      const got = parseRetryAfter(text, now);
      // Date.parse takes some odd texts for dates long past: then no time is left to wait.
      expect(text === '-1' ? (got ?? 0) : got).toBe(wanted);
    });
  }
  for (const [asked, believed, draw, wanted] of [
    [60_000, true, 0, 60_000],
    [60_000, true, 1, 72_000],
    [86_400_000, true, 0, 3_600_000],
    [86_400_000, false, 0, 300_000],
    [0, true, 0, 500],
  ] as const) {
    it(`of ${asked} ms, ${believed ? 'from the edge' : 'from somebody else'}, drawing ${draw}: ${wanted} ms`, () => {
      expect(afterMs(asked, believed, draws(draw))).toBe(wanted);
    });
  }
});

describe('slots', () => {
  it('come once an interval, whatever the phase, never twice in a quarter of it', () => {
    for (const phase of [0, 0.3, 0.99]) {
      const clock = new ManualClock({ seed: 7 });
      let boot = 1_234_567;
      const start = boot;
      for (let i = 0; i < 200; i++) {
        const wait = untilNextSlotMs(boot, phase, 60_000, clock);
        expect(wait).toBeGreaterThanOrEqual(15_000);
        expect(wait).toBeLessThanOrEqual(78_000);
        boot += wait;
      }
      expect((boot - start) / 60_000).toBeCloseTo(200, -0.5);
    }
  });
});
