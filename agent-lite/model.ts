/** What the parts of the agent hand to each other. The parts import this, never one another. */
import type { Cells } from '../contract/cells.ts';
import type { Exemplar } from '../contract/exemplar.ts';
import type { Labels } from '../contract/labels.ts';
import type { FamilyMetadata } from '../contract/metadata.ts';
import type { Chain, LogId, Point, Position } from '../contract/push.ts';
import type { SeriesTable } from '../contract/series-table.ts';

/** What the agent needs of an AbortSignal, which is one; so is `Ending`. */
export interface Signal {
  readonly aborted: boolean;
  /** Given to whoever waits for what was aborted. */
  readonly reason: unknown;
  /** A listener is told once at most. */
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** All time and randomness of the agent comes in through this, so tests move it. */
export interface Clock {
  /** Wall clock, ms since 1970. May be wrong, may step. */
  now(): number;
  /** Ms since boot, counting suspend; never steps back while the machine runs. */
  boot(): number;
  /** 32 hex digits that change with every boot of the machine. */
  readonly bootId: string;
  /** Resolves after `ms`, or at once when `signal` aborts (then too it resolves). */
  sleep(ms: number, signal?: Signal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

/** One scrape of one target, as it is logged. */
export interface Scrape {
  /** The target's public labels (no `__` labels), sorted. */
  readonly target: Labels;
  /** `undefined` until the first successful scrape. */
  readonly table: SeriesTable | undefined;
  /** Time of its samples: the device's wall clock, ms. */
  readonly wallMs: number;
  /** The boot clock at the same moment, ms. */
  readonly bootMs: number;
  readonly bootId: string;
  /** One scrape, rows of `table`; `undefined` exactly where `table` is. */
  readonly cells: Cells | undefined;
  /** One scrape, rows of the built-in report table. */
  readonly report: Cells;
  /** In order of their rows, rows of `table`; at most one per row and scrape from text formats, but do not rely on it. */
  readonly exemplars: readonly Exemplar[];
  /**
   * All families of the target, sorted by name, each once. `undefined`: the same as in the last scrape of this target that had
   * them (the scrape failed, or nothing changed). The first good scrape of a loop always has them.
   */
  readonly metadata: readonly FamilyMetadata[] | undefined;
}

/** As it is read from the log. `metadata` are those of its target at that time, whether this scrape had brought them or not. */
export interface LoggedScrape extends Scrape {
  readonly position: Position;
  readonly chain: Chain;
}

/** Positions that a reader could not deliver, told where they occur so that order is kept. */
export interface LoggedGap {
  readonly from: Position;
  readonly to: Position;
  readonly reason: 'evicted' | 'damaged';
}

export type LogEntry = { readonly kind: 'scrape'; readonly scrape: LoggedScrape } | { readonly kind: 'gap'; readonly gap: LoggedGap };

/** How far a receiver has acknowledged one stretch of the log, which is sent in order (contract/PUSH.md, "Streams"). */
export interface StreamCursor {
  readonly stream: number;
  readonly at: Point;
  /** Its last record; undefined: it goes on with the log. */
  readonly end: Point | undefined;
}

/** What the pusher needs of the log; implemented by wal/log.ts. */
export interface LogReader {
  /** Names the log's content; changes only through {@link fork}. */
  readonly logId: LogId;
  /** The last record written: position 0 where there is none yet. */
  head(): Point;
  /** Everything after `after`, in order, without holding more than one segment in memory. Ends at the head. */
  read(after: Position): AsyncIterable<LogEntry>;
  /** The chain of the record at `position`, or undefined where the log does not hold it (any more). */
  chainAt(position: Position): Promise<Chain | undefined>;
  /** Makes everything up to the head durable. */
  sync(): Promise<void>;
  /** The durable cursor of one receiver, of its slowest stream; {position: 0, chain: NO_CHAIN} where it has none. */
  cursor(receiver: string): Point;
  /**
   * Moves it durably, as that of one stream; segments that all cursors have passed are deleted. Also moves back (a conflict may
   * demand it).
   */
  moveCursor(receiver: string, to: Point): Promise<void>;
  /** The oldest first; all but the last have an end. Stream 0 at {@link cursor} where there never was another. */
  streams(receiver: string): readonly StreamCursor[];
  /** As {@link moveCursor}, of all streams at once. What is left out is done with. */
  moveStreams(receiver: string, streams: readonly StreamCursor[]): Promise<void>;
  /** Takes a new log_id, durably, from the next record on; earlier records are then sent under the new name too. */
  fork(): Promise<LogId>;
  /** Keeps a copy of records `from..to` outside the log (counted against its limit), readable by later commands. */
  setAside(from: Position, to: Position, reason: string): Promise<void>;
  /** Scrape records and bytes after `after`, and the wall time of the oldest of them (undefined: none). */
  backlog(after: Position): { readonly records: number; readonly bytes: number; readonly oldestMs: number | undefined };
}

export type Level = 'debug' | 'info' | 'warn' | 'error';
/** logfmt or JSON lines as Prometheus writes them; equal errors at most once a minute, with a repeat count. */
export interface Logger {
  log(level: Level, message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A number of the agent's own, for /metrics; counters end in `_total`. */
export interface Metrics {
  add(name: string, value?: number, labels?: Readonly<Record<string, string>>): void;
  set(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: string;
  /** Lower-case names. Authorization and configured headers are added by the client. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** From the call to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Bytes of the answer's body after decompression; 0: no limit. */
  readonly maxBytes: number;
  readonly signal?: Signal;
  /** Of POST: the other side knows a repeat, so it is sent anew where a kept connection turns out to be dead. */
  readonly repeatable?: boolean;
}
export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decompressed where the answer says `content-encoding: gzip`. */
  readonly body: Uint8Array;
  /** May be called when nobody will read the body any more, so that its memory serves the next answer. */
  readonly release?: () => void;
}
/** Rejects with {@link HttpError}. One client per configuration; keeps connections alive. */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}
export type HttpFailure = 'timeout' | 'too_large' | 'network' | 'tls' | 'bad_encoding' | 'credentials' | 'aborted';
export class HttpError extends Error {
  override name = 'HttpError';
  readonly reason: HttpFailure;
  constructor(reason: HttpFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
