import { Agent } from 'node:http';
import { labelsFromRecord } from '../../contract/labels.ts';
import { NO_CHAIN, PUSH_CONTENT_TYPE } from '../../contract/push.ts';
import type { TargetBatch } from '../../contract/push-target.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import type { SeriesTable } from '../../contract/series-table.ts';
import { buildTarget, makePush, pushBody } from '../fakes/pushes.ts';
import { block, sample, writeRequest } from '../fakes/write-requests.ts';
import { post } from '../load/device.ts';

/** What the edge is given: series as a gateway with a few hundred sensors has them. 10 labels with those of the target. */
export const SERIES = 1000;
export const SCRAPES = 4;
export const SAMPLES_PER_PUSH = SCRAPES * (SERIES + REPORT_NAMES.length);
const SCRAPE_INTERVAL_MS = 15_000;
const TARGET = { job: 'gateway', instance: '127.0.0.1:9100' };
/** Of a request of remote write: what Prometheus sends at most, by default. Series of two targets. */
export const WRITE_SAMPLES = 2000;
const HEADERS = { 'content-type': PUSH_CONTENT_TYPE } as const;

/** `firmware`: makes one list of series differ from another. */
const seriesLabels = (firmware: number, i: number, instance = TARGET.instance): Record<string, string> => {
  const own: Record<string, string> = { ...TARGET, instance, __name__: `device_metric_${i % 50}_total`, firmware: `v${firmware}` };
  for (let label = 1; label <= 6; label++) own[`label_${label}`] = label === 1 ? `series-${i}` : `value-${i % (10 * label)}`;
  return own;
};
/** Half of them change. */
const value = (i: number, scrape: number): number => (i % 2 === 0 ? i : i * 1000.5 + scrape * 17);

/** All devices of one firmware: the n-th push of each is the same bytes, since a device's name comes from its token. */
export class Firmware {
  readonly table: SeriesTable;
  readonly #batch: TargetBatch;
  readonly #firstMs: number;
  readonly #bodies = new Map<number, Uint8Array>();

  private constructor(table: SeriesTable, batch: TargetBatch, firstMs: number) {
    this.table = table;
    this.#batch = batch;
    this.#firstMs = firstMs;
  }

  static async build(number: number, firstMs: number): Promise<Firmware> {
    const times = Array.from({ length: SCRAPES }, (_, scrape) => firstMs + scrape * SCRAPE_INTERVAL_MS);
    const series = Array.from({ length: SERIES }, (_, i) => ({
      labels: labelsFromRecord(seriesLabels(number, i)),
      values: times.map((_ms, scrape) => value(i, scrape)),
    }));
    const { table, batch } = await buildTarget({ labels: labelsFromRecord(TARGET), times, series });
    return new Firmware(table, batch, firstMs);
  }

  /** The n-th push of a device's log, from 1. */
  body(n: number): Uint8Array {
    const known = this.#bodies.get(n);
    if (known !== undefined) return known;
    const times = this.#batch.times.map((_, i) => this.#firstMs + ((n - 1) * SCRAPES + i) * SCRAPE_INTERVAL_MS);
    const point = (position: number) => ({ position, chain: position === 0 ? NO_CHAIN : position.toString(16).padStart(16, '0') });
    const body = pushBody(makePush([{ ...this.#batch, times }], { logId: '5a'.repeat(16), base: point(n - 1), to: point(n) }));
    this.#bodies.set(n, body);
    return body;
  }
}

/** A device and how far it has come. */
export interface BenchDevice {
  readonly firmware: Firmware;
  readonly token: string;
  pushed: number;
}

/** What became of one push of each device. */
export interface Pushed {
  readonly seconds: number;
  /** Requests that were told to come again: what they cost is in the figures, and should not be. */
  readonly again: number;
}

/**
 * One push of each device, in turn, over `connections` connections. Again where the edge says that it is busy, which it may be while
 * others build their templates.
 */
export async function pushAll(url: string, devices: readonly BenchDevice[], connections: number): Promise<Pushed> {
  const startMs = performance.now();
  let next = 0;
  let again = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let device = devices[next++]; device !== undefined; device = devices[next++]) {
        const body = device.firmware.body(device.pushed + 1);
        again += await taken(url, agent, { ...HEADERS, authorization: `Bearer ${device.token}` }, body, 200);
        device.pushed++;
      }
      agent.destroy();
    }),
  );
  return { seconds: (performance.now() - startMs) / 1000, again };
}

/** Remote write as Prometheus sends it: a sample of each series of a sender's two targets. */
export function writeBody(sender: number, ms: number): Uint8Array {
  const series = Array.from({ length: WRITE_SAMPLES }, (_, i) => ({
    labels: labelsFromRecord(seriesLabels(0, i % SERIES, `10.${sender >> 8}.${sender & 0xff}.${1 + Math.floor(i / SERIES)}:9100`)),
    samples: [sample(ms + 7 * Math.floor(i / SERIES), value(i, (ms / SCRAPE_INTERVAL_MS) % 1000))],
  }));
  return block(writeRequest(series));
}

export interface BenchSender {
  readonly token: string;
  readonly bodies: readonly Uint8Array[];
}

/**
 * Each sender has one request on its way: so its samples stay in order.
 *
 * @returns how many requests were told to come again
 */
export async function writeAll(url: string, senders: readonly BenchSender[]): Promise<number> {
  let again = 0;
  await Promise.all(
    senders.map(async ({ token, bodies }) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const headers = { ...WRITE_HEADERS, authorization: `Bearer ${token}` };
      for (const body of bodies) again += await taken(url, agent, headers, body, 204);
      agent.destroy();
    }),
  );
  return again;
}
const WRITE_HEADERS = {
  'content-encoding': 'snappy',
  'content-type': 'application/x-protobuf',
  'x-prometheus-remote-write-version': '0.1.0',
} as const;

const BUSY_PAUSE_MS = 200;
const ATTEMPTS = 300;

/** @returns how often it was told to come again */
async function taken(
  url: string,
  agent: Agent,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  status: number,
): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const answer = await post(new URL(url), agent, headers, body);
    if (answer.status === status) return attempt;
    const busy = answer.status === 429 || answer.status === 503;
    if (!busy || attempt === ATTEMPTS)
      throw new Error(`${url}: expected ${status}, got ${answer.status} ${new TextDecoder().decode(answer.body)}`);
    await new Promise((done) => setTimeout(done, BUSY_PAUSE_MS));
  }
}
