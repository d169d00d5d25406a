import { FormatError, LimitError } from '../../../contract/binary.ts';
import { type Label, labelValue, METRIC_NAME } from '../../../contract/labels.ts';
import { METRIC_TYPES, type MetricType } from '../../../contract/metadata.ts';
import { LENGTH, ProtobufReader } from '../../../contract/protobuf.ts';
import { type EncodedEntry, encodeExemplar, encodeFamily } from '../../../contract/remote-write.ts';
import { checkHistogram, checkSample, decodeText, EXEMPLAR_TAG, MAX_EXEMPLAR_BYTES, onlyFields } from './entries.ts';
import { type Incoming, type IncomingSeries, MAX_PARTS, toleratingFaults } from './series.ts';

/**
 * Remote write 2.0 (https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/), translated to 1.0 for the way on: texts stand
 * in one list and are named by their index; metadata come with each series; what 1.0 has no field for is left out.
 */

const MAX_SYMBOLS = 200_000;
/** Field numbers that `Sample` and `Histogram` of 1.0 have too; behind them 2.0 has start timestamps. */
const LAST_SAMPLE_FIELD = 2;
const LAST_HISTOGRAM_FIELD = 16;
/** `schema` of custom buckets, -53, as zigzag. Senders of 1.0 leave such histograms out, since receivers of 1.0 need not know them. */
const CUSTOM_BUCKETS = 105;

/**
 * Reads a `io.prometheus.write.v2.Request`. Throws {@link FormatError} where it is none as a whole.
 *
 * @param maxLabelBytes of all labels written out: a few bytes can name a long text again and again
 */
export function* readRequestV2(bytes: Uint8Array, maxLabelBytes: number): Generator<Incoming> {
  const symbols = new Symbols(bytes, maxLabelBytes);
  const families = new Set<string>();
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field !== 5) {
      reader.skip();
      continue;
    }
    const series = reader.bytes();
    let family: Uint8Array | undefined;
    yield toleratingFaults(series, (one) => {
      const { metadata, ...read } = readSeries(one, symbols);
      if (metadata !== undefined) family = firstOfFamily(metadata, read.labels, symbols, families);
      return read;
    });
    if (family !== undefined) yield { kind: 'family', bytes: family };
  }
}

/** The list of texts. They are decoded when they are named first. */
class Symbols {
  readonly #bytes: Uint8Array[] = [];
  readonly #texts: string[] = [];
  #budget: number;

  constructor(request: Uint8Array, maxLabelBytes: number) {
    this.#budget = maxLabelBytes;
    const reader = new ProtobufReader(request);
    while (reader.next()) {
      if (reader.field === 4) this.#bytes.push(reader.bytes());
      else reader.skip();
      if (this.#bytes.length > MAX_SYMBOLS) throw new LimitError(`symbols: expected at most ${MAX_SYMBOLS}`);
    }
    if (this.#bytes.length > 0 && this.#bytes[0]?.length !== 0) throw new FormatError('symbols: expected an empty text first');
  }

  text(reference: number): string {
    const bytes = this.#bytes[reference];
    if (bytes === undefined) throw new FormatError(`symbols: expected a reference below ${this.#bytes.length}, got ${reference}`);
    this.#budget -= bytes.length;
    if (this.#budget < 0) throw new LimitError('labels: expected less text at once');
    const known = this.#texts[reference];
    if (known !== undefined) return known;
    const text = decodeText(bytes);
    this.#texts[reference] = text;
    return text;
  }

  labels(references: readonly number[]): readonly Label[] {
    if (references.length % 2 !== 0) throw new FormatError('labels_refs: expected pairs');
    const labels: Label[] = [];
    for (let i = 0; i < references.length; i += 2) {
      labels.push([this.text(references[i] as number), this.text(references[i + 1] as number)]);
    }
    return labels;
  }
}

function readSeries(bytes: Uint8Array, symbols: Symbols): IncomingSeries & { readonly metadata: Uint8Array | undefined } {
  const references: number[] = [];
  const samples: EncodedEntry[] = [];
  const histograms: EncodedEntry[] = [];
  const exemplars: EncodedEntry[] = [];
  let metadata: Uint8Array | undefined;
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) readReferences(reader, references);
    else if (reader.field === 2) samples.push(checkSample(onlyFields(reader.bytes(), LAST_SAMPLE_FIELD)));
    else if (reader.field === 3) histograms.push(readHistogram(reader.bytes()));
    else if (reader.field === 4) exemplars.push(readExemplar(reader.bytes(), symbols));
    else if (reader.field === 5) metadata = reader.bytes();
    else reader.skip();
    const parts = references.length + samples.length + histograms.length + exemplars.length;
    if (parts > MAX_PARTS) throw new FormatError(`series: expected at most ${MAX_PARTS} labels, samples and exemplars`);
  }
  if (samples.length > 0 && histograms.length > 0) throw new FormatError('series: expected samples or histograms, got both');
  return { labels: symbols.labels(references), samples, histograms, exemplars, metadata };
}

/** Packed or one by one. */
function readReferences(reader: ProtobufReader, into: number[]): void {
  if (reader.wire !== LENGTH) {
    reader.expect(0);
    into.push(reader.integer());
    return;
  }
  const packed = new ProtobufReader(reader.bytes());
  while (packed.remaining > 0 && into.length <= MAX_PARTS) into.push(packed.integer());
}

function readHistogram(bytes: Uint8Array): EncodedEntry {
  const entry = checkHistogram(onlyFields(bytes, LAST_HISTOGRAM_FIELD));
  const reader = new ProtobufReader(entry.bytes);
  while (reader.next()) {
    if (reader.field !== 4) reader.skip();
    else if (reader.integer() === CUSTOM_BUCKETS)
      throw new FormatError('histogram: remote write 1.0, which the relay forwards by, has no custom buckets');
  }
  return entry;
}

function readExemplar(bytes: Uint8Array, symbols: Symbols): EncodedEntry {
  const references: number[] = [];
  let value = 0;
  let ms = 0;
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) readReferences(reader, references);
    else if (reader.field === 2) value = reader.double();
    else if (reader.field === 3) {
      reader.expect(0);
      ms = reader.integer();
    } else reader.skip();
  }
  if (!Number.isSafeInteger(ms)) throw new FormatError('exemplar: expected a time in ms below 2^53');
  const encoded = encodeExemplar(symbols.labels(references), value, ms);
  if (encoded.length > MAX_EXEMPLAR_BYTES) throw new FormatError(`exemplar: expected at most ${MAX_EXEMPLAR_BYTES} bytes`);
  return { tag: EXEMPLAR_TAG, bytes: encoded, ms };
}

/** A `MetricMetadata` of 1.0; undefined where it says nothing, or nothing new in this request. */
function firstOfFamily(bytes: Uint8Array, labels: readonly Label[], symbols: Symbols, families: Set<string>): Uint8Array | undefined {
  let type: MetricType = 'unknown';
  let help = 0;
  let unit = 0;
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field !== 1 && reader.field !== 3 && reader.field !== 4) {
      reader.skip();
      continue;
    }
    reader.expect(0);
    const value = reader.integer();
    if (reader.field === 1) type = METRIC_TYPES[value] ?? 'unknown';
    else if (reader.field === 3) help = value;
    else unit = value;
  }
  const family = familyName(labelValue(labels, METRIC_NAME), type);
  if (family === '' || (type === 'unknown' && help === 0 && unit === 0)) return undefined;
  const key = JSON.stringify([family, type, help, unit]);
  if (families.has(key)) return undefined;
  families.add(key);
  return encodeFamily({ family, type, help: symbols.text(help), unit: symbols.text(unit) });
}

const SUFFIXES: Partial<Record<MetricType, RegExp>> = {
  histogram: /_(bucket|count|sum)$/,
  gaugehistogram: /_(bucket|gcount|gsum)$/,
  summary: /_(count|sum)$/,
};

/** 2.0 tells of series, 1.0 of families: a classic histogram has three kinds of series. */
const familyName = (series: string, type: MetricType): string => {
  const suffix = SUFFIXES[type];
  return suffix === undefined ? series : series.replace(suffix, '');
};
