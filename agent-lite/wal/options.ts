import type { LogId, Point } from '../../contract/push.ts';
import type { Sha256 } from '../../contract/series-table.ts';
import type { Clock, Logger, LogReader, Metrics, Scrape } from '../model.ts';
import type { Compression } from './record.ts';
import type { SegmentStore } from './store.ts';

/**
 * When the log is forced to the disk (fsync). A record reaches the kernel when it is appended, so a process that is killed
 * loses nothing under any policy. A power cut loses: `always` nothing; `interval` at most the records of the last interval;
 * `never` what the kernel had not written by itself, about 30 s on Linux, and the files may end in the middle.
 * Whatever is lost, positions are not used again, so nothing is mistaken for something acknowledged.
 */
export type SyncPolicy = 'always' | 'interval' | 'never';

export interface LogOptions {
  readonly store: SegmentStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly sha256: Sha256;
  readonly randomBytes: (count: number) => Uint8Array;
  /** Without it records are written as they are. */
  readonly compression?: Compression;
  /** Segments and set-aside files together. At the limit the oldest goes. */
  readonly limitBytes?: number;
  /** A segment whose newest scrape is older goes; 0: none does. Ages within one boot are told by the boot clock. */
  readonly maxAgeMs?: number;
  readonly sync?: SyncPolicy;
  readonly syncIntervalMs?: number;
  /** Of the log in memory that takes over when the store fails. */
  readonly memoryLimitBytes?: number;
  /** How long to wait before a failed store is tried again. */
  readonly retryIntervalMs?: number;
  /** By default a 32nd of the limit, but 1 to 16 MiB and never more than half the limit. */
  readonly segmentBytes?: number;
}

export const defaultLogOptions = {
  limitBytes: 512 * 1024 * 1024,
  maxAgeMs: 0,
  sync: 'interval' as SyncPolicy,
  syncIntervalMs: 30_000,
  memoryLimitBytes: 8 * 1024 * 1024,
  retryIntervalMs: 30_000,
};

/** Smaller logs could not hold two segments with a table each. */
const MIN_LIMIT_BYTES = 64 * 1024;
const MiB = 1024 * 1024;

export type Settings = Required<Omit<LogOptions, 'compression'>> & { readonly compression: Compression | undefined };

/** Throws RangeError where an option makes no sense. */
export function settle(options: LogOptions): Settings {
  const given = { ...defaultLogOptions, ...options };
  for (const name of ['limitBytes', 'memoryLimitBytes'] as const)
    if (!(given[name] >= MIN_LIMIT_BYTES)) throw new RangeError(`${name}: expected at least ${MIN_LIMIT_BYTES} bytes, got ${given[name]}`);
  if (!(given.syncIntervalMs > 0)) throw new RangeError(`syncIntervalMs: expected more than 0, got ${given.syncIntervalMs}`);
  if (!(given.maxAgeMs >= 0)) throw new RangeError(`maxAgeMs: expected 0 or more, got ${given.maxAgeMs}`);
  const segmentBytes = given.segmentBytes ?? segmentBytesFor(given.limitBytes);
  return { ...given, segmentBytes, compression: options.compression };
}

export const segmentBytesFor = (limitBytes: number): number =>
  Math.floor(Math.min(Math.max(limitBytes / 32, MiB), 16 * MiB, limitBytes / 2));

export interface LogStatus {
  /** `memory`: the store has failed for `reason`, and what is appended now would not survive the process. */
  readonly mode: 'file' | 'memory';
  readonly reason: string | undefined;
  readonly logId: LogId;
  readonly head: Point;
  readonly bytes: number;
  readonly limitBytes: number;
  readonly setAsideBytes: number;
  readonly setAsideFiles: number;
  readonly segments: number;
  /** Wall times of the oldest and the newest scrape record, ms; undefined: none. */
  readonly oldestMs: number | undefined;
  readonly newestMs: number | undefined;
  readonly sync: SyncPolicy;
  /** Appended, but a power cut would take it. */
  readonly unsyncedBytes: number;
  readonly counters: LogCounters;
  /** The damage met last, newest last. */
  readonly damage: readonly DamageNote[];
}

export interface LogCounters {
  /** Scrapes appended. */
  readonly written: number;
  /** Scrapes that a limit removed before every receiver had them. */
  readonly evicted: number;
  /** Damaged places met. */
  readonly damaged: number;
  /** Bytes cut from the end of the log at opening. */
  readonly tornBytes: number;
  readonly writeErrors: number;
  /** Set-aside files removed because of the limit. */
  readonly setAsideEvicted: number;
}

export interface DamageNote {
  readonly segment: string;
  readonly offset: number;
  readonly reason: string;
}

export interface Log extends LogReader {
  /**
   * Writes one scrape and says where it stands. Calls are carried out in order. A store that fails does not make this
   * reject: the log goes on in memory and says so in {@link status}.
   */
  append(scrape: Scrape): Promise<Point>;
  status(): LogStatus;
  /**
   * These are the receivers. Forgets the cursors of others, which would keep every segment; and nothing is deleted any more
   * before a new one has it, though it has not moved its cursor yet.
   */
  retainCursors(receivers: readonly string[]): Promise<void>;
  /** Makes everything durable and lets go of the store. */
  close(): Promise<void>;
}
