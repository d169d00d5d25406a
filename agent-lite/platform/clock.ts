import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '../model.ts';
import { sleep } from './sleep.ts';

/** What the clock reads of the system; tests give their own. */
export interface ClockSources {
  /** CLOCK_MONOTONIC in ms: precise, but stands still while the machine is suspended. */
  readonly monotonic: () => number;
  /** CLOCK_BOOTTIME in ms, in steps of 10: counts suspend. Undefined where the system does not tell. */
  readonly uptime: () => number | undefined;
  readonly wall: () => number;
  readonly bootId: () => string | undefined;
}

/** /proc/uptime has steps of 10 ms and is read a little after the monotonic clock; a shorter suspend is not one. */
const SUSPEND_MS = 50;
/** Reading /proc/uptime takes longer than all else that tells the time: it is read when the wall clock shows a suspend, or after this. */
const RECHECK_MS = 1000;

/**
 * The clock of a Linux machine. `boot()` is the monotonic clock plus the time spent suspended, which shows as a growing
 * difference to /proc/uptime. Only growth counts: in a container /proc/uptime may start later than the machine.
 */
export function createClock(sources: ClockSources = linuxSources): Clock {
  const aheadMs = (): number | undefined => {
    const uptime = sources.uptime();
    return uptime === undefined ? undefined : uptime - sources.monotonic();
  };
  const atStart = aheadMs() ?? 0;
  /** Time suspended since boot, ms. Before this process started too, unless the uptime is a container's. */
  let suspendedMs = atStart > SUSPEND_MS ? atStart : 0;
  const base = atStart > SUSPEND_MS ? 0 : atStart;
  /** When the uptime was read last. */
  let checked = { monotonic: Number.NEGATIVE_INFINITY, wall: 0 };
  return {
    now: sources.wall,
    boot() {
      const monotonic = sources.monotonic();
      const wall = sources.wall();
      const passed = monotonic - checked.monotonic;
      if (passed < RECHECK_MS && Math.abs(wall - checked.wall - passed) < SUSPEND_MS) return monotonic + suspendedMs;
      checked = { monotonic, wall };
      const ahead = aheadMs();
      if (ahead !== undefined && ahead - base > suspendedMs + SUSPEND_MS) suspendedMs = ahead - base;
      return sources.monotonic() + suspendedMs;
    },
    bootId: sources.bootId() ?? randomBytes(16).toString('hex'),
    sleep,
    random: Math.random,
  };
}

const linuxSources: ClockSources = {
  monotonic: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  uptime() {
    const seconds = Number.parseFloat(readOr('/proc/uptime') ?? '');
    return Number.isFinite(seconds) ? seconds * 1000 : undefined;
  },
  wall: Date.now,
  bootId() {
    const id = readOr('/proc/sys/kernel/random/boot_id')?.trim().replaceAll('-', '').toLowerCase();
    return id !== undefined && /^[0-9a-f]{32}$/.test(id) ? id : undefined;
  },
};

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
