import { formatLabels, labelsKey } from '../../contract/labels.ts';
import { type Chain, type LogId, NO_CHAIN, type Point, type Position } from '../../contract/push.ts';
import { toHex } from '../../contract/series-table.ts';
import type { LogEntry, Scrape, StreamCursor } from '../model.ts';
import { CurrentMetadata, MetadataCache } from './attachments.ts';
import { Cursors, faultOf, oneStream } from './cursors.ts';
import { ScrapeDecoder, TableCache } from './decoder.ts';
import { setAsideName } from './format.ts';
import { Journal, Serial } from './journal.ts';
import type { Log, LogOptions, LogStatus, Settings } from './options.ts';
import { settle } from './options.ts';
import { findFrame, type ReaderTools, readEntries, recordsOf } from './reader.ts';
import { isEmpty } from './segment.ts';
import { copyRecords } from './set-aside.ts';
import { StoreError } from './store.ts';
import { Volume } from './volume.ts';

/**
 * Opens the log and repairs it. Rejects with `LogLockedError` where another process has it, and with {@link StoreError}
 * where the store cannot even be read; a store that can only not be written makes the log go on in memory.
 *
 * @example
 * const log = await openLog({ store: new FileStore('data'), clock, logger, metrics, sha256, randomBytes });
 * await log.append(scrape);
 * for await (const entry of log.read(log.cursor('edge').position)) …
 */
export async function openLog(options: LogOptions): Promise<Log> {
  const log = new WriteAheadLog(settle(options));
  await log.open();
  return log;
}

/** FORMAT.md describes what it writes. Changes are made one after another; reads run beside them. */
class WriteAheadLog implements Log {
  readonly #settings: Settings;
  readonly #journal: Journal;
  readonly #cursors = new Cursors();
  readonly #tables = new TableCache();
  readonly #metadata: CurrentMetadata;
  readonly #volume: Volume;
  readonly #reader: ReaderTools;
  readonly #serial = new Serial();
  readonly #stop = new AbortController();
  readonly #timers = new Set<Promise<void>>();
  #syncPending = false;

  constructor(settings: Settings) {
    const { clock, sha256, compression } = settings;
    this.#settings = settings;
    this.#journal = new Journal(settings.logger, settings.metrics);
    this.#volume = new Volume(settings, this.#journal, this.#cursors, () => this.#after(settings.retryIntervalMs, () => this.#retryDisk()));
    const volume = this.#volume;
    const metadata = new MetadataCache();
    this.#metadata = new CurrentMetadata(sha256, metadata);
    const caches = { tables: this.#tables, metadata };
    this.#reader = {
      segments: volume.segments,
      clock,
      decoder: new ScrapeDecoder(recordsOf({ clock }), sha256, compression, caches),
      head: () => volume.head,
      cursorChain: (position) => this.#cursorChain(position),
      wasEvicted: (from, to) => volume.wasEvicted(from, to),
      damaged: (segment, offset, reason) => this.#journal.damaged(segment, offset, reason),
      lost: (segment) => this.#serial.run(() => volume.forgetLost(segment)),
    };
  }

  async open(): Promise<void> {
    await this.#volume.open();
    this.#publish();
  }

  get logId(): LogId {
    return this.#volume.logId;
  }

  head(): Point {
    return this.#volume.head;
  }

  append(scrape: Scrape): Promise<Point> {
    return this.#serial.run(async () => {
      const key = labelsKey(scrape.target);
      const found = await this.#metadata.of(key, scrape);
      if (found === 'refused') this.#journal.metadataRefused(formatLabels(scrape.target));
      const metadata = found === 'refused' ? undefined : found;
      await this.#volume.append((writer) => writer.plan(key, scrape, metadata));
      const { head } = this.#volume;
      if (scrape.table !== undefined) this.#tables.add(scrape.table);
      this.#journal.written();
      if (this.#settings.maxAgeMs > 0) await this.#volume.removeDone();
      await this.#afterChange();
      return head;
    });
  }

  read(after: Position): AsyncIterable<LogEntry> {
    return readEntries(this.#reader, after);
  }

  async chainAt(position: Position): Promise<Chain | undefined> {
    if (position === 0) return NO_CHAIN;
    const { head, segments } = this.#volume;
    if (position === head.position) return head.chain;
    const segment = segments.holding(position);
    if (segment === undefined) return this.#cursorChain(position) ?? segments.chainAtBorder(position);
    return (await findFrame(this.#settings, segment, position))?.chain ?? segments.chainAtBorder(position);
  }

  #cursorChain(position: Position): Chain | undefined {
    for (const point of this.#cursors.points()) if (point.position === position) return point.chain;
    return undefined;
  }

  /** Does nothing under the policy `never`, which says so. */
  sync(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#settings.sync !== 'never') await this.#volume.sync();
      this.#publish();
    });
  }

  cursor(receiver: string): Point {
    return this.#cursors.slowestPoint(receiver);
  }

  moveCursor(receiver: string, to: Point): Promise<void> {
    return this.moveStreams(receiver, oneStream(to));
  }

  streams(receiver: string): readonly StreamCursor[] {
    return this.#cursors.get(receiver);
  }

  /** Rejects with RangeError where a point is not one of this log: such a cursor would delete what was never sent. */
  moveStreams(receiver: string, streams: readonly StreamCursor[]): Promise<void> {
    return this.#serial.run(async () => {
      const fault = faultOf(streams);
      if (fault !== undefined) throw new RangeError(`cursor of ${receiver}: ${fault}`);
      for (const { at, end } of streams) {
        await this.#check(receiver, at);
        if (end !== undefined) await this.#check(receiver, end);
      }
      this.#cursors.set(receiver, streams);
      await this.#volume.saveCursors(this.#settings.sync === 'always');
      await this.#volume.removeDone();
      await this.#afterChange();
    });
  }

  async #check(receiver: string, { position, chain }: Point): Promise<void> {
    const { head } = this.#volume;
    if (position > head.position)
      throw new RangeError(`cursor of ${receiver}: expected at most position ${head.position}, got ${position}`);
    for (const known of this.#cursors.points()) if (known.position === position && known.chain === chain) return;
    const actual = await this.#readableChain(position);
    if (actual !== undefined && actual !== chain)
      throw new RangeError(`cursor of ${receiver}: expected chain ${actual} at position ${position}, got ${chain}`);
  }

  async #readableChain(position: Position): Promise<Chain | undefined> {
    try {
      return await this.chainAt(position);
    } catch (error) {
      if (error instanceof StoreError) return undefined;
      throw error;
    }
  }

  retainCursors(receivers: readonly string[]): Promise<void> {
    return this.#serial.run(async () => {
      const dropped = this.#cursors.retain(receivers);
      if (dropped.length > 0)
        this.#journal.log('info', 'forgetting the cursors of receivers that are no longer configured', { receivers: dropped.join(',') });
      if (!this.#cursors.begin(receivers) && dropped.length === 0) return;
      await this.#volume.saveCursors(true);
      await this.#volume.removeDone();
      this.#publish();
    });
  }

  fork(): Promise<LogId> {
    return this.#serial.run(async () => {
      const logId = toHex(this.#settings.randomBytes(16));
      await this.#volume.fork(logId);
      this.#journal.log('warn', 'the log goes on under a new log_id', { log_id: logId, position: this.#volume.head.position });
      this.#publish();
      return logId;
    });
  }

  setAside(from: Position, to: Position, reason: string): Promise<void> {
    return this.#serial.run(async () => {
      const note = { reason, nowMs: this.#settings.clock.now() };
      for (const segment of this.#volume.segments.all()) {
        if (segment.last < from || segment.first > to || isEmpty(segment)) continue;
        const bytes = await copyRecords(segment, from, to, note, (of, position) => findFrame(this.#settings, of, position));
        if (bytes === undefined) continue;
        const name = setAsideName(Math.max(from, segment.first), Math.min(to, segment.last));
        await this.#volume.keepAside(name, bytes);
        this.#journal.log('warn', 'log records set aside', { file: name, reason });
      }
      this.#publish();
    });
  }

  backlog(after: Position): { records: number; bytes: number; oldestMs: number | undefined } {
    return this.#volume.segments.backlog(after);
  }

  status(): LogStatus {
    const volume = this.#volume;
    const filled = volume.segments.all().filter(({ records }) => records > 0);
    return {
      mode: volume.failure === undefined ? 'file' : 'memory',
      reason: volume.failure,
      logId: volume.logId,
      head: volume.head,
      bytes: volume.segments.bytes(),
      limitBytes: this.#settings.limitBytes,
      setAsideBytes: volume.setAside.bytes,
      setAsideFiles: volume.setAside.files,
      segments: volume.segments.size,
      oldestMs: filled[0]?.oldestMs,
      newestMs: filled[filled.length - 1]?.newestMs,
      sync: this.#settings.sync,
      unsyncedBytes: volume.unsyncedBytes,
      counters: this.#journal.counters,
      damage: this.#journal.damage,
    };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#timers);
    await this.#serial.run(() => this.#volume.close());
  }

  async #afterChange(): Promise<void> {
    const { sync, syncIntervalMs } = this.#settings;
    if (sync === 'always') await this.#volume.sync();
    if (sync === 'interval' && this.#volume.dirty && !this.#syncPending) {
      this.#syncPending = true;
      this.#after(syncIntervalMs, async () => {
        this.#syncPending = false;
        await this.#volume.sync();
      });
    }
    this.#publish();
  }

  async #retryDisk(): Promise<void> {
    if (!(await this.#volume.returnToDisk())) this.#after(this.#settings.retryIntervalMs, () => this.#retryDisk());
  }

  /** Runs an action once, in turn with the other changes, unless the log is closed before. */
  #after(ms: number, action: () => Promise<void>): void {
    const { signal } = this.#stop;
    const run = async (): Promise<void> => {
      await this.#settings.clock.sleep(ms, signal);
      if (signal.aborted) return;
      try {
        await this.#serial.run(action);
      } catch (error) {
        this.#journal.log('error', 'the log could not be looked after', { err: String(error) });
      }
      this.#publish();
    };
    const timer: Promise<void> = run().finally(() => this.#timers.delete(timer));
    this.#timers.add(timer);
  }

  #publish(): void {
    const { segments, unsyncedBytes, setAside, failure } = this.#volume;
    this.#journal.gauges({
      bytes: segments.bytes(),
      segments: segments.size,
      unsyncedBytes,
      setAsideBytes: setAside.bytes,
      memory: failure !== undefined,
    });
  }
}
