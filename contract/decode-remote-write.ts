import { ByteReader, FormatError } from './binary.ts';
import { prometheus } from './generated/remote.js';
import type { Label, Labels } from './labels.ts';
import { snappyUncompress } from './snappy.ts';

export interface WrittenSeries {
  readonly labels: Labels;
  readonly samples: readonly WrittenSample[];
}
export interface WrittenSample {
  /** Ms since 1970. */
  readonly time: number;
  /** The value's 64 bits: a staleness marker would not survive as a number. */
  readonly bits: bigint;
}

/** The body of a remote-write 1.0 request: a snappy block of a `WriteRequest`. Throws {@link FormatError}. */
export function decodeRemoteWrite(body: Uint8Array, maxBytes: number): readonly WrittenSeries[] {
  return decodeWriteRequest(snappyUncompress(body, maxBytes));
}

/** Bytes of a `WriteRequest`, or of a `QueryResult` of remote read, which has the same shape. */
export function decodeWriteRequest(bytes: Uint8Array): readonly WrittenSeries[] {
  const request = prometheus.RawWriteRequest.decode(bytes);
  return request.timeseries.map((series) => ({
    labels: (series.labels ?? []).map((label): Label => [label.name ?? '', label.value ?? '']),
    samples: (series.samples ?? []).map(decodeSample),
  }));
}

/** `Sample { double value = 1; int64 timestamp = 2; }`; absent fields are zero. */
export function decodeSample(bytes: Uint8Array): WrittenSample {
  const reader = new ByteReader(bytes);
  let bits = 0n;
  let time = 0;
  while (reader.remaining > 0) {
    const tag = reader.varint();
    if (tag === 0x09) {
      const low = BigInt(reader.u32());
      bits = (BigInt(reader.u32()) << 32n) | low;
    } else if (tag === 0x10) {
      time = decodeTime(reader);
    } else {
      throw new FormatError(`sample: unexpected field tag ${tag}`);
    }
  }
  return { time, bits };
}

/** An int64 as a varint of up to ten bytes, negative ones by two's complement. */
function decodeTime(reader: ByteReader): number {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.u8();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return Number(BigInt.asIntN(64, value));
  }
  throw new FormatError('sample: timestamp is longer than ten bytes');
}
