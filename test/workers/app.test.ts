import { createScheduledController } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { decodeAnswer, type Push, TABLE_PATH } from '../../contract/push.ts';
import { signToken } from '../../functions/auth/token.ts';
import { edgeCache } from '../../functions/buffer/edge-cache.ts';
import { encodeDeadLetter } from '../../functions/dead-letter.ts';
import worker, { Shard } from '../../functions/index.ts';
import { inflate } from '../../functions/ingest/body.ts';
import { deadKey } from '../../functions/shard/keys.ts';
import { buildTarget, deflate, makePush, pushBody, labels as sorted } from '../fakes/pushes.ts';

/** The real Worker with its real bindings: tokens, R2, Cache API and the shard. */

const token = async (device: string, tenant = 'acme') =>
  `Bearer ${await signToken(env.DEVICE_TOKEN_KEY ?? '', { tenant, device, expiresMs: Date.now() + 60_000 })}`;

const fetchEdge = (path: string, init?: RequestInit) => exports.default.fetch(new Request(`http://edge${path}`, init));

async function send(device: string, body: Uint8Array<ArrayBuffer>) {
  const response = await fetchEdge('/api/v1/push', { method: 'POST', body, headers: { authorization: await token(device) } });
  return { status: response.status, answer: decodeAnswer(new Uint8Array(await response.arrayBuffer())) };
}
const push = (device: string, given: Push) => send(device, pushBody(given));

async function target(name: string) {
  const own = sorted({ instance: name, job: 'node' });
  return buildTarget({
    labels: own,
    times: [Date.now() - 2000, Date.now() - 1000],
    series: [{ labels: sorted({ __name__: name, instance: name, job: 'node' }), values: [1, 'stale'] }],
  });
}

async function putTable(hash: string, bytes: Uint8Array, tenant = 'acme') {
  const headers = { authorization: await token('gw-1', tenant) };
  return fetchEdge(`${TABLE_PATH}${hash}`, { method: 'PUT', body: deflate(bytes), headers });
}

describe('the Worker', () => {
  it('is ready with the bundled configuration', async () => {
    const response = await fetchEdge('/-/ready');
    expect([response.status, await response.text()]).toEqual([200, 'The relay is ready.\n']);
  });

  it('takes a table and a push, stores it in the bucket before it answers, and knows a repeat', async () => {
    const { table, batch } = await target('first');
    const first = makePush([batch]);
    expect((await push('gw-1', first)).answer).toMatchObject({ code: 'unknown_tables', unknownTables: [table.hash] });
    expect((await putTable(table.hash, table.bytes)).status).toBe(201);
    expect((await putTable(table.hash, table.bytes)).status).toBe(200);
    const { status, answer } = await push('gw-1', first);
    expect([status, answer.code, answer.logId, answer.position]).toEqual([200, 'stored', first.logId, 1]);
    expect((await env.BUFFER.list({ prefix: 'v1/data/acme/' })).objects).toHaveLength(1);
    expect((await env.BUFFER.list({ prefix: 'v1/shards/acme/' })).objects).toHaveLength(1);
    expect((await push('gw-1', first)).answer.code).toBe('stored');
    expect((await env.BUFFER.list({ prefix: 'v1/data/acme/' })).objects).toHaveLength(1);
  });

  it('answers a push that does not follow with what is stored', async () => {
    const to = { position: 5, chain: 'aaaaaaaaaaaaaaaa' };
    const gaps = [{ from: 1, to: 5, reason: 'evicted' }] as const;
    const logId = '33'.repeat(16);
    expect((await push('gw-2', makePush([], { logId, to, gaps }))).answer.code).toBe('stored');
    const other = { position: 5, chain: 'bbbbbbbbbbbbbbbb' };
    const { status, answer } = await push('gw-2', makePush([], { logId, base: other, to: { position: 6, chain: 'cccccccccccccccc' } }));
    expect([status, answer.code, answer.stored]).toEqual([409, 'conflict', to]);
  });

  it("does not let one tenant use another's table", async () => {
    const { table, batch } = await target('theirs');
    expect((await putTable(table.hash, table.bytes, 'other')).status).toBe(201);
    expect((await push('gw-3', makePush([batch]))).answer).toMatchObject({ code: 'unknown_tables', unknownTables: [table.hash] });
    const head = await fetchEdge(`${TABLE_PATH}${table.hash}`, { method: 'HEAD', headers: { authorization: await token('gw-3') } });
    expect(head.status).toBe(404);
  });

  it('finds a table in the cache of the data centre', async () => {
    const { table } = await target('cached');
    const cache = edgeCache(caches.default);
    const key = `v1/tables/acme/${table.hash}`;
    expect(await cache.get(key)).toBeUndefined();
    await cache.put(key, table.bytes);
    expect(await cache.get(key)).toEqual(table.bytes);
  });

  it('refuses tokens of another key', async () => {
    const forged = await signToken('f'.repeat(32), { tenant: 'acme', device: 'gw-1', expiresMs: Date.now() + 60_000 });
    const response = await fetchEdge('/api/v1/push', { method: 'POST', body: 'x', headers: { authorization: `Bearer ${forged}` } });
    expect(response.status).toBe(401);
  });

  it.each([
    ['garbage', new Uint8Array(1000).fill(7), 400, 'malformed'],
    ['a truncated body', deflate(new Uint8Array(1000)).subarray(0, 8), 400, 'malformed'],
    ['a body that inflates beyond the limit', deflate(new Uint8Array(33 * 1024 * 1024)), 413, 'too_large'],
    ['a body over the limit', new Uint8Array(4 * 1024 * 1024 + 1), 413, 'too_large'],
  ])('refuses %s', async (_name, body, status, code) => {
    const got = await send('gw-4', new Uint8Array(body));
    expect([got.status, got.answer.code]).toEqual([status, code]);
  });

  it('gathers the metrics of its shards for who has the token', async () => {
    expect((await fetchEdge('/metrics')).status).toBe(401);
    await push('gw-5', makePush([], { logId: '55'.repeat(16), gaps: [{ from: 1, to: 1, reason: 'damaged' }] }));
    const response = await fetchEdge('/metrics', { headers: { authorization: `Bearer ${env.METRICS_TOKEN}` } });
    const text = await response.text();
    expect(text).toMatch(/^relay_positions_skipped_total\{tenant="acme",shard="1\/0",reason="damaged"\} 1$/m);
    expect(text).toMatch(/^relay_shards_unreachable 0$/m);
  });

  it('deletes series tables that were not used for 30 days', async () => {
    const [unused, used] = [await target('unused'), await target('in-use')];
    for (const { table } of [unused, used]) expect((await putTable(table.hash, table.bytes)).status).toBe(201);
    const exists = async (hash: string) => (await env.BUFFER.head(`v1/tables/acme/${hash}`)) !== null;
    const day = (daysAgo: number) => new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10);
    // As if it had last been used then.
    for (const { table } of [unused, used]) await env.BUFFER.put(`v1/used/${day(40)}/acme/${table.hash}`, '');
    await env.BUFFER.delete([day(0), day(-1)].map((name) => `v1/used/${name}/acme/${unused.table.hash}`));
    await worker.scheduled(createScheduledController({ cron: '* * * * *' }), env);
    expect([await exists(unused.table.hash), await exists(used.table.hash)]).toEqual([false, true]);
    expect((await env.BUFFER.list({ prefix: `v1/used/${day(40)}` })).objects).toEqual([]);
  });

  it('wakes the shards that are registered', async () => {
    await push('gw-6', makePush([], { logId: '66'.repeat(16), gaps: [{ from: 1, to: 1, reason: 'damaged' }] }));
    const poked: string[] = [];
    const { prototype } = Shard;
    const poke = vi.spyOn(prototype, 'poke').mockImplementation(async () => void poked.push('poked'));
    await worker.scheduled(createScheduledController({ cron: '* * * * *' }), env);
    poke.mockRestore();
    expect(poked).toEqual(['poked']);
  });
});

describe('inflate in workerd', () => {
  it.each([
    ['up to the limit', deflate(new Uint8Array(1000)), 1000],
    ['beyond it', deflate(new Uint8Array(1001)), 'too_large'],
    ['cut off', deflate(new Uint8Array(1000)).subarray(0, -6), 'malformed'],
    ['garbage', new Uint8Array(10).fill(9), 'malformed'],
  ])('%s', (_name, body, expected) => {
    const result = inflate(body, 1000);
    expect(result.ok ? result.value.length : result.error).toBe(expected);
  });
});

describe('the admin interface', () => {
  const PATH = '/api/v1/admin/dead-letters';
  const ask = (method: string, path: string, authorization = `Bearer ${env.ADMIN_TOKEN}`) =>
    fetchEdge(path, { method, headers: { authorization } });

  it('asks for the admin token', async () => {
    for (const given of ['', 'Bearer x', await token('gw-1')]) expect((await ask('GET', PATH, given)).status).toBe(401);
  });

  it('lists, shows, refuses to replay and drops a letter in the bucket', async () => {
    const atMs = Date.now();
    const words = 'out of order sample';
    const header = { reason: 'refused', status: 400, words, receiver: 'central', tenant: 'acme', devices: ['gw-1'] } as const;
    const name = { tenant: 'acme', generation: 1, index: 0 };
    const times = { minMs: atMs - 60_000, maxMs: atMs - 60_000, samples: 1, writtenMs: atMs };
    // An empty snappy block: a WriteRequest without series.
    await env.BUFFER.put(deadKey(name, atMs, 1, 0), encodeDeadLetter({ ...header, ...times }, new Uint8Array([0])));
    const { data } = await (await ask('GET', `${PATH}?tenant=acme`)).json<{ data: { letters: { id: string }[] } }>();
    expect(data.letters).toEqual([expect.objectContaining({ ...header, ...times })]);
    const id = data.letters[0]?.id ?? '';
    expect(await (await ask('GET', `${PATH}/${id}?format=text`)).text()).toContain(`answered 400: ${words}\n`);
    const replayed = await ask('POST', `${PATH}/${id}/replay`);
    expect([replayed.status, await replayed.text()]).toEqual([409, expect.stringContaining('takes no late samples')]);
    expect((await ask('DELETE', `${PATH}/${id}`)).status).toBe(200);
    expect((await ask('GET', `${PATH}/${id}`)).status).toBe(404);
    expect((await env.BUFFER.list({ prefix: 'v1/dead/' })).objects).toEqual([]);
  });

  it('keeps a letter that the receiver did not take', async () => {
    const name = { tenant: 'acme', generation: 1, index: 0 };
    const key = deadKey(name, Date.now(), 2, 0);
    const header = { reason: 'refused', status: 400, words: '', receiver: 'central', tenant: 'acme', devices: [] } as const;
    await env.BUFFER.put(key, encodeDeadLetter({ ...header, minMs: 0, maxMs: 0, samples: 0, writtenMs: 0 }, new Uint8Array([0])));
    const replayed = await ask('POST', `${PATH}/${key.slice('v1/dead/'.length)}/replay`);
    expect([replayed.status, await replayed.text()]).toEqual([502, expect.stringContaining('The dead letter is kept.')]);
    expect(await env.BUFFER.head(key)).not.toBeNull();
    await env.BUFFER.delete(key);
  });
});
