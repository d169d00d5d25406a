/**
 * Where a log keeps its bytes. Small on purpose: files (file-store.ts), memory (memory-store.ts), a browser's database (indexeddb-store.ts).
 * test/suites/segment-store.ts is the contract; every implementation runs it.
 *
 * Calls for one name are never made at the same time, except reads. Every failure is a {@link StoreError}.
 */
export interface SegmentStore {
  /** Claims the place for this process, making it where it is missing. Rejects with {@link LogLockedError} where it is taken. */
  lock(): Promise<void>;
  unlock(): Promise<void>;
  /** In any order. Names that the log did not choose may be among them. */
  list(area: Area): Promise<readonly Entry[]>;
  /** Makes or replaces a segment. `durable`: content and name survive a power cut once this resolves. */
  create(area: Area, name: string, bytes: Uint8Array, durable: boolean): Promise<void>;
  /**
   * Writes at `at`, the length of all that was written well so far; what a failed call left behind there is overwritten.
   * Once it is done the bytes survive the end of the process, though not a power cut. Undefined: it is done already; such a call throws
   * where others reject.
   */
  append(name: string, at: number, bytes: Uint8Array): Promise<void> | undefined;
  /** What was appended survives a power cut once this resolves. */
  sync(name: string): Promise<void>;
  /** `[offset, offset + length)`, shorter only at the end. */
  read(area: Area, name: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  truncate(name: string, length: number): Promise<void>;
  /** An absent name is no error. */
  remove(area: Area, name: string): Promise<void>;
  /** A small file, whole; undefined where there is none. */
  readFile(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Readers see the old content or the new one, never a part; after a power cut too if `durable`. */
  replaceFile(name: string, bytes: Uint8Array, durable: boolean): Promise<void>;
  close(): Promise<void>;
}

/** `wal`: the segments of the log. `set-aside`: copies of records that are kept but not sent. */
export type Area = 'wal' | 'set-aside';

export interface Entry {
  readonly name: string;
  readonly bytes: number;
}

/** `full`: no space, deleting may help. `missing`: no such segment. `failed`: anything else, e.g. read-only or broken. */
export type StoreFailure = 'full' | 'missing' | 'failed';

export class StoreError extends Error {
  override name = 'StoreError';
  readonly reason: StoreFailure;
  constructor(reason: StoreFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Another process works in the same place. */
export class LogLockedError extends Error {
  override name = 'LogLockedError';
}
