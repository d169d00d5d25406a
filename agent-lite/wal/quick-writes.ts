/** A write that takes longer waited for the disk: more than another process may take the processor away for. */
const SLOW_MS = 25;
/** How long writes go over the thread pool after such a one. */
const WAIT_MS = 60_000;

/**
 * Whether a write(2) is made at once, on the thread of the event loop. Into the page cache it takes about 10 microseconds, and the way over
 * libuv's thread pool several times as much, with two wake-ups. But a kernel that has too much to write down makes the writer wait, on
 * a slow card for seconds, and all scrapes with it. So the first slow write sends those after it over the pool, for a minute.
 */
export class QuickWrites {
  readonly #nowMs: () => number;
  #slowUntilMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs never steps back */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** False: not now, and nothing was done. What `write` throws is thrown on. */
  attempt(write: () => void): boolean {
    const startMs = this.#nowMs();
    if (startMs < this.#slowUntilMs) return false;
    try {
      write();
    } finally {
      const endMs = this.#nowMs();
      if (endMs - startMs > SLOW_MS) this.#slowUntilMs = endMs + WAIT_MS;
    }
    return true;
  }
}
