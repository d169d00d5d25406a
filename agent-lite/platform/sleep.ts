import type { Signal } from '../model.ts';

/** setTimeout fires at once for anything longer (about 24 days). */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * An aborted signal ends it at once. A delay of more than 24 days is cut to that. Keeps a Node process alive; hidden pages wake
 * up late: once a second, later once a minute.
 */
export function sleep(ms: number, signal?: Signal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, Math.min(Math.max(ms, 0), MAX_TIMEOUT_MS));
    signal?.addEventListener('abort', wake);
  });
}
