import { FormatError, LimitError } from '../../../contract/binary.ts';
import type { Label } from '../../../contract/labels.ts';
import { LENGTH, ProtobufReader } from '../../../contract/protobuf.ts';
import type { EncodedEntry } from '../../../contract/remote-write.ts';
import { checkExemplar, checkHistogram, checkSample, decodeText } from './entries.ts';

/** One series as it came, in the form of remote write 1.0 whatever it came in. */
export interface IncomingSeries {
  /** In the sender's order; what is wrong with them is found later. */
  readonly labels: readonly Label[];
  readonly samples: readonly EncodedEntry[];
  readonly histograms: readonly EncodedEntry[];
  readonly exemplars: readonly EncodedEntry[];
}

/** What a request holds, one after the other. */
export type Incoming =
  | { readonly kind: 'series'; readonly series: IncomingSeries }
  /** Bytes that are no series; those around it are. */
  | { readonly kind: 'malformed'; readonly message: string }
  /** A `MetricMetadata`. */
  | { readonly kind: 'family'; readonly bytes: Uint8Array };

/** Within a series; the labels that it may keep are a limit of their own. */
export const MAX_PARTS = 100_000;

/**
 * Reads a `WriteRequest` series by series. Throws {@link FormatError} where it is none as a whole.
 *
 * @param taken told where each series stands; one for which it gives true is left out
 */
export function* readWriteRequest(bytes: Uint8Array, taken: (from: number, to: number) => boolean = () => false): Generator<Incoming> {
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) {
      const from = reader.pass();
      if (!taken(from, reader.position)) yield toleratingFaults(bytes.subarray(from, reader.position), readSeries);
    } else if (reader.field === 3) yield { kind: 'family', bytes: reader.bytes() };
    else reader.skip();
  }
}

/** A fault within one series is its own: the bytes around it are framed by their lengths. */
export function toleratingFaults(bytes: Uint8Array, read: (bytes: Uint8Array) => IncomingSeries): Incoming {
  try {
    return { kind: 'series', series: read(bytes) };
  } catch (error) {
    if (error instanceof FormatError && !(error instanceof LimitError)) return { kind: 'malformed', message: error.message };
    throw error;
  }
}

function readSeries(bytes: Uint8Array): IncomingSeries {
  const labels: Label[] = [];
  const samples: EncodedEntry[] = [];
  const histograms: EncodedEntry[] = [];
  const exemplars: EncodedEntry[] = [];
  const reader = new ProtobufReader(bytes);
  let parts = 0;
  while (reader.next()) {
    if (++parts > MAX_PARTS) throw new FormatError(`series: expected at most ${MAX_PARTS} labels, samples and exemplars`);
    if (reader.field === 1) labels.push(readLabel(reader.bytes()));
    else if (reader.field === 2) samples.push(checkSample(reader.bytes()));
    else if (reader.field === 3) exemplars.push(checkExemplar(reader.bytes()));
    else if (reader.field === 4) histograms.push(checkHistogram(reader.bytes()));
    else reader.skip();
  }
  return { labels, samples, histograms, exemplars };
}

function readLabel(bytes: Uint8Array): Label {
  const reader = new ProtobufReader(bytes);
  let name = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) name = decodeText(reader.bytes());
    else if (reader.field === 2) value = decodeText(reader.bytes());
    else reader.skip();
  }
  return [name, value];
}

/** Whether the bytes are a `MetricMetadata` that names its family. Throws {@link FormatError}. */
export function namesFamily(bytes: Uint8Array): boolean {
  const reader = new ProtobufReader(bytes);
  let named = false;
  while (reader.next()) {
    if (reader.field === 2 || reader.field === 4 || reader.field === 5) {
      reader.expect(LENGTH);
      const text = decodeText(reader.bytes());
      if (reader.field === 2) named = text !== '';
    } else reader.skip();
  }
  return named;
}
