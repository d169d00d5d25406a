import { ByteWriter } from '../../contract/binary.ts';
import { bitsOfDouble } from '../../contract/double.ts';
import { prometheus } from '../../contract/generated/remote.js';
import type { Label } from '../../contract/labels.ts';
import { snappyCompress } from '../../contract/snappy.ts';

/** Requests as standard senders make them, right or wrong. */

export const STALE = 0x7ff0_0000_0000_0002n;

export interface GivenSeries {
  readonly labels: readonly Label[];
  readonly samples?: readonly Uint8Array[];
  readonly histograms?: readonly Uint8Array[];
  readonly exemplars?: readonly Uint8Array[];
}

/** `Sample { double value = 1; int64 timestamp = 2; }`, the value as its 64 bits where it is a bigint. */
export function sample(ms: number, value: number | bigint): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(0x09);
  const [low, high] = typeof value === 'number' ? bitsOfDouble(value) : [Number(value & 0xffff_ffffn), Number(value >> 32n)];
  writer.u32(low);
  writer.u32(high);
  writer.u8(0x10);
  writer.varint(ms);
  return writer.bytes();
}

/** A native histogram of one bucket and three observations. */
export function histogram(ms: number): Uint8Array {
  const writer = new ByteWriter();
  writer.raw(Uint8Array.of(0x08, 3, 0x20, 0, 0x5a, 2, 0x10, 1, 0x62, 1, 6, 0x78));
  writer.varint(ms);
  return writer.bytes();
}

export const exemplar = (ms: number, labels: Readonly<Record<string, string>>): Uint8Array =>
  prometheus.Exemplar.encode({
    labels: Object.entries(labels).map(([name, value]) => ({ name, value })),
    value: 1,
    timestamp: ms,
  }).finish();

export const family = (name: string, help: string): Uint8Array =>
  prometheus.MetricMetadata.encode({ type: 1, metricFamilyName: name, help, unit: '' }).finish();

/** Bytes of a `WriteRequest`. */
export function writeRequest(series: readonly GivenSeries[], metadata: readonly Uint8Array[] = []): Uint8Array<ArrayBuffer> {
  const timeseries = series.map(({ labels, samples = [], histograms = [], exemplars = [] }) => ({
    labels: labels.map(([name, value]) => ({ name, value })),
    samples: [...samples],
    histograms: [...histograms],
    exemplars: [...exemplars],
  }));
  return Uint8Array.from(prometheus.RawWriteRequest.encode({ timeseries, metadata: [...metadata] }).finish());
}

export const block = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(snappyCompress(bytes));
