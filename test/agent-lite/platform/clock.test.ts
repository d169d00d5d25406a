import { describe, expect, it } from 'vitest';
import { type ClockSources, createClock } from '../../../agent-lite/platform/clock.ts';

/** A machine whose monotonic clock and uptime are set by the test, ms. */
function machine(monotonic: number, uptime: number | undefined) {
  const state = { monotonic, uptime, wall: 1_700_000_000_000, reads: 0 };
  const sources: ClockSources = {
    monotonic: () => state.monotonic,
    // /proc/uptime has steps of 10 ms.
    uptime: () => {
      state.reads++;
      return state.uptime === undefined ? undefined : Math.floor(state.uptime / 10) * 10;
    },
    wall: () => state.wall,
    bootId: () => '0123456789abcdef0123456789abcdef',
  };
  const pass = (running: number, suspended = 0): void => {
    state.monotonic += running;
    state.wall += running + suspended;
    if (state.uptime !== undefined) state.uptime += running + suspended;
  };
  return { sources, pass, state };
}

describe('the boot clock', () => {
  it('is the monotonic clock, to the microsecond, while the machine was never suspended', () => {
    const { sources, pass } = machine(123_456.789, 123_456.789);
    const clock = createClock(sources);
    expect(clock.boot()).toBe(123_456.789);
    pass(0.5);
    expect(clock.boot()).toBe(123_457.289);
  });

  it('counts a suspend', () => {
    const { sources, pass } = machine(5_000, 5_000);
    const clock = createClock(sources);
    pass(1_000, 3 * 86_400_000);
    expect(Math.abs(clock.boot() - (6_000 + 3 * 86_400_000))).toBeLessThanOrEqual(10);
    pass(1_000, 60_000);
    expect(Math.abs(clock.boot() - (7_000 + 3 * 86_400_000 + 60_000))).toBeLessThanOrEqual(20);
  });

  it('counts a suspend from before the process started', () => {
    const { sources } = machine(5_000, 65_000);
    expect(createClock(sources).boot()).toBe(65_000);
  });

  it("goes on from the monotonic clock where the uptime is a container's", () => {
    const { sources, pass } = machine(900_000, 1_000);
    const clock = createClock(sources);
    expect(clock.boot()).toBe(900_000);
    pass(1_000, 60_000);
    expect(Math.abs(clock.boot() - 961_000)).toBeLessThanOrEqual(10);
  });

  it('never steps back', () => {
    const { sources, pass, state } = machine(0, 60_000);
    const clock = createClock(sources);
    let before = clock.boot();
    for (let i = 0; i < 2_000; i++) {
      if (i === 500 && state.uptime !== undefined) state.uptime -= 30_000;
      pass(((i * 7) % 13) + 0.3, i % 400 === 399 ? 500 : 0);
      const now = clock.boot();
      expect(now).toBeGreaterThan(before);
      before = now;
    }
  });

  it('reads the uptime once a second, and at once where the wall clock tells of a suspend', () => {
    const { sources, pass, state } = machine(5_000, 5_000);
    const clock = createClock(sources);
    for (let i = 0; i < 1_000; i++) {
      clock.boot();
      pass(10);
    }
    expect(state.reads).toBeLessThan(15);
    const { reads } = state;
    pass(10, 7_000);
    expect(Math.abs(clock.boot() - state.monotonic - 7_000)).toBeLessThanOrEqual(10);
    expect(state.reads).toBe(reads + 1);
  });

  it('finds a suspend that the wall clock has missed, a second later', () => {
    const { sources, pass, state } = machine(5_000, 5_000);
    const clock = createClock(sources);
    clock.boot();
    pass(10, 7_000);
    state.wall -= 7_000;
    pass(1_000);
    expect(Math.abs(clock.boot() - state.monotonic - 7_000)).toBeLessThanOrEqual(10);
  });

  it('works without an uptime', () => {
    const { sources, pass } = machine(10, undefined);
    const clock = createClock(sources);
    pass(5);
    expect(clock.boot()).toBe(15);
  });
});

describe('the clock of this machine', () => {
  it('has a boot id of 32 hex digits, the same in every process', () => {
    expect(createClock().bootId).toMatch(/^[0-9a-f]{32}$/);
    expect(createClock().bootId).toBe(createClock().bootId);
  });

  it('makes up a boot id where the system has none', () => {
    const { sources } = machine(0, 0);
    expect(createClock({ ...sources, bootId: () => undefined }).bootId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('sleeps, and wakes at once when told', async () => {
    const clock = createClock();
    const before = clock.boot();
    await clock.sleep(5);
    expect(clock.boot() - before).toBeGreaterThan(3);
    const stop = new AbortController();
    const asleep = clock.sleep(2 ** 40, stop.signal);
    stop.abort();
    await asleep;
    await clock.sleep(2 ** 40, stop.signal);
    expect(clock.boot() - before).toBeLessThan(10_000);
  });
});
