import { describe, expect, it } from 'vitest';
import { BUILD_MS, ClockCorrection, type Exchange } from '../../../agent-lite/push/clock-correction.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { MemoryClockStore, NOW } from './rig.ts';

const BOOT = 100_000;
/** An exchange that takes `roundTrip` and finds the edge's clock `skew` ahead of ours, measured in the middle. */
const exchange = (skew: number, roundTrip = 0): Exchange => ({
  sentBootMs: BOOT - roundTrip,
  receivedBootMs: BOOT,
  receivedWallMs: NOW,
  edgeMs: NOW + skew - roundTrip / 2,
});
const fresh = (store = new MemoryClockStore(), bootId = 'a'.repeat(32)) =>
  ClockCorrection.load(new ManualClock({ now: NOW, boot: BOOT, bootId }), store);

describe('the verdict on a boot', () => {
  for (const [name, skew, roundTrip, mode] of [
    ['a right clock', 0, 100, 'wall'],
    ['a minute off', 60_000, 0, 'wall'],
    ['a bit more than a minute', 60_001, 0, 'offset'],
    ['behind', -61_000, 0, 'offset'],
    ['70 s off by an answer that took 40 s', 70_000, 40_000, 'wall'],
    ['90 s off by an answer that took 40 s', 90_000, 40_000, 'offset'],
    ['years off', -56 * 365 * 86_400_000, 1_000, 'offset'],
  ] as const) {
    it(`${name}: ${mode}`, async () => {
      const correction = await fresh();
      expect(correction.verdict).toBeUndefined();
      expect(await correction.learn(exchange(skew, roundTrip))).toBe(true);
      expect(correction.verdict?.mode).toBe(mode);
      expect(correction.offsetMs).toBe(skew);
      expect(correction.appliedMs).toBe(mode === 'offset' ? skew : 0);
    });
  }

  it('tells no offset that the time of a commit may explain', async () => {
    const correction = await fresh();
    await correction.learn(exchange(503, 1_003));
    expect(correction.offsetMs).toBe(0);
    await correction.learn(exchange(-2_000, 1_003));
    expect(correction.offsetMs).toBe(-2_000);
  });

  it('is fixed once: later answers change an offset no more, however they look', async () => {
    const correction = await fresh();
    await correction.learn(exchange(3_600_000));
    const { verdict } = correction;
    for (const skew of [3_600_500, 0, -3_600_000]) expect(await correction.learn(exchange(skew))).toBe(false);
    expect(correction.verdict).toEqual(verdict);
  });

  it('goes from believed to corrected when the wall clock goes wrong', async () => {
    const correction = await fresh();
    await correction.learn(exchange(0));
    expect(await correction.learn(exchange(10_000))).toBe(false);
    expect(await correction.learn(exchange(7_200_000))).toBe(true);
    expect(correction.verdict?.mode).toBe('offset');
  });

  it('goes on by the clock that was right, not by a slow answer, when the wall clock steps', async () => {
    const correction = await fresh();
    await correction.learn(exchange(0));
    await correction.learn({ sentBootMs: BOOT, receivedBootMs: BOOT + 10_000, receivedWallMs: NOW - 7_190_000, edgeMs: NOW + 9_000 });
    expect(correction.verdict).toEqual({ mode: 'offset', anchorMs: NOW - BOOT });
  });

  it('is made anew when the edge says that times are too far ahead', async () => {
    const correction = await fresh();
    await correction.learn(exchange(7_200_000));
    expect(await correction.relearn(exchange(0))).toBe(true);
    expect(correction.verdict?.mode).toBe('wall');
    expect(await correction.relearn(exchange(1_000))).toBe(false);
  });
});

describe('placing', () => {
  const bootId = 'a'.repeat(32);
  it('by the boot clock where the wall clock is wrong', async () => {
    const correction = await fresh();
    await correction.learn(exchange(3_600_000));
    expect(correction.place({ wallMs: 5, bootMs: BOOT - 1_000.4, bootId })).toEqual({ ok: true, ms: NOW + 3_600_000 - 1_000 });
  });
  it('by the wall clock where that is right, within what it may differ from the boot clock', async () => {
    const correction = await fresh();
    await correction.learn(exchange(0));
    expect(correction.place({ wallMs: NOW - 900, bootMs: BOOT - 1_000, bootId })).toEqual({ ok: true, ms: NOW - 900 });
    expect(correction.place({ wallMs: 60_000, bootMs: BOOT - 1_000, bootId })).toEqual({ ok: true, ms: NOW - 1_000 });
  });
  for (const [name, wallMs, ok] of [
    ['an hour ago', NOW - 3_600_000, true],
    ['the build date', BUILD_MS, true],
    ['before the build date', BUILD_MS - 1, false],
    ['half a minute ahead', NOW + 30_000, true],
    ['an hour ahead', NOW + 3_600_000, false],
    ['no date at all', Number.NaN, false],
    ['beyond all dates', 8.64e15 + 1, false],
  ] as const) {
    it(`of an unknown boot: ${name} is ${ok ? 'plausible' : 'set aside'}`, async () => {
      const correction = await fresh();
      await correction.learn(exchange(0));
      expect(correction.place({ wallMs, bootMs: 1, bootId: 'b'.repeat(32) }).ok).toBe(ok);
    });
  }
  it('plausible is measured by the edge, not by a wrong wall clock', async () => {
    const correction = await fresh();
    await correction.learn(exchange(30 * 86_400_000));
    expect(correction.place({ wallMs: NOW + 86_400_000, bootMs: 1, bootId: 'b'.repeat(32) }).ok).toBe(true);
  });
});

describe('the store', () => {
  it('carries verdicts over restarts and boots', async () => {
    const store = new MemoryClockStore();
    const first = await fresh(store);
    await first.learn(exchange(3_600_000));
    expect((await fresh(store)).verdict).toEqual(first.verdict);
    const next = await fresh(store, 'b'.repeat(32));
    expect(next.verdict).toBeUndefined();
    await next.learn(exchange(0));
    expect(next.place({ wallMs: 5, bootMs: BOOT, bootId: 'a'.repeat(32) })).toEqual({ ok: true, ms: NOW + 3_600_000 });
  });

  it('is written when something changes, not with each answer', async () => {
    const store = new MemoryClockStore();
    const correction = await fresh(store);
    for (let i = 0; i < 50; i++) await correction.learn(exchange(i * 10));
    expect(store.saves).toBe(1);
  });

  it('keeps a bounded number of boots', async () => {
    const store = new MemoryClockStore();
    for (let i = 0; i < 50; i++) await (await fresh(store, i.toString(16).padStart(32, '0'))).learn(exchange(0));
    expect((JSON.parse(store.text ?? '') as { boots: unknown[] }).boots).toHaveLength(32);
  });

  for (const text of [undefined, '', '{', 'null', '[]', '{"version":2}', '{"version":1,"boots":[["a","b",1],null,["a","wall","x"]]}']) {
    it(`that holds ${text} is as good as an empty one`, async () => {
      const store = new MemoryClockStore();
      store.text = text;
      const correction = await fresh(store, 'a');
      expect(correction.verdict).toBeUndefined();
    });
  }
  it('that cannot be read too', async () => {
    const store = new MemoryClockStore();
    store.load = () => Promise.reject(new Error('EIO'));
    expect((await fresh(store)).verdict).toBeUndefined();
  });
});
