import { FormatError } from '../../contract/binary.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { err, ok, type Result } from '../../contract/result.ts';
import { decodeTable, hashTable } from '../../contract/series-table.ts';
import type { AccountResult, Identity, ObjectStore } from '../model.ts';
import { inflate, readBody } from './body.ts';
import type { MemoryBudget, Reservation } from './memory-budget.ts';
import { busy, limited, type Reply, SHORT_OF_MEMORY } from './reply.ts';
import type { TableUse } from './table-use.ts';
import { sha256, tableKey } from './tables.ts';

export interface PutTableDeps {
  readonly store: ObjectStore;
  readonly use: TableUse;
  readonly limits: WireLimits;
  readonly memory: MemoryBudget;
  /** Whether the device may store another table. */
  readonly allowance: (table: { readonly rows: number; readonly bytes: number }) => Promise<AccountResult>;
}

const HASH = /^[0-9a-f]{32}$/;

/** Whether the tenant has this table. `HEAD /api/v1/series-tables/:hash` */
export async function hasTable(hash: string, { tenant }: Identity, store: ObjectStore): Promise<boolean> {
  return HASH.test(hash) && (await store.head(tableKey(tenant, hash))) !== undefined;
}

/**
 * Stores a series table: a deflated body whose bytes are canonical and have this hash. 201 when it is new, 200 when the
 * tenant has it. `PUT /api/v1/series-tables/:hash`
 */
export async function putTable(request: Request, hash: string, identity: Identity, deps: PutTableDeps): Promise<Reply> {
  const reservation = deps.memory.open();
  try {
    if (!HASH.test(hash)) return malformed('series table: expected a hash of 32 lower-case hex digits in the path');
    const read = await readTable(request, hash, deps.limits, reservation);
    if (!read.ok) return read.error;
    return await store(identity.tenant, hash, read.value, deps);
  } finally {
    reservation.release();
  }
}

const malformed = (message: string): Reply => ({ code: 'malformed', message });

interface ReadTable {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly rows: number;
}

async function readTable(request: Request, hash: string, limits: WireLimits, memory: Reservation): Promise<Result<ReadTable, Reply>> {
  const tooLarge: Reply = { code: 'too_large', message: `series table: expected at most ${limits.tableBytes} bytes` };
  const body = await readBody(request, limits.pushBytes, memory);
  if (!body.ok) {
    if (body.error === 'busy') return err(busy(SHORT_OF_MEMORY));
    return err(body.error === 'too_large' ? tooLarge : malformed('series table: the body ended early'));
  }
  const inflated = inflate(body.value, limits.tableBytes);
  if (!inflated.ok) return err(inflated.error === 'too_large' ? tooLarge : malformed('series table: expected a zlib (deflate) body'));
  const bytes = inflated.value;
  const taken = memory.grow(bytes.length);
  if (taken !== 'taken') return err(taken === 'busy' ? busy(SHORT_OF_MEMORY) : tooLarge);

  // The hash first: what does not match is not worth decoding.
  const actual = await hashTable(bytes, sha256);
  if (actual !== hash) return err(malformed(`series table: the path says ${hash}, the bytes have ${actual}`));
  try {
    return ok({ bytes, rows: decodeTable(bytes, limits).length });
  } catch (error) {
    if (error instanceof FormatError) return err(malformed(error.message));
    throw error;
  }
}

/** Many equal devices send the same table at once, and a key takes one write a second: looking comes first and last. */
async function store(
  tenant: string,
  hash: string,
  { bytes, rows }: ReadTable,
  { store: objects, use, allowance }: PutTableDeps,
): Promise<Reply> {
  const key = tableKey(tenant, hash);
  const known: Reply = { code: 'stored', message: '' };
  const isThere = (await objects.head(key)) !== undefined;
  const allowed = isThere ? undefined : await allowance({ rows, bytes: bytes.length });
  if (allowed?.kind === 'busy') return limited(allowed.reason, allowed.retryAfterMs);
  // Before it is stored: one without a mark would stay for ever.
  await use.mark(tenant, hash);
  if (isThere) return known;
  try {
    return (await objects.create(key, bytes)) === 'created' ? { ...known, status: 201 } : known;
  } catch (error) {
    if ((await objects.head(key)) !== undefined) return known;
    throw error;
  }
}
