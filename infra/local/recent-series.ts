import type { WrittenSeries } from '../../contract/decode-remote-write.ts';
import { formatLabels, type Labels, labelsKey } from '../../contract/labels.ts';

/** The last minutes of every series that arrived, in memory, within fixed bounds. For looking, not for keeping. */
export interface RecentLimits {
  /** Samples older than this, by their own time against the newest one, are let go. */
  readonly keepMs: number;
  readonly maxSeries: number;
  readonly maxSamplesPerSeries: number;
}

export const recentLimits: RecentLimits = { keepMs: 30 * 60_000, maxSeries: 20_000, maxSamplesPerSeries: 400 };

/** A staleness marker: the series ended here. */
const STALE_BITS = 0x7ff0_0000_0000_0002n;

export interface Point {
  readonly time: number;
  /** NaN and the infinities stay numbers here; `undefined` is a staleness marker. */
  readonly value: number | undefined;
}

interface Series {
  readonly id: number;
  readonly labels: Labels;
  readonly text: string;
  points: Point[];
}

export interface Totals {
  readonly series: number;
  readonly samples: number;
  readonly markers: number;
  readonly requests: number;
  /** Samples that came after a younger one of their series; a real receiver would refuse them. */
  readonly outOfOrder: number;
  /** Series not kept because there were too many. */
  readonly refusedSeries: number;
}

export class RecentSeries {
  readonly #limits: RecentLimits;
  readonly #byKey = new Map<string, Series>();
  readonly #byId = new Map<number, Series>();
  #nextId = 1;
  #samples = 0;
  #markers = 0;
  #requests = 0;
  #outOfOrder = 0;
  #refusedSeries = 0;

  constructor(limits: RecentLimits = recentLimits) {
    this.#limits = limits;
  }

  add(written: readonly WrittenSeries[]): void {
    this.#requests++;
    const number = new DataView(new ArrayBuffer(8));
    for (const { labels, samples } of written) {
      this.#samples += samples.length;
      const series = this.#find(labels);
      for (const { time, bits } of samples) {
        if (bits === STALE_BITS) this.#markers++;
        if (series === undefined) continue;
        number.setBigUint64(0, bits);
        const point = { time, value: bits === STALE_BITS ? undefined : number.getFloat64(0) };
        const last = series.points.at(-1);
        if (last === undefined || time > last.time) series.points.push(point);
        else if (time < last.time) this.#outOfOrder++;
      }
      if (series !== undefined) this.#trim(series);
    }
  }

  totals(): Totals {
    return {
      series: this.#byKey.size,
      samples: this.#samples,
      markers: this.#markers,
      requests: this.#requests,
      outOfOrder: this.#outOfOrder,
      refusedSeries: this.#refusedSeries,
    };
  }

  /** Series whose text holds every word of `search`, by text; at most `limit`, and how many there are in all. */
  find(search: string, limit: number): { readonly total: number; readonly series: readonly Readonly<Series>[] } {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = [...this.#byKey.values()].filter((series) => {
      const text = series.text.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    matches.sort((a, b) => (a.text < b.text ? -1 : 1));
    return { total: matches.length, series: matches.slice(0, limit) };
  }

  points(id: number): readonly Point[] {
    return this.#byId.get(id)?.points ?? [];
  }

  /** Lets go of series that got nothing for as long as samples are kept. `now` is the newest time that matters, ms. */
  forget(now: number): void {
    for (const [key, series] of this.#byKey) {
      const last = series.points.at(-1);
      if (last !== undefined && last.time >= now - this.#limits.keepMs) continue;
      this.#byKey.delete(key);
      this.#byId.delete(series.id);
    }
  }

  #find(labels: Labels): Series | undefined {
    const key = labelsKey(labels);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size >= this.#limits.maxSeries) {
      this.#refusedSeries++;
      return undefined;
    }
    const series = { id: this.#nextId++, labels, text: formatLabels(labels), points: [] };
    this.#byKey.set(key, series);
    this.#byId.set(series.id, series);
    return series;
  }

  #trim(series: Series): void {
    const last = series.points.at(-1);
    if (last === undefined) return;
    const from = last.time - this.#limits.keepMs;
    let drop = Math.max(0, series.points.length - this.#limits.maxSamplesPerSeries);
    while ((series.points[drop]?.time ?? from) < from) drop++;
    if (drop > 0) series.points = series.points.slice(drop);
  }
}
