import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls until `check` gives something other than undefined and false, or throws with the last thing seen. Errors of `check`
 * count as "not yet". Polling with a deadline is how these tests wait for real programs: no fixed sleep decides anything.
 */
export async function waitFor<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 20_000,
  describe: () => string = () => '',
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last = 'nothing';
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error instanceof Error ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}` : String(error);
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}; last seen: ${last}\n${describe()}`);
    await sleep(50);
  }
}

export { sleep };
