import { FormatError, LimitError } from '../../contract/binary.ts';
import type { Cells } from '../../contract/cells.ts';
import { labelsKey } from '../../contract/labels.ts';
import { decodePush, type UndecodedPush } from '../../contract/push.ts';
import type { UndecodedTargetBatch } from '../../contract/push-target.ts';
import { readPushName } from '../../contract/push-scan.ts';
import { REPORT_ROWS } from '../../contract/report-series.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import type { Row, TableHash } from '../../contract/series-table.ts';
import type { RelayConfig } from '../config/types.ts';
import type { CommitRequest, CommitResult, Identity } from '../model.ts';
import { assemble, type Batch } from './assemble.ts';
import { inflate, readBody } from './body.ts';
import type { SeriesCache, SeriesEntry, SeriesRules } from './labels.ts';
import type { MemoryBudget, Reservation } from './memory-budget.ts';
import { busy, type Reply, SHORT_OF_MEMORY } from './reply.ts';
import type { LoadedTable, TableSource } from './tables.ts';
import { Tally } from './tally.ts';

export interface PushDeps {
  readonly config: RelayConfig;
  readonly rules: SeriesRules;
  readonly minPushIntervalMs: number;
  readonly tables: TableSource;
  readonly series: SeriesCache;
  readonly memory: MemoryBudget;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Takes work that may end after the answer. */
  readonly afterwards: (work: Promise<void>) => void;
  /** Stores in the device's shard; resolves after the outcome is durable. */
  readonly commit: (request: CommitRequest) => Promise<CommitResult>;
}

/** Tables that are read from the store at once; the platform allows six connections. */
const PARALLEL_LOOKUPS = 6;
/** Of a decoded cell: its bits and its state. */
const CELL_BYTES = 9;

/**
 * `POST /api/v1/push`: body -> push -> tables -> series -> fragments -> shard -> answer. What cannot be taken is told by an
 * answer; only failures of the edge itself reject.
 */
export async function handlePush(request: Request, identity: Identity, deps: PushDeps): Promise<Reply> {
  const memory = deps.memory.open();
  try {
    const decoded = await readPush(request, deps, memory);
    if (!decoded.ok) return decoded.error;
    const push = decoded.value;
    const names = { logId: push.logId, position: push.to.position };
    return { ...(await takePush(push, identity, deps, memory)), ...names };
  } finally {
    memory.release();
  }
}

async function readPush(request: Request, { config: { limits } }: PushDeps, memory: Reservation): Promise<Result<UndecodedPush, Reply>> {
  const body = await readBody(request, limits.pushBytes, memory);
  if (!body.ok) {
    if (body.error === 'busy') return err(busy(SHORT_OF_MEMORY));
    return err(body.error === 'too_large' ? tooLarge(`at most ${limits.pushBytes} bytes`) : malformed('push: the body ended early'));
  }
  const inflated = inflate(body.value, limits.pushInflatedBytes);
  if (!inflated.ok)
    return err(
      inflated.error === 'too_large'
        ? tooLarge(`at most ${limits.pushInflatedBytes} bytes after inflating`)
        : malformed('push: expected a zlib (deflate) body'),
    );
  const taken = take(memory, inflated.value.length);
  if (!taken.ok) return taken;
  const push = refusing(() => decodePush(inflated.value, limits));
  // Named where it can be: a device believes a refusal only by the name of what was refused.
  return push.ok ? push : err({ ...push.error, ...readPushName(inflated.value) });
}

async function takePush(push: UndecodedPush, identity: Identity, deps: PushDeps, memory: Reservation): Promise<Reply> {
  const { config, minPushIntervalMs } = deps;
  if (push.stream !== 0) return malformed(`push: expected stream 0, got ${push.stream}`);
  if (push.to.position === push.base.position) {
    if (push.targets.length > 0) return malformed('push: scrapes without positions');
    // Asks for the time, which every answer tells. Says nothing about what is stored: `position` is the device's own cursor.
    return { code: 'stored', message: '', minPushIntervalMs };
  }

  const latestMs = deps.now() + config.limits.futureMs;
  const newest = newestScrape(push);
  if (newest > latestMs) return { code: 'clock', message: `push: a scrape lies ${newest - deps.now()} ms ahead of the edge's clock` };

  const tables = await findTables(push, identity, deps, memory);
  if (!tables.ok) return tables.error;
  const tally = new Tally();
  const batches = decodeBatches(push, tables.value, identity, deps, memory);
  if (!batches.ok) return batches.error;
  for (const { entry } of batches.value) tally.add('relay_identity_restored_total', entry.identityRestored);
  const fragments = assemble(batches.value, { maxSamplesPerSend: config.receiver.queue.maxSamplesPerSend, latestMs }, tally);
  if (!fragments.ok) return tooLarge('less at once');

  for (const { from, to, reason } of push.gaps) tally.add(`relay_positions_skipped_total{reason="${reason}"}`, to - from + 1);
  const { logId, stream, base, to, gaps } = push;
  return answer(
    await deps.commit({ ...identity, logId, stream, base, to, gaps, fragments: fragments.value, counts: tally.take() }),
    minPushIntervalMs,
  );
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

/** Decodes the cells of each target and finds the labels of its series. A target's own rows come before its report rows. */
function decodeBatches(
  push: UndecodedPush,
  tables: ReadonlyMap<TableHash, LoadedTable>,
  identity: Identity,
  { rules, series }: PushDeps,
  memory: Reservation,
): Result<readonly Batch[], Reply> {
  const batches: Batch[] = [];
  const owners = new Map<string, number>();
  const counted = new Set<SeriesEntry>();
  const add = (
    table: string,
    rows: readonly Row[],
    target: UndecodedTargetBatch,
    owner: number,
    decode: () => Cells,
  ): Result<void, Reply> => {
    const room = take(memory, rows.length * target.times.length * CELL_BYTES);
    if (!room.ok) return room;
    const cells = refusing(decode);
    if (!cells.ok) return cells;
    const entry = series.entry(table, rows, target.labels, push.externalLabels, identity, rules);
    if (!entry.ok) return err(tooLarge('shorter labels or fewer series in one target'));
    // Entries of one push are held at once, in the cache or not.
    const held = counted.has(entry.value) ? ok(undefined) : take(memory, entry.value.bytes);
    if (!held.ok) return held;
    counted.add(entry.value);
    batches.push({ owner, times: target.times, cells: cells.value, entry: entry.value });
    return ok(undefined);
  };
  for (const target of push.targets) {
    const key = labelsKey(target.labels);
    const owner = owners.get(key) ?? owners.size * 2;
    owners.set(key, owner);
    const table = target.table === undefined ? undefined : tables.get(target.table);
    if (target.table !== undefined && table !== undefined) {
      const added = add(target.table, table.rows, target, owner, () => target.decodeCells(table.rows.length));
      if (!added.ok) return added;
    }
    const added = add('report', REPORT_ROWS, target, owner + 1, () => target.report);
    if (!added.ok) return added;
  }
  return ok(batches);
}

function answer(result: CommitResult, minPushIntervalMs: number): Reply {
  switch (result.kind) {
    case 'stored':
      return { code: 'stored', message: '', minPushIntervalMs };
    case 'conflict':
      return { code: 'conflict', message: 'the push does not follow what is stored', stored: result.stored, points: result.points };
    case 'busy':
      return busy(result.reason, result.retryAfterMs);
  }
}

const malformed = (message: string): Reply => ({ code: 'malformed', message });
const tooLarge = (expected: string): Reply => ({ code: 'too_large', message: `push: expected ${expected}` });

function take(memory: Reservation, bytes: number): Result<void, Reply> {
  const taken = memory.grow(bytes);
  if (taken === 'taken') return ok(undefined);
  return err(taken === 'busy' ? busy(SHORT_OF_MEMORY) : tooLarge('less at once: the edge has no memory for this much'));
}

/** Decoders throw; what they throw is the sender's fault and becomes an answer. */
function refusing<T>(decode: () => T): Result<T, Reply> {
  try {
    return ok(decode());
  } catch (error) {
    if (error instanceof LimitError) return err({ code: 'too_large', message: error.message });
    if (error instanceof FormatError) return err(malformed(error.message));
    throw error;
  }
}
