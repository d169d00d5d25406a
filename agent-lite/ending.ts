import type { Signal } from './model.ts';

/**
 * An AbortController and its signal in one, for what begins and ends with every scrape: Node's come with an event target, and to listen and
 * abort takes several times as long as the timer that they end.
 */
export class Ending implements Signal {
  /** Set by {@link abort} only. */
  aborted = false;
  reason: unknown;
  /** Mostly one; replaced, not changed, where one goes. */
  #listeners: readonly (() => void)[] = [];

  /** Only the first call counts. A listener that throws keeps the others from being told. */
  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners) listener();
    this.#listeners = [];
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = [...this.#listeners, listener];
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }
}
