import { createCells, setStale, setValue } from '../../contract/cells.ts';
import { labelsFromRecord } from '../../contract/labels.ts';
import type { Point } from '../../contract/push.ts';
import { encodeLabelFields, RemoteWriteBuffer } from '../../contract/remote-write.ts';
import { snappyCompress } from '../../contract/snappy.ts';
import type { Fragment, LogCommitRequest, PlainCommitRequest } from '../../functions/model.ts';

/** What a Worker hands to a shard, short to write. */

export const TENANT = 'acme';
export const LOG_A = 'a'.repeat(32);
export const LOG_B = 'b'.repeat(32);

export const chainOf = (log: string, position: number): string =>
  position === 0 ? '0'.repeat(16) : `${log.slice(0, 4)}${position.toString(16).padStart(12, '0')}`;
export const point = (position: number, log = LOG_A): Point => ({ position, chain: chainOf(log, position) });

export interface TestSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** `undefined`: a staleness marker. */
  readonly samples: readonly (readonly [ms: number, value: number | undefined])[];
}

export function fragment(...series: readonly TestSeries[]): Fragment {
  const buffer = new RemoteWriteBuffer();
  for (const { labels, samples } of series) {
    const cells = createCells(1, samples.length);
    samples.forEach(([, value], i) => {
      if (value === undefined) setStale(cells, i);
      else setValue(cells, i, value);
    });
    const times = samples.map(([ms]) => ms);
    buffer.add(encodeLabelFields(labelsFromRecord(labels)), cells, 0, times);
  }
  const { length: rawBytes, samples } = buffer;
  const times = series.flatMap((one) => one.samples.map(([ms]) => ms));
  return {
    block: snappyCompress(buffer.take()),
    rawBytes,
    samples,
    series: series.length,
    minMs: Math.min(...times),
    maxMs: Math.max(...times),
  };
}

export interface PushOptions {
  readonly device?: string;
  readonly log?: string;
  readonly from: number;
  readonly to: number;
  readonly fragments?: readonly Fragment[];
  readonly counts?: Readonly<Record<string, number>>;
}

export function push({ device = 'gw-1', log = LOG_A, from, to, fragments = [], counts = {} }: PushOptions): LogCommitRequest {
  return { tenant: TENANT, device, logId: log, stream: 0, base: point(from, log), to: point(to, log), gaps: [], fragments, counts };
}

/** What a standard sender's request becomes. */
export const plain = (device: string, ...fragments: readonly Fragment[]): PlainCommitRequest => ({
  tenant: TENANT,
  device,
  fragments,
  counts: { relay_x_total: 1 },
});

/** One sample of one series of a device, at `ms`. */
export const sampleOf = (device: string, ms: number, value: number): Fragment =>
  fragment({ labels: { __name__: 'm', device }, samples: [[ms, value]] });
