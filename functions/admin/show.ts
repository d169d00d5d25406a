import { FormatError } from '../../contract/binary.ts';
import { decodeSample } from '../../contract/decode-remote-write.ts';
import { prometheus } from '../../contract/generated/remote.js';
import { formatLabels, type Label, labelsToRecord } from '../../contract/labels.ts';
import { snappyUncompress } from '../../contract/snappy.ts';
import type { DeadLetterHeader } from '../dead-letter.ts';

/**
 * A letter holds what one POST held: 4 MiB and 10 000 samples, as a rule. What is larger is not decoded, since a request must not
 * take the memory that the others in its isolate need; it can be replayed and dropped all the same.
 */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;
export const DEFAULT_SHOWN_SERIES = 100;
export const MAX_SHOWN_SERIES = 1000;
/** Of one series. */
const SHOWN_SAMPLES = 1000;
/** prometheus/model/value: the NaN that says that a series has ended. */
const STALE_BITS = 0x7ff0_0000_0000_0002n;

export interface ShownSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Ms since 1970, and the value as text; a staleness marker is `StaleNaN`. */
  readonly samples: readonly (readonly [ms: number, value: string])[];
  /** Samples beyond those. */
  readonly moreSamples: number;
  /** Counts only. */
  readonly histograms: number;
  readonly exemplars: number;
}
export interface ShownLetter {
  readonly series: readonly ShownSeries[];
  readonly moreSeries: number;
  readonly metadataFamilies: number;
  /** Why the series cannot be shown: the block is kept, and sent again, as it is. */
  readonly fault?: string;
}

/** What is in a letter's block, up to `limit` series. */
export function showBlock(block: Uint8Array, limit: number): ShownLetter {
  let request: prometheus.RawWriteRequest;
  try {
    request = prometheus.RawWriteRequest.decode(snappyUncompress(block, MAX_INFLATED_BYTES));
    return {
      series: request.timeseries.slice(0, limit).map(showSeries),
      moreSeries: Math.max(0, request.timeseries.length - limit),
      metadataFamilies: request.metadata.length,
    };
  } catch (error) {
    // Whatever the decoder throws: a letter may hold just what nobody could read.
    const fault = error instanceof FormatError ? error.message : 'expected a WriteRequest';
    return { series: [], moreSeries: 0, metadataFamilies: 0, fault };
  }
}

function showSeries(series: prometheus.RawTimeSeries.$Properties): ShownSeries {
  const all = series.samples ?? [];
  return {
    metric: labelsToRecord((series.labels ?? []).map((label): Label => [label.name ?? '', label.value ?? ''])),
    samples: all.slice(0, SHOWN_SAMPLES).map((bytes) => {
      const { time, bits } = decodeSample(bytes);
      return [time, valueText(bits)] as const;
    }),
    moreSamples: Math.max(0, all.length - SHOWN_SAMPLES),
    histograms: series.histograms?.length ?? 0,
    exemplars: series.exemplars?.length ?? 0,
  };
}

function valueText(bits: bigint): string {
  if (bits === STALE_BITS) return 'StaleNaN';
  const value = new DataView(new BigUint64Array([bits]).buffer).getFloat64(0, true);
  if (Object.is(value, -0)) return '-0';
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
}

/** For people: the header as comments, then a line a sample, with the time in ms, as in Prometheus' text format. */
export function showAsText(id: string, bytes: number, header: DeadLetterHeader, shown: ShownLetter): string {
  const time = (ms: number): string => (Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : String(ms));
  const lines = [
    `# dead letter ${id}, ${bytes} bytes, written ${time(header.writtenMs)}`,
    `# ${header.reason}: receiver ${header.receiver} answered ${header.status}: ${oneLine(header.words)}`,
    `# tenant ${header.tenant}, devices ${header.devices.join(' ')}`,
    `# ${header.samples} samples from ${time(header.minMs)} to ${time(header.maxMs)}`,
  ];
  if (shown.fault !== undefined) lines.push(`# the series cannot be shown: ${shown.fault}`);
  for (const { metric, samples, moreSamples, histograms, exemplars } of shown.series) {
    const name = formatLabels(Object.entries(metric));
    for (const [ms, value] of samples) lines.push(`${name} ${value} ${ms}`);
    const more = [
      [moreSamples, 'more samples'],
      [histograms, 'histograms'],
      [exemplars, 'exemplars'],
    ].filter(([count]) => count !== 0);
    if (more.length > 0) lines.push(`# ${name}: ${more.map((entry) => entry.join(' ')).join(', ')}`);
  }
  if (shown.moreSeries > 0) lines.push(`# ${shown.moreSeries} more series`);
  if (shown.metadataFamilies > 0) lines.push(`# metadata of ${shown.metadataFamilies} families`);
  return `${lines.join('\n')}\n`;
}

/** A receiver's words may hold anything, a new line that looks like a sample too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
