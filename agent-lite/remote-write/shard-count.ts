/** Passes in a row that reached the log's end before there are fewer shards; about a minute with the default deadline. */
const CALM_PASSES = 12;

/**
 * How many shards there are: twice as many after each pass without a failure that did not reach the end of the log, half as
 * many after a while of reaching it. A receiver that fails gets no more of them. It is always the least times a power of two:
 * so whatever the count was, two series that agree in their hash modulo {@link most} went to the same shard.
 */
export class ShardCount {
  readonly #min: number;
  readonly #max: number;
  #calm = 0;

  constructor(min: number, max: number) {
    this.#min = min;
    this.#max = max;
  }

  get least(): number {
    return this.#min;
  }

  get most(): number {
    return this.#min * 2 ** Math.floor(Math.log2(this.#max / this.#min));
  }

  /** @param behind the pass ended before the log did */
  next(count: number, behind: boolean, failed: boolean): number {
    if (behind || failed) this.#calm = 0;
    if (failed) return count;
    if (behind) return Math.min(this.most, count * 2);
    if (++this.#calm < CALM_PASSES || count <= this.#min) return count;
    this.#calm = 0;
    return count / 2;
  }
}
