/** The samples of a scrape under way, in columns that are used again for the next one. */
export class SampleBuffer<T> {
  readonly #items: T[] = [];
  #count = 0;
  #values = new Float64Array(64);
  /** Explicit timestamps, ms; NaN where a sample has none. Made with the first one, as most targets never have any. */
  #times: Float64Array | undefined;

  /** In order of arrival. Valid until the next {@link clear}. */
  get items(): readonly T[] {
    // Cut off only where there are fewer than before: growing the array anew for each scrape would cost more than filling it.
    if (this.#items.length > this.#count) this.#items.length = this.#count;
    return this.#items;
  }

  clear(): void {
    this.#count = 0;
    this.#times = undefined;
  }

  /** @param timeMs NaN: the scrape's time */
  push(item: T, value: number, timeMs: number): void {
    const at = this.#count++;
    this.#items[at] = item;
    if (at === this.#values.length) this.#values = grown(this.#values, at * 2);
    this.#values[at] = value;
    if (this.#times === undefined && Number.isNaN(timeMs)) return;
    this.#times ??= new Float64Array(this.#values.length).fill(Number.NaN);
    if (this.#times.length < this.#values.length) this.#times = grown(this.#times, this.#values.length);
    this.#times[at] = timeMs;
  }

  value(at: number): number {
    return this.#values[at] as number;
  }

  timeMs(at: number): number {
    return this.#times === undefined ? Number.NaN : (this.#times[at] as number);
  }
}

function grown(values: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length).fill(Number.NaN);
  larger.set(values);
  return larger;
}
