import { COMMIT_DURATION, observeDuration } from '../histogram.ts';
import {
  blockBytes,
  type Clock,
  type CommitRequest,
  type CommitResult,
  type LogCommitRequest,
  type Moved,
  type ObjectStore,
} from '../model.ts';
import { busyBy } from './account.ts';
import { Batch, type BatchResult } from './batch.ts';
import { type ByteShare, SHARES } from './budget.ts';
import type { Counters } from './counters.ts';
import { dataKey, type ShardName } from './keys.ts';
import type { CommitRow, Ledger } from './ledger.ts';
import type { Limits } from './limits.ts';
import { type EncodedObject, encodeObject } from './object-format.ts';
import type { PositionStore } from './position-store.ts';
import { decide } from './positions.ts';

/** A batch that has this much is written before its interval ends; while it waits for the one before it, nobody joins it. */
export const FULL_BATCH = { bytes: 8 * 1024 * 1024, fragments: 5000, requests: 2000 } as const;
/**
 * A batch of so many requests is written once nobody has joined it for so long: where that is all who push, they would only wait
 * for each other. So a request costs at most a 32nd of a put, and a busy shard, where somebody always comes, still makes one
 * object an interval.
 */
const QUIET = { requests: 32, ms: 50 } as const;
/** An object store that has not answered after this long will not be believed later: the outcome is unknown. */
const PUT_TIMEOUT_MS = 30_000;
/** A fragment's bytes are held twice while its object is built and written. */
const COPIES = 2;
const ROUNDS = 3;

const RETRY_AFTER_MS = { memory: 3_000, buffer: 30_000, commit: 2_000, handover: 3_000 } as const;

export interface CommitterOptions {
  readonly name: ShardName;
  readonly commitIntervalMs: number;
  readonly maxBufferBytes: number;
  readonly ledger: Ledger;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly memory: ByteShare;
  readonly positions: PositionStore;
  readonly counters: Counters;
  /** Lane of a device. */
  readonly laneOf: (device: string) => number;
  readonly lanes: () => number;
  readonly limits: Limits;
  /** Bytes stored and not yet forwarded. */
  readonly bufferedBytes: () => number;
  /** Frees so many of them at the cost of receivers that allow it; false: there are not so many. */
  readonly makeRoom: (bytes: number) => boolean;
  /** Set once the shard takes nothing more: the generation that does. */
  readonly closedBy: () => number | undefined;
  /** Called between the row and the sync that makes it durable. */
  readonly onWritten: () => void;
  /** Called once for each durable commit, before its acknowledgements. */
  readonly onCommitted: (row: CommitRow, object: EncodedObject | undefined) => void;
  /** The ledger failed: this instance has been replaced, or cannot know what is durable. It must not go on. */
  readonly onFatal: (error: unknown) => void;
}

/** Collects requests into batches and makes each durable: one object, one row, then the acknowledgements. */
export class Committer {
  readonly #options: CommitterOptions;
  #forming: Batch | undefined;
  #flying: Batch | undefined;
  #seq: number;
  #epoch: number | undefined;
  #dead = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#seq = options.ledger.newest()?.seq ?? 0;
  }

  /** Objects with an older epoch or sequence and without a row are nobody's; see sweep.ts. */
  get frontier(): { readonly epoch: number; readonly seq: number } {
    return { epoch: this.#epoch ?? Number(this.#options.ledger.meta('epoch') ?? 0) + 1, seq: this.#flying?.seq ?? this.#seq + 1 };
  }

  /** No request is being made durable. */
  get idle(): boolean {
    return this.#forming === undefined && this.#flying === undefined;
  }

  async commit(request: CommitRequest): Promise<CommitResult | Moved> {
    const result = await (request.logId === undefined ? this.#plain(request) : this.#decided(request));
    return this.#counted(result);
  }

  /** Tells a push to come again, without looking at it. */
  refuse(reason: keyof typeof RETRY_AFTER_MS): CommitResult | Moved {
    return this.#counted(this.#busy(reason));
  }

  /** Resolves when no request is being made durable. Rejects where this instance must not go on. */
  async settled(): Promise<void> {
    // Who waits for this does not wait for the interval's end.
    this.#forming?.close();
    while (!this.idle) await (this.#forming ?? this.#flying)?.settled;
    if (this.#dead) throw new Error('the instance ends');
  }

  #counted(result: CommitResult | Moved): CommitResult | Moved {
    const outcome = result.kind === 'stored' && result.repeated ? 'repeated' : result.kind;
    this.#options.counters.add(`relay_shard_pushes_total{result="${outcome}"}`);
    if (result.kind === 'busy') {
      const { limit, reason } = result;
      this.#options.counters.add(
        limit === undefined ? `relay_shard_busy_total{reason="${reason}"}` : `relay_limited_total{limit="${limit}"}`,
      );
    }
    return result;
  }

  #plain(request: CommitRequest): CommitResult | Moved | Promise<CommitResult> {
    const closedBy = this.#options.closedBy();
    if (closedBy !== undefined) return { kind: 'moved', generation: closedBy };
    return this.#dead ? this.#busy('commit') : this.#join(request, false);
  }

  async #decided(request: LogCommitRequest): Promise<CommitResult | Moved> {
    for (let round = 0; round < ROUNDS; round++) {
      if (this.#dead) break;
      // In each round: the shard may have been closed while this waited. Not even a conflict may be told from here on.
      const closedBy = this.#options.closedBy();
      if (closedBy !== undefined) return { kind: 'moved', generation: closedBy };
      const pending = this.#pendingBatch(request);
      const { device, logId, stream, base, to } = request;
      const { positions } = this.#options.positions;
      const known = pending === undefined ? positions.stored(device, logId, stream) : pending.pendingPoint(request);
      const decision = decide(known, base, to);
      if (decision.kind === 'follows') return this.#join(request, this.#flying?.pendingPoint(request) !== undefined);
      if (pending === undefined) {
        if (decision.kind === 'repeated') return { kind: 'stored', repeated: true };
        return { kind: 'conflict', stored: decision.stored, points: positions.points(device, logId, stream) };
      }
      // Nothing may be said of what is not durable yet: a device that heard it would move its cursor.
      const settled = await pending.settled;
      if (settled.kind === 'busy') return settled;
      if (decision.kind === 'repeated') return { kind: 'stored', repeated: true };
    }
    return this.#busy('commit');
  }

  #pendingBatch(request: LogCommitRequest): Batch | undefined {
    if (this.#forming?.pendingPoint(request) !== undefined) return this.#forming;
    if (this.#flying?.pendingPoint(request) !== undefined) return this.#flying;
    return undefined;
  }

  /** `followsFlying`: it goes on from what is being written, and falls with it. */
  #join(request: CommitRequest, followsFlying: boolean): CommitResult | Promise<CommitResult> {
    const { memory, maxBufferBytes, bufferedBytes, limits } = this.#options;
    const limited = limits.check(request);
    if (limited !== undefined) return busyBy(limited);
    const bytes = blockBytes(request.fragments);
    const held = bufferedBytes() + (this.#forming?.bytes ?? 0) + (this.#flying?.bytes ?? 0);
    const missing = held + bytes - maxBufferBytes;
    // A push without fragments needs no room and may tell of a gap: it always passes. One that is larger than the whole buffer waits
    // until that is empty; refused then, too, it would wait forever.
    if (bytes > 0 && missing > 0 && held > 0 && !this.#options.makeRoom(missing)) return this.#busy('buffer');
    if (this.#forming?.isFull(FULL_BATCH)) return this.#busy('commit');
    if (!memory.tryTake(bytes * COPIES, SHARES.commit)) return this.#busy('memory');
    limits.charge(request);
    const batch = this.#forming ?? this.#open();
    batch.add(request, bytes, followsFlying);
    if (batch.isFull(FULL_BATCH)) batch.close();
    return batch.settled;
  }

  #open(): Batch {
    const batch = new Batch();
    this.#forming = batch;
    void this.#run(batch, this.#flying);
    return batch;
  }

  /** Ends with the interval, or earlier where the batch is full or nobody comes any more. */
  async #gather(batch: Batch): Promise<void> {
    const { clock, commitIntervalMs } = this.#options;
    const untilMs = clock.now() + commitIntervalMs;
    for (let left = commitIntervalMs; left > 0 && !batch.closing.aborted; left = untilMs - clock.now()) {
      const { requests } = batch;
      await clock.sleep(Math.min(left, QUIET.ms, commitIntervalMs), batch.closing);
      if (requests >= QUIET.requests && batch.requests === requests) return;
    }
  }

  async #run(batch: Batch, before: Batch | undefined): Promise<void> {
    const { memory } = this.#options;
    await this.#gather(batch);
    const beforeResult = await before?.settled;
    this.#forming = undefined;
    this.#flying = batch;
    try {
      if (this.#dead || (batch.dependent && beforeResult?.kind === 'busy')) batch.settle(this.#busy('commit'));
      else batch.settle(await this.#write(batch));
    } catch (error) {
      this.#dead = true;
      this.#options.onFatal(error);
      batch.settle(this.#busy('commit'));
    } finally {
      memory.give(batch.bytes * COPIES);
      if (this.#flying === batch) this.#flying = undefined;
    }
  }

  /** Throws where the ledger does. */
  async #write(batch: Batch): Promise<BatchResult> {
    const { name, ledger, clock, counters, positions, lanes, laneOf, onWritten, onCommitted } = this.#options;
    const startMs = clock.now();
    const epoch = await this.#ownEpoch();
    const seq = ++this.#seq;
    batch.seq = seq;
    const fragments = batch.laneFragments(lanes(), laneOf);
    const object = fragments.some((lane) => lane.length > 0) ? encodeObject(fragments) : undefined;
    const key = object && dataKey(name, epoch, seq);
    // A put that may or may not have happened spends its sequence: whatever is under the key, nobody will ever read it.
    if (object !== undefined && key !== undefined && !(await this.#put(key, object.bytes))) return this.#busy('commit');

    const atMs = clock.now();
    batch.count(counters);
    counters.add('relay_commits_total');
    const row: CommitRow = {
      seq,
      epoch,
      key,
      size: object?.bytes.length ?? 0,
      atMs,
      borders: object?.index,
      positions: batch.positions(atMs),
      totals: counters.totals(),
    };
    // The row is the fence: in an instance that has been replaced this throws, and nothing is acknowledged.
    ledger.transaction(() => ledger.insertCommit(row));
    if (object !== undefined) onWritten();
    await ledger.sync();
    // Kept by the next row.
    observeDuration((metric, value) => counters.add(metric, value), COMMIT_DURATION, '', clock.now() - startMs);
    positions.record(row.positions);
    onCommitted(row, object);
    positions.snapshot(seq);
    return { kind: 'stored', repeated: false };
  }

  /** Counted up durably before the first put of this instance, so no two instances ever write one key. */
  async #ownEpoch(): Promise<number> {
    if (this.#epoch !== undefined) return this.#epoch;
    const { ledger } = this.#options;
    const epoch = Number(ledger.meta('epoch') ?? 0) + 1;
    ledger.setMeta('epoch', String(epoch));
    await ledger.sync();
    this.#epoch = epoch;
    return epoch;
  }

  async #put(key: string, bytes: Uint8Array): Promise<boolean> {
    const { store, clock, counters } = this.#options;
    const answered = new AbortController();
    const put = store.create(key, bytes).then(
      (outcome) => outcome,
      () => 'unknown' as const,
    );
    const outcome = await Promise.race([put, clock.sleep(PUT_TIMEOUT_MS, answered.signal).then(() => 'timeout' as const)]);
    answered.abort();
    if (outcome === 'created') return true;
    counters.add(`relay_commit_failures_total{outcome="${outcome}"}`);
    return false;
  }

  #busy(reason: keyof typeof RETRY_AFTER_MS): Extract<CommitResult, { kind: 'busy' }> {
    const ms = RETRY_AFTER_MS[reason];
    return { kind: 'busy', retryAfterMs: Math.round(ms * (0.75 + 0.5 * this.#options.clock.random())), reason };
  }
}
