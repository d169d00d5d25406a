import { ByteReader, FormatError } from '../../contract/binary.ts';
import { prometheus } from '../../contract/generated/remote.js';
import { snappyCompress, snappyUncompress } from '../../contract/snappy.ts';

/** The one place where a shard decodes: to find out which part of a fragment a receiver refuses. */

/** A sample or a histogram: its bytes pass exactly as they are. */
interface Entry {
  readonly kind: 'sample' | 'histogram';
  readonly bytes: Uint8Array;
  readonly ms: number;
}

/** Entries of one series, in time order; or the metadata of a fragment, as a part without labels, behind all series. */
export interface SeriesPart {
  readonly labels: prometheus.Label.$Properties[];
  readonly entries: readonly Entry[];
  readonly exemplars: readonly Uint8Array[];
  readonly metadata?: readonly Uint8Array[];
}

/** Throws {@link FormatError} where the block is no `WriteRequest`. `rawBytes`: what it may inflate to. */
export function decodeSeries(block: Uint8Array, rawBytes: number): readonly SeriesPart[] {
  const request = decodeRequest(snappyUncompress(block, rawBytes));
  const parts = request.timeseries.map((series): SeriesPart => {
    const samples = (series.samples ?? []).map((bytes): Entry => ({ kind: 'sample', bytes, ms: timeOf(bytes, SAMPLE_TIME) }));
    const histograms = (series.histograms ?? []).map((bytes): Entry => ({ kind: 'histogram', bytes, ms: timeOf(bytes, HISTOGRAM_TIME) }));
    const entries = histograms.length === 0 ? samples : [...samples, ...histograms].sort((a, b) => a.ms - b.ms);
    return { labels: series.labels ?? [], entries, exemplars: series.exemplars ?? [] };
  });
  const { metadata } = request;
  return metadata.length === 0 ? parts : [...parts, { labels: [], entries: [], exemplars: [], metadata }];
}

function decodeRequest(bytes: Uint8Array): prometheus.RawWriteRequest {
  try {
    return prometheus.RawWriteRequest.decode(bytes);
  } catch (cause) {
    throw new FormatError('fragment: expected a WriteRequest', { cause });
  }
}

export function encodeSeries(parts: readonly SeriesPart[]): Uint8Array<ArrayBuffer> {
  const series = parts.filter((part) => part.metadata === undefined);
  const timeseries = series.map(({ labels, entries, exemplars }) => ({
    labels,
    samples: entries.filter(({ kind }) => kind === 'sample').map(({ bytes }) => bytes),
    histograms: entries.filter(({ kind }) => kind === 'histogram').map(({ bytes }) => bytes),
    exemplars: [...exemplars],
  }));
  const metadata = parts.flatMap((part) => part.metadata ?? []);
  const bytes = prometheus.RawWriteRequest.encode({ timeseries, metadata }).finish();
  return Uint8Array.from(snappyCompress(bytes));
}

export const countEntries = (parts: readonly SeriesPart[]): number => parts.reduce((sum, { entries }) => sum + entries.length, 0);

export type Halves = readonly [SeriesPart[], SeriesPart[]];

/**
 * The older and the newer half; undefined where all samples have one time. For a receiver that complains of time: what is too
 * old is too old in all series at once, and a search by series would ask for each of them.
 */
export function halveByTime(parts: readonly SeriesPart[]): Halves | undefined {
  const times = [...new Set(parts.flatMap(({ entries }) => entries.map(({ ms }) => ms)))].sort((a, b) => a - b);
  const cut = times[(times.length >> 1) - 1];
  return cut === undefined ? undefined : cutAt(parts, ({ ms }) => ms <= cut);
}

/**
 * Halves of the series, or of the samples where it is one series; undefined where it is one sample, or only exemplars or
 * metadata. A sample is tried without its exemplars before it is given up.
 */
export function halve(parts: readonly SeriesPart[]): Halves | undefined {
  if (parts.length > 1) {
    const middle = parts.length >> 1;
    return [parts.slice(0, middle), parts.slice(middle)];
  }
  const [part] = parts;
  const count = part?.entries.length ?? 0;
  if (part !== undefined && count === 1 && part.exemplars.length > 0) return [[{ ...part, exemplars: [] }], [{ ...part, entries: [] }]];
  if (count < 2) return undefined;
  let index = 0;
  return cutAt(parts, () => index++ < count >> 1);
}

/** Exemplars stay with the later half, after the sample they belong to; so do metadata. */
function cutAt(parts: readonly SeriesPart[], isFirst: (entry: Entry) => boolean): Halves {
  const first: SeriesPart[] = [];
  const second: SeriesPart[] = [];
  for (const part of parts) {
    const { labels, entries, exemplars } = part;
    const early: Entry[] = [];
    const late: Entry[] = [];
    for (const entry of entries) (isFirst(entry) ? early : late).push(entry);
    if (early.length > 0) first.push({ labels, entries: early, exemplars: late.length === 0 ? exemplars : [] });
    if (late.length > 0 || early.length === 0) second.push({ ...part, entries: late });
  }
  return [first, second];
}

/** The first entry of up to `count` series that have two or more of different times. */
export function firstSamples(parts: readonly SeriesPart[], count: number): readonly SeriesPart[] {
  return parts
    .filter(({ entries }) => entries.length > 1 && entries[0]?.ms !== entries.at(-1)?.ms)
    .slice(0, count)
    .map(({ labels, entries }) => ({ labels, entries: entries.slice(0, 1), exemplars: [] }));
}

/** The last entry of each series; no exemplars, no metadata. */
export const newestSamples = (parts: readonly SeriesPart[]): readonly SeriesPart[] =>
  parts.filter(({ entries }) => entries.length > 0).map(({ labels, entries }) => ({ labels, entries: entries.slice(-1), exemplars: [] }));

export function timeRange(parts: readonly SeriesPart[]): { readonly minMs: number; readonly maxMs: number } {
  let minMs = Number.POSITIVE_INFINITY;
  let maxMs = Number.NEGATIVE_INFINITY;
  for (const { entries } of parts) {
    for (const { ms } of entries) {
      minMs = Math.min(minMs, ms);
      maxMs = Math.max(maxMs, ms);
    }
  }
  return minMs <= maxMs ? { minMs, maxMs } : { minMs: 0, maxMs: 0 };
}

/** Field numbers of the timestamp in prompb/types.proto: Sample 2, Histogram 15. */
const SAMPLE_TIME = 2;
const HISTOGRAM_TIME = 15;

/** Value of an int64 field; 0 where it is absent, which is proto3's way to write 0. */
function timeOf(bytes: Uint8Array, field: number): number {
  const reader = new ByteReader(bytes);
  let ms = 0;
  while (reader.remaining > 0) {
    const tag = reader.varint();
    const wire = tag & 7;
    if (wire === 0) {
      const value = readInt64(reader);
      if (tag >>> 3 === field) ms = value;
    } else if (wire === 1) reader.raw(8);
    else if (wire === 2) reader.block();
    else if (wire === 5) reader.raw(4);
    else throw new FormatError(`sample: unexpected wire type ${wire}`);
  }
  return ms;
}

function readInt64(reader: ByteReader): number {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.u8();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return Number(BigInt.asIntN(64, value));
  }
  throw new FormatError('sample: varint is longer than ten bytes');
}
