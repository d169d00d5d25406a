/**
 * So many a second in the long run, and `burst` at once after a quiet time. What is larger than the burst passes when all of it
 * is there, and is paid off after: nothing is too large to pass ever.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #level: number;
  #atMs: number;

  /** Starts full, or at `level`. A rate of 0 means no limit. */
  constructor(perSecond: number, burst: number, nowMs: number, level = burst) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#level = Math.min(level, burst);
    this.#atMs = nowMs;
  }

  /** How long until `amount` passes, ms; 0: now. Takes nothing. */
  waitMs(amount: number, nowMs: number): number {
    if (this.#perSecond === 0 || amount === 0) return 0;
    const missing = Math.min(amount, this.#burst) - this.level(nowMs);
    return missing <= 0 ? 0 : Math.ceil((missing / this.#perSecond) * 1000);
  }

  take(amount: number, nowMs: number): void {
    this.#level = this.level(nowMs) - amount;
    this.#atMs = nowMs;
  }

  /** What is there, at most the burst; below 0 while something large is paid off. A clock that is set back adds nothing. */
  level(nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#atMs);
    return Math.min(this.#burst, this.#level + (elapsedMs / 1000) * this.#perSecond);
  }
}
