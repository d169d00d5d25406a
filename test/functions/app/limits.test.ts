import { describe, expect, it } from 'vitest';
import { signToken } from '../../../functions/auth/token.ts';
import type { RelayConfig } from '../../../functions/config/types.ts';
import { estimateSketch } from '../../../functions/series-sketch.ts';
import { buildTarget, labels } from '../../fakes/pushes.ts';
import { relayConfig, tenantWithoutRules } from '../../fakes/relay-config.ts';
import { KEY, NOW, TestEdge } from '../../fakes/worker.ts';
import { block, type GivenSeries, sample, writeRequest } from '../../fakes/write-requests.ts';

const configOf = (tenant: Partial<typeof tenantWithoutRules>): RelayConfig => ({
  ...relayConfig,
  tenants: { acme: { ...tenantWithoutRules, ...tenant } },
});

const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
async function write(edge: TestEdge, body: Uint8Array<ArrayBuffer>, device = 'gw-1'): Promise<Response> {
  return edge.fetch('/api/v1/write', { method: 'POST', body, headers: { ...headers, authorization: await edge.token('acme', device) } });
}
const series = (name: string, ms = NOW) => ({ labels: [['__name__', name] as const], samples: [sample(ms, 1)] });
const bodyOf = (...all: readonly GivenSeries[]) => block(writeRequest(all));

describe('a shard that says over the limit', () => {
  const over = { kind: 'busy', retryAfterMs: 90_000, reason: 'over device_limits.ingestion_rate', limit: 'device_ingestion_rate' } as const;

  it('a standard sender hears 503, since Prometheus drops what it hears 429 for; then it is not even read', async () => {
    let now = NOW;
    const edge = new TestEdge({ now: () => now });
    edge.shard().result = over;
    const first = await write(edge, bodyOf(series('m')));
    expect([first.status, first.headers.get('retry-after'), await first.text()]).toEqual([503, '90', over.reason]);
    now += 60_000;
    const second = await write(edge, bodyOf(series('m')));
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '30']);
    expect(edge.shard().requests).toHaveLength(1);
    // A neighbour is heard.
    await write(edge, bodyOf(series('m')), 'gw-2');
    expect(edge.shard().requests).toHaveLength(2);
    now += 30_000;
    edge.shard().result = { kind: 'stored', repeated: false };
    expect((await write(edge, bodyOf(series('m')))).status).toBe(204);
  });

  it('a device hears busy with 429, also without being read', async () => {
    const edge = new TestEdge();
    edge.shard().result = over;
    await write(edge, bodyOf(series('m')));
    const { status, headers: got, answer } = await edge.send('x');
    expect([status, got.get('retry-after'), answer.code]).toEqual([429, '90', 'busy']);
  });

  it('one without a name is about the edge: nobody is held', async () => {
    const edge = new TestEdge();
    edge.shard().result = { kind: 'busy', retryAfterMs: 90_000, reason: 'memory' };
    await write(edge, bodyOf(series('m')));
    edge.shard().result = { kind: 'stored', repeated: false };
    expect((await write(edge, bodyOf(series('m')))).status).toBe(204);
  });
});

it('tells the shard which series a request brings', async () => {
  const edge = new TestEdge();
  await write(edge, bodyOf(...Array.from({ length: 40 }, (_, i) => series(`m${i}`))));
  const { sketch = new Uint8Array() } = edge.shard().requests[0] ?? {};
  expect(Math.abs(estimateSketch(sketch) - 40)).toBeLessThan(8);
});

describe('offences', () => {
  it('are pushes, tables and writes that cannot be read', async () => {
    const edge = new TestEdge();
    await edge.send('x');
    await write(edge, new Uint8Array([1, 2, 3]));
    const authorization = await edge.token();
    await edge.fetch(`/api/v1/series-tables/${'0'.repeat(32)}`, { method: 'PUT', body: 'x', headers: { authorization } });
    expect(edge.shard().accounted).toEqual([1, 2, 3].map((n) => ({ tenant: 'acme', device: 'gw-1', offence: `request-${n}` })));
  });

  it('are not writes in which some series are wrong: the rest was stored', async () => {
    const edge = new TestEdge();
    expect((await write(edge, bodyOf({ labels: [['a', 'b']], samples: [sample(NOW, 1)] }, series('m')))).status).toBe(400);
    expect(edge.shard().accounted).toEqual([]);
  });

  it('a shard that cannot be told does not change the answer', async () => {
    const edge = new TestEdge();
    edge.shard().account = () => Promise.reject(new Error('the object is being moved'));
    expect((await edge.send('x')).status).toBe(400);
  });
});

describe('series tables', () => {
  it('are asked for before they are stored, and only new ones', async () => {
    const edge = new TestEdge();
    edge.shard().accountResult = { kind: 'busy', retryAfterMs: 5000, reason: 'over limits.table_rows_per_day', limit: 'tenant_table_rows' };
    const { table } = await buildTarget({
      labels: labels({ job: 'a' }),
      times: [NOW],
      series: ['m', 'n'].map((name) => ({ labels: labels({ __name__: name, job: 'a' }), values: [1] })),
    });
    const refused = await edge.putTable(table);
    expect([refused.status, refused.answer.code, refused.headers.get('retry-after')]).toEqual([429, 'busy', '5']);
    expect(await edge.store.list('v1/tables/')).toEqual([]);
    expect(await edge.store.list('v1/used/')).toEqual([]);
    edge.shard().accountResult = { kind: 'ok' };
    expect((await edge.putTable(table)).status).toBe(201);
    expect((await edge.putTable(table)).status).toBe(200);
    expect(edge.shard().accounted.map(({ table: asked }) => asked)).toEqual(Array(2).fill({ rows: 2, bytes: table.bytes.length }));
  });
});

describe('a tenant with lower limits of its own', () => {
  it('has them, and no higher ones', async () => {
    const limits = { ...tenantWithoutRules.limits, wire: { labelsPerSeries: 1, pushBytes: 1e9 } };
    const edge = new TestEdge({ config: configOf({ limits }) });
    const tenant = edge.edge.tenant('acme');
    expect(tenant?.limits).toMatchObject({ labelsPerSeries: 1, pushBytes: relayConfig.limits.pushBytes });
    expect(await (await write(edge, bodyOf(series('m')))).text()).toContain('too many labels');
  });
});

describe('tokens that were taken back', () => {
  const tokenOf = async (issuedMs?: number) =>
    `Bearer ${await signToken(KEY, { tenant: 'acme', device: 'gw-1', expiresMs: NOW + 1e9, ...(issuedMs === undefined ? {} : { issuedMs }) })}`;

  it.each([
    ['a revoked device', { revokedDevices: ['gw-1'] }, NOW, 401],
    ['another device', { revokedDevices: ['gw-2'] }, NOW, 400],
    ['a token of before', { tokensNotBeforeMs: NOW }, NOW - 1000, 401],
    ['a token without a time', { tokensNotBeforeMs: NOW }, undefined, 401],
    ['a newer token', { tokensNotBeforeMs: NOW }, NOW, 400],
  ])('%s', async (_name, tenant, issuedMs, status) => {
    const edge = new TestEdge({ config: configOf(tenant) });
    const got = await edge.send('x', { authorization: await tokenOf(issuedMs) });
    expect(got.status).toBe(status);
    if (status !== 401) return;
    expect(got.answer.message).toBe('the token is not valid');
    expect(edge.counted()).toMatchObject({ 'relay_auth_failures_total{reason="revoked"}': 1 });
  });
});

describe('the limit for times ahead, of standard senders', () => {
  const HOUR = 3_600_000;
  const status = async (receiverMs: number | undefined, ms: number): Promise<number> => {
    const edge = new TestEdge();
    edge.shard().clock = receiverMs === undefined ? {} : { receiverMs };
    return (await write(edge, bodyOf(series('m', ms)))).status;
  };

  it.each([
    ['clocks agree: the edge counts', NOW + 1000, NOW + 61_000, 400],
    ['the receiver is not known', undefined, NOW + 59_000, 204],
    ['the edge is behind, the sender agrees with the receiver', NOW + HOUR, NOW + HOUR, 204],
    ['the edge is ahead, the sender agrees with the receiver', NOW - HOUR, NOW - HOUR + 59_000, 204],
    ['the receiver is behind, the sender agrees with the edge', NOW - HOUR, NOW, 204],
    ['old samples harm nobody', NOW + HOUR, NOW - 5 * HOUR, 204],
    ['the sender agrees with neither: kept until they do', NOW - HOUR, NOW + HOUR, 503],
    ['between the two', NOW + HOUR, NOW + HOUR / 2, 503],
  ])('%s', async (_name, receiverMs, ms, expected) => {
    expect(await status(receiverMs, ms)).toBe(expected);
  });
});
