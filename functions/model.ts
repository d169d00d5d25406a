/** What the parts of the edge hand to each other. The parts import this, never one another. */
import type { Gap, LogId, Point } from '../contract/push.ts';

/** Who sent a request; from the token only. Both match `[A-Za-z0-9_-]{1,64}`. */
export interface Identity {
  readonly tenant: string;
  readonly device: string;
}

/** A piece of a push, ready to be forwarded: one device, at most max_samples_per_send samples. No series is in two of them. */
export interface Fragment {
  /** A snappy block holding the bytes of a remote-write 1.0 `WriteRequest`. */
  readonly block: Uint8Array;
  /** Bytes of the `WriteRequest` before compression. */
  readonly rawBytes: number;
  readonly samples: number;
  readonly series: number;
  /** Least and greatest sample time, ms. */
  readonly minMs: number;
  readonly maxMs: number;
}

/** What the Worker asks of a shard: store these fragments if they follow on. Crosses versions: fields are only ever added. */
export interface CommitRequest {
  readonly tenant: string;
  readonly device: string;
  readonly logId: LogId;
  readonly stream: number;
  readonly base: Point;
  readonly to: Point;
  readonly gaps: readonly Gap[];
  readonly fragments: readonly Fragment[];
  /** Counted by the worker for this push, added to the shard's counters: name -> value. */
  readonly counts: Readonly<Record<string, number>>;
}

export type CommitResult =
  /** Durable through `to`: just stored, or known from before. */
  | { readonly kind: 'stored'; readonly repeated: boolean }
  /** Does not follow on. `points`: earlier points of this log, newest first. */
  | { readonly kind: 'conflict'; readonly stored: Point; readonly points: readonly Point[] }
  /** Try again later: memory, buffer or commit failed. */
  | { readonly kind: 'busy'; readonly retryAfterMs: number; readonly reason: string };

/** The RPC surface of the shard Durable Object. */
export interface ShardStub {
  commit(request: CommitRequest): Promise<CommitResult>;
  /** Wakes it so that it drains; the cron watchdog's call. Safe at any time. */
  poke(): Promise<void>;
  /** Its counters and gauges, by metric name with labels in Prometheus' text form. */
  metrics(): Promise<ShardMetrics>;
}
export interface ShardMetrics {
  /** `relay_x_total{code="200"}` -> value, since the shard was made. */
  readonly values: Readonly<Record<string, number>>;
}

/** Objects in a bucket: R2, S3 or memory. Implemented in functions/buffer/. */
export interface ObjectStore {
  /** Creates; `exists` where the key is taken. Rejects where the outcome is unknown. */
  create(key: string, body: Uint8Array): Promise<'created' | 'exists'>;
  /** Whole object or `[offset, offset + length)`; undefined where there is none. */
  get(key: string, range?: { readonly offset: number; readonly length: number }): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Size in bytes, or undefined. */
  head(key: string): Promise<number | undefined>;
  /** Keys under `prefix` after `startAfter`, in byte order; follows the pages. At most `limit`. */
  list(prefix: string, options?: { readonly startAfter?: string; readonly limit?: number }): Promise<readonly string[]>;
  /** Absent keys are no error. Any number of keys. */
  delete(keys: readonly string[]): Promise<void>;
}
