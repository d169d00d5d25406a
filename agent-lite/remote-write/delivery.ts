import { snappyCompress } from '../../contract/snappy.ts';
import type { Clock, Logger, Metrics } from '../model.ts';
import { type Batch, type Encoded, encodeBatch, groups, halves, type Part, samplesOf } from './batch.ts';
import type { Answer, Refusal, RemoteWriteClient } from './client.ts';
import type { ShardCount } from './shard-count.ts';

export interface DeliveryOptions {
  readonly client: RemoteWriteClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Label of the metrics. */
  readonly remoteName: string;
  /** Of one request. */
  readonly maxSamples: number;
  readonly mostShards: ShardCount['most'];
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** 0: samples are sent however old they are. */
  readonly sampleAgeLimitMs: number;
  readonly sendExemplars: boolean;
  /** Positions up to this may have been sent by a process before this one, which did not live to write that down. */
  readonly sentBefore: number;
  /** Every sample comes here once: it is delivered, or dropped and counted. */
  readonly settled: (part: Part) => void;
  readonly onAttempt: (outcome: Outcome) => void;
  /** Aborted when the process cannot wait any longer. */
  readonly giveUp: AbortSignal;
}

/** What the last request came to, for the status. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: string; readonly retryInMs: number };

type Dropped =
  | 'refused'
  /** Late, repeated or too early, says the receiver. After an answer that was lost: they are there already. */
  | 'out_of_order'
  | 'partly_refused'
  | 'rate_limited'
  | 'too_old';
type Verdict = { readonly kind: 'delivered' } | { readonly kind: 'refused'; readonly message: string; readonly why: Refusal } | 'given_up';

/** How a batch was cut already: anywhere, into single scrapes, into what one shard had of a scrape. */
type Cut = 'any' | 'scrape' | 'shard';

/** `Retry-After` is honoured up to this, ms. */
export const RETRY_AFTER_MAX_MS = 3_600_000;
/** Requests that one refused batch may cost beyond the first, to find what in it is refused. */
const SPLIT_REQUESTS = 64;

/** Brings batches to the receiver, one after another, each until it is settled. One per shard. */
export class Delivery {
  readonly #o: DeliveryOptions;
  /** Wait before the next try; grows until an answer comes that settles something. */
  #gapMs = 0;
  #maxSamples: number;

  constructor(options: DeliveryOptions) {
    this.#o = options;
    this.#maxSamples = options.maxSamples;
  }

  /** Samples of one batch: as configured, or fewer where the receiver says that was too much. */
  get maxSamples(): number {
    return this.#maxSamples;
  }

  /** Resolves to false where it was given up: then nothing is known of what is left of the batch. */
  async deliver(batch: Batch): Promise<boolean> {
    return this.#deliver(batch, 'any', { requests: Math.max(SPLIT_REQUESTS, batch.length * (1 + this.#o.mostShards)) });
  }

  async #deliver(batch: Batch, cut: Cut, budget: { requests: number }): Promise<boolean> {
    const attempts = { count: 0 };
    const verdict = await this.#send(batch, attempts);
    if (verdict === 'given_up') return false;
    if (verdict.kind === 'delivered') {
      this.#settle(batch);
      return true;
    }
    const pieces = this.#split(batch, cut, verdict.why, attempts.count > 1);
    if (pieces === undefined || budget.requests < pieces.batches.length) {
      this.#drop(batch, DROPPED[verdict.why], verdict.message);
      return true;
    }
    budget.requests -= pieces.batches.length;
    for (const piece of pieces.batches) if (!(await this.#deliver(piece, pieces.cut, budget))) return false;
    return true;
  }

  /**
   * What to send instead, in order; undefined where the batch is to be dropped. A 4xx is not tried again, so says the
   * specification, and the same bytes never are. But Prometheus refuses a whole request for one sample: without this, one
   * series with timestamps of its own, or a repeat after a lost answer, would take all that travels with it along.
   *
   * Of a repeat some is stored already. One scrape alone is either older than what is stored, and refused rightly, or taken.
   * Of what a process before this one sent, its shards may have come to different scrapes; so then it is one scrape and shard.
   */
  #split(batch: Batch, cut: Cut, why: Refusal, repeated: boolean): { readonly batches: readonly Batch[]; readonly cut: Cut } | undefined {
    const samples = samplesOf(batch);
    if (samples < 2) return undefined;
    if (why === 'too_large') {
      this.#maxSamples = Math.max(1, Math.min(this.#maxSamples, Math.floor(samples / 2)));
      return { batches: halves(batch), cut };
    }
    if (why !== 'order' || cut === 'shard') return undefined;
    const sentBefore = batch.some(({ piece }) => piece.ticket.point.position <= this.#o.sentBefore);
    if (cut === 'any' && batch.length > 1 && (repeated || sentBefore)) return { batches: batch.map((part) => [part]), cut: 'scrape' };
    const lanes = sentBefore ? batch.flatMap((part) => groups(part, this.#o.mostShards)) : [];
    if (lanes.length > 1) return { batches: lanes.map((part) => [part]), cut: 'shard' };
    return cut === 'any' ? { batches: halves(batch), cut } : undefined;
  }

  /** Tries until there is an answer that settles it. */
  async #send(batch: Batch, attempts: { count: number }): Promise<Verdict> {
    const { clock, giveUp, client, metrics, remoteName } = this.#o;
    for (;;) {
      if (giveUp.aborted) return 'given_up';
      const encoded = this.#encode(batch);
      if (encoded.samples === 0) return { kind: 'delivered' };
      const body = snappyCompress(encoded.bytes);
      const answer = await client.send(body, attempts.count++, giveUp);
      if (answer.kind === 'aborted') return 'given_up';
      metrics.add('agent_lite_remote_write_requests_total', 1, {
        remote_name: remoteName,
        code: answer.kind === 'done' ? '2xx' : answer.code,
      });
      metrics.add('agent_lite_remote_write_sent_bytes_total', body.length, { remote_name: remoteName });
      if (answer.kind !== 'retry') return this.#answered(answer, encoded);
      this.#grow(answer.afterMs);
      this.#o.onAttempt({ ok: false, error: answer.message, retryInMs: this.#gapMs });
      metrics.add('agent_lite_remote_write_failures_total', 1, { remote_name: remoteName });
      this.#o.logger.log('warn', 'Remote write failed; samples wait in the log', { error: answer.message });
      await clock.sleep(this.#gapMs, giveUp);
    }
  }

  #answered(answer: Extract<Answer, { kind: 'done' | 'refused' }>, { samples, tooOld }: Encoded): Verdict {
    this.#gapMs = 0;
    this.#o.onAttempt({ ok: true });
    if (answer.kind === 'refused') return answer;
    const { metrics, remoteName } = this.#o;
    metrics.add('agent_lite_remote_write_samples_total', samples, { remote_name: remoteName });
    this.#count('too_old', tooOld);
    return { kind: 'delivered' };
  }

  #encode(batch: Batch): Encoded {
    const { sampleAgeLimitMs, clock, sendExemplars } = this.#o;
    const oldestMs = sampleAgeLimitMs === 0 ? Number.NEGATIVE_INFINITY : clock.now() - sampleAgeLimitMs;
    const encoded = encodeBatch(batch, oldestMs, sendExemplars);
    if (encoded.samples === 0) this.#count('too_old', encoded.tooOld);
    return encoded;
  }

  /** Doubles, and never shrinks before an answer. All ms. */
  #grow(afterMs: number | undefined): void {
    const { minBackoffMs, maxBackoffMs } = this.#o;
    const doubled = this.#gapMs === 0 ? minBackoffMs : Math.min(maxBackoffMs, this.#gapMs * 2);
    this.#gapMs = Math.max(this.#gapMs, doubled, Math.min(RETRY_AFTER_MAX_MS, afterMs ?? 0));
  }

  #drop(batch: Batch, reason: Dropped, message: string): void {
    const samples = samplesOf(batch);
    this.#count(reason, samples);
    this.#o.logger.log('error', 'Samples dropped: the receiver refuses them', { samples, error: message });
    this.#settle(batch);
  }

  #count(reason: Dropped, samples: number): void {
    const { metrics, remoteName } = this.#o;
    if (samples > 0) metrics.add('agent_lite_remote_write_samples_dropped_total', samples, { remote_name: remoteName, reason });
  }

  #settle(batch: Batch): void {
    for (const part of batch) this.#o.settled(part);
  }
}

const DROPPED: Readonly<Record<Refusal, Dropped>> = {
  order: 'out_of_order',
  too_large: 'refused',
  partly: 'partly_refused',
  rate_limited: 'rate_limited',
  other: 'refused',
};
