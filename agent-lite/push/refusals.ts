import type { Position } from '../../contract/push.ts';
import type { Logger, LogReader, Metrics } from '../model.ts';
import type { Batch } from './batch.ts';
import { hopeless, type Round } from './round.ts';

export interface RefusalsOptions {
  readonly reader: LogReader;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Refusal {
  readonly code: 'malformed' | 'too_large' | 'clock';
  readonly message: string;
  /** Decodes the push here: undefined where it is fine, else what is wrong with it. Absent where that would say nothing. */
  readonly check?: () => Promise<string | undefined>;
}

/** Records of one push where nothing was refused as too large. */
const MAX_RECORDS = 20_000;
/** After so many batches refused in a row it is the edge that is wrong, not each of them. */
const ASIDE_IN_A_ROW = 3;

/** What the edge will never take of one stream: found by halving, set aside, and passed over. Lives with the process. */
export class Refusals {
  readonly #o: RefusalsOptions;
  /** Records beyond the cursor that the edge refused, kept aside. */
  readonly #aside = new Set<Position>();
  /** Everything up to here that could not be placed in time is kept aside. */
  #keptThrough: Position = 0;
  #inARow = 0;
  #maxRecords = MAX_RECORDS;
  /** The single record that was refused once and is sent a second time, in case the bytes were spoilt on the way. */
  #repeated: Position | undefined;

  constructor(options: RefusalsOptions) {
    this.#o = options;
  }

  /** Of the next batch. */
  get maxRecords(): number {
    return this.#maxRecords;
  }

  isAside(position: Position): boolean {
    return this.#aside.has(position);
  }

  /** The edge has taken a batch. */
  passed(batch: Batch): void {
    for (const position of this.#aside) if (position <= batch.to.position) this.#aside.delete(position);
    if (batch.samples > 0) this.#inARow = 0;
    this.#maxRecords = Math.min(MAX_RECORDS, Math.max(this.#maxRecords + 1, Math.floor(this.#maxRecords * 1.25)));
    this.#repeated = undefined;
  }

  /**
   * The edge will never take this batch as it is. Halves it until one record is left, and keeps that one aside; never more than
   * a few in a row, or one bad deploy of the edge would empty every device's log.
   */
  async refused(batch: Batch, { code, message, check }: Refusal): Promise<Round> {
    const { reader, logger, metrics } = this.#o;
    const why = `${code}: ${message}`;
    if (batch.records > 1) {
      this.#maxRecords = Math.floor(batch.records / 2);
      logger.log('debug', 'The edge refused a push; sending fewer records at once', { error: why, records: this.#maxRecords });
      return { kind: 'again' };
    }
    const { position } = batch.to;
    if (batch.records === 0) return hopeless('refused', `the edge refuses even a push without records (${why})`);
    const own = await check?.();
    if (check !== undefined && own === undefined && this.#repeated !== position) {
      this.#repeated = position;
      return { kind: 'again' };
    }
    if (this.#inARow >= ASIDE_IN_A_ROW || this.#aside.has(position))
      return hopeless(
        'refused',
        `the edge refused ${ASIDE_IN_A_ROW} records in a row (${why}); samples are kept and nothing more is set aside`,
      );
    this.#inARow++;
    this.#repeated = undefined;
    await reader.setAside(position, position, own === undefined ? why : `${why}; here: ${own}`);
    this.#aside.add(position);
    metrics.add('agent_lite_push_set_aside_records_total', 1, { reason: code });
    const here = own === undefined ? {} : { here: own };
    logger.log('error', 'The edge refused a record; it is set aside', { position, error: why, ...here });
    return { kind: 'again' };
  }

  /** Keeps aside what has no place in time, before the batch declares it a gap. */
  async keepUnplaceable(batch: Batch): Promise<void> {
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
}
