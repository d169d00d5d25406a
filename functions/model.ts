/** What the parts of the edge hand to each other. The parts import this, never one another. */
import type { Gap, LogId, Point } from '../contract/push.ts';

/** Who sent a request; from the token only. Both match `[A-Za-z0-9_-]{1,64}`. */
export interface Identity {
  readonly tenant: string;
  readonly device: string;
}

/**
 * A piece of a push, ready to be forwarded: one device, at most max_samples_per_send samples. Forwarded in the order given:
 * a series is in two of them where it alone is too large, or where the push covers more than half an hour.
 */
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

/** Of the compressed blocks of fragments, which are nearly all that fragments hold. */
export const blockBytes = (fragments: readonly Pick<Fragment, 'block'>[]): number =>
  fragments.reduce((sum, { block }) => sum + block.length, 0);

/** What the Worker asks of a shard. Crosses versions: fields are only ever added. */
export type CommitRequest = LogCommitRequest | PlainCommitRequest;

interface CommitPayload {
  readonly tenant: string;
  readonly device: string;
  readonly fragments: readonly Fragment[];
  /** Counted by the worker for this push, added to the shard's counters: name -> value. */
  readonly counts: Readonly<Record<string, number>>;
  /** Which series it brings (series-sketch.ts). */
  readonly sketch?: Uint8Array;
}
/** Of a device with a log: store these if they follow on. */
export interface LogCommitRequest extends CommitPayload {
  readonly logId: LogId;
  readonly stream: number;
  readonly base: Point;
  readonly to: Point;
  readonly gaps: readonly Gap[];
  /** Absent: nothing. */
  readonly leftOut?: LeftOut;
}
/** Series that a push is without because the rules drop them, so that the device need not send them. */
export interface LeftOut {
  readonly series: number;
  /** As in `{instance="a:9100", job="node"}`; those of the push's first targets, some dozens. */
  readonly targets: readonly { readonly target: string; readonly series: number }[];
}
/** Of a standard sender, which has no log that we know: store these, whatever was before. Never a conflict, never a repeat. */
export interface PlainCommitRequest extends CommitPayload {
  readonly logId?: undefined;
}

export type CommitResult = ReceiverClock &
  /** Durable through `to`: just stored, or known from before. */
  (
    | { readonly kind: 'stored'; readonly repeated: boolean }
    /** Does not follow on. `points`: earlier points of this log, newest first. */
    | { readonly kind: 'conflict'; readonly stored: Point; readonly points: readonly Point[] }
    /** Try again later: memory, buffer or commit failed, or it is over the limit of that name. */
    | { readonly kind: 'busy'; readonly retryAfterMs: number; readonly reason: string; readonly limit?: string }
  );
export interface ReceiverClock {
  /** What the receiver's clock says at this moment, ms, by the `Date` of its answers; absent where that is not known. */
  readonly receiverMs?: number;
}

/** The shard is closed: the tenant's devices belong to shards of a newer generation. */
export interface Moved extends ReceiverClock {
  readonly kind: 'moved';
  readonly generation: number;
}

/** From shard `index` of the `shards` of a newer generation. */
export interface HandOverRequest {
  readonly generation: number;
  readonly shards: number;
  readonly index: number;
  /** The last device of the page before; absent: from the start. */
  readonly after?: string;
}
export interface HandOverResult {
  /** Positions of devices that now belong to who asks; a megabyte or so. */
  readonly devices: readonly DevicePositions[];
  /** To be asked for next, as `after`; absent: that was all. */
  readonly next?: string;
}
export type DevicePositions = readonly [
  device: string,
  logs: readonly (readonly [log: string, position: number, chain: string, atMs: number, earlier: string])[],
];
export interface DrainState {
  /** Durably: it will never store anything again. */
  readonly closed: boolean;
  /** Receivers that have not got all that is stored. */
  readonly backlog: readonly string[];
}

/** Which devices to tell of: one, or at most `limit` whose names come after `after`. */
export interface DevicesRequest {
  readonly device?: string;
  readonly after?: string;
  readonly limit: number;
}
/** A device with a log. */
export interface DeviceStatus {
  readonly device: string;
  /** Its last commit, ms. */
  readonly pushedMs: number;
  /** Of that push; absent where the shard has started since. */
  readonly leftOut?: LeftOut;
}
/** Of all shards of a tenant. */
export interface ListedDevices {
  /** By name. */
  readonly devices: readonly DeviceStatus[];
  /** For `after` of the next page; absent at the end. */
  readonly next?: string;
  /** Shards that did not answer: their devices are missing. */
  readonly unreachable: readonly string[];
}

/** The RPC surface of the shard Durable Object. */
export interface ShardStub {
  commit(request: CommitRequest): Promise<CommitResult | Moved>;
  /** Closes the shard for good; resolves when that is durable. Can be repeated. */
  handOver(request: HandOverRequest): Promise<HandOverResult>;
  /** Asked by those that wait for it; wakes it. */
  drained(): Promise<DrainState>;
  /** The receiver's time; a shard that has not heard of it yet asks, and waits for a moment. */
  time(): Promise<ReceiverClock>;
  /** Asked before a series table is stored, and told of offences. */
  account(request: AccountRequest): Promise<AccountResult>;
  /** Wakes it so that it drains; the cron watchdog's call. Safe at any time. */
  poke(): Promise<void>;
  /** By name. Of a closed shard none: they are another's. */
  devices(request: DevicesRequest): Promise<readonly DeviceStatus[]>;
  /** Its counters and gauges, by metric name with labels in Prometheus' text form. */
  metrics(): Promise<ShardMetrics>;
  /**
   * For the object that keeps what isolates of the Worker count (fleet/worker-counts.ts): adds to its totals, and gives them. No shard
   * of a tenant is ever asked.
   */
  count(counts: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>>;
}
export interface ShardMetrics {
  /** `relay_x_total{code="200"}` -> value, since the shard was made. */
  readonly values: Readonly<Record<string, number>>;
}

/** What a device does beside its pushes, for the shard that counts for it. */
export interface AccountRequest extends Identity {
  /** It wants to store this series table, which the tenant does not have. */
  readonly table?: { readonly rows: number; readonly bytes: number };
  /** It sent what cannot be read. Names the request: told twice it counts once. */
  readonly offence?: string;
}
export type AccountResult =
  | { readonly kind: 'ok' }
  | { readonly kind: 'busy'; readonly retryAfterMs: number; readonly reason: string; readonly limit: string };

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

/** All time and randomness of the edge comes in through this, so tests move it. */
export interface Clock {
  /** Ms since 1970. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts (then too it resolves). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
}

/** What a receiver's answer to one POST means for the data in it. Made in functions/forward/verdict.ts, the only table. */
export type Verdict = VerdictCause &
  (
    | { readonly kind: 'done' }
    /** The good samples were stored, the others never will be. `onlyRepeats`: the words name nothing but duplicates. */
    | { readonly kind: 'partly_refused'; readonly onlyRepeats: boolean }
    /** Something in it is refused for good; find out what. `late`: the words speak of order, age or duplicates. */
    | { readonly kind: 'split'; readonly late: boolean; readonly repeat: boolean }
    /** Too large in one piece. */
    | { readonly kind: 'shrink' }
    /** Come again; not before `afterMs`, where the receiver says so. */
    | { readonly kind: 'retry'; readonly afterMs: number | undefined }
    /** Wrong address, credentials or receiver: keep everything, tell people. */
    | { readonly kind: 'stop' }
  );
export interface VerdictCause {
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** The receiver's words, at most 1 kB, or what went wrong on the way. */
  readonly words: string;
  /** The receiver's clock minus ours, ms; absent where the answer has no `Date`. */
  readonly clockOffsetMs?: number;
  /** From the start of the request to the end of what was read of its answer, ms. */
  readonly tookMs?: number;
}

/** A fragment on its way out. */
export interface OutgoingFragment extends Fragment {
  /** An earlier POST of it may have reached the receiver: a refusal as repeated or late is then no surprise. */
  readonly suspect: boolean;
}

/** Sends fragments of one lane to the receiver. Implemented in functions/forward/. */
export interface Outlet {
  /** `fragments`: of one lane, in order, small enough together for one POST. Nothing is sent before {@link Delivery.advance}. */
  begin(fragments: readonly OutgoingFragment[], options?: DeliveryOptions): Delivery;
}
export interface DeliveryOptions {
  /** The receiver is known to work: the search for what it refuses is not given up where nothing passes. Default false. */
  readonly thorough?: boolean;
}
/** One POST and, where it is refused, the search for what is to blame. One call at a time. */
export interface Delivery {
  /** Goes on from where it stopped, with at most about `posts` requests. Never rejects for what a receiver does. */
  advance(posts: number): Promise<DeliveryStep>;
}
export type DeliveryStep =
  | FinishedDelivery
  /** `posts` are used up. */
  | { readonly kind: 'paused' }
  | {
      readonly kind: 'waiting';
      readonly verdict: Extract<Verdict, { kind: 'retry' | 'stop' }>;
      /** Nothing of it is decided: it can as well begin anew. */
      readonly untouched: boolean;
    };

/** Every sample was taken or is in `refused`. */
export interface FinishedDelivery {
  readonly kind: 'finished';
  /** The receiver took at least something. */
  readonly passed: boolean;
  /** It found the POST too large. */
  readonly shrunk: boolean;
  readonly deliveredSamples: number;
  readonly refused: readonly RefusedPart[];
}

export type RefusedReason = 'refused' | 'partly_refused' | 'repeat_refused' | 'too_large' | 'malformed';
/** What a receiver will never take, as a block that can be sent again. */
export interface RefusedPart {
  readonly reason: RefusedReason;
  readonly status: number;
  readonly words: string;
  readonly block: Uint8Array;
  /** Indexes into the fragments given to {@link Outlet.begin}. */
  readonly fragments: readonly number[];
  readonly samples: number;
  readonly minMs: number;
  readonly maxMs: number;
}
