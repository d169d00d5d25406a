import type { Labels } from '../../contract/labels.ts';
import { agesOf, Loop } from '../loop.ts';
import type { Clock, HttpClient, Logger, LogReader, Metrics } from '../model.ts';
import { afterMs, backoffMs, catchUpMs, slowMs, UNHEARD_LONGEST_MS, untilNextSlotMs } from './backoff.ts';
import { ClockCorrection, type ClockStore } from './clock-correction.ts';
import { type Compress, EdgeClient } from './edge-client.ts';
import { type Failed, failed, type Round } from './round.ts';
import { Sender } from './sender.ts';
import { backlogOf } from './streams.ts';

export interface PusherOptions {
  readonly reader: LogReader;
  /** Adds authorization and configured headers. */
  readonly http: HttpClient;
  /** Without a trailing slash. */
  readonly url: string;
  readonly clock: Clock;
  readonly clockStore: ClockStore;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  readonly pushIntervalMs: number;
  /** Of one request. */
  readonly remoteTimeoutMs: number;
  readonly externalLabels: Labels;
  /** Leave out what the edge says that its rules drop; default true. */
  readonly dropPushDown?: boolean;
  /** zlib format. */
  readonly deflate: Compress;
  /** Name of the durable cursor in the log; default `edge`. */
  readonly receiver?: string;
  /** Cells (series x scrapes) of one push that catches up; default 100,000, which bounds its memory to a few MB. A regular push may have five times as many. */
  readonly maxCellsPerPush?: number;
  /** Called after each change of {@link Pusher.status}. */
  readonly onChange?: () => void;
  /**
   * Changes when the token does, e.g. time and size of its file; never the token. A refused token is tried again as soon as
   * this differs, not only after the long wait that a refusal brings.
   */
  readonly tokenVersion?: () => Promise<string>;
}

export interface Pusher {
  start(): void;
  /** Finishes the request under way, sends what it can within `deadlineMs`, and resolves. What is left waits in the log. */
  stop(deadlineMs: number): Promise<void>;
  /** Pushes now, not at the next turn: resolves after a whole turn that began after the call, however that went. */
  flush(): Promise<void>;
  /** There may be a better moment now than later: pushes soon, unless the edge has asked for patience. */
  hurry(): void;
  status(): PusherStatus;
}

/**
 * `starting`: nothing has been sent yet. `ok`: the last request was answered. `pushing`: a request is under way.
 * `catching_up`: there is more than fits a push. `retrying`: no answer, or the edge is busy. `unauthorized`: the token is
 * refused. `refused`: the edge takes nothing of this device. `stopped`.
 */
export type PusherState = 'starting' | 'ok' | 'pushing' | 'catching_up' | 'retrying' | 'unauthorized' | 'refused' | 'stopped';

/** Durations and ages are ms. */
export interface PusherStatus {
  readonly state: PusherState;
  readonly url: string;
  readonly lastSuccessAgeMs: number | undefined;
  readonly nextTryInMs: number | undefined;
  /** In a row. */
  readonly failures: number;
  /** Of the last request, where it failed. */
  readonly error: string | undefined;
  /** As it is kept: the configured one, or the least that the edge asks for. */
  readonly pushIntervalMs: number;
  readonly backlogRecords: number;
  readonly backlogBytes: number;
  readonly backlogAgeMs: number | undefined;
  /** Of the backlog, those that are sent behind fresh samples. */
  readonly behindRecords: number;
  /** The edge's time minus ours; undefined until the edge has answered. */
  readonly clockOffsetMs: number | undefined;
  /** The times of this boot are corrected by the offset. */
  readonly clockCorrected: boolean;
  /** Series that the last push left out, because the edge drops them. */
  readonly leftOutSeries: number;
}

const MAX_CELLS = 100_000;
/** A first push soon, so that a newcomer sees data; spread, since after a power cut a whole fleet starts at once. */
const FIRST_PUSH_MS = { from: 1_000, to: 4_000 } as const;
/** Until the first scrapes are there, the log is looked into this often. */
const EARLY_LOOK_MS = 2_000;
/** While a token is refused, its file is looked at this often. */
const TOKEN_LOOK_MS = 5_000;
/** Requests in one go that put something right but send nothing; halving a batch to one record takes 15. */
const AGAIN_LIMIT = 24;
/** Between a request and one that is hurried, at least; more where the edge asks for more. */
const HURRY_GAP_MS = 1_000;

export function createPusher(options: PusherOptions): Pusher {
  return new PushLoop(options);
}

class PushLoop implements Pusher {
  readonly #o: PusherOptions;
  readonly #receiver: string;
  readonly #phase: number;
  readonly #loop: Loop;
  /** Ends the wait for the next turn. */
  #wake = new AbortController();
  /** Callers of {@link flush} whose turn has not come yet. */
  #flushing: (() => void)[] = [];
  #correction: ClockCorrection | undefined;
  #sender: Sender | undefined;
  #state: PusherState = 'starting';
  #intervalMs: number;
  #failures = 0;
  #error: string | undefined;
  #errorCause: Failed['cause'] | undefined;
  #sentOnce = false;
  #startedBootMs = 0;
  #lastSuccessBootMs: number | undefined;
  #nextTryBootMs: number | undefined;
  /** Nobody may {@link hurry} before: the edge has named the time, or will say no again. */
  #patientUntilMs = Number.NEGATIVE_INFINITY;
  /** Somebody did during a request. */
  #hurried = false;

  constructor(options: PusherOptions) {
    this.#o = options;
    this.#loop = new Loop('pusher', options.clock);
    this.#loop.stopping.addEventListener('abort', () => this.#wake.abort(), { once: true });
    this.#receiver = options.receiver ?? 'edge';
    this.#phase = options.clock.random();
    this.#intervalMs = options.pushIntervalMs;
  }

  start(): void {
    this.#startedBootMs = this.#o.clock.boot();
    this.#loop.start(() => this.#run());
  }

  stop(deadlineMs: number): Promise<void> {
    return this.#loop.stop(deadlineMs);
  }

  flush(): Promise<void> {
    if (!this.#loop.started || this.#state === 'stopped') return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushing.push(resolve);
      this.#wake.abort();
    });
  }

  hurry(): void {
    // What is under way may have begun before whatever it is that calls for haste.
    if (this.#nextTryBootMs === undefined) this.#hurried = true;
    else if (this.#o.clock.boot() >= this.#patientUntilMs) this.#wake.abort();
  }

  status(): PusherStatus {
    const { reader, clock, url } = this.#o;
    const backlog = backlogOf(reader, this.#receiver);
    return {
      state: this.#state,
      url,
      ...agesOf(clock, this.#lastSuccessBootMs, this.#nextTryBootMs),
      failures: this.#failures,
      error: this.#error,
      pushIntervalMs: this.#intervalMs,
      backlogRecords: backlog.records,
      backlogBytes: backlog.bytes,
      backlogAgeMs: backlog.oldestMs === undefined ? undefined : Math.max(0, clock.now() - backlog.oldestMs),
      behindRecords: backlog.behindRecords,
      clockOffsetMs: this.#correction?.offsetMs,
      clockCorrected: this.#correction?.verdict?.mode === 'offset',
      leftOutSeries: this.#sender?.leftOutSeries ?? 0,
    };
  }

  async #run(): Promise<void> {
    const { clock, clockStore } = this.#o;
    this.#correction = await ClockCorrection.load(clock, clockStore);
    const sender = this.#createSender(this.#correction);
    this.#sender = sender;
    const { from, to } = FIRST_PUSH_MS;
    await this.#wait(from + clock.random() * (Math.min(to, Math.max(from, this.#intervalMs)) - from));
    while (!this.#loop.stopping.aborted) {
      const flushed = this.#flushing.splice(0);
      const waitMs = await this.#turn(sender);
      for (const resolve of flushed) resolve();
      const patientMs = Math.max(0, this.#patientUntilMs - clock.boot());
      await this.#wait(this.#hurried ? Math.min(waitMs, patientMs) : waitMs);
      this.#hurried = false;
    }
    await this.#flush(sender);
    this.#nextTryBootMs = undefined;
    this.#change('stopped');
    for (const resolve of this.#flushing.splice(0)) resolve();
  }

  #createSender(correction: ClockCorrection): Sender {
    const { reader, http, url, clock, logger, metrics, deflate, version, externalLabels, remoteTimeoutMs } = this.#o;
    const client = new EdgeClient({ http, url, timeoutMs: remoteTimeoutMs, clock, deflate });
    const maxCells = this.#o.maxCellsPerPush ?? MAX_CELLS;
    return new Sender({
      reader,
      client,
      correction,
      clock,
      logger,
      metrics,
      deflate,
      version,
      externalLabels,
      receiver: this.#receiver,
      maxCells,
      dropPushDown: this.#o.dropPushDown ?? true,
      intervalMs: () => this.#intervalMs,
    });
  }

  /** One push, with what it takes to put right before. Returns how long to wait for the next, ms. */
  async #turn(sender: Sender): Promise<number> {
    const { clock } = this.#o;
    const round = await this.#rounds(sender);
    const patient = (ms: number): number => {
      this.#patientUntilMs = clock.boot() + ms;
      return ms;
    };
    patient(round.kind === 'sent' ? Math.max(HURRY_GAP_MS, round.minIntervalMs) : HURRY_GAP_MS);
    if (round.kind === 'failed') {
      if (round.retryAfterMs !== undefined) return patient(afterMs(round.retryAfterMs, round.believed, clock));
      if (round.pace === 'slow') return patient(slowMs(clock));
      return backoffMs(this.#failures, clock, round.cause === 'network' ? UNHEARD_LONGEST_MS : undefined);
    }
    if (round.kind === 'sent') {
      this.#intervalMs = Math.max(this.#o.pushIntervalMs, round.minIntervalMs);
      if (round.more) return catchUpMs(round.requestMs, clock);
    }
    const early = !this.#sentOnce && clock.boot() - this.#startedBootMs < this.#intervalMs;
    if (early) return Math.min(this.#intervalMs, EARLY_LOOK_MS * (0.5 + clock.random()));
    return untilNextSlotMs(clock.boot(), this.#phase, this.#intervalMs, clock);
  }

  /** Rounds until one sends something, fails, or finds nothing to send. Never rejects. */
  async #rounds(sender: Sender): Promise<Exclude<Round, { kind: 'again' }>> {
    this.#change(this.#state === 'starting' || this.#state === 'catching_up' ? this.#state : 'pushing');
    let round: Round = { kind: 'again' };
    let count = 0;
    try {
      for (; round.kind === 'again' && count < AGAIN_LIMIT; count++) round = await sender.round(this.#loop.giveUp);
    } catch (error) {
      round = internal(error);
    }
    if (round.kind === 'again') round = internal(new Error(`no progress after ${AGAIN_LIMIT} requests`));
    if (round.kind === 'failed') this.#failed(round);
    // Nothing to send says nothing about the link, unless an answer came before.
    else if (round.kind === 'sent' || count > 1) this.#answered(round);
    this.#change(this.#stateAfter(round));
    return round;
  }

  #failed(round: Failed): void {
    const { logger, metrics } = this.#o;
    const repeated = this.#errorCause === 'unauthorized' && round.cause === 'unauthorized';
    this.#failures++;
    this.#error = round.message;
    this.#errorCause = round.cause;
    logger.log(repeated ? 'debug' : 'warn', 'Push failed; samples wait in the log', { error: round.message });
    metrics.add('agent_lite_push_failures_total');
  }

  #answered(round: Extract<Round, { kind: 'sent' | 'idle' }>): void {
    const { logger, metrics, clock, url } = this.#o;
    if (this.#failures > 0) logger.log('info', 'Pushing again', { failures: this.#failures });
    this.#failures = 0;
    this.#error = undefined;
    this.#errorCause = undefined;
    this.#lastSuccessBootMs = clock.boot();
    if (round.kind === 'idle') return;
    if (!this.#sentOnce) logger.log('info', 'The edge has taken the first samples', { url });
    this.#sentOnce = true;
    metrics.set('agent_lite_push_last_success_timestamp_seconds', clock.now() / 1000);
  }

  #stateAfter(round: Exclude<Round, { kind: 'again' }>): PusherState {
    if (round.kind === 'failed') return round.cause === 'unauthorized' || round.cause === 'refused' ? round.cause : 'retrying';
    if (round.kind === 'sent' && round.more) return 'catching_up';
    if (this.#failures > 0) return 'retrying';
    return this.#sentOnce ? 'ok' : 'starting';
  }

  /** The last chance of a process that ends. One failure ends it: the log keeps the rest. */
  async #flush(sender: Sender): Promise<void> {
    sender.freshNow();
    while (!this.#loop.giveUp.aborted) {
      const round = await this.#rounds(sender);
      if (round.kind !== 'sent' || !round.more) return;
    }
  }

  async #wait(exactMs: number): Promise<void> {
    const ms = Math.round(exactMs);
    if (this.#flushing.length > 0 || this.#loop.stopping.aborted) return;
    this.#wake = new AbortController();
    this.#nextTryBootMs = this.#o.clock.boot() + ms;
    this.#o.onChange?.();
    if (this.#errorCause === 'unauthorized') await this.#sleepUntilRenewed(ms, this.#wake.signal);
    else await this.#o.clock.sleep(ms, this.#wake.signal);
    this.#nextTryBootMs = undefined;
  }

  async #sleepUntilRenewed(ms: number, woken: AbortSignal): Promise<void> {
    const { clock, tokenVersion } = this.#o;
    const version = (): Promise<string> => tokenVersion?.().catch(() => '') ?? Promise.resolve('');
    const refused = await version();
    const untilMs = clock.boot() + ms;
    for (let left = ms; left > 0 && !woken.aborted; left = untilMs - clock.boot()) {
      await clock.sleep(Math.min(left, TOKEN_LOOK_MS), woken);
      if ((await version()) !== refused) return;
    }
  }

  #change(state: PusherState): void {
    this.#state = state;
    const { reader, metrics } = this.#o;
    const backlog = backlogOf(reader, this.#receiver);
    metrics.set('agent_lite_push_backlog_records', backlog.records);
    metrics.set('agent_lite_push_backlog_bytes', backlog.bytes);
    metrics.set('agent_lite_push_behind_records', backlog.behindRecords);
    metrics.set('agent_lite_push_clock_offset_seconds', (this.#correction?.offsetMs ?? 0) / 1000);
    this.#o.onChange?.();
  }
}

/** Something of our own failed, such as reading the log. Data stays where it is. */
function internal(error: unknown): Failed {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return failed('edge', message, undefined, true);
}
