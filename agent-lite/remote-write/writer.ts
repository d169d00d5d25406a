import type { Labels } from '../../contract/labels.ts';
import type { Position } from '../../contract/push.ts';
import { compileRelabel } from '../../contract/relabel.ts';
import type { RemoteWriteConfig } from '../config/types.ts';
import { agesOf, Loop } from '../loop.ts';
import type { Clock, HttpClient, LogEntry, LoggedGap, Logger, LogReader, Metrics } from '../model.ts';
import { RemoteWriteClient } from './client.ts';
import { Cursor } from './cursor.ts';
import { Delivery, type Outcome } from './delivery.ts';
import { MetadataSender } from './metadata.ts';
import { SeriesCache } from './series.ts';
import { ShardCount } from './shard-count.ts';
import { Shards } from './shards.ts';

export interface RemoteWriterOptions {
  readonly config: RemoteWriteConfig;
  readonly reader: LogReader;
  /** Adds credentials and configured headers. */
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  readonly externalLabels: Labels;
}

export interface RemoteWriter {
  start(): void;
  /** Sends what it can within `deadlineMs`, and resolves. What is left waits in the log. */
  stop(deadlineMs: number): Promise<void>;
  status(): RemoteWriterStatus;
}

/**
 * `starting`: nothing has been answered yet. `ok`: the receiver has what the log had. `sending`. `catching_up`: there is more
 * than fits one look at the log. `retrying`: the last request failed. `stopped`.
 */
export type RemoteWriterState = 'starting' | 'ok' | 'sending' | 'catching_up' | 'retrying' | 'stopped';

/** Durations and ages are ms. */
export interface RemoteWriterStatus {
  readonly name: string;
  /** Without its query, which may hold a secret. */
  readonly url: string;
  readonly state: RemoteWriterState;
  readonly shards: number;
  readonly lastSuccessAgeMs: number | undefined;
  readonly nextTryInMs: number | undefined;
  /** In a row. */
  readonly failures: number;
  /** Of the last request, where it failed; or of reading the log. */
  readonly error: string | undefined;
  readonly backlogRecords: number;
  readonly backlogBytes: number;
  readonly backlogAgeMs: number | undefined;
}

/** Of the durable cursor in the log. */
export const cursorName = (config: Pick<RemoteWriteConfig, 'name'>): string => `remote_write/${config.name}`;

/** Encoded labels that are kept, of all targets; beyond it relabelling costs more than once. */
const SERIES_CACHE_BYTES = 16 * 1024 * 1024;
/** After so long of reading all shards are emptied once, and then there may be more of them. */
const PASS_MS = 10_000;
/** The log is looked into no more often. */
const LEAST_LOOK_MS = 100;
const AFTER_ERROR_MS = 5_000;

/** Sends the log to a receiver of remote write 1.0, from a cursor of its own. */
export function createRemoteWriter(options: RemoteWriterOptions): RemoteWriter {
  return new WriteLoop(options);
}

/** `given_up`: no time is left, or something of our own failed. */
type Pass = 'head' | 'more' | 'given_up';

class WriteLoop implements RemoteWriter {
  readonly #o: RemoteWriterOptions;
  readonly #cursor: Cursor;
  readonly #client: RemoteWriteClient;
  readonly #series: SeriesCache;
  readonly #metadata: MetadataSender;
  readonly #shardCount: ShardCount;
  readonly #loop: Loop;
  #shards: Shards;
  /** Everything up to here has been read, though not settled. */
  #readThrough: Position = 0;
  /** The head when this process began. */
  #sentBefore: Position = 0;
  #state: RemoteWriterState = 'starting';
  #failures = 0;
  #error: string | undefined;
  /** Of this pass, where it was not the receiver that failed. */
  #ownError: string | undefined;
  #failedInPass = false;
  #lastSuccessBootMs: number | undefined;
  #nextTryBootMs: number | undefined;

  constructor(options: RemoteWriterOptions) {
    const { config, http, clock, version, externalLabels } = options;
    this.#o = options;
    this.#loop = new Loop('remote writer', clock);
    this.#cursor = new Cursor({ name: cursorName(config), reader: options.reader, clock, logger: options.logger });
    const { url, remoteTimeoutMs, writeRelabelConfigs, queueConfig } = config;
    this.#client = new RemoteWriteClient({
      ...{ http, url, clock, version },
      timeoutMs: remoteTimeoutMs,
      retryOnHttp429: queueConfig.retryOnHttp429,
    });
    this.#metadata = new MetadataSender({
      ...{ client: this.#client, clock, logger: options.logger, metrics: options.metrics, remoteName: config.name },
      ...{ config: config.metadataConfig, giveUp: this.#loop.giveUp },
    });
    this.#series = new SeriesCache({ externalLabels, rules: compileRelabel(writeRelabelConfigs), limitBytes: SERIES_CACHE_BYTES });
    this.#shardCount = new ShardCount(queueConfig.minShards, queueConfig.maxShards);
    this.#shards = this.#newShards();
  }

  start(): void {
    const { reader } = this.#o;
    this.#sentBefore = reader.head().position;
    this.#readThrough = this.#cursor.position;
    this.#loop.start(() => this.#run());
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#loop.stop(deadlineMs);
  }

  status(): RemoteWriterStatus {
    const { reader, clock, config } = this.#o;
    const backlog = reader.backlog(this.#cursor.position);
    return {
      name: config.name,
      url: config.url.replace(/[?#].*$/s, ''),
      state: this.#state,
      shards: this.#shards.count,
      ...agesOf(clock, this.#lastSuccessBootMs, this.#nextTryBootMs),
      failures: this.#failures,
      error: this.#ownError ?? this.#error,
      backlogRecords: backlog.records,
      backlogBytes: backlog.bytes,
      backlogAgeMs: backlog.oldestMs === undefined ? undefined : Math.max(0, clock.now() - backlog.oldestMs),
    };
  }

  async #run(): Promise<void> {
    const { clock, config } = this.#o;
    while (!this.#loop.stopping.aborted) {
      const startedMs = clock.boot();
      const pass = await this.#pass();
      if (pass === 'more') continue;
      const wait = pass === 'head' ? config.queueConfig.batchSendDeadlineMs - (clock.boot() - startedMs) : AFTER_ERROR_MS;
      await clock.sleep(Math.max(LEAST_LOOK_MS, wait), this.#loop.stopping);
    }
    // The last chance of a process that ends.
    for (let pass: Pass = 'more'; pass === 'more'; ) pass = await this.#pass();
    await this.#cursor.moveTo(this.#shards.progress);
    this.#nextTryBootMs = undefined;
    this.#change('stopped');
  }

  /** Reads on, and sends all that was read. Afterwards the shards are empty. Never rejects. */
  async #pass(): Promise<Pass> {
    if (this.#loop.giveUp.aborted) return 'given_up';
    this.#failedInPass = false;
    this.#ownError = undefined;
    let pass: Pass = 'given_up';
    try {
      pass = await this.#readOn();
    } catch (error) {
      this.#internal(error);
    }
    const drained = await this.#shards.drain();
    await this.#cursor.moveTo(this.#shards.progress);
    if (!drained && !this.#loop.giveUp.aborted) this.#startAgain();
    if (!drained || pass === 'given_up') {
      this.#change('retrying');
      return 'given_up';
    }
    this.#shards.resize(this.#shardCount.next(this.#shards.count, pass === 'more', this.#failedInPass));
    if (pass === 'head') await this.#metadata.sendIfDue();
    this.#change(pass === 'more' ? 'catching_up' : this.#settledState());
    return pass;
  }

  async #readOn(): Promise<Pass> {
    const { reader, clock } = this.#o;
    const startedMs = clock.boot();
    if (reader.head().position <= this.#readThrough) return 'head';
    this.#change(this.#state === 'ok' ? 'sending' : this.#state);
    for await (const entry of reader.read(this.#readThrough)) {
      if (!(await this.#take(entry))) return 'given_up';
      if (clock.boot() - startedMs >= PASS_MS) return 'more';
    }
    return 'head';
  }

  async #take(entry: LogEntry): Promise<boolean> {
    if (entry.kind === 'gap') {
      this.#missing(entry.gap);
      return true;
    }
    const { scrape } = entry;
    this.#metadata.add(scrape);
    if (!(await this.#shards.put(scrape))) return false;
    this.#readThrough = scrape.position;
    return true;
  }

  #missing({ from, to, reason }: LoggedGap): void {
    this.#readThrough = to;
    // A receiver that is new begins with what the log holds.
    if (from === 1) return;
    this.#o.logger.log('warn', 'Scrapes are missing in the log', { from, to, reason });
    this.#add('agent_lite_remote_write_lost_records_total', to - from + 1, { reason });
  }

  #newShards(): Shards {
    const { config, metrics, clock, logger } = this.#o;
    const { capacity, maxSamplesPerSend, minBackoffMs, maxBackoffMs, sampleAgeLimitMs } = config.queueConfig;
    return new Shards(
      {
        ...{ series: this.#series, metrics, remoteName: config.name, capacity },
        createDelivery: (settled) =>
          new Delivery({
            ...{ client: this.#client, clock, logger, metrics, remoteName: config.name, settled },
            ...{
              minBackoffMs,
              maxBackoffMs,
              sampleAgeLimitMs,
              maxSamples: maxSamplesPerSend,
              mostShards: this.#shardCount.most,
              sendExemplars: config.sendExemplars,
            },
            sentBefore: this.#sentBefore,
            onAttempt: (outcome) => this.#attempted(outcome),
            giveUp: this.#loop.giveUp,
          }),
        onSettled: () => this.#cursor.moveSometimes(this.#shards.progress),
        onFailure: (error) => this.#internal(error),
      },
      this.#shardCount.least,
    );
  }

  /** From the cursor, after an error of our own: what was under way may be sent a second time. */
  #startAgain(): void {
    this.#sentBefore = this.#readThrough;
    this.#readThrough = this.#cursor.position;
    this.#shards = this.#newShards();
  }

  #attempted(outcome: Outcome): void {
    const { clock, logger, metrics, config } = this.#o;
    if (outcome.ok) {
      if (this.#failures > 0) logger.log('info', 'The receiver answers again', { failures: this.#failures });
      this.#failures = 0;
      this.#error = undefined;
      this.#nextTryBootMs = undefined;
      this.#lastSuccessBootMs = clock.boot();
      metrics.set('agent_lite_remote_write_last_success_timestamp_seconds', clock.now() / 1000, { remote_name: config.name });
      this.#change('sending');
      return;
    }
    this.#failures++;
    this.#failedInPass = true;
    this.#error = outcome.error;
    this.#nextTryBootMs = clock.boot() + outcome.retryInMs;
    this.#change('retrying');
  }

  #internal(error: unknown): void {
    this.#failedInPass = true;
    this.#ownError = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.#o.logger.log('error', 'Remote write is held up by an error of our own; samples wait in the log', { err: this.#ownError });
    this.#change('retrying');
  }

  #settledState(): RemoteWriterState {
    if (this.#failures > 0) return 'retrying';
    return this.#lastSuccessBootMs === undefined ? 'starting' : 'ok';
  }

  #add(name: string, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#o.metrics.add(name, value, { remote_name: this.#o.config.name, ...labels });
  }

  #change(state: RemoteWriterState): void {
    this.#state = state;
    const { metrics, reader, config, clock } = this.#o;
    const backlog = reader.backlog(this.#cursor.position);
    metrics.set('agent_lite_remote_write_backlog_records', backlog.records, { remote_name: config.name });
    const age = backlog.oldestMs === undefined ? 0 : Math.max(0, clock.now() - backlog.oldestMs);
    metrics.set('agent_lite_remote_write_backlog_seconds', age / 1000, { remote_name: config.name });
    metrics.set('agent_lite_remote_write_shards', this.#shards.count, { remote_name: config.name });
  }
}
