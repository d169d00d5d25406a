import { expect, it } from 'vitest';
import { agesOf, Loop } from '../../agent-lite/loop.ts';
import { ManualClock } from '../fakes/clock.ts';

it('ends at once where it only waits, and waits for the work under way', async () => {
  const clock = new ManualClock();
  const loop = new Loop('test', clock);
  loop.start(() => clock.sleep(3_600_000, loop.stopping));
  await loop.stop(10_000);
  expect(clock.sleeping).toBe(0);
});

it('gives up when its time is over', async () => {
  const clock = new ManualClock();
  const loop = new Loop('test', clock);
  loop.start(() => clock.sleep(3_600_000, loop.giveUp));
  let ended = false;
  const stopped = loop.stop(10_000).then(() => {
    ended = true;
  });
  await clock.advance(9_999);
  expect(ended).toBe(false);
  await clock.advance(1);
  await stopped;
  expect(loop.giveUp.aborted).toBe(true);
});

it('starts once, and stops without a start', async () => {
  const clock = new ManualClock();
  const loop = new Loop('test', clock);
  await loop.stop(0);
  loop.start(() => Promise.resolve());
  expect(() => loop.start(() => Promise.resolve())).toThrow('test: already started');
});

it('tells ages where there is something to tell', () => {
  const clock = new ManualClock({ boot: 1_000 });
  expect(agesOf(clock, undefined, undefined)).toEqual({ lastSuccessAgeMs: undefined, nextTryInMs: undefined });
  expect(agesOf(clock, 400, 1_500)).toEqual({ lastSuccessAgeMs: 600, nextTryInMs: 500 });
  expect(agesOf(clock, 400, 900).nextTryInMs).toBe(0);
});
