import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PUSH_CONTENT_TYPE, TABLE_PATH } from '../../../contract/push.ts';
import { buildTable, encodeRow, hashTable, type SeriesTable } from '../../../contract/series-table.ts';
import type { ObjectStore } from '../../../functions/model.ts';
import { bytesOf, deflate, sha256 } from '../../fakes/pushes.ts';
import { relayConfig, tenantWithoutRules } from '../../fakes/relay-config.ts';
import { type Body, TestEdge } from '../../fakes/worker.ts';

const rows = ['a', 'b', 'c'].map((name) => [['__name__', name]] as const);
const { table } = await buildTable(rows, sha256);
const key = `v1/tables/acme/${table.hash}`;

const head = async (edge: TestEdge, tenant = 'acme', hash = table.hash) =>
  edge.fetch(`${TABLE_PATH}${hash}`, { method: 'HEAD', headers: { authorization: await edge.token(tenant) } });

describe('PUT /api/v1/series-tables/:hash', () => {
  it('stores canonical bytes once: 201, then 200', async () => {
    const edge = new TestEdge();
    const first = await edge.putTable(table);
    expect([first.status, first.answer.code, first.headers.get('content-type')]).toEqual([201, 'stored', PUSH_CONTENT_TYPE]);
    expect(await edge.store.get(key)).toEqual(table.bytes);
    expect((await edge.putTable(table)).status).toBe(200);
  });

  it('takes it as stored where another device was faster, and as busy where nothing was stored', async () => {
    const edge = new TestEdge();
    const turnedAway: ObjectStore['create'] = () => Promise.reject(new Error('429'));
    const { create } = edge.store;
    edge.store.create = async (...all) => {
      await create(...all);
      return turnedAway(...all);
    };
    expect((await edge.putTable(table)).status).toBe(200);
    const other = new TestEdge();
    other.store.create = turnedAway;
    expect(await other.putTable(table)).toMatchObject({ status: 503, answer: { code: 'busy' } });
  });

  const unsorted = bytesOf((writer) => {
    writer.varint(2);
    for (const name of ['b', 'a']) {
      writer.varint(0);
      writer.block(encodeRow([['__name__', name]]));
    }
  });
  const tableOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<SeriesTable> => ({
    bytes,
    rows: [],
    hash: await hashTable(bytes, sha256),
  });
  const refused: readonly [name: string, given: SeriesTable | Promise<SeriesTable>, body: Body, status: number, message: RegExp][] = [
    ['no body', table, '', 400, /zlib/],
    ['bytes that are not deflated', table, table.bytes, 400, /zlib/],
    ['a truncated body', table, deflate(table.bytes).subarray(0, 10), 400, /zlib/],
    [
      'bytes of another hash',
      { ...table, hash: '0'.repeat(32) },
      deflate(table.bytes),
      400,
      /the path says 0{32}, the bytes have [0-9a-f]{32}/,
    ],
    ['rows out of order', tableOf(unsorted), deflate(unsorted), 400, /row 1: expected rows unique and sorted/],
    ['garbage with the right hash', tableOf(new Uint8Array(50).fill(1)), deflate(new Uint8Array(50).fill(1)), 400, /series table/],
    ['a hash in capitals', { ...table, hash: 'A'.repeat(32) }, deflate(table.bytes), 400, /32 lower-case hex/],
    ['a short hash', { ...table, hash: 'ab' }, deflate(table.bytes), 400, /32 lower-case hex/],
    ['a body that inflates beyond the limit', table, deflate(new Uint8Array(9 * 1024 * 1024)), 413, /at most 8388608 bytes/],
    ['a body over the limit', table, new Uint8Array(randomBytes(4 * 1024 * 1024 + 1)), 413, /at most 8388608 bytes/],
  ];
  it.each(refused)('refuses %s', async (_name, given, body, status, message) => {
    const edge = new TestEdge();
    const got = await edge.putTable(await given, body);
    expect(got.status).toBe(status);
    expect(got.answer).toMatchObject({ code: status === 413 ? 'too_large' : 'malformed', message: expect.stringMatching(message) });
    expect(await edge.store.list('v1/tables/')).toEqual([]);
    expect(edge.isolate.memory.used).toBe(0);
  });

  it('refuses more rows than relay.yml allows', async () => {
    const edge = new TestEdge({ config: { ...relayConfig, limits: { ...relayConfig.limits, tableRows: 2 } } });
    expect((await edge.putTable(table)).answer).toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(/at most 2 rows, got 3/),
    });
  });

  it('wants a token', async () => {
    const edge = new TestEdge();
    const response = await edge.fetch(`${TABLE_PATH}${table.hash}`, { method: 'PUT', body: deflate(table.bytes) });
    expect([response.status, response.headers.get('content-type')]).toEqual([401, PUSH_CONTENT_TYPE]);
    expect(await edge.store.list('v1/')).toEqual([]);
  });
});

describe('HEAD /api/v1/series-tables/:hash', () => {
  it('tells whether the tenant has it', async () => {
    const edge = new TestEdge({ config: { ...relayConfig, tenants: { '*': tenantWithoutRules } } });
    const absent = await head(edge);
    expect([absent.status, absent.headers.get('content-type'), await absent.text()]).toEqual([404, PUSH_CONTENT_TYPE, '']);
    await edge.putTable(table);
    expect((await head(edge)).status).toBe(200);
    expect((await head(edge, 'other')).status).toBe(404);
    expect((await head(edge, 'acme', '..%2Fother')).status).toBe(404);
  });

  it('wants a token', async () => {
    expect((await new TestEdge().fetch(`${TABLE_PATH}${table.hash}`, { method: 'HEAD' })).status).toBe(401);
  });
});
