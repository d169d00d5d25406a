import type { ColumnsDecoder } from '../../contract/decode-columns.ts';
import { decodePush, type UndecodedPush } from '../../contract/decode-push.ts';
import { isPlain, type PushAnswer } from '../../contract/push.ts';
import { readPushName } from '../../contract/push-scan.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import type { TableHash } from '../../contract/series-table.ts';
import type { Outgoing, RelayConfig } from '../config/types.ts';
import type { CommitRequest, CommitResult, Identity, LogCommitRequest } from '../model.ts';
import { SKETCH_BYTES } from '../series-sketch.ts';
import { assemble } from './assemble.ts';
import { decodeBatches } from './batches.ts';
import type { BlockWriter } from './block-writer.ts';
import { inflate, readBody } from './body.ts';
import type { SeriesRules } from './labels.ts';
import type { LivingShapes } from './living-shapes.ts';
import { bytesUntilCommitted, type MemoryBudget, type Reservation } from './memory-budget.ts';
import { agreedTime } from './receiver-time.ts';
import {
  busy,
  CLOCKS_DISAGREE,
  DISPUTE_RETRY_MS,
  limited,
  malformed,
  type Reply,
  refusing,
  SHORT_OF_MEMORY,
  take,
  tooLarge,
} from './reply.ts';
import type { SeriesCache } from './series-cache.ts';
import type { LoadedTable, TableSource } from './tables.ts';
import { Tally } from './tally.ts';

export interface PushDeps {
  readonly outgoing: Outgoing;
  readonly rules: SeriesRules;
  /** The tenant's. */
  readonly limits: RelayConfig['limits'];
  readonly minPushIntervalMs: number;
  /** Devices may leave out what the rules drop, and are told what that is. */
  readonly dropPushDown: boolean;
  /** See {@link PushAnswer.freshWindowMs}. */
  readonly freshWindowMs: number;
  readonly tables: TableSource;
  readonly series: SeriesCache;
  readonly memory: MemoryBudget;
  readonly block: BlockWriter;
  readonly columns: ColumnsDecoder;
  readonly shapes: LivingShapes;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** The receiver's time, ms; undefined where it is not known. */
  readonly receiverTime: () => Promise<number | undefined>;
  /** Takes work that may end after the answer. */
  readonly afterwards: (work: Promise<void>) => void;
  /** Stores in the device's shard; resolves after the outcome is durable. */
  readonly commit: (request: CommitRequest) => Promise<CommitResult>;
}

/** Tables that are read from the store at once; the platform allows six connections. */
const PARALLEL_LOOKUPS = 6;

/** A push that is ready to be stored: all that is held of it while its shard commits, which takes a second or so. */
interface Ready {
  readonly request: LogCommitRequest;
  readonly wishes: Pick<PushAnswer, 'minPushIntervalMs' | 'freshWindowMs' | 'masks'>;
  /** The agreed time minus the edge's own, ms. */
  readonly skew: number;
}

/**
 * `POST /api/v1/push`: body -> push -> tables -> series -> fragments -> shard -> answer. What cannot be taken is told by an
 * answer; only failures of the edge itself reject.
 */
export async function handlePush(request: Request, identity: Identity, deps: PushDeps): Promise<Reply> {
  const memory = deps.memory.open();
  try {
    const ready = await prepare(request, identity, deps, memory);
    if (!ready.ok) return ready.error;
    const { request: push, wishes, skew } = ready.value;
    // Many pushes wait for one commit: tables, templates and cells are not theirs any more.
    memory.keep(bytesUntilCommitted(push.fragments));
    const reply = answer(await deps.commit(push), wishes);
    // The time is that of the answer's leaving.
    return { ...reply, ...nameOf(push), edgeMs: deps.now() + skew };
  } finally {
    memory.release();
  }
}

const nameOf = ({ logId, to }: Pick<LogCommitRequest, 'logId' | 'to'>) => ({ logId, position: to.position });

async function prepare(request: Request, identity: Identity, deps: PushDeps, memory: Reservation): Promise<Result<Ready, Reply>> {
  const decoded = await readPush(request, deps, memory);
  if (!decoded.ok) return decoded;
  const push = decoded.value;
  const receiverMs = await deps.receiverTime();
  const edgeMs = agreedTime(deps.now(), receiverMs, push.clock.wallMs + push.clock.offsetMs);
  if (edgeMs === undefined) return err({ ...busy(CLOCKS_DISAGREE, DISPUTE_RETRY_MS), ...nameOf(push), edgeMs: 0 });
  const skew = edgeMs - deps.now();
  const taken = await takePush(push, identity, { ...deps, now: () => deps.now() + skew }, memory);
  return taken.ok ? ok({ ...taken.value, skew }) : err({ ...taken.error, ...nameOf(push), edgeMs: deps.now() + skew });
}

async function readPush(request: Request, { limits, columns }: PushDeps, memory: Reservation): Promise<Result<UndecodedPush, Reply>> {
  const body = await readBody(request, limits.pushBytes, memory);
  if (!body.ok) {
    if (body.error === 'busy') return err(busy(SHORT_OF_MEMORY));
    return err(body.error === 'too_large' ? tooLarge(`at most ${limits.pushBytes} bytes`) : malformed('push: the body ended early'));
  }
  const inflated = isPlain(body.value) ? ok(body.value) : inflate(body.value, limits.pushInflatedBytes);
  if (!inflated.ok)
    return err(
      inflated.error === 'too_large'
        ? tooLarge(`at most ${limits.pushInflatedBytes} bytes after inflating`)
        : malformed('push: expected a zlib (deflate) body'),
    );
  const taken = take(memory, inflated.value.length);
  if (!taken.ok) return taken;
  const push = refusing(() => decodePush(inflated.value, limits, columns));
  // Named where it can be: a device believes a refusal only by the name of what was refused.
  return push.ok ? push : err({ ...push.error, ...readPushName(inflated.value) });
}

async function takePush(
  push: UndecodedPush,
  identity: Identity,
  deps: PushDeps,
  memory: Reservation,
): Promise<Result<Omit<Ready, 'skew'>, Reply>> {
  const { outgoing, minPushIntervalMs, freshWindowMs } = deps;
  if (push.to.position === push.base.position) {
    if (push.targets.length > 0) return err(malformed('push: scrapes without positions'));
    // Asks for the time, which every answer tells. Says nothing about what is stored: `position` is the device's own cursor.
    return err({ code: 'stored', message: '', minPushIntervalMs, freshWindowMs });
  }

  const latestMs = deps.now() + deps.limits.futureMs;
  const newest = newestScrape(push);
  if (newest > latestMs) return err({ code: 'clock', message: `push: a scrape lies ${newest - deps.now()} ms ahead of the edge's clock` });

  const tables = await findTables(push, identity, deps, memory);
  if (!tables.ok) return tables;
  const tally = new Tally();
  const decoded = decodeBatches(push, tables.value, identity, deps, memory);
  if (!decoded.ok) return decoded;
  const { batches, metadata, masks } = decoded.value;
  tally.add('relay_samples_left_out_total', masks.leftOut);
  for (const { entry } of batches) tally.add('relay_identity_restored_total', entry.template.identityRestored);
  const sketch = new Uint8Array(SKETCH_BYTES);
  const options = { maxSamplesPerSend: outgoing.maxSamplesPerSend, block: deps.block, shapes: deps.shapes, latestMs, sketch };
  const fragments = assemble(batches, metadata, options, tally);
  if (!fragments.ok) return err(tooLarge('less at once'));
  deps.shapes.keep({ entry: batches[0]?.entry, tally });

  for (const { from, to, reason } of push.gaps) tally.add(`relay_positions_skipped_total{reason="${reason}"}`, to - from + 1);
  const { logId, stream, base, to, gaps } = push;
  const leftOut = masks.leftOutSeries();
  const about = leftOut === undefined ? {} : { leftOut };
  return ok({
    request: { ...identity, logId, stream, base, to, gaps, fragments: fragments.value, sketch, counts: tally.take(), ...about },
    wishes: { minPushIntervalMs, freshWindowMs, masks: masks.masks() },
  });
}

function newestScrape({ targets }: UndecodedPush): number {
  let newest = Number.NEGATIVE_INFINITY;
  for (const { times } of targets) newest = Math.max(newest, times.at(-1) ?? newest);
  return newest;
}

/** The tables that the push names, or an answer that says which ones the device must send. */
async function findTables(
  push: UndecodedPush,
  { tenant }: Identity,
  deps: PushDeps,
  memory: Reservation,
): Promise<Result<ReadonlyMap<TableHash, LoadedTable>, Reply>> {
  const wanted = [...new Set(push.targets.flatMap(({ table }) => (table === undefined ? [] : [table])))];
  const found = new Map<TableHash, LoadedTable>();
  const unknownTables: TableHash[] = [];
  for (let i = 0; i < wanted.length; i += PARALLEL_LOOKUPS) {
    const some = wanted.slice(i, i + PARALLEL_LOOKUPS);
    const tables = await Promise.all(some.map((hash) => deps.tables.find(tenant, hash, deps.afterwards)));
    for (const [j, hash] of some.entries()) {
      const table = tables[j];
      if (table === undefined) {
        unknownTables.push(hash);
        continue;
      }
      found.set(hash, table);
      const taken = take(memory, table.bytes);
      if (!taken.ok) return taken;
    }
  }
  return unknownTables.length > 0 ? err({ code: 'unknown_tables', message: 'series tables to be sent first', unknownTables }) : ok(found);
}

function answer(result: CommitResult, wishes: Ready['wishes']): Reply {
  switch (result.kind) {
    case 'stored':
      return { code: 'stored', message: '', ...wishes };
    case 'conflict':
      return { code: 'conflict', message: 'the push does not follow what is stored', stored: result.stored, points: result.points };
    case 'busy':
      return (result.limit === undefined ? busy : limited)(result.reason, result.retryAfterMs);
  }
}
