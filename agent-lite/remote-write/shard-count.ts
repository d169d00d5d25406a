/** Passes in a row that reached the log's end before there are fewer shards; about a minute with the default deadline. */
const CALM_PASSES = 12;

/**
 * How many shards there are: twice as many after each pass that did not reach the end of the log without a failure, half as
 * many after a while of reaching it. A receiver that fails gets no more of them.
 */
export class ShardCount {
  readonly #min: number;
  readonly #max: number;
  #calm = 0;

  constructor(min: number, max: number) {
    this.#min = min;
    this.#max = max;
  }

  get first(): number {
    return this.#min;
  }

  /** @param behind the pass ended before the log did */
  next(count: number, behind: boolean, failed: boolean): number {
    if (behind || failed) this.#calm = 0;
    if (failed) return count;
    if (behind) return Math.min(this.#max, count * 2);
    if (++this.#calm < CALM_PASSES || count <= this.#min) return count;
    this.#calm = 0;
    return Math.max(this.#min, Math.ceil(count / 2));
  }
}
