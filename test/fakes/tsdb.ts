import { compareText, formatLabels, type Labels, labelsKey, labelValue, METRIC_NAME } from '../../contract/labels.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';

/** The head of one tenant's database, with Prometheus' rules of what it takes (tsdb/head_append.go). */

export interface Sample {
  readonly ms: number;
  /** The value's 64 bits. */
  readonly bits: bigint;
}
export interface Exemplar extends Sample {
  readonly labels: Labels;
}
export interface StoredSeries {
  readonly labels: Labels;
  /** In the order in which they were taken. */
  readonly samples: Sample[];
  readonly exemplars: Exemplar[];
}
export type Refusal = 'out of order sample' | 'duplicate sample for timestamp' | 'out of bounds' | 'too old sample';

export interface TsdbOptions {
  readonly outOfOrderTimeWindowMs: number;
  /** Samples later than now by more are refused; 0: any are taken. */
  readonly tooFarInFutureMs: number;
  readonly now: () => number;
}

/** Half the block range of two hours: without a window nothing older than this before the newest sample of all is taken. */
const HALF_BLOCK_MS = 3_600_000;

interface Head extends StoredSeries {
  newestMs: number;
  newestBits: bigint;
  readonly late: Set<number>;
}

export class Tsdb {
  readonly #options: TsdbOptions;
  readonly #series = new Map<string, Head>();
  #headMaxMs = Number.NEGATIVE_INFINITY;
  /** Samples lost without an error: descending or repeated times of one series in one request, as the real one loses them. */
  silentlyDropped = 0;
  /** By family. */
  readonly metadata = new Map<string, FamilyMetadata>();

  constructor(options: TsdbOptions) {
    this.#options = options;
  }

  /** By {@link labelsKey}. */
  get series(): ReadonlyMap<string, StoredSeries> {
    return this.#series;
  }

  get samples(): number {
    return [...this.#series.values()].reduce((sum, { samples }) => sum + samples.length, 0);
  }

  /** Looks at committed data only, as the real one does. */
  check(labels: Labels, { ms, bits }: Sample): Refusal | undefined {
    const { outOfOrderTimeWindowMs: window, tooFarInFutureMs, now } = this.#options;
    if (tooFarInFutureMs > 0 && ms > now() + tooFarInFutureMs) return 'out of bounds';
    if (window === 0 && ms < this.#headMaxMs - HALF_BLOCK_MS) return 'out of bounds';
    const known = this.#series.get(labelsKey(labels));
    if (known === undefined) return window > 0 && ms < this.#headMaxMs - Math.max(window, HALF_BLOCK_MS) ? 'too old sample' : undefined;
    if (ms > known.newestMs) return undefined;
    if (ms === known.newestMs) return bits === known.newestBits ? undefined : 'duplicate sample for timestamp';
    if (window === 0) return 'out of order sample';
    return ms >= this.#headMaxMs - window ? undefined : 'too old sample';
  }

  describe(metadata: readonly FamilyMetadata[]): void {
    for (const family of metadata) this.metadata.set(family.family, family);
  }

  /** tsdb/exemplar.go: nothing before the newest of the series; the newest once more is taken without a word, and not kept. */
  addExemplar(labels: Labels, exemplar: Exemplar): 'taken' | 'no series' | 'out of order exemplar' {
    const series = this.#series.get(labelsKey(labels));
    if (series === undefined) return 'no series';
    const newest = series.exemplars.at(-1);
    if (newest !== undefined && newest.ms === exemplar.ms && newest.bits === exemplar.bits && sameLabels(newest, exemplar)) return 'taken';
    if (newest !== undefined && exemplar.ms < newest.ms) return 'out of order exemplar';
    series.exemplars.push(exemplar);
    return 'taken';
  }

  commit(labels: Labels, sample: Sample): void {
    const key = labelsKey(labels);
    let known = this.#series.get(key);
    if (known === undefined) {
      known = { labels, samples: [], exemplars: [], newestMs: Number.NEGATIVE_INFINITY, newestBits: 0n, late: new Set() };
      this.#series.set(key, known);
    }
    if (sample.ms > known.newestMs) {
      known.samples.push(sample);
      known.newestMs = sample.ms;
      known.newestBits = sample.bits;
      this.#headMaxMs = Math.max(this.#headMaxMs, sample.ms);
    } else if (sample.ms === known.newestMs) {
      if (sample.bits !== known.newestBits) this.silentlyDropped++;
    } else if (this.#options.outOfOrderTimeWindowMs === 0) {
      this.silentlyDropped++;
    } else if (!known.late.has(sample.ms) && !known.samples.some(({ ms }) => ms === sample.ms)) {
      known.late.add(sample.ms);
      known.samples.push(sample);
    }
  }
}

const sameLabels = (a: Exemplar, b: Exemplar): boolean => labelsKey(a.labels) === labelsKey(b.labels);

/** What is wrong with a label set on the wire, or undefined. */
export function labelFault(labels: Labels): string | undefined {
  if (labels.length === 0) return 'empty label set';
  for (const [i, [name, value]] of labels.entries()) {
    const before = labels[i - 1]?.[0];
    if (name === '' || value === '') return `empty label name or value in ${formatLabels(labels)}`;
    if (before !== undefined && compareText(before, name) >= 0) return `labels not sorted or not unique in ${formatLabels(labels)}`;
  }
  return labelValue(labels, METRIC_NAME) === '' ? `no metric name in ${formatLabels(labels)}` : undefined;
}
