import { describe, expect, it } from 'vitest';
import { createWebClock } from '../../../agent-lite/platform/clock-web.ts';

function rig() {
  const time = { monotonic: 1000, wall: 1_700_000_000_000 };
  let ids = 0;
  const clock = createWebClock({ monotonic: () => time.monotonic, wall: () => time.wall, randomId: () => String(++ids).padStart(32, '0') });
  const pass = (monotonic: number, wall = monotonic): void => {
    time.monotonic += monotonic;
    time.wall += wall;
  };
  return { clock, pass };
}

describe('clock of a page', () => {
  it('a boot lasts as long as the clocks go together', () => {
    const { clock, pass } = rig();
    const id = clock.bootId;
    for (let i = 0; i < 100; i++) {
      pass(60_000, 60_030);
      expect(clock.bootId).toBe(id);
    }
    expect(clock.boot()).toBe(1000 + 100 * 60_000);
    expect(clock.now()).toBe(1_700_000_000_000 + 100 * 60_030);
  });

  it.each([
    { name: 'the machine slept, which the monotonic clock did not count', monotonic: 100, wall: 3_600_000 },
    { name: 'the wall clock was set forward', monotonic: 15_000, wall: 75_000 },
    { name: 'the wall clock was set back', monotonic: 15_000, wall: -60_000 },
  ])('a new one begins where $name', ({ monotonic, wall }) => {
    const { clock, pass } = rig();
    const id = clock.bootId;
    pass(monotonic, wall);
    const next = clock.bootId;
    expect(next).not.toBe(id);
    expect(next).toMatch(/^[0-9a-f]{32}$/);
    pass(15_000);
    expect(clock.bootId).toBe(next);
  });

  it('sleeps, and wakes at once when told', async () => {
    const clock = createWebClock();
    const told = new AbortController();
    const asleep = clock.sleep(1e12, told.signal);
    told.abort();
    await asleep;
    await clock.sleep(1e12, told.signal);
    await clock.sleep(-5);
    expect(clock.bootId).toMatch(/^[0-9a-f]{32}$/);
    expect(clock.random()).toBeLessThan(1);
  });
});
