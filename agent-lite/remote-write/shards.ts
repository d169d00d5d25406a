import { ABSENT } from '../../contract/cells.ts';
import { REPORT_ROWS } from '../../contract/report-series.ts';
import type { LoggedScrape, Metrics } from '../model.ts';
import { cellOf, type Part, type Piece, SampleQueue } from './batch.ts';
import type { Delivery } from './delivery.ts';
import { Progress } from './progress.ts';
import type { SeriesCache, SeriesEntry } from './series.ts';

export interface ShardsOptions {
  readonly series: SeriesCache;
  readonly metrics: Metrics;
  /** Label of the metrics. */
  readonly remoteName: string;
  /** Samples that wait in one shard; a single larger scrape is taken too. */
  readonly capacity: number;
  readonly createDelivery: (settled: (part: Part) => void) => Delivery;
  /** Called when the {@link Shards.progress} may have moved. */
  readonly onSettled: () => void;
  /** Something of our own failed; the shards are of no use any more. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Scrapes are dealt out to shards by the hash of each series' labels, so that a series stays with one shard, whose requests
 * follow each other: that keeps its order. How many shards there are changes only while they are empty.
 */
export class Shards {
  readonly #o: ShardsOptions;
  readonly progress = new Progress();
  #shards: Shard[] = [];

  constructor(options: ShardsOptions, count: number) {
    this.#o = options;
    this.resize(count);
  }

  get count(): number {
    return this.#shards.length;
  }

  /** Only while nothing waits: a series may go to another shard afterwards. */
  resize(count: number): void {
    if (this.#shards.some(({ busy }) => busy)) throw new Error('shards: expected all empty');
    const settled = (part: Part): void => {
      this.progress.settle(part.piece.ticket, part.to - part.from);
      this.#o.onSettled();
    };
    while (this.#shards.length > count) this.#shards.pop();
    while (this.#shards.length < count) this.#shards.push(new Shard(this.#o, this.#o.createDelivery(settled)));
  }

  /** Waits until there is room. Resolves to false where sending was given up. */
  async put(scrape: LoggedScrape): Promise<boolean> {
    const entry = this.#o.series.entry(scrape.table, scrape.target);
    const rows = this.#deal(scrape, entry);
    const ticket = this.progress.open(
      { position: scrape.position, chain: scrape.chain },
      rows.reduce((sum, { length }) => sum + length, 0),
    );
    for (const [i, shard] of this.#shards.entries()) {
      const own = rows[i] ?? [];
      const piece: Piece = { ticket, scrape, entry, rows: Uint32Array.from(own) };
      // What waits elsewhere must not wait for this shard as well.
      if (own.length > 0 && !(await shard.put(piece, () => this.#flush()))) return false;
    }
    return true;
  }

  /** Sends all that waits. Resolves to false where sending was given up. */
  async drain(): Promise<boolean> {
    this.#flush();
    const drained = await Promise.all(this.#shards.map((shard) => shard.idle()));
    return drained.every((done) => done);
  }

  #flush(): void {
    for (const shard of this.#shards) shard.flush();
  }

  /** Per shard the rows that have a sample; counts those that are not sent. */
  #deal(scrape: LoggedScrape, entry: SeriesEntry): readonly (readonly number[])[] {
    const rows: number[][] = this.#shards.map(() => []);
    const tableRows = scrape.cells?.rows ?? 0;
    const dropped = new Map<string, number>();
    for (let row = 0; row < tableRows + REPORT_ROWS.length; row++) {
      const { cells, index } = cellOf(scrape, row);
      if (cells.states[index] === ABSENT) continue;
      const labels = entry.rows[row] ?? 'relabel';
      if (typeof labels === 'string') dropped.set(labels, (dropped.get(labels) ?? 0) + 1);
      else rows[(entry.hashes[row] as number) % rows.length]?.push(row);
    }
    const { metrics, remoteName } = this.#o;
    for (const [reason, count] of dropped)
      metrics.add('agent_lite_remote_write_samples_dropped_total', count, { remote_name: remoteName, reason });
    return rows;
  }
}

class Shard {
  readonly #o: ShardsOptions;
  readonly #delivery: Delivery;
  readonly #queue = new SampleQueue();
  /** The sending under way. */
  #sending: Promise<void> | undefined;
  #flushing = false;
  #givenUp = false;
  #waiting: (() => void)[] = [];

  constructor(options: ShardsOptions, delivery: Delivery) {
    this.#o = options;
    this.#delivery = delivery;
  }

  get busy(): boolean {
    return this.#sending !== undefined || this.#queue.samples > 0;
  }

  async put(piece: Piece, flushAll: () => void): Promise<boolean> {
    while (this.#queue.samples > 0 && this.#queue.samples + piece.rows.length > this.#o.capacity && !this.#givenUp) {
      flushAll();
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
    if (this.#givenUp) return false;
    this.#queue.push(piece);
    this.#start();
    return true;
  }

  flush(): void {
    this.#flushing = this.#queue.samples > 0;
    this.#start();
  }

  async idle(): Promise<boolean> {
    await this.#sending;
    return !this.#givenUp;
  }

  #start(): void {
    if (!this.#givenUp && this.#isDue()) this.#sending ??= this.#send();
  }

  #isDue(): boolean {
    return this.#queue.samples >= this.#delivery.maxSamples || (this.#flushing && this.#queue.samples > 0);
  }

  async #send(): Promise<void> {
    try {
      while (!this.#givenUp && this.#isDue()) {
        if (!(await this.#delivery.deliver(this.#queue.take(this.#delivery.maxSamples)))) this.#givenUp = true;
        this.#wake();
      }
    } catch (error) {
      this.#givenUp = true;
      this.#o.onFailure(error);
      this.#wake();
    } finally {
      this.#sending = undefined;
      this.#flushing = false;
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
