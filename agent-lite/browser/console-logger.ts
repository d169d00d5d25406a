import type { Clock, Logger } from '../model.ts';

/** An equal line is written at most once in this time. A browser keeps lines, and a kiosk runs for months. */
const REPEAT_MS = 60_000;
/** Lines remembered; of more, the oldest is forgotten and may be written again. */
const MAX_REMEMBERED = 100;
/** Of what makes lines equal, UTF-16 units. */
const MAX_KEY = 400;

/**
 * Warnings and errors for whoever opens the console, which shows fields better than any text made of them. Numbers in them
 * (durations, positions) differ each time and do not make a line another one.
 */
export function consoleLogger(clock: Pick<Clock, 'boot'>, { error, warn }: Pick<Console, 'error' | 'warn'>): Logger {
  const writtenMs = new Map<string, number>();
  return {
    log(level, message, fields = {}) {
      if (level !== 'warn' && level !== 'error') return;
      const key = [level, message, ...Object.values(fields)].join('\0').replace(/\d+/g, '#').slice(0, MAX_KEY);
      const before = writtenMs.get(key);
      if (before !== undefined && clock.boot() - before < REPEAT_MS) return;
      writtenMs.delete(key);
      writtenMs.set(key, clock.boot());
      for (const oldest of writtenMs.keys()) {
        if (writtenMs.size <= MAX_REMEMBERED) break;
        writtenMs.delete(oldest);
      }
      (level === 'error' ? error : warn)(`agent-lite: ${message}`, fields);
    },
  };
}
