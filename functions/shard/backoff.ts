/** A receiver may ask for patience, but not for more than this, ms. */
const MAX_RETRY_AFTER_MS = 300_000;

/** Waiting times that double from `minMs` to `maxMs`, each between half of it and all of it, so that lanes do not march in step. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(minMs: number, maxMs: number, random: () => number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  reset(): void {
    this.#attempts = 0;
  }

  /** `retryAfterMs`: what the other side asks for; the longer of both counts. */
  next(retryAfterMs = 0): number {
    const full = Math.min(this.#maxMs, this.#minMs * 2 ** this.#attempts);
    this.#attempts++;
    const own = full * (0.5 + 0.5 * this.#random());
    return Math.round(Math.max(own, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS)));
  }
}
