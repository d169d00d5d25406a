import { snappyCompress } from '../../contract/snappy.ts';
import type { Clock, Logger, Metrics } from '../model.ts';
import { type Batch, type Encoded, encodeBatch, halves, type Part, samplesOf } from './batch.ts';
import type { Answer, Refusal, RemoteWriteClient } from './client.ts';

export interface DeliveryOptions {
  readonly client: RemoteWriteClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Label of the metrics. */
  readonly remoteName: string;
  /** Of one request. */
  readonly maxSamples: number;
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
    return this.#deliver(batch, { requests: Math.max(SPLIT_REQUESTS, batch.length) }, false);
  }

  /** @param whole refused for its order it is dropped as it is, without a search for what is wrong in it */
  async #deliver(batch: Batch, budget: { requests: number }, whole: boolean): Promise<boolean> {
    const attempts = { count: 0 };
    const verdict = await this.#send(batch, attempts);
    if (verdict === 'given_up') return false;
    if (verdict.kind === 'delivered') {
      this.#settle(batch);
      return true;
    }
    const parts = this.#split(batch, verdict.why, attempts.count > 1, whole);
    if (parts === undefined || budget.requests < parts.length) {
      this.#drop(batch, DROPPED[verdict.why], verdict.message);
      return true;
    }
    budget.requests -= parts.length;
    for (const part of parts) if (!(await this.#deliver(part.batch, budget, part.whole))) return false;
    return true;
  }

  /**
   * Parts to send instead, in order; undefined where the batch is to be dropped. A 4xx is not tried again, so says the
   * specification, and the same bytes never are. But Prometheus refuses a whole request for one sample: without this, one
   * series with timestamps of its own, or a repeat after a lost answer, would take all that travels with it along.
   */
  #split(batch: Batch, why: Refusal, repeated: boolean, whole: boolean): readonly { batch: Batch; whole: boolean }[] | undefined {
    const samples = samplesOf(batch);
    if (samples < 2) return undefined;
    if (why === 'too_large') this.#maxSamples = Math.max(1, Math.min(this.#maxSamples, Math.floor(samples / 2)));
    if (why === 'order' && whole) return undefined;
    if (why === 'order' && batch.length > 1 && (repeated || this.#maySentBefore(batch))) {
      // Some of it is stored already, most likely. Scrape by scrape: what is stored is refused, what is new is taken.
      return batch.map((part) => ({ batch: [part], whole: true }));
    }
    if (why === 'order' || why === 'too_large') return halves(batch).map((half) => ({ batch: half, whole: false }));
    return undefined;
  }

  #maySentBefore(batch: Batch): boolean {
    return batch.some(({ piece }) => piece.ticket.point.position <= this.#o.sentBefore);
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
