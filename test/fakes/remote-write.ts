import { ByteReader, FormatError } from '../../contract/binary.ts';
import { prometheus } from '../../contract/generated/remote.js';
import type { Label, Labels } from '../../contract/labels.ts';
import { type FamilyMetadata, METRIC_TYPES } from '../../contract/metadata.ts';
import type { Exemplar, Sample } from './tsdb.ts';

/** A remote-write 1.0 request as a receiver reads it, values as their 64 bits. */

export interface Series {
  readonly labels: Labels;
  readonly samples: readonly Sample[];
  readonly exemplars: readonly Exemplar[];
}
export interface WriteRequest {
  readonly series: readonly Series[];
  readonly metadata: readonly FamilyMetadata[];
}

/** Bytes of a `WriteRequest`. Throws where the real ones answer 400. */
export function decodeWriteRequest(bytes: Uint8Array): WriteRequest {
  const request = prometheus.RawWriteRequest.decode(bytes);
  return {
    series: request.timeseries.map((series) => ({
      labels: labelsOf(series.labels ?? []),
      samples: (series.samples ?? []).map((sample) => numberAndTime(sample, 1, 2)),
      exemplars: (series.exemplars ?? []).map((exemplar) => ({
        labels: labelsOf(prometheus.Exemplar.decode(exemplar).labels as prometheus.Label[]),
        ...numberAndTime(exemplar, 2, 3),
      })),
    })),
    metadata: request.metadata.map((family) => {
      const { type, metricFamilyName, help, unit } = prometheus.MetricMetadata.decode(family);
      return { family: metricFamilyName, type: METRIC_TYPES[type as number] ?? 'unknown', help, unit };
    }),
  };
}

const labelsOf = (labels: readonly prometheus.Label.$Properties[]): Labels =>
  labels.map((label): Label => [label.name ?? '', label.value ?? '']);

/** The fields `double value` and `int64 timestamp` of a message; labels (field 1 of an exemplar) are passed over. */
function numberAndTime(bytes: Uint8Array, valueField: number, timeField: number): Sample {
  const reader = new ByteReader(bytes);
  let bits = 0n;
  let ms = 0;
  while (reader.remaining > 0) {
    const tag = reader.varint();
    if (tag === valueField * 8 + 1) {
      const low = BigInt(reader.u32());
      bits = (BigInt(reader.u32()) << 32n) | low;
    } else if (tag === timeField * 8) ms = int64(reader);
    else if (tag === 10 && valueField !== 1) reader.block();
    else throw new FormatError(`sample or exemplar: unexpected field tag ${tag}`);
  }
  return { ms, bits };
}

function int64(reader: ByteReader): number {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.u8();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return Number(BigInt.asIntN(64, value));
  }
  throw new FormatError('timestamp is longer than ten bytes');
}
