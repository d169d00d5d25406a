import type { SeriesId } from './series.ts';

/** The samples of a scrape under way, in columns that are used again for the next one. */
export class SampleBuffer {
  #series = new Int32Array(64);
  #count = 0;
  #values = new Float64Array(64);
  /** Explicit timestamps, ms; NaN where a sample has none. Made with the first one, as most targets never have any. */
  #times: Float64Array | undefined;

  get length(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
    this.#times = undefined;
  }

  /** @param timeMs NaN: the scrape's time */
  push(series: SeriesId, value: number, timeMs: number): void {
    const at = this.#count++;
    if (at === this.#values.length) this.#grow(Math.ceil(at * 1.5));
    this.#series[at] = series;
    this.#values[at] = value;
    if (this.#times === undefined && Number.isNaN(timeMs)) return;
    this.#times ??= new Float64Array(this.#values.length).fill(Number.NaN);
    this.#times[at] = timeMs;
  }

  series(at: number): SeriesId {
    return this.#series[at] as number;
  }

  value(at: number): number {
    return this.#values[at] as number;
  }

  timeMs(at: number): number {
    return this.#times === undefined ? Number.NaN : (this.#times[at] as number);
  }

  #grow(length: number): void {
    const series = new Int32Array(length);
    series.set(this.#series);
    this.#series = series;
    this.#values = grown(this.#values, length);
    if (this.#times !== undefined) this.#times = grown(this.#times, length);
  }
}

function grown(values: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length).fill(Number.NaN);
  larger.set(values);
  return larger;
}
