import type { Labels } from '../../contract/labels.ts';
import { labelsKey } from '../../contract/labels.ts';
import type { Clock, Signal } from '../model.ts';

/** When a target is scraped. Ticks follow the boot clock, so a step of the wall clock neither stalls nor doubles them. */

/** Timers are late by about this, ms; such times are written as the tick's, which costs fewer bytes. */
const TOLERANCE_MS = 2;

/** A device with fewer targets scrapes each at a moment of its own, or nearly so. */
const LEAST_MOMENTS = 16;
/** With more targets than this at each moment there are more moments: their answers are in memory together. */
export const TARGETS_A_MOMENT = 8;

/**
 * At how many moments of an interval a device scrapes. A processor that wakes up has lost its caches: a hundred targets scraped six at a
 * time cost a third less than a hundred scraped one by one. A power of two, so that more targets split moments rather than move them.
 */
export const momentsFor = (targets: number): number => Math.max(LEAST_MOMENTS, 2 ** Math.ceil(Math.log2(targets / TARGETS_A_MOMENT)));

/**
 * The tick of a target within its interval, ms: at one of `moments` by target, which lie otherwise on each device (`seed`); the same
 * after every restart.
 */
export function offsetInInterval(labels: Labels, url: string, seed: string, intervalMs: number, moments: number): number {
  const moment = Math.floor(hashOf(`${labelsKey(labels)}\0${url}\0${seed}`) * moments);
  return Math.floor(((moment + hashOf(seed)) * intervalMs) / moments);
}

/** From 0 to 1, without 1. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

export class Schedule {
  readonly #clock: Clock;
  readonly intervalMs: number;
  /** Boot clock of the tick to come. */
  #due: number;
  /** Wall clock that tick should have. */
  #ideal: number;

  constructor(clock: Clock, intervalMs: number, offsetMs: number) {
    this.#clock = clock;
    this.intervalMs = intervalMs;
    const now = Math.round(clock.now());
    const delay = (((offsetMs - (now % intervalMs)) % intervalMs) + intervalMs) % intervalMs;
    this.#due = clock.boot() + delay;
    this.#ideal = now + delay;
  }

  /** Sleeps until the tick; at once when `signal` aborts. Ticks that are over by a whole interval are left out: returns how many. */
  async wait(signal: Signal): Promise<number> {
    for (;;) {
      const remaining = this.#due - this.#clock.boot();
      // Timers may also be early by a fraction.
      if (remaining < 1 || signal.aborted) break;
      await this.#clock.sleep(remaining, signal);
    }
    const missed = Math.max(0, Math.floor((this.#clock.boot() - this.#due) / this.intervalMs));
    this.#due += missed * this.intervalMs;
    this.#ideal += missed * this.intervalMs;
    return missed;
  }

  /** Takes the tick: the wall time its samples get. The next {@link wait} is for the one after. */
  take(): number {
    const now = Math.round(this.#clock.now());
    const late = this.#clock.boot() - this.#due;
    const tolerance = Math.min(TOLERANCE_MS, this.intervalMs / 100);
    const ideal = this.#ideal;
    const time = Math.abs(now - ideal) <= tolerance ? ideal : now;
    // In time by the boot clock, but not by the wall clock: that one was set, or drifts. Go on from where it is now.
    const anchor = time === now && late <= tolerance ? now : ideal;
    this.#due += this.intervalMs;
    this.#ideal = anchor + this.intervalMs;
    return time;
  }
}
