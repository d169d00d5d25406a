import { FormatError } from '../../../contract/binary.ts';
import { formatLabels, type Label, type Labels, labelValue, METRIC_NAME, sortLabels } from '../../../contract/labels.ts';
import { type EncodedEntry, encodeLabelFields, nestedSize } from '../../../contract/remote-write.ts';
import { compareBytes } from '../../../contract/series-table.ts';
import type { Fragment } from '../../model.ts';
import { addToSketch, SKETCH_BYTES } from '../../series-sketch.ts';
import { MAX_RAW_BYTES } from '../assemble.ts';
import type { BlockWriter } from '../block-writer.ts';
import { FragmentWriter } from '../fragments.ts';
import { buildSeries, type DropReason, type SeriesRules } from '../labels.ts';
import { hashOfSum, sumOfFields } from '../series-hash.ts';
import type { Tally } from '../tally.ts';
import { EXEMPLAR_TAG, HISTOGRAM_TAG, SAMPLE_TAG } from './entries.ts';
import { endOfLabels, type LabelCache, labelKey, type MadeLabels, timeOfSample } from './label-cache.ts';
import type { LineupCache } from './lineup.ts';
import { type PlainMemory, PlainRequest } from './plain-request.ts';
import { type Refusal, Refusals } from './refusals.ts';
import { type Incoming, type IncomingSeries, namesFamily } from './series.ts';

/** Series of one request, empty and invalid ones too: each takes memory for its name at the least. */
export const MAX_SERIES = 100_000;
/** A family with a longer help text is left out. */
const MAX_FAMILY_BYTES = 8 * 1024;
/** Of a label in a `TimeSeries`. */
const LABEL_TAG = 0x0a;

export interface CollectorOptions {
  readonly tenant?: string;
  readonly device: string;
  readonly rules: SeriesRules;
  readonly maxSamplesPerSend: number;
  /** What rules made of series of earlier requests. */
  readonly labels?: LabelCache;
  /** Which series they had, in which order. */
  readonly lineups?: LineupCache;
  readonly plain?: PlainMemory;
  /** What fragments are made in. */
  readonly block?: BlockWriter;
  /** Samples after this are refused, ms: they would have the receiver refuse those of everybody else. */
  readonly latestMs: number;
  /** The time of a fragment of metadata alone. */
  readonly nowMs: number;
  readonly sendExemplars: boolean;
  readonly sendMetadata: boolean;
}

/** What was taken over. What the tenant's rules drop is among it: it was done with as the operator wished. */
export interface Written {
  samples: number;
  histograms: number;
  exemplars: number;
}

/** A series of this request. */
class Known {
  /** Undefined: those of the plain series at `[from, to)` of the request. */
  fields: Uint8Array | DropReason | undefined;
  /** Of `fields`. */
  readonly hash: number;
  /** It goes out by its sender's labels and those that every series gets: who has the same fields is the same series. */
  readonly plain: boolean;
  from = 0;
  to = 0;
  /** Of its last sample; -Infinity: it has none. */
  lastMs = Number.NEGATIVE_INFINITY;
  lastHistogram: EncodedEntry | undefined;
  /** Where the last sample stands in the request, if it is of a plain series. */
  #sampleAt = -1;
  #sampleEnd = 0;
  #lastSample: EncodedEntry | undefined;

  constructor(fields: Uint8Array | DropReason | undefined, hash: number, plain: boolean) {
    this.fields = fields;
    this.hash = hash;
    this.plain = plain;
  }

  lastSample(request: Uint8Array): EncodedEntry | undefined {
    if (this.#sampleAt < 0) return this.#lastSample;
    return { tag: SAMPLE_TAG, bytes: request.subarray(this.#sampleAt, this.#sampleEnd), ms: this.lastMs };
  }

  note(sample: EncodedEntry | undefined): void {
    if (sample === undefined) return;
    this.#lastSample = sample;
    this.#sampleAt = -1;
    this.lastMs = sample.ms;
  }

  noteAt(at: number, end: number, ms: number): void {
    this.#sampleAt = at;
    this.#sampleEnd = end;
    this.lastMs = ms;
  }
}

/** Puts the series of one request through the tenant's rules and into fragments, and finds those that no receiver may see. */
export class Collector {
  readonly refusals: Refusals;
  readonly written: Written = { samples: 0, histograms: 0, exemplars: 0 };
  /** The series that go out. */
  readonly sketch = new Uint8Array(SKETCH_BYTES);
  readonly #options: CollectorOptions;
  readonly #tally: Tally;
  readonly #writer: FragmentWriter;
  /** By the labels that its sender gave it. */
  readonly #known = new Map<string, Known>();
  /** Those that go out, by hash. */
  readonly #outgoing = new Map<number, Known>();
  readonly #request: Uint8Array;
  readonly #plain: PlainRequest | undefined;
  /** The latest. */
  #claimed: Known | undefined;
  #series = 0;

  /** @param request what plain series are read from ({@link addPlain}) */
  constructor(options: CollectorOptions, tally: Tally, request: Uint8Array = new Uint8Array(0)) {
    this.#options = options;
    this.#tally = tally;
    this.#request = request;
    this.#plain = PlainRequest.of(request, options);
    this.#writer = new FragmentWriter(options.maxSamplesPerSend, options.block);
    this.refusals = new Refusals(tally);
  }

  /** False: too much for one request. */
  add(incoming: Incoming): boolean {
    this.#series++;
    if (incoming.kind === 'series') {
      this.#leaveLineup();
      this.#plain?.spoil();
      this.#addSeries(incoming.series);
    } else if (incoming.kind === 'family') this.#addFamily(incoming.bytes);
    else this.refusals.add('malformed', 0, incoming.message);
    return this.fits;
  }

  /** False: too much for one request. */
  get fits(): boolean {
    return this.#series <= MAX_SERIES && this.#writer.rawBytes <= MAX_RAW_BYTES;
  }

  /** The short way of the series at `[from, to)` of the request. False: nothing is done, it must go the other way. */
  addPlain(from: number, to: number): boolean {
    const plain = this.#plain;
    if (plain === undefined) return this.#addMade(from, to);
    if (plain.follow(from, to)) {
      if (plain.lastMs > this.#options.latestMs || !this.#writer.addSource(plain)) return false;
      this.#series++;
      this.written.samples += plain.samples;
      return true;
    }
    this.#leaveLineup();
    if (!plain.read(from, to) || plain.lastMs > this.#options.latestMs) return false;
    const hash = hashOfSum(plain.series.sum);
    const found = this.#findRead(plain, hash, from);
    if (typeof found !== 'number' && (!found.plain || plain.firstMs <= found.lastMs)) return false;
    if (!this.#writer.addSource(plain)) return false;
    this.#series++;
    this.written.samples += plain.samples;
    addToSketch(this.sketch, hash);
    if (typeof found === 'number') this.#claimRead(plain, hash, found);
    else {
      found.noteAt(plain.lastSampleAt, to, plain.lastMs);
      plain.spoil();
    }
    return true;
  }

  /** From here on what was followed has to be known. */
  #leaveLineup(): void {
    const plain = this.#plain;
    plain?.leave((from) => {
      const hash = hashOfSum(plain.series.sum);
      const slot = this.#findRead(plain, hash, from);
      if (typeof slot === 'number') this.#claimRead(plain, hash, slot);
      addToSketch(this.sketch, hash);
    });
  }

  /** The series that has the labels of the one that was read, or the slot in which it would be. */
  #findRead(plain: PlainRequest, hash: number, from: number): Known | number {
    let slot = hash;
    for (let known = this.#outgoing.get(slot); known !== undefined; known = this.#outgoing.get(slot)) {
      if (this.#isRead(plain, known, from)) return known;
      slot = (slot + 1) | 0;
    }
    return slot;
  }

  #claimRead({ start, end, lastSampleAt, lastMs }: PlainRequest, hash: number, slot: number): void {
    const known = new Known(undefined, hash, true);
    known.from = start;
    known.to = end;
    known.noteAt(lastSampleAt, end, lastMs);
    this.#claimed = known;
    this.#outgoing.set(slot, known);
  }

  /** A sample of a series of which it is known what the rules make of it. */
  #addMade(from: number, to: number): boolean {
    if (this.#options.labels === undefined) return false;
    const end = endOfLabels(this.#request, from, to);
    if (end <= from) return false;
    const ms = timeOfSample(this.#request, end, to);
    if (ms < 0 || ms > this.#options.latestMs) return false;
    const key = this.#keyOf(this.#request.subarray(from, end));
    const known = this.#known.get(key) ?? this.#made(key);
    const fields = known?.fields;
    if (known === undefined || fields === undefined || fields === 'label_limit' || ms <= known.lastMs) return false;
    this.#series++;
    this.written.samples++;
    known.noteAt(end + 2, to, ms);
    if (typeof fields === 'string') {
      this.#tally.add(`relay_samples_dropped_total{reason="${fields}"}`);
      return true;
    }
    addToSketch(this.sketch, known.hash);
    this.#writer.addEncoded(fields, [{ tag: SAMPLE_TAG, bytes: this.#request.subarray(end + 2, to), ms }], isSample);
    return true;
  }

  #keyOf(fields: Uint8Array): string {
    return labelKey(this.#options.tenant ?? '', this.#options.device, fields);
  }

  /** What is kept of earlier requests. */
  #made(key: string): Known | undefined {
    const made = this.#options.labels?.get(key);
    return made === undefined ? undefined : this.#take(key, made, false);
  }

  #take(key: string, { series, hash, restored }: MadeLabels, plain: boolean): Known {
    if (restored) this.#tally.add('relay_identity_restored_total');
    const known = typeof series === 'string' ? new Known(series, 0, false) : this.#claim(series, hash, plain);
    this.#known.set(key, known);
    return known;
  }

  /** Whether the series that was read has the labels of a known one. */
  #isRead({ series: plain }: PlainRequest, known: Known, from: number): boolean {
    if (known.fields !== undefined) return typeof known.fields !== 'string' && plain.isEqual(known.fields);
    const length = plain.ownLabelLength;
    for (let i = 0; i < length; i++) if (this.#request[from + i] !== this.#request[known.from + i]) return false;
    // The same labels, and no more of them.
    return this.#request[known.from + length] !== LABEL_TAG;
  }

  #fieldsOf(known: Known): Uint8Array | DropReason {
    if (known.fields === undefined && this.#plain?.series.read(known.from, known.to)) known.fields = this.#plain.series.labelFields();
    return known.fields ?? 'duplicate_after_relabel';
  }

  finish(): readonly Fragment[] {
    const followed = this.#plain?.followed;
    if (followed === undefined) this.#leaveLineup();
    else this.sketch.set(followed);
    this.#plain?.finish(this.sketch);
    this.#known.clear();
    this.#outgoing.clear();
    return this.#writer.finish();
  }

  /** For living-shapes.ts, when all is done. */
  get shapes(): Readonly<Record<string, object | undefined>> {
    return { collector: this, claimed: this.#claimed, ...this.#plain?.shapes };
  }

  #addSeries(series: IncomingSeries): void {
    const fault = labelFault(series.labels);
    if (fault !== undefined) {
      this.#refuse('invalid_labels', series, fault);
      return;
    }
    const labels = sortLabels(series.labels);
    const known = this.#knownSeries(labels);
    const name = (): string => formatLabels(labels);
    if (known.fields === 'label_limit') {
      this.#refuse('label_limit', series, 'too many labels, or too long ones');
      return;
    }
    const samples = this.#inOrder(series.samples, known.lastSample(this.#request), name);
    const histograms = this.#inOrder(series.histograms, known.lastHistogram, name);
    known.note(samples.at(-1));
    known.lastHistogram = histograms.at(-1) ?? known.lastHistogram;
    const exemplars = series.exemplars.filter(({ ms }) => ms <= this.#options.latestMs);
    if (exemplars.length < series.exemplars.length) this.refusals.add('too_far_in_future', 0, 'an exemplar too far in the future', name());
    this.written.exemplars += exemplars.length;
    const fields = this.#fieldsOf(known);
    if (typeof fields === 'string') {
      this.#tally.add(`relay_samples_dropped_total{reason="${fields}"}`, samples.length + histograms.length);
      this.#tally.add(`relay_exemplars_dropped_total{reason="${fields}"}`, exemplars.length);
      return;
    }
    const sent = this.#options.sendExemplars ? exemplars : [];
    this.#tally.add('relay_exemplars_stored_total', sent.length);
    if (samples.length + histograms.length > 0) addToSketch(this.sketch, known.hash);
    this.#writer.addEncoded(fields, [...samples, ...histograms, ...sent], isSample);
  }

  #knownSeries(labels: Labels): Known {
    const key = this.#keyOf(encodeLabelFields(labels));
    const known = this.#known.get(key) ?? this.#made(key);
    if (known !== undefined) return known;
    const { rules, device, labels: cache } = this.#options;
    const { series, restored } = buildSeries(labels, rules.externalLabels, device, rules);
    const hash = typeof series === 'string' ? 0 : hashOfSum(sumOfFields(rules.hash, series));
    // Where there are no rules, what is worth keeping is plain.
    if (this.#plain === undefined) cache?.set(key, { series, hash, restored });
    return this.#take(key, { series, hash, restored }, this.#plain?.series.changesOnlyBy(labels) ?? false);
  }

  /** What goes out by these fields: the series that does already, if it is the same at its sender, else none but the first. */
  #claim(fields: Uint8Array, own: number, plain: boolean): Known {
    let slot = own;
    for (let other = this.#outgoing.get(slot); other !== undefined; other = this.#outgoing.get(slot)) {
      const others = this.#fieldsOf(other);
      if (typeof others !== 'string' && compareBytes(fields, others) === 0)
        return plain && other.plain ? other : new Known('duplicate_after_relabel', own, false);
      slot = (slot + 1) | 0;
    }
    const known = new Known(fields, own, plain);
    this.#claimed = known;
    this.#outgoing.set(slot, known);
    return known;
  }

  /** Those that come after `last` and each other. An exact repeat is left out in silence, as Prometheus does. */
  #inOrder(entries: readonly EncodedEntry[], last: EncodedEntry | undefined, name: () => string): readonly EncodedEntry[] {
    const kept: EncodedEntry[] = [];
    let before = last;
    for (const entry of entries) {
      if (entry.ms > this.#options.latestMs) {
        this.refusals.add('too_far_in_future', 1, `a sample at ${entry.ms} ms is too far in the future`, name());
      } else if (before === undefined || entry.ms > before.ms) {
        kept.push(entry);
        before = entry;
        this.#count(entry);
      } else if (entry.ms === before.ms && compareBytes(entry.bytes, before.bytes) === 0) {
        this.#tally.add('relay_samples_dropped_total{reason="repeated"}');
        this.#count(entry);
      } else {
        this.refusals.add('out_of_order', 1, `a sample at ${entry.ms} ms comes after one at ${before.ms} ms`, name());
      }
    }
    return kept;
  }

  #count({ tag }: EncodedEntry): void {
    if (tag === HISTOGRAM_TAG) this.written.histograms++;
    else this.written.samples++;
  }

  #refuse(reason: Refusal, { labels, samples, histograms }: IncomingSeries, what: string): void {
    this.refusals.add(reason, samples.length + histograms.length, what, formatLabels(labels.slice(0, 10)));
  }

  #addFamily(bytes: Uint8Array): void {
    const { sendMetadata, nowMs } = this.#options;
    if (!sendMetadata) return;
    if (nestedSize(bytes) > MAX_FAMILY_BYTES || !readable(bytes)) {
      this.#tally.add('relay_metadata_dropped_total');
      return;
    }
    this.#tally.add('relay_metadata_stored_total');
    this.#writer.addFamily(bytes, nowMs);
  }
}

const isSample = ({ tag }: EncodedEntry): boolean => tag !== EXEMPLAR_TAG;

/** What makes a series invalid for every receiver. Order is not among it: labels are sorted here. */
function labelFault(labels: readonly Label[]): string | undefined {
  if (labels.length === 0) return 'no labels';
  const names = new Set<string>();
  for (const [name] of labels) {
    if (name === '') return 'a label without a name';
    if (names.has(name)) return `the label ${JSON.stringify(name)} is there twice`;
    names.add(name);
  }
  return labelValue(labels, METRIC_NAME) === '' ? `no ${METRIC_NAME}` : undefined;
}

/** Metadata are never the reason why samples are refused: what cannot be read is left out. */
function readable(family: Uint8Array): boolean {
  try {
    return namesFamily(family);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
