import { ByteReader } from '../../contract/binary.ts';
import { decodeWriteRequest } from '../../contract/decode-remote-write.ts';
import { labelValue } from '../../contract/labels.ts';

/** What a receiver of a load test has, exactly. */
export interface Counted {
  readonly requests: number;
  /** Samples in requests that were taken, repeats included. */
  readonly samples: number;
  readonly series: number;
  /** Taken again: same series and time. */
  readonly repeats: number;
  /** Came after a later one of the same series. */
  readonly disorder: number;
  /** Of times that no device has sent. */
  readonly unknown: number;
  /** Device -> scrapes -> how many of its series have exactly the scrapes from the first to that one. */
  readonly complete: Readonly<Record<string, Readonly<Record<number, number>>>>;
}

interface SeriesCount {
  readonly device: string;
  /** Scrapes 0 to this one are there. */
  next: number;
  last: number;
  /** Those beyond, where there is a hole before them. */
  readonly beyond: Set<number>;
}

/**
 * Counts each sample once, by series and time, in memory that does not grow with time as long as samples come in order. Reads the wire
 * itself: decoding into objects would take more of the machine than the edge that is measured.
 */
export class SampleCounter {
  readonly #scrapeOf: (ms: number) => number | undefined;
  readonly #series = new Map<number, SeriesCount>();
  #requests = 0;
  #samples = 0;
  #repeats = 0;
  #disorder = 0;
  #unknown = 0;

  /** @param scrapeOf the number, from 0, of the scrape of that time */
  constructor(scrapeOf: (ms: number) => number | undefined) {
    this.#scrapeOf = scrapeOf;
  }

  /** Bytes of a `WriteRequest`. Throws where they are none. */
  add(request: Uint8Array): void {
    this.#requests++;
    const reader = new ByteReader(request);
    while (reader.remaining > 0) {
      const tag = reader.varint();
      const block = reader.block();
      if (tag === 0x0a) this.#addSeries(block);
    }
  }

  counted(): Counted {
    const complete: Record<string, Record<number, number>> = {};
    for (const { device, next, beyond } of this.#series.values()) {
      const byScrapes = complete[device] ?? {};
      complete[device] = byScrapes;
      // A series with a hole counts as complete up to nothing.
      const scrapes = beyond.size === 0 ? next : -1;
      byScrapes[scrapes] = (byScrapes[scrapes] ?? 0) + 1;
    }
    return {
      requests: this.#requests,
      samples: this.#samples,
      series: this.#series.size,
      repeats: this.#repeats,
      disorder: this.#disorder,
      unknown: this.#unknown,
      complete,
    };
  }

  /** `TimeSeries { Label labels = 1; Sample samples = 2 }`, labels first, as the edge writes them. */
  #addSeries(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    let low = 0x811c_9dc5;
    let high = 0x1000_193;
    let series: SeriesCount | undefined;
    while (reader.remaining > 0) {
      const tag = reader.varint();
      const block = reader.block();
      if (tag === 0x0a) {
        for (let i = 0; i < block.length; i++) {
          low = Math.imul(low ^ (block[i] as number), 0x0100_0193);
          high = Math.imul(high + (block[i] as number), 0x85eb_ca6b) ^ (high >>> 13);
        }
      } else if (tag === 0x12) {
        series ??= this.#find((high >>> 0) * 0x20_0000 + (low >>> 11), bytes);
        this.#addSample(series, timeOf(block));
      }
    }
  }

  #find(key: number, bytes: Uint8Array): SeriesCount {
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const request = new Uint8Array([0x0a, ...varint(bytes.length), ...bytes]);
    const device = labelValue(decodeWriteRequest(request)[0]?.labels ?? [], 'device_id') ?? '';
    const series: SeriesCount = { device, next: 0, last: -1, beyond: new Set() };
    this.#series.set(key, series);
    return series;
  }

  #addSample(series: SeriesCount, ms: number): void {
    this.#samples++;
    const scrape = this.#scrapeOf(ms);
    if (scrape === undefined) {
      this.#unknown++;
      return;
    }
    if (scrape < series.next || series.beyond.has(scrape)) {
      this.#repeats++;
      return;
    }
    if (scrape < series.last) this.#disorder++;
    series.last = Math.max(series.last, scrape);
    if (scrape !== series.next) {
      series.beyond.add(scrape);
      return;
    }
    series.next++;
    while (series.beyond.delete(series.next)) series.next++;
  }
}

/** The time of a `Sample`: after a tag and the value's eight bytes, or alone where the value is zero and left out. */
function timeOf(sample: Uint8Array): number {
  const reader = new ByteReader(sample);
  let ms = 0;
  while (reader.remaining > 0) {
    const tag = reader.varint();
    if (tag === 0x09) reader.raw(8);
    else ms = reader.varint();
  }
  return ms;
}

function varint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
