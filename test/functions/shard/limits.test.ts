import { describe, expect, it } from 'vitest';
import { defaultTenant } from '../../../functions/config/defaults.ts';
import type { TenantConfig } from '../../../functions/config/types.ts';
import { seriesHash } from '../../../functions/ingest/series-hash.ts';
import type { CommitRequest, CommitResult } from '../../../functions/model.ts';
import { addToSketch, SKETCH_BYTES } from '../../../functions/series-sketch.ts';
import { ACTIVE_WINDOW_MS, bufferShare, type ShardLimits, shardLimits, UNLIMITED } from '../../../functions/shard/limits.ts';
import { fragment, plain, push, TENANT } from '../../fakes/commit-requests.ts';
import { ShardRig } from '../../fakes/shard-rig.ts';

const withLimits = (tenant: Partial<ShardLimits['tenant']>, device: Partial<ShardLimits['device']> = {}): ShardRig =>
  new ShardRig({ limits: { tenant: { ...UNLIMITED.tenant, ...tenant }, device: { ...UNLIMITED.device, ...device } } });

/** So many samples of one series. */
const samples = (rig: ShardRig, count: number, name = 'm') =>
  fragment({
    labels: { __name__: name },
    samples: Array.from({ length: count }, (_, i): [number, number] => [rig.clock.now() - count + i, i]),
  });

async function commit(rig: ShardRig, request: CommitRequest): Promise<CommitResult> {
  const answer = rig.core.commit(request);
  await rig.pass(300);
  const result = await answer;
  if (result.kind === 'moved') throw new Error('moved');
  return result;
}

const hash = seriesHash('test');
function sketchOf(from: number, to: number): Uint8Array {
  const sketch = new Uint8Array(SKETCH_BYTES);
  for (let i = from; i < to; i++) addToSketch(sketch, hash(new TextEncoder().encode(`s${i}`)));
  return sketch;
}

describe('ingestion_rate', () => {
  it('makes a device wait that sends more, and takes it when its time has come', async () => {
    const rig = withLimits({}, { ingestionRate: 10, ingestionBurstSize: 100 });
    expect(await commit(rig, push({ from: 0, to: 1, fragments: [samples(rig, 100)] }))).toMatchObject({ kind: 'stored' });
    const second = push({ from: 1, to: 2, fragments: [samples(rig, 50)] });
    const limited = await commit(rig, second);
    expect(limited).toMatchObject({ kind: 'busy', limit: 'device_ingestion_rate' });
    expect(rig.value('relay_limited_total{limit="device_ingestion_rate"}')).toBe(1);
    const waitMs = limited.kind === 'busy' ? limited.retryAfterMs : 0;
    expect(waitMs).toBeGreaterThan(4000);
    expect(waitMs).toBeLessThanOrEqual(5000);
    await rig.pass(waitMs);
    expect(await commit(rig, second)).toMatchObject({ kind: 'stored', repeated: false });
  });

  it('leaves the neighbours of a device alone', async () => {
    const rig = withLimits({}, { ingestionRate: 10, ingestionBurstSize: 10 });
    await commit(rig, plain('gw-1', samples(rig, 10)));
    expect(await commit(rig, plain('gw-1', samples(rig, 10)))).toMatchObject({ kind: 'busy' });
    expect(await commit(rig, plain('gw-2', samples(rig, 10)))).toMatchObject({ kind: 'stored' });
  });

  it('holds for the tenant as a whole, too', async () => {
    const rig = withLimits({ ingestionRate: 10, ingestionBurstSize: 15 });
    await commit(rig, plain('gw-1', samples(rig, 10)));
    expect(await commit(rig, plain('gw-2', samples(rig, 10)))).toMatchObject({ kind: 'busy', limit: 'tenant_ingestion_rate' });
  });

  it('takes a push larger than the burst once all of the burst is there: a backlog always comes through', async () => {
    const rig = withLimits({}, { ingestionRate: 10, ingestionBurstSize: 20 });
    expect(await commit(rig, push({ from: 0, to: 1, fragments: [samples(rig, 100)] }))).toMatchObject({ kind: 'stored' });
    const next = push({ from: 1, to: 2, fragments: [samples(rig, 100)] });
    const limited = await commit(rig, next);
    await rig.pass(limited.kind === 'busy' ? limited.retryAfterMs : 0);
    expect(await commit(rig, next)).toMatchObject({ kind: 'stored' });
  });

  it('asks nothing for a repeat, a conflict, or a push without samples', async () => {
    const rig = withLimits({}, { ingestionRate: 1, ingestionBurstSize: 10 });
    const first = push({ from: 0, to: 1, fragments: [samples(rig, 10)] });
    await commit(rig, first);
    expect(await commit(rig, first)).toMatchObject({ kind: 'stored', repeated: true });
    expect(await commit(rig, push({ from: 5, to: 6, fragments: [samples(rig, 10)] }))).toMatchObject({ kind: 'conflict' });
    expect(await commit(rig, push({ from: 1, to: 2 }))).toMatchObject({ kind: 'stored', repeated: false });
  });
});

describe('max_active_series', () => {
  const one = (rig: ShardRig, sketch: Uint8Array, device = 'gw-1') => ({ ...plain(device, samples(rig, 1)), sketch });

  it('makes pushes with more series wait, not those with known ones', async () => {
    const rig = withLimits({}, { maxActiveSeries: 1000 });
    expect(await commit(rig, one(rig, sketchOf(0, 800)))).toMatchObject({ kind: 'stored' });
    expect(rig.value('relay_active_series')).toBeGreaterThan(600);
    expect(await commit(rig, one(rig, sketchOf(800, 2500)))).toMatchObject({
      kind: 'busy',
      limit: 'device_active_series',
      retryAfterMs: 60_000,
    });
    expect(await commit(rig, one(rig, sketchOf(0, 800)))).toMatchObject({ kind: 'stored' });
    expect(await commit(rig, one(rig, sketchOf(0, 800), 'gw-2'))).toMatchObject({ kind: 'stored' });
  });

  it('adds up what comes in many pushes: churn is what the limit is for', async () => {
    const rig = withLimits({}, { maxActiveSeries: 1000 });
    const results: string[] = [];
    for (let i = 0; i < 30; i++) results.push((await commit(rig, one(rig, sketchOf(100 * i, 100 * i + 100)))).kind);
    expect(results.slice(0, 6)).toEqual(Array(6).fill('stored'));
    expect(results.slice(15)).toContain('busy');
  });

  it('adds up the devices of a tenant', async () => {
    const rig = withLimits({ maxActiveSeries: 1500 });
    expect(await commit(rig, one(rig, sketchOf(0, 1000), 'gw-1'))).toMatchObject({ kind: 'stored' });
    expect(await commit(rig, one(rig, sketchOf(1000, 2500), 'gw-2'))).toMatchObject({ kind: 'busy', limit: 'tenant_active_series' });
  });

  it('forgets series without samples after two windows', async () => {
    const rig = withLimits({}, { maxActiveSeries: 1000 });
    await commit(rig, one(rig, sketchOf(0, 800)));
    await rig.pass(ACTIVE_WINDOW_MS, 60_000);
    expect(rig.value('relay_active_series')).toBeGreaterThan(600);
    await rig.pass(ACTIVE_WINDOW_MS, 60_000);
    expect(rig.value('relay_active_series')).toBe(0);
    expect(await commit(rig, one(rig, sketchOf(800, 1600)))).toMatchObject({ kind: 'stored' });
  });
});

describe('a tenant over several shards', () => {
  const tenant: TenantConfig = {
    ...defaultTenant,
    limits: { ...defaultTenant.limits, ingestionRate: 10, maxActiveSeries: 0, maxBufferBytes: 9e6 },
  };

  it('shares its limits out evenly, and none away', () => {
    expect(shardLimits(tenant, 4).tenant).toMatchObject({ ingestionRate: 2, maxActiveSeries: 0, tableRowsPerDay: 25_000_000 });
    expect(shardLimits(tenant, 100).tenant.ingestionRate).toBe(1);
    expect(shardLimits(tenant, 4).device).toBe(defaultTenant.deviceLimits);
  });

  it('shares its buffer out as well; without one of its own each shard has that of the file', () => {
    expect(bufferShare(tenant, { maxBufferBytes: 5e6, shards: 4 })).toBe(2_250_000);
    expect(bufferShare(defaultTenant, { maxBufferBytes: 5e6, shards: 4 })).toBe(5e6);
  });
});

describe('series tables', () => {
  const DAY = 86_400_000;
  const table = { rows: 600, bytes: 10_000 };
  const account = (rig: ShardRig, device = 'gw-1') => rig.core.account({ tenant: TENANT, device, table });

  it.each([
    ['rows of a device', {}, { tableRowsPerDay: 1000 }, 'device_table_rows', 'gw-1'],
    ['bytes of a device', {}, { tableBytesPerDay: 15_000 }, 'device_table_bytes', 'gw-1'],
    ['rows of a tenant', { tableRowsPerDay: 1000 }, {}, 'tenant_table_rows', 'gw-2'],
    ['bytes of a tenant', { tableBytesPerDay: 15_000 }, {}, 'tenant_table_bytes', 'gw-2'],
  ])('%s in a day', async (_name, ofTenant, ofDevice, limit, second) => {
    const rig = withLimits(ofTenant, ofDevice);
    expect(await account(rig)).toEqual({ kind: 'ok' });
    expect(await account(rig, second)).toMatchObject({ kind: 'busy', limit });
    expect(rig.value(`relay_limited_total{limit="${limit}"}`)).toBe(1);
    // Kept by the shard's storage.
    rig.restart();
    expect(await account(rig, second)).toMatchObject({ kind: 'busy', limit });
    await rig.pass(DAY / 2, 3_600_000);
    expect(await account(rig, second)).toEqual({ kind: 'ok' });
  });

  it('one that is larger than the share of a day passes all the same', async () => {
    const rig = withLimits({}, { tableRowsPerDay: 100 });
    expect(await account(rig)).toEqual({ kind: 'ok' });
    expect(await account(rig)).toMatchObject({ kind: 'busy' });
  });
});
