import { FormatError } from '../../contract/binary.ts';
import type { Labels } from '../../contract/labels.ts';
import { type WireLimits, wireLimits } from '../../contract/limits.ts';
import { type AnswerCode, decodePush, encodePush, type Position, type Push, type PushAnswer } from '../../contract/push.ts';
import type { TableHash } from '../../contract/series-table.ts';
import type { Clock, Logger, LogReader, Metrics } from '../model.ts';
import { type Batch, collectBatch } from './batch.ts';
import type { ClockCorrection, Exchange } from './clock-correction.ts';
import type { Compress, EdgeClient, Outcome } from './edge-client.ts';
import { reconcile } from './reconcile.ts';
import { SentMetadata } from './sent-metadata.ts';
import { SentTimes } from './sent-times.ts';

export interface SenderOptions {
  readonly reader: LogReader;
  readonly client: EdgeClient;
  readonly correction: ClockCorrection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly deflate: Compress;
  readonly version: string;
  readonly externalLabels: Labels;
  /** Name of the durable cursor. */
  readonly receiver: string;
  /** Cells of one push (rows x scrapes). */
  readonly maxCells: number;
  readonly limits?: WireLimits;
}

/** What one request, or the lack of one, came to. */
export type Round =
  /** The edge has everything. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'sent'; readonly more: boolean; readonly minIntervalMs: number; readonly requestMs: number }
  /** Something was put right; the next request may leave at once. */
  | { readonly kind: 'again' }
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** `slow`: waiting alone will not help. */
      readonly pace: 'backoff' | 'slow';
      readonly retryAfterMs: number | undefined;
      /** `retryAfterMs` is the edge's own. */
      readonly believed: boolean;
      readonly cause: 'network' | 'edge' | 'unauthorized' | 'refused';
    };

type RefusedCode = Extract<AnswerCode, 'malformed' | 'too_large' | 'clock'>;

/** Records of one push where nothing was refused as too large. */
const MAX_RECORDS = 20_000;
/** After so many batches refused in a row it is the edge that is wrong, not each of them. */
const ASIDE_IN_A_ROW = 3;
/** Uploads of the same missing table before it counts as a failure. */
const TABLE_ROUNDS = 3;

/**
 * Sends what follows the cursor, one request a call, and acts on the answer. The rules: the cursor moves only on an answer of
 * the edge that names this push; nothing but an empty push leaves before the edge's time is known.
 */
export class Sender {
  readonly #o: SenderOptions;
  readonly #limits: WireLimits;
  readonly #sentTimes = new SentTimes();
  readonly #sentMetadata = new SentMetadata();
  /** Records beyond the cursor that the edge refused, kept aside. */
  readonly #aside = new Set<Position>();
  /** Everything up to here that could not be placed in time is kept aside. */
  #keptThrough: Position = 0;
  #asideInARow = 0;
  #maxRecords = MAX_RECORDS;
  #tableRounds = 0;
  /** The single record that was refused once and is sent a second time, in case the bytes were spoilt on the way. */
  #repeated: Position | undefined;

  constructor(options: SenderOptions) {
    this.#o = options;
    this.#limits = options.limits ?? wireLimits;
  }

  async round(signal: AbortSignal): Promise<Round> {
    const { reader, receiver, correction } = this.#o;
    const base = reader.cursor(receiver);
    if (correction.verdict === undefined) return this.#post(emptyBatch(base), signal);
    if (reader.head().position <= base.position) return { kind: 'idle' };
    // The edge must not know records that a power cut can take away: their positions would be used for others.
    await reader.sync();
    const batch = await collectBatch(reader.read(base.position), base.position, {
      maxCells: this.#o.maxCells,
      maxRecords: this.#maxRecords,
      limits: this.#limits,
      place: (scrape) => correction.place(scrape),
      lastTime: (key) => this.#sentTimes.get(key),
      metadataDue: (key, families) => this.#sentMetadata.due(key, families, this.#o.clock.boot()),
      isAside: (position) => this.#aside.has(position),
    });
    if (batch === undefined) return { kind: 'idle' };
    await this.#keepUnplaceable(batch);
    return this.#post(batch, signal);
  }

  async #post(batch: Batch, signal: AbortSignal): Promise<Round> {
    const { clock, client, deflate, metrics } = this.#o;
    const push = this.#push(batch);
    let bytes: Uint8Array;
    try {
      bytes = encodePush(push);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof FormatError)) throw error;
      return this.#refused(batch, 'malformed', error.message, undefined);
    }
    const body = await deflate(bytes);
    if (body.length > this.#limits.pushBytes || bytes.length > this.#limits.pushInflatedBytes)
      return this.#refused(batch, 'too_large', `${body.length} bytes, ${bytes.length} inflated`, undefined);
    const sentBootMs = clock.boot();
    const outcome = await client.push(push, body, signal);
    metrics.add('agent_lite_push_sent_bytes_total', body.length);
    metrics.add('agent_lite_push_requests_total', 1, { code: outcome.kind === 'answer' ? outcome.answer.code : outcome.reason });
    return this.#judge(outcome, batch, bytes, clock.boot() - sentBootMs, signal);
  }

  #push(batch: Batch): Push {
    const { reader, receiver, clock, correction, version, externalLabels } = this.#o;
    const base = reader.cursor(receiver);
    const backlog = reader.backlog(base.position);
    return {
      logId: reader.logId,
      stream: 0,
      base,
      to: batch.to,
      gaps: batch.gaps,
      clock: {
        wallMs: Math.round(clock.now()),
        bootMs: Math.round(clock.boot()),
        bootId: clock.bootId,
        offsetMs: correction.appliedMs,
      },
      version,
      backlog: { records: backlog.records, bytes: backlog.bytes, oldestMs: Math.round(backlog.oldestMs ?? 0) },
      externalLabels,
      targets: batch.targets,
    };
  }

  async #judge(outcome: Outcome, batch: Batch, bytes: Uint8Array, requestMs: number, signal: AbortSignal): Promise<Round> {
    if (outcome.kind === 'failed') return failed('network', outcome.message, outcome.retryAfterMs, false);
    const { answer, named, exchange, retryAfterMs } = outcome;
    const waitFor = (message: string): Round => failed('edge', message, retryAfterMs, true);
    if (named && answer.edgeMs > 0 && answer.code !== 'clock') await this.#learn(exchange, false);
    switch (answer.code) {
      case 'stored':
        return this.#stored(batch, answer, requestMs);
      case 'conflict':
        return this.#conflict(answer);
      case 'unknown_tables':
        return this.#upload(answer.unknownTables, batch, bytes, signal);
      case 'malformed':
        return this.#refused(batch, 'malformed', answer.message, bytes);
      case 'too_large':
        // Unnamed it may be about another body; sending less does no harm, keeping a record from being sent would.
        if (!named && batch.records <= 1) return waitFor(`too large: ${answer.message}`);
        return this.#refused(batch, 'too_large', answer.message, undefined);
      case 'clock':
        if (await this.#learn(exchange, true)) return { kind: 'again' };
        return this.#refused(batch, 'clock', answer.message, undefined);
      case 'unauthorized':
      case 'forbidden':
        return {
          kind: 'failed',
          message: `the edge refuses the token (${answer.code}): ${answer.message}. Samples are kept; check edge_push.authorization`,
          pace: 'slow',
          retryAfterMs: undefined,
          believed: true,
          cause: 'unauthorized',
        };
      case 'busy':
      case 'moved':
      case 'unspecified':
        return waitFor(`the edge is ${answer.code === 'busy' ? 'busy' : 'not able to take data now'}: ${answer.message}`);
    }
  }

  async #stored(batch: Batch, answer: PushAnswer, requestMs: number): Promise<Round> {
    const { reader, receiver, metrics } = this.#o;
    if (batch.records > 0) {
      await reader.moveCursor(receiver, batch.to);
      this.#sentTimes.set(batch.lastTimes);
      this.#sentMetadata.set(batch.metadata, this.#o.clock.boot());
      metrics.add('agent_lite_push_samples_total', batch.samples);
      if (batch.dropped > 0) metrics.add('agent_lite_push_scrapes_dropped_total', batch.dropped);
      for (const position of this.#aside) if (position <= batch.to.position) this.#aside.delete(position);
      if (batch.samples > 0) this.#asideInARow = 0;
      this.#maxRecords = Math.min(MAX_RECORDS, Math.max(this.#maxRecords + 1, Math.floor(this.#maxRecords * 1.25)));
    }
    this.#tableRounds = 0;
    this.#repeated = undefined;
    // The empty push only asked for the time: what is in the log follows at once.
    if (batch.records === 0) return { kind: 'again' };
    return { kind: 'sent', more: batch.more, minIntervalMs: answer.minPushIntervalMs, requestMs };
  }

  async #conflict(answer: PushAnswer): Promise<Round> {
    const { reader, receiver, logger, metrics } = this.#o;
    const points = answer.stored === undefined ? [] : [answer.stored, ...answer.points];
    const before = reader.logId;
    const result = await reconcile(reader, receiver, points);
    if (result.kind === 'stuck') return failed('edge', `the edge refuses what follows its own end: ${answer.message}`, undefined, true);
    const { from, to } = result;
    if (to.position < from.position) this.#sentTimes.clear();
    else if (to.position > from.position) await this.#skipTimes(from.position, to.position);
    if (result.kind === 'forked') {
      metrics.add('agent_lite_push_forks_total');
      const fields = { log_id: before, new_log_id: reader.logId, position: to.position, edge_position: answer.stored?.position };
      logger.log(
        'warn',
        'The edge has other records under the name of this log: the log takes a new name and nothing is lost. Is the same token used by two devices?',
        fields,
      );
    } else {
      logger.log('info', 'The edge already has more, or has less, than was acknowledged here', { from: from.position, to: to.position });
    }
    return { kind: 'again' };
  }

  /** Records that the edge turned out to have: their times count as sent. */
  async #skipTimes(after: Position, through: Position): Promise<void> {
    const { reader, correction } = this.#o;
    for await (const entry of reader.read(after)) {
      if (entry.kind !== 'scrape') continue;
      if (entry.scrape.position > through) break;
      const placed = correction.place(entry.scrape);
      if (placed.ok) this.#sentTimes.raise(entry.scrape.target, placed.ms);
    }
  }

  async #upload(missing: readonly TableHash[], batch: Batch, bytes: Uint8Array, signal: AbortSignal): Promise<Round> {
    const { client, metrics } = this.#o;
    if (++this.#tableRounds > TABLE_ROUNDS) {
      this.#tableRounds = 0;
      return failed('edge', `the edge still lacks series tables after ${TABLE_ROUNDS} uploads: ${missing.join(', ')}`, undefined, true);
    }
    for (const hash of missing) {
      const table = batch.tables.get(hash);
      if (table === undefined)
        return failed('edge', `the edge asks for series table ${hash}, which this push does not name`, undefined, true);
      const outcome = await client.uploadTable(table, signal);
      if (outcome === 'present') continue;
      metrics.add('agent_lite_push_table_uploads_total');
      if (outcome.kind === 'answer' && outcome.answer.code === 'stored') continue;
      if (outcome.kind === 'answer' && (outcome.answer.code === 'malformed' || outcome.answer.code === 'too_large'))
        return this.#refused(batch, outcome.answer.code, `series table ${hash}: ${outcome.answer.message}`, undefined);
      return this.#judge(outcome, batch, bytes, 0, signal);
    }
    return { kind: 'again' };
  }

  /**
   * The edge will never take this batch as it is. Halves it until one record is left, and keeps that one aside; never more than
   * a few in a row, or one bad deploy of the edge would empty every device's log.
   *
   * @param bytes the push as encoded, where decoding it here says whether the fault is ours
   */
  async #refused(batch: Batch, code: RefusedCode, message: string, bytes: Uint8Array | undefined): Promise<Round> {
    const { reader, logger, metrics } = this.#o;
    const why = `${code}: ${message}`;
    if (batch.records > 1) {
      this.#maxRecords = Math.floor(batch.records / 2);
      logger.log('debug', 'The edge refused a push; sending fewer records at once', { error: why, records: this.#maxRecords });
      return { kind: 'again' };
    }
    const { position } = batch.to;
    const refuses = (text: string): Round => ({
      ...{ kind: 'failed', message: text, pace: 'slow', retryAfterMs: undefined, believed: true, cause: 'refused' },
    });
    if (batch.records === 0) return refuses(`the edge refuses even an empty push (${why})`);
    const own = bytes === undefined ? undefined : decodesHere(bytes, batch, this.#limits);
    if (bytes !== undefined && own === undefined && this.#repeated !== position) {
      this.#repeated = position;
      return { kind: 'again' };
    }
    if (this.#asideInARow >= ASIDE_IN_A_ROW || this.#aside.has(position))
      return refuses(`the edge refused ${ASIDE_IN_A_ROW} records in a row (${why}); samples are kept and nothing more is set aside`);
    this.#asideInARow++;
    this.#repeated = undefined;
    await reader.setAside(position, position, own === undefined ? why : `${why}; here: ${own}`);
    this.#aside.add(position);
    metrics.add('agent_lite_push_set_aside_records_total', 1, { reason: code });
    logger.log('error', 'The edge refused a record; it is set aside', {
      position,
      error: why,
      ...(own === undefined ? {} : { here: own }),
    });
    return { kind: 'again' };
  }

  async #keepUnplaceable(batch: Batch): Promise<void> {
    const { reader, logger, metrics } = this.#o;
    for (const range of batch.unplaceable) {
      const from = Math.max(range.from, this.#keptThrough + 1);
      if (from > range.to) continue;
      await reader.setAside(from, range.to, range.reason);
      this.#keptThrough = range.to;
      metrics.add('agent_lite_push_set_aside_records_total', range.to - from + 1, { reason: 'unplaceable' });
      logger.log('warn', 'Scrapes are set aside: their time is not known', { from, to: range.to, reason: range.reason });
    }
  }

  /** Returns whether the correction of this boot has changed. */
  async #learn(exchange: Exchange, again: boolean): Promise<boolean> {
    const { correction, logger } = this.#o;
    const before = correction.verdict;
    try {
      await (again ? correction.relearn(exchange) : correction.learn(exchange));
    } catch (error) {
      logger.log('warn', 'The clock correction cannot be saved; it holds until the agent stops', { error: String(error) });
    }
    const after = correction.verdict;
    if (after === undefined || (before?.mode === after.mode && (after.mode === 'wall' || before.anchorMs === after.anchorMs))) return false;
    if (after.mode === 'offset')
      logger.log('warn', 'The clock of this device is wrong; times are corrected by the clock of the edge', {
        offset_seconds: Math.round((correction.offsetMs ?? 0) / 1000),
      });
    return true;
  }
}

const emptyBatch = (base: Batch['to']): Batch => ({
  ...{ to: base, gaps: [], targets: [], tables: new Map(), records: 0, cells: 0, samples: 0, dropped: 0 },
  ...{ unplaceable: [], lastTimes: new Map(), metadata: new Map(), more: false },
});

const failed = (cause: 'network' | 'edge', message: string, retryAfterMs: number | undefined, believed: boolean): Round => ({
  ...{ kind: 'failed', message, pace: 'backoff', retryAfterMs, believed, cause },
});

/** Decodes a push as the edge does. undefined: it is fine; else what is wrong with it. */
function decodesHere(bytes: Uint8Array, batch: Batch, limits: WireLimits): string | undefined {
  try {
    for (const target of decodePush(bytes, limits).targets) {
      const rows = batch.tables.get(target.table ?? '')?.rows.length ?? 0;
      if (target.table !== undefined) target.decodeCells(rows);
      target.decodeExemplars(rows);
      target.decodeMetadata();
    }
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}
