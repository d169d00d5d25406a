import type { LogEntry, LoggedGap, LoggedScrape, LogReader, Scrape, StreamCursor } from '../../agent-lite/model.ts';
import { nextChain } from '../../contract/chain.ts';
import { type Chain, type LogId, NO_CHAIN, type Point, type Position } from '../../contract/push.ts';

const START: Point = { position: 0, chain: NO_CHAIN };

/** A log as the pusher sees it, in memory, on which tests do what cards, power cuts and users do. */
export class FakeLog implements LogReader {
  logId: LogId;
  #entries: LogEntry[] = [];
  #head: Point = { position: 0, chain: NO_CHAIN };
  /** How many entries survive a power cut. */
  #synced = 0;
  #forks = 0;
  readonly #seed: string;
  #cursors = new Map<string, readonly StreamCursor[]>();
  readonly asideRanges: { readonly from: Position; readonly to: Position; readonly reason: string }[] = [];
  syncs = 0;

  /** @param seed 8 hex digits that make this log's names its own */
  constructor(seed: string) {
    this.#seed = seed;
    this.logId = this.#name();
  }

  #name(): LogId {
    return (this.#seed + this.#forks.toString(16).padStart(8, '0')).padEnd(32, 'f');
  }

  append(scrape: Scrape): LoggedScrape {
    const position = this.#head.position + 1;
    const payload = Buffer.from(JSON.stringify([scrape.wallMs, scrape.bootMs, scrape.bootId, [...(scrape.cells?.words ?? [])]]));
    const logged: LoggedScrape = { ...scrape, position, chain: nextChain(this.#head.chain, payload) };
    this.#head = { position, chain: logged.chain };
    this.#entries.push({ kind: 'scrape', scrape: logged });
    return logged;
  }

  /** Positions that cannot be delivered, at the end of the log. */
  damage(records: number, reason: LoggedGap['reason'] = 'damaged'): void {
    const from = this.#head.position + 1;
    const to = from + records - 1;
    this.#head = { position: to, chain: nextChain(this.#head.chain, Uint8Array.of(records)) };
    this.#entries.push({ kind: 'gap', gap: { from, to, reason } });
  }

  /**
   * A power cut: what was not synced is gone, and of a card that lies about syncing `more` entries. Positions go on beyond
   * everything that is still known.
   */
  cutBack(more = 0): void {
    this.#entries = this.#entries.slice(0, Math.max(0, this.#synced - more));
    this.#synced = this.#entries.length;
    this.#reopen();
  }

  /** The agent starts again; nothing is lost. */
  restart(): void {
    this.#synced = this.#entries.length;
    this.#reopen();
  }

  #reopen(): void {
    let beyond = lastPosition(this.#entries.at(-1));
    for (const { position } of this.#points()) beyond = Math.max(beyond, position);
    const last = this.#entries.findLast((entry) => entry.kind === 'scrape');
    // As the log does: the chain goes on from the last record that is there, or from the cursor where that is further.
    const furthest = this.#points().find((point) => point.position === beyond);
    const chain = last?.scrape.position === beyond ? last.scrape.chain : (furthest?.chain ?? last?.scrape.chain ?? NO_CHAIN);
    this.#head = { position: beyond + 1000, chain };
  }

  /** A copy of the directory, unsynced records included. */
  clone(seed: string): FakeLog {
    const copy = new FakeLog(seed);
    copy.logId = this.logId;
    copy.#entries = [...this.#entries];
    copy.#cursors = new Map(this.#cursors);
    copy.restart();
    return copy;
  }

  get records(): readonly LoggedScrape[] {
    return this.#entries.flatMap((entry) => (entry.kind === 'scrape' ? [entry.scrape] : []));
  }

  head(): Point {
    return this.#head;
  }

  async *read(after: Position): AsyncGenerator<LogEntry, void, undefined> {
    const end = this.#entries.length;
    for (let i = 0; i < end; i++) {
      const entry = this.#entries[i];
      if (entry !== undefined && lastPosition(entry) > after) yield entry;
    }
  }

  chainAt(position: Position): Promise<Chain | undefined> {
    const found = this.records.find((scrape) => scrape.position === position);
    const cursor = this.#points().find((point) => point.position === position);
    return Promise.resolve(found?.chain ?? cursor?.chain);
  }

  sync(): Promise<void> {
    this.syncs++;
    this.#synced = this.#entries.length;
    return Promise.resolve();
  }

  cursor(receiver: string): Point {
    const [first, ...rest] = this.streams(receiver).map(({ at }) => at);
    return rest.reduce((least, at) => (at.position < least.position ? at : least), first ?? START);
  }

  moveCursor(receiver: string, to: Point): Promise<void> {
    return this.moveStreams(receiver, [{ stream: 0, at: to, end: undefined }]);
  }

  streams(receiver: string): readonly StreamCursor[] {
    return this.#cursors.get(receiver) ?? [{ stream: 0, at: START, end: undefined }];
  }

  moveStreams(receiver: string, streams: readonly StreamCursor[]): Promise<void> {
    this.#cursors.set(receiver, streams);
    return Promise.resolve();
  }

  #points(): Point[] {
    return [...this.#cursors.values()].flat().flatMap(({ at, end }) => (end === undefined ? [at] : [at, end]));
  }

  fork(): Promise<LogId> {
    this.#forks++;
    this.logId = this.#name();
    return Promise.resolve(this.logId);
  }

  setAside(from: Position, to: Position, reason: string): Promise<void> {
    this.asideRanges.push({ from, to, reason });
    return Promise.resolve();
  }

  backlog(after: Position) {
    const waiting = this.records.filter(({ position }) => position > after);
    return { records: waiting.length, bytes: waiting.length * 100, oldestMs: waiting[0]?.wallMs };
  }
}

const lastPosition = (entry: LogEntry | undefined): Position =>
  entry === undefined ? 0 : entry.kind === 'scrape' ? entry.scrape.position : entry.gap.to;
