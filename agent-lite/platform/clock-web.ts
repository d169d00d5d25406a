import type { Clock } from '../model.ts';
import { sleep } from './sleep.ts';

/** What the clock reads of the browser; tests give their own. All ms. */
export interface WebClockSources {
  /** Never steps back. Whether it counts suspend differs between browsers and systems. */
  readonly monotonic: () => number;
  readonly wall: () => number;
  /** 32 hex digits, different each time. */
  readonly randomId: () => string;
}

/**
 * The two clocks move apart by more only where the machine slept without the monotonic clock, or the wall clock was set: no
 * slewing comes near that between two looks.
 */
const APART_MS = 1_000;

/**
 * The clock of a page or worker. No browser tells the boot of its machine, or surely the time since, so a "boot" is a stretch
 * within which the monotonic clock can be trusted to count all time: it begins with the page, and anew whenever the two clocks
 * have moved apart. What was scraped in an earlier stretch keeps its place in time; the new one learns the edge's time itself.
 */
export function createWebClock(sources: WebClockSources = browserSources): Clock {
  const { monotonic, wall, randomId } = sources;
  let bootId = randomId();
  let apartMs = wall() - monotonic();
  return {
    now: wall,
    boot: monotonic,
    get bootId() {
      const now = wall() - monotonic();
      if (Math.abs(now - apartMs) > APART_MS) bootId = randomId();
      apartMs = now;
      return bootId;
    },
    sleep,
    random: Math.random,
  };
}

const browserSources: WebClockSources = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  randomId: () => crypto.randomUUID().replaceAll('-', ''),
};
