import type { Signal } from './model.ts';

/**
 * An AbortController and its signal in one, for what begins and ends with every scrape: Node's come with an event target, and to listen and
 * abort takes several times as long as the timer that they end.
 */
export class Ending implements Signal {
  #aborted = false;
  #reason: unknown;
  /** Mostly one. */
  #listeners: (() => void)[] = [];

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Only the first call counts. A listener that throws keeps the others from being told. */
  abort(reason?: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.#aborted) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }
}
