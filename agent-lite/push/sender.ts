import { type WireLimits, wireLimits } from '../../contract/limits.ts';
import type { Position, PushAnswer } from '../../contract/push.ts';
import type { Logger, Metrics, StreamCursor } from '../model.ts';
import { type Batch, collectBatch } from './batch.ts';
import type { Exchange } from './clock-correction.ts';
import type { EdgeClient, Outcome } from './edge-client.ts';
import { Masks } from './masks.ts';
import { reconcile } from './reconcile.ts';
import { emptyBatch, makeRequest, type PushRequest, type RequestOptions } from './request.ts';
import { failed, hopeless, type Round } from './round.ts';
import { SentMetadata } from './sent-metadata.ts';
import { SentTables } from './sent-tables.ts';
import type { SentTimes } from './sent-times.ts';
import { backlogOf, Streams } from './streams.ts';

export interface SenderOptions extends RequestOptions {
  readonly client: EdgeClient;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Cells of one push (rows x scrapes) that catches up; others may have {@link REGULAR_FACTOR} times as many. */
  readonly maxCells: number;
  /** Of the regular pushes, as it is kept. */
  readonly intervalMs: () => number;
  readonly dropPushDown: boolean;
  readonly limits?: WireLimits;
}

/** Times the cells of a step of catching up: 1000 series of each of 100 targets, scraped four times between pushes. */
const REGULAR_FACTOR = 5;
/** Uploads of the same missing table before it counts as a failure. */
const TABLE_ROUNDS = 3;

/**
 * Sends what follows the cursor of one of the streams, one request a call, and acts on the answer. The rules: a cursor moves only
 * on an answer of the edge that names this push; nothing but an empty push leaves before the edge's time is known.
 */
export class Sender {
  readonly #o: SenderOptions;
  readonly #limits: WireLimits;
  readonly #streams: Streams;
  readonly #sentMetadata = new SentMetadata();
  readonly #masks = new Masks();
  readonly #sentTables = new SentTables();

  constructor(options: SenderOptions) {
    this.#o = options;
    this.#limits = options.limits ?? wireLimits;
    this.#streams = new Streams(options);
  }

  /** Whatever is waiting, the newest samples leave with the next round. */
  freshNow(): void {
    this.#streams.freshNow();
  }

  /** Of the last push that was stored. */
  get leftOutSeries(): number {
    return this.#masks.rows;
  }

  async round(signal: AbortSignal): Promise<Round> {
    const { reader, correction } = this.#o;
    if (correction.verdict === undefined) {
      const stream = this.#streams.main();
      return this.#post(stream, emptyBatch(stream.at), signal);
    }
    const streams = this.#streams.inTurn();
    // The edge must not know records that a power cut can take away: their positions would be used for others. Nor a stream
    // whose beginning is not written down.
    if (streams.length > 0) await reader.sync();
    for (const stream of streams) {
      const batch = await this.#collect(stream);
      if (batch === undefined) continue;
      await this.#streams.memory(stream).refusals.keepUnplaceable(batch);
      return this.#post(stream, batch, signal);
    }
    return { kind: 'idle' };
  }

  /**
   * Of a regular push of many targets all scrapes go in one batch, since a series whose scrapes come one by one takes twice the bytes;
   * catching up is done in small steps.
   */
  #maxCells({ at, end }: StreamCursor): number {
    const { reader, clock, maxCells, intervalMs } = this.#o;
    const { oldestMs } = reader.backlog(at.position);
    const regular = end === undefined && oldestMs !== undefined && clock.now() - oldestMs <= 1.5 * intervalMs();
    return regular ? maxCells * REGULAR_FACTOR : maxCells;
  }

  #collect(stream: StreamCursor): Promise<Batch | undefined> {
    const { reader, correction, clock } = this.#o;
    const { sentTimes, refusals } = this.#streams.memory(stream);
    return collectBatch(reader.read(stream.at.position), stream.at.position, {
      maxCells: this.#maxCells(stream),
      maxRecords: refusals.maxRecords,
      limits: this.#limits,
      end: stream.end,
      place: (scrape) => correction.place(scrape),
      lastTime: (key) => sentTimes.get(key),
      tableBase: (key, tables) => this.#sentTables.base(key, tables),
      // Those of a backlog are of old; they count only where nothing newer was told.
      metadataDue: (key, families) =>
        stream.end !== undefined && this.#sentMetadata.knows(key) ? undefined : this.#sentMetadata.due(key, families, clock.boot()),
      isAside: (position) => refusals.isAside(position),
    });
  }

  async #post(stream: StreamCursor, collected: Batch, signal: AbortSignal): Promise<Round> {
    const { clock, client, metrics, dropPushDown } = this.#o;
    const batch = dropPushDown ? { ...collected, targets: this.#masks.apply(collected.targets) } : collected;
    const made = await makeRequest(stream, batch, this.#o, this.#limits);
    if (!made.ok) return this.#streams.memory(stream).refusals.refused(batch, made.error);
    const { push, body } = made.value;
    const sentBootMs = clock.boot();
    const outcome = await client.push(push, body, signal);
    metrics.add('agent_lite_push_sent_bytes_total', body.length);
    metrics.add('agent_lite_push_requests_total', 1, { code: outcome.kind === 'answer' ? outcome.answer.code : outcome.reason });
    return this.#judge(outcome, made.value, clock.boot() - sentBootMs, signal);
  }

  async #judge(outcome: Outcome, request: PushRequest, requestMs: number, signal: AbortSignal): Promise<Round> {
    if (outcome.kind === 'failed') return failed('network', outcome.message, outcome.retryAfterMs, false);
    const { answer, named, exchange, retryAfterMs } = outcome;
    const { code, message } = answer;
    const { stream, batch } = request;
    const { refusals } = this.#streams.memory(stream);
    const waitFor = (why: string): Round => failed('edge', why, retryAfterMs, true);
    if (named && answer.edgeMs > 0 && code !== 'clock') await this.#learn(exchange, false);
    switch (code) {
      case 'stored':
        return this.#stored(request, answer, requestMs);
      case 'conflict':
        return this.#conflict(stream, answer);
      case 'unknown_tables':
        return this.#upload(answer, request, signal);
      case 'wrong_mask':
        this.#masks.learn(answer.masks, batch.targets, batch.tables);
        this.#masks.refused();
        this.#o.metrics.add('agent_lite_push_wrong_masks_total');
        return { kind: 'again' };
      case 'malformed':
        return refusals.refused(batch, { code, message, check: () => faultOf(request, this.#limits) });
      case 'too_large':
        // Unnamed it may be about another body; sending less does no harm, keeping a record from being sent would.
        if (!named && batch.records <= 1) return waitFor(`too large: ${message}`);
        return refusals.refused(batch, { code, message });
      case 'clock':
        if (await this.#learn(exchange, true)) return { kind: 'again' };
        return refusals.refused(batch, { code, message });
      case 'unauthorized':
      case 'forbidden':
        return hopeless(
          'unauthorized',
          `the edge refuses the token (${code}): ${message}. Samples are kept; check edge_push.authorization`,
        );
      case 'busy':
      case 'moved':
      case 'unspecified':
        return waitFor(`the edge is ${code === 'busy' ? 'busy' : 'not able to take data now'}: ${message}`);
    }
  }

  async #stored({ stream, batch }: PushRequest, answer: PushAnswer, requestMs: number): Promise<Round> {
    const { metrics, clock } = this.#o;
    const memory = this.#streams.memory(stream);
    memory.tableRounds = 0;
    // The empty push only asked for the time: what is in the log follows at once.
    if (batch.to.position === stream.at.position) return { kind: 'again' };
    await this.#streams.move(stream, batch.to);
    memory.sentTimes.set(batch.lastTimes);
    memory.refusals.passed(batch);
    this.#sentMetadata.set(batch.metadata, clock.boot());
    this.#sentTables.set(batch.tableUses);
    metrics.add('agent_lite_push_samples_total', batch.samples);
    metrics.add('agent_lite_push_left_out_samples_total', this.#masks.stored(batch.targets));
    if (this.#o.dropPushDown) this.#masks.learn(answer.masks, batch.targets, batch.tables);
    if (batch.dropped > 0) metrics.add('agent_lite_push_scrapes_dropped_total', batch.dropped);
    if (stream.end === undefined) {
      this.#streams.freshSent(batch.more);
      if (batch.more) await this.#jump(batch, answer.freshWindowMs);
    }
    const more = batch.more || this.#streams.all().length > 1;
    return { kind: 'sent', more, minIntervalMs: answer.minPushIntervalMs, requestMs };
  }

  /** Puts fresh samples first where the edge has just taken some and those that follow are late. */
  async #jump(batch: Batch, windowMs: number): Promise<void> {
    const { correction, logger, metrics, reader, receiver } = this.#o;
    const { nowMs } = correction;
    if (nowMs === undefined || batch.lastTimes.size === 0) return;
    // Whatever comes next is hardly older than what was just sent.
    const ageMs = nowMs - Math.max(...batch.lastTimes.values());
    if (!(await this.#streams.jump(ageMs, windowMs))) return;
    metrics.add('agent_lite_push_jumps_total');
    logger.log('info', 'Fresh samples go first; the backlog is sent in between', {
      records: backlogOf(reader, receiver).behindRecords,
      age_seconds: Math.round(ageMs / 1000),
    });
  }

  async #conflict(stream: StreamCursor, answer: PushAnswer): Promise<Round> {
    const { reader, logger, metrics } = this.#o;
    const points = answer.stored === undefined ? [] : [answer.stored, ...answer.points];
    const before = reader.logId;
    const from = stream.at.position;
    // Of a stream that turns out to be finished nothing is remembered any more.
    const { sentTimes } = this.#streams.memory(stream);
    const result = await reconcile(reader, stream, points, (to) => this.#streams.move(stream, to));
    if (result.kind === 'stuck') return failed('edge', `the edge refuses what follows its own end: ${answer.message}`, undefined, true);
    const { position } = result.to;
    if (position < from) sentTimes.clear();
    else if (position > from) await this.#skipTimes(sentTimes, from, position);
    if (result.kind === 'forked') {
      metrics.add('agent_lite_push_forks_total');
      const fields = { log_id: before, new_log_id: reader.logId, position, edge_position: answer.stored?.position };
      logger.log(
        'warn',
        'The edge has other records under the name of this log: the log takes a new name and nothing is lost. Is the same token used by two devices?',
        fields,
      );
    } else {
      logger.log('info', 'The edge already has more, or has less, than was acknowledged here', { from, to: position });
    }
    return { kind: 'again' };
  }

  /** Records that the edge turned out to have: their times count as sent. */
  async #skipTimes(sentTimes: SentTimes, after: Position, through: Position): Promise<void> {
    const { reader, correction } = this.#o;
    for await (const entry of reader.read(after)) {
      if (entry.kind !== 'scrape') continue;
      if (entry.scrape.position > through) break;
      const placed = correction.place(entry.scrape);
      if (placed.ok) sentTimes.raise(entry.scrape.target, placed.ms);
    }
  }

  async #upload({ unknownTables }: PushAnswer, request: PushRequest, signal: AbortSignal): Promise<Round> {
    const { client, metrics } = this.#o;
    const memory = this.#streams.memory(request.stream);
    if (++memory.tableRounds > TABLE_ROUNDS) {
      memory.tableRounds = 0;
      return failed(
        'edge',
        `the edge still lacks series tables after ${TABLE_ROUNDS} uploads: ${unknownTables.join(', ')}`,
        undefined,
        true,
      );
    }
    for (const hash of unknownTables) {
      const table = request.batch.tables.get(hash);
      if (table === undefined)
        return failed('edge', `the edge asks for series table ${hash}, which this push does not name`, undefined, true);
      const outcome = await client.uploadTable(table, signal);
      if (outcome === 'present') continue;
      metrics.add('agent_lite_push_table_uploads_total');
      if (outcome.kind === 'answer' && outcome.answer.code === 'stored') continue;
      if (outcome.kind === 'answer' && (outcome.answer.code === 'malformed' || outcome.answer.code === 'too_large'))
        return memory.refusals.refused(request.batch, {
          code: outcome.answer.code,
          message: `series table ${hash}: ${outcome.answer.message}`,
        });
      return this.#judge(outcome, request, 0, signal);
    }
    return { kind: 'again' };
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

/** A page that cannot load it just now does without: then the edge's word counts, after the push was sent a second time. */
const faultOf = async (request: PushRequest, limits: WireLimits): Promise<string | undefined> =>
  (await import('./fault.ts').catch(() => undefined))?.faultOf(request, limits);
