import { labelsFromRecord } from '../../contract/labels.ts';
import { PUSH_CONTENT_TYPE } from '../../contract/push.ts';
import type { TargetBatch } from '../../contract/push-target.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import type { SeriesTable } from '../../contract/series-table.ts';
import { buildTarget, makePush, pushBody } from '../fakes/pushes.ts';

export const PUSH_HEADERS = { 'content-type': PUSH_CONTENT_TYPE } as const;

export interface NumberedBody {
  readonly body: Uint8Array;
  readonly position: number;
}

const LOG_ID = '5a'.repeat(16);
/** Bodies that lie further behind than the slowest device needs are forgotten. */
const KEPT_BODIES = 4096;

/**
 * What every device of a load test pushes. The n-th push of all of them is the same bytes, since a device's name comes from its token and
 * not from what it sends: so making the load costs little beside taking it.
 */
export class LoadPushes {
  readonly table: SeriesTable;
  readonly samplesPerPush: number;
  /** When the scrape came about; the scrape's number by ms since the first one, plus one. Shared with the thread that counts. */
  readonly scrapeByMs: Int32Array<SharedArrayBuffer>;
  readonly firstMs: number;
  readonly #first: TargetBatch;
  readonly #scrapes: number;
  readonly #bodies = new Map<number, Uint8Array>();
  #lastMs: number;

  private constructor(table: SeriesTable, first: TargetBatch, series: number, scrapes: number, firstMs: number, longestMs: number) {
    this.table = table;
    this.#first = first;
    this.#scrapes = scrapes;
    this.firstMs = firstMs;
    this.#lastMs = firstMs;
    this.samplesPerPush = scrapes * (series + REPORT_NAMES.length);
    this.scrapeByMs = new Int32Array(new SharedArrayBuffer(4 * longestMs));
  }

  /** @param longestMs no push is asked for later than so long after `nowMs` */
  static async build(series: number, scrapes: number, nowMs: number, longestMs: number): Promise<LoadPushes> {
    const own = { job: 'load', instance: '127.0.0.1:9100' };
    const { table, batch } = await buildTarget({
      labels: labelsFromRecord(own),
      times: Array.from({ length: scrapes }, (_, i) => nowMs + i),
      series: Array.from({ length: series }, (_, i) => ({
        labels: labelsFromRecord({
          ...own,
          __name__: `load_metric_${i % 50}_total`,
          series: String(i),
          mode: i % 2 === 0 ? 'idle' : 'user',
        }),
        // Half of them change.
        values: Array.from({ length: scrapes }, (__, scrape) => (i % 2 === 0 ? i : i * 1000.5 + scrape * 17)),
      })),
    });
    return new LoadPushes(table, batch, series, scrapes, nowMs, longestMs);
  }

  /** The n-th push of a device's log, from 1. Its scrapes get the times at which it is first asked for. */
  body(number: number, nowMs: number): Uint8Array {
    const known = this.#bodies.get(number);
    if (known !== undefined) return known;
    const times: number[] = [];
    for (let scrape = 0; scrape < this.#scrapes; scrape++) {
      this.#lastMs = Math.max(this.#lastMs + 1, nowMs - this.#scrapes + scrape + 1);
      times.push(this.#lastMs);
      const at = this.#lastMs - this.firstMs;
      if (at >= this.scrapeByMs.length) throw new Error(`load: expected to end within ${this.scrapeByMs.length} ms`);
      Atomics.store(this.scrapeByMs, at, (number - 1) * this.#scrapes + scrape + 1);
    }
    const point = (position: number) => ({ position, chain: position.toString(16).padStart(16, '0') });
    const body = pushBody(makePush([{ ...this.#first, times }], { logId: LOG_ID, base: point(number - 1), to: point(number) }));
    this.#bodies.set(number, body);
    this.#bodies.delete(number - KEPT_BODIES);
    return body;
  }
}
