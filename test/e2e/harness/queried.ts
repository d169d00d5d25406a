import { createCells, setValue } from '../../../contract/cells.ts';
import type { WrittenSeries } from '../../../contract/decode-remote-write.ts';
import { labelsFromRecord, labelsKey, labelsToRecord, labelValue, METRIC_NAME } from '../../../contract/labels.ts';
import { encodeLabelFields, REMOTE_WRITE_HEADERS, RemoteWriteBuffer } from '../../../contract/remote-write.ts';
import { snappyCompress } from '../../../contract/snappy.ts';
import { STALE_BITS } from './delivered.ts';
import { bitsValue } from './exposition.ts';
import { waitFor } from './wait.ts';

/** A receiver by its addresses: somebody else's, of which nothing is known but that it takes remote write and answers queries. */
export interface ReceiverAddress {
  readonly name: string;
  /** As in relay.yml. */
  readonly kind: string;
  readonly writeUrl: string;
  /** In front of `/api/v1/query`. */
  readonly queryUrl: string;
  readonly tenant: string;
  /** Of the write requests; empty: none. */
  readonly tenantHeader: string;
  /** Greatest error of a value read back, as a share of it. */
  readonly relativeError: number;
}

interface Matrix {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

export class QueriedReceiver {
  readonly address: ReceiverAddress;
  /** Labels that it gives every series: Thanos adds the replica's and the tenant's. */
  #own: readonly string[] = [];

  constructor(address: ReceiverAddress) {
    this.address = address;
  }

  /** Writes one sample straight to it and reads it back: what fails here is not the edge's fault. */
  async probe(run: string, nowMs: number): Promise<void> {
    const { writeUrl, queryUrl } = this.address;
    const cells = createCells(1, 1);
    setValue(cells, 0, 1);
    const buffer = new RemoteWriteBuffer();
    const probe = { __name__: 'e2e_probe', run };
    buffer.add(encodeLabelFields(labelsFromRecord(probe)), cells, 0, [nowMs]);
    const body = snappyCompress(buffer.take()).slice();
    const answer = await fetch(writeUrl, { method: 'POST', headers: { ...REMOTE_WRITE_HEADERS, ...this.#tenantHeaders() }, body });
    if (!answer.ok) throw new Error(`${writeUrl}: expected a receiver that takes a sample, got ${answer.status} ${await answer.text()}`);
    const shown = await waitFor(
      `${queryUrl} to show what ${writeUrl} took`,
      async () => (await this.raw(`e2e_probe{run="${run}"}[1h]`))[0],
      60_000,
    );
    this.#own = shown.labels.map(([name]) => name).filter((name) => !(name in probe));
  }

  /** Raw samples of a range selector such as `a[1m]`, without the labels that the receiver itself adds. Markers may be missing. */
  async raw(selector: string): Promise<readonly WrittenSeries[]> {
    const series = (await this.#query(selector)) as readonly Matrix[];
    return series.map(({ metric, values }) => ({
      labels: labelsFromRecord(Object.fromEntries(Object.entries(metric).filter(([name]) => !this.#own.includes(name)))),
      samples: values.map(([seconds, value]) => ({ time: Math.round(seconds * 1000), bits: textBits(value) })),
    }));
  }

  /** How many series an instant query finds at that time. */
  async present(selector: string, atMs: number): Promise<number> {
    return (await this.#query(selector, atMs)).length;
  }

  async #query(expression: string, atMs?: number): Promise<readonly unknown[]> {
    const time = atMs === undefined ? '' : `&time=${atMs / 1000}`;
    const url = `${this.address.queryUrl}/api/v1/query?query=${encodeURIComponent(expression)}${time}&nocache=1`;
    const answer = await fetch(url, { headers: this.#tenantHeaders() });
    const body = (await answer.json()) as { status: string; error?: string; data: { result: readonly unknown[] } };
    if (body.status !== 'success') throw new Error(`${url}: ${answer.status} ${body.error}`);
    return body.data.result;
  }

  #tenantHeaders(): Record<string, string> {
    const { tenant, tenantHeader } = this.address;
    return tenantHeader === '' ? {} : { [tenantHeader]: tenant };
  }
}

const scratch = new DataView(new ArrayBuffer(8));
function textBits(text: string): bigint {
  const infinite: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity };
  scratch.setFloat64(0, infinite[text] ?? Number(text));
  return scratch.getBigUint64(0);
}

const MAX_FAULTS = 20;

/**
 * What a receiver's queries lack of, or have beyond, what it took. Queries do not show markers (VictoriaMetrics shows them as NaN), and
 * VictoriaMetrics keeps no other NaN, so a NaN only must not be a number.
 */
export function differences(taken: readonly WrittenSeries[], shown: readonly WrittenSeries[], relativeError: number): readonly string[] {
  const faults: string[] = [];
  const rest = new Map(shown.map(({ labels, samples }) => [labelsKey(labels), new Map(samples.map(({ time, bits }) => [time, bits]))]));
  for (const { labels, samples } of taken) {
    const have = rest.get(labelsKey(labels));
    const name = JSON.stringify(labelsToRecord(labels));
    for (const { time, bits } of samples) {
      const got = have?.get(time);
      const wanted = bitsValue(bits);
      have?.delete(time);
      if (Number.isNaN(wanted)) {
        if (got !== undefined && !Number.isNaN(bitsValue(got)))
          faults.push(`${name} at ${time}: expected no number, got ${bitsValue(got)}`);
      } else if (got === undefined) faults.push(`${name} at ${time}: expected ${wanted}, got nothing`);
      else if (!(bitsValue(got) === wanted || Math.abs(bitsValue(got) - wanted) <= relativeError * Math.abs(wanted)))
        faults.push(`${name} at ${time}: expected ${wanted}, got ${bitsValue(got)}`);
    }
  }
  for (const [key, samples] of rest)
    for (const [time, bits] of samples) faults.push(`${key} at ${time}: ${bitsValue(bits)} was never sent`);
  return faults.slice(0, MAX_FAULTS);
}

/** Of a metric: a time at which a marker came, and the time of a value before it. */
export function lastMarker(
  taken: readonly WrittenSeries[],
  metric: string,
): { readonly markerMs: number; readonly valueMs: number } | undefined {
  for (const { labels, samples } of taken) {
    if (labelValue(labels, METRIC_NAME) !== metric) continue;
    const at = samples.findLastIndex(({ bits }, i) => bits === STALE_BITS && i > 0);
    const [before, marker] = [samples[at - 1], samples[at]];
    if (before !== undefined && marker !== undefined) return { markerMs: marker.time, valueMs: before.time };
  }
  return undefined;
}
