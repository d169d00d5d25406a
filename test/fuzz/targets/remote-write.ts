import { FormatError } from '../../../contract/binary.ts';
import { decodeSample } from '../../../contract/decode-remote-write.ts';
import { prometheus } from '../../../contract/generated/remote.js';
import { type Incoming, readWriteRequest } from '../../../functions/ingest/remote-write/series.ts';
import { readRequestV2 } from '../../../functions/ingest/remote-write/series-v2.ts';
import { labels } from '../../fakes/pushes.ts';
import { exemplar, family, histogram, STALE, sample, writeRequest } from '../../fakes/write-requests.ts';
import { mutateProtobuf } from '../mutate-protobuf.ts';
import { type FuzzTarget, must, mustEqual, orRefusal } from '../target.ts';
import { requestsV2 } from './request-v2.ts';

const isFormatError = (error: unknown): boolean => error instanceof FormatError;
const MAX_LABEL_BYTES = 4 * 1024 * 1024;

/** Remote write 1.0 as standard senders make it, against the generated decoder of protobufjs. */
export const write: FuzzTarget = {
  name: 'write',
  promise: 'a request is refused by a FormatError, or each series that is read is the one that a general decoder finds there',
  async seeds() {
    const rich = writeRequest(
      [
        {
          labels: labels({ __name__: 'a_total', job: 'x', utf8: 'ü' }),
          samples: [sample(1_700_000_000_000, 1.5), sample(1_700_000_015_000, STALE)],
          exemplars: [exemplar(1_700_000_000_000, { trace: 'abc' })],
        },
        { labels: labels({ __name__: 'h' }), histograms: [histogram(1_700_000_000_000)] },
      ],
      [family('a', 'Help.')],
    );
    return [rich, writeRequest([{ labels: labels({ __name__: 'up' }), samples: [sample(-5, -0)] }]), writeRequest([])];
  },
  mutate: mutateProtobuf,
  async check(input) {
    const read = orRefusal(() => [...readWriteRequest(input)], isFormatError);
    if (read === undefined) return 'refused';
    checkEntries(read);
    const series = read.filter((one) => one.kind !== 'family');
    if (series.length === 0 || series.some(({ kind }) => kind === 'malformed')) return series.length === 0 ? 'accepted' : 'refused';
    const { timeseries, metadata } = prometheus.RawWriteRequest.decode(input);
    mustEqual(
      series.map((one) => (one.kind === 'series' ? described(one.series) : undefined)),
      timeseries.map(({ labels: given, samples, histograms, exemplars }) => ({
        labels: (given ?? []).map(({ name, value }) => [name ?? '', value ?? '']),
        ...{ samples: hex(samples), histograms: hex(histograms), exemplars: hex(exemplars) },
      })),
      'the series',
    );
    must(read.length - series.length === metadata.length, 'the number of families differs');
    return 'accepted';
  },
};

/** Remote write 2.0, which is translated to 1.0. */
export const writeV2: FuzzTarget = {
  name: 'write-v2',
  promise: 'a request is refused by a FormatError, or what it is translated to can be read as remote write 1.0',
  seeds: async () => Object.values(requestsV2),
  mutate: mutateProtobuf,
  async check(input) {
    const read = orRefusal(() => [...readRequestV2(input, MAX_LABEL_BYTES)], isFormatError);
    if (read === undefined) return 'refused';
    checkEntries(read);
    const parts = read.flatMap((one) => (one.kind === 'series' ? [one.series] : []));
    const again = writeRequest(
      parts.map((one) => ({ labels: one.labels, ...encoded(one) })),
      read.flatMap((one) => (one.kind === 'family' ? [one.bytes] : [])),
    );
    const translated = [...readWriteRequest(again)];
    mustEqual(
      translated.flatMap((one) => (one.kind === 'series' ? [described(one.series)] : [one.kind])).filter((one) => one !== 'family'),
      parts.map(described),
      'translated',
    );
    return 'accepted';
  },
};

type Series = Extract<Incoming, { kind: 'series' }>['series'];

const hex = (list: readonly Uint8Array[] | null | undefined): readonly string[] =>
  (list ?? []).map((bytes) => Buffer.from(bytes).toString('hex'));

const encoded = (series: Series) => {
  const bytes = (list: Series['samples']): readonly Uint8Array[] => list.map((entry) => entry.bytes);
  return { samples: bytes(series.samples), histograms: bytes(series.histograms), exemplars: bytes(series.exemplars) };
};

function described(series: Series): unknown {
  const { samples, histograms, exemplars } = encoded(series);
  return { labels: series.labels, samples: hex(samples), histograms: hex(histograms), exemplars: hex(exemplars) };
}

/** Entries are joined with those of other devices as the bytes they are: the receiver must be able to read every one. */
function checkEntries(read: readonly Incoming[]): void {
  for (const one of read) {
    if (one.kind !== 'series') continue;
    for (const { bytes, ms } of one.series.samples) {
      // By the reader of whoever is strict: unknown fields are refused there, and by receivers passed over.
      const read = orRefusal(() => decodeSample(bytes), isFormatError);
      must(read === undefined || read.time === ms, `a sample of ${read?.time} ms is taken for one of ${ms} ms`);
    }
    for (const { bytes } of one.series.exemplars) prometheus.Exemplar.decode(bytes);
  }
}
