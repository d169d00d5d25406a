import type { Clock } from '../model.ts';

/** How long to wait between tries. All ms. Randomness keeps the devices of a fleet from coming back in step. */

const FIRST_MS = 1_000;
const LONGEST_MS = 300_000;
/**
 * Where there was no answer at all: a device that is back on its network is to be heard soon, and a fleet that tries so often is no
 * more load than its regular pushes are.
 */
export const UNHEARD_LONGEST_MS = 60_000;
/** Even a lucky draw leaves a gap. */
const SHORTEST_MS = 500;
/** For what will not pass by itself: a refused token, a batch that the edge refuses. */
const SLOW_MS = 300_000;
const CATCH_UP_GAP_MS = 250;
/** `Retry-After` is honoured up to this where the edge says it, and up to {@link LONGEST_MS} where somebody on the way does. */
export const RETRY_AFTER_MAX_MS = 3_600_000;

/** Full jitter: uniform between nothing and a bound that doubles with each failure in a row. */
export function backoffMs(failures: number, clock: Pick<Clock, 'random'>, longestMs = LONGEST_MS): number {
  const bound = Math.min(longestMs, FIRST_MS * 2 ** Math.min(30, failures - 1));
  return Math.max(SHORTEST_MS, Math.round(clock.random() * bound));
}

/** Between the pushes of a backlog: as long a break as the request took, so half of a link, and half of an edge, is left to others. */
export function catchUpMs(requestMs: number, clock: Pick<Clock, 'random'>): number {
  return (CATCH_UP_GAP_MS + requestMs) * (0.5 + clock.random());
}

export function slowMs(clock: Pick<Clock, 'random'>): number {
  return Math.round(SLOW_MS * (0.75 + 0.5 * clock.random()));
}

/** Never before the time asked for, and spread over a fifth of it. */
export function afterMs(retryAfterMs: number, believed: boolean, clock: Pick<Clock, 'random'>): number {
  const bounded = Math.min(retryAfterMs, believed ? RETRY_AFTER_MAX_MS : LONGEST_MS);
  return Math.max(SHORTEST_MS, Math.round(bounded * (1 + 0.2 * clock.random())));
}

/**
 * The regular times of a device: every `interval` from a phase of its own, give or take a twentieth. `bootMs` is now.
 */
export function untilNextSlotMs(bootMs: number, phase: number, intervalMs: number, clock: Pick<Clock, 'random'>): number {
  const since = (((bootMs - phase * intervalMs) % intervalMs) + intervalMs) % intervalMs;
  const jitter = (clock.random() - 0.5) * 0.1 * intervalMs;
  const wait = intervalMs - since + jitter;
  // Woken a little before its slot by the jitter, a device would push twice.
  return Math.round(wait < intervalMs / 4 ? wait + intervalMs : wait);
}
