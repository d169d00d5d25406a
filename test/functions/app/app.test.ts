import { describe, expect, it } from 'vitest';
import { PUSH_CONTENT_TYPE, PUSH_PATH, TABLE_PATH } from '../../../contract/push.ts';
import { VERSION } from '../../../contract/version.ts';
import { signToken } from '../../../functions/auth/token.ts';
import { answered, KEY, NOW, TestEdge } from '../../fakes/worker.ts';

const hash = '0'.repeat(32);

describe('routes', () => {
  const cases: readonly [method: string, path: string, status: number, allow: string | null][] = [
    ['GET', '/-/healthy', 200, null],
    ['HEAD', '/-/healthy', 200, null],
    ['GET', '/-/ready', 200, null],
    ['GET', '/metrics', 200, null],
    ['GET', '/', 404, null],
    ['GET', '/api/v1/write', 405, 'POST'],
    ['PUT', '/api/v1/receive', 405, 'POST'],
    ['POST', '/api/v1/write/', 404, null],
    ['GET', '/api/v1/push/', 404, null],
    ['GET', PUSH_PATH, 405, 'POST'],
    ['PUT', PUSH_PATH, 405, 'POST'],
    ['GET', `${TABLE_PATH}${hash}`, 405, 'HEAD, PUT'],
    ['DELETE', `${TABLE_PATH}${hash}`, 405, 'HEAD, PUT'],
    ['PUT', `${TABLE_PATH}${hash}/more`, 404, null],
    ['POST', '/-/ready', 405, 'GET, HEAD'],
    ['POST', '/metrics', 405, 'GET, HEAD'],
  ];
  it.each(cases)('%s %s: %i', async (method, path, status, allow) => {
    const response = await new TestEdge().fetch(path, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([status, allow]);
    expect(response.headers.get('x-relay-version')).toBe(VERSION);
    expect(response.headers.get('x-request-id')).toBe('request-1');
    if (status >= 400) expect(await response.json()).toMatchObject({ status: 'error' });
  });
});

describe('authentication', () => {
  const protectedPaths = [
    ['POST', PUSH_PATH],
    ['PUT', `${TABLE_PATH}${hash}`],
  ] as const;
  it.each(protectedPaths)('%s %s: an answer of the protocol without a token', async (method, path) => {
    const got = await answered(await new TestEdge().fetch(path, { method, body: 'x' }));
    expect([got.status, got.headers.get('content-type'), got.headers.get('www-authenticate')]).toEqual([401, PUSH_CONTENT_TYPE, 'Bearer']);
    expect(got.answer).toMatchObject({ code: 'unauthorized', logId: '', position: 0, edgeMs: NOW });
  });

  it('refuses a tenant that is not configured with the words of any bad token', async () => {
    const edge = new TestEdge();
    const unknown = await edge.send('x', { authorization: await edge.token('nobody') });
    const forged = await edge.send('x', {
      authorization: `Bearer ${await signToken('f'.repeat(32), { tenant: 'acme', device: 'gw-1', expiresMs: NOW + 1000 })}`,
    });
    expect(unknown.answer).toEqual(forged.answer);
    expect(edge.counted()).toMatchObject({
      'relay_auth_failures_total{reason="unknown_tenant"}': 1,
      'relay_auth_failures_total{reason="bad_signature"}': 1,
    });
  });

  it('logs a failure once a minute, and never a token', async () => {
    const edge = new TestEdge();
    const token = await signToken(KEY, { tenant: 'acme', device: 'gw-1', expiresMs: NOW - 1 });
    for (let i = 0; i < 3; i++) await edge.send('x', { authorization: `Bearer ${token}` });
    expect(edge.logged.map((line) => JSON.parse(line))).toEqual([
      { level: 'warn', message: 'authentication failed', requestId: 'request-1', reason: 'expired', repeated: 0 },
    ]);
  });
});

describe('the line of a request in the log', () => {
  it('names route, answer and sender, and nothing that was sent', async () => {
    const edge = new TestEdge();
    edge.isolate.log.configure({ samplingFraction: 1, repeatIntervalMs: 60_000 });
    await edge.send('SECRET');
    await edge.fetch('/SECRET?SECRET=SECRET', { headers: { authorization: 'Bearer SECRET' } });
    await edge.fetch(`${TABLE_PATH}${hash}`, { method: 'PUT', headers: { authorization: 'Bearer SECRET' }, body: 'SECRET' });
    const line = { level: 'info', message: 'request', ms: 0 };
    expect(edge.logged.map((text) => JSON.parse(text)).filter(({ level }) => level === 'info')).toEqual([
      { ...line, requestId: 'request-1', method: 'POST', route: PUSH_PATH, status: 400, tenant: 'acme', device: 'gw-1' },
      { ...line, requestId: 'request-2', method: 'GET', route: '/*', status: 404 },
      { ...line, requestId: 'request-3', method: 'PUT', route: `${TABLE_PATH}:hash`, status: 401 },
    ]);
    expect(edge.logged.join()).not.toContain('SECRET');
  });
});

describe('an edge that is not configured', () => {
  const errors = ['DEVICE_TOKEN_KEY: expected a secret, got none.', 'relay.yml:3: receiver.url: expected an address'];

  it('says on /-/ready what is wrong', async () => {
    const response = await new TestEdge({ errors }).fetch('/-/ready');
    expect(response.status).toBe(500);
    expect(await response.text()).toBe(`The relay is not configured:\n${errors.join('\n')}\n`);
  });

  it('tells devices to wait, and not why', async () => {
    const { status, headers, answer } = await new TestEdge({ errors }).send('x');
    expect([status, answer.code, headers.get('retry-after')]).toEqual([503, 'busy', '60']);
    expect(answer.message).not.toContain('KEY');
  });

  it('has no metrics', async () => {
    expect((await new TestEdge({ errors }).fetch('/metrics')).status).toBe(503);
  });
});

describe('receivers in trouble', () => {
  const troubled = async (metricsToken?: string) => {
    const edge = new TestEdge(metricsToken === undefined ? {} : { metricsToken });
    for (const name of ['acme/1/0', 'acme/1/1', 'beta/1/0']) await edge.edge.registry.register(name);
    edge.shard('acme/1/0').values = {
      'relay_lanes_in_trouble{receiver="central",kind="stopped"}': 1,
      'relay_lanes_in_trouble{receiver="central",kind="retrying"}': 0,
      'relay_lanes_in_trouble{receiver="other",kind="retrying"}': 4,
    };
    edge.shard('acme/1/1').result = new Error('gone');
    return edge;
  };
  const words = [
    'The relay is ready.',
    'shard acme/1/0, receiver central: 1 lane stopped: address or credentials of the receiver, or the bucket, are wrong',
    'shard acme/1/0, receiver other: 4 lanes retrying: the receiver does not answer, or asks for time',
    'shard acme/1/1: does not answer',
  ];

  it('are told on /-/ready, which stays ready: what is pushed is stored', async () => {
    const response = await (await troubled()).fetch('/-/ready');
    expect([response.status, await response.text()]).toEqual([200, words.map((line) => `${line}\n`).join('')]);
  });

  it('are told only to who may read the metrics', async () => {
    const edge = await troubled('secret');
    expect(await (await edge.fetch('/-/ready')).text()).toBe('The relay is ready.\n');
    const headers = { authorization: 'Bearer secret' };
    expect(await (await edge.fetch('/-/ready', { headers })).text()).toContain('receiver central');
  });
});

it('is not ready while the bucket is away', async () => {
  const edge = new TestEdge();
  edge.store.head = () => Promise.reject(new Error('away'));
  expect((await edge.fetch('/-/ready')).status).toBe(503);
});

it('is not ready on a bucket that cannot be used, and says why', async () => {
  const response = await new TestEdge({ checkStore: 'S3_ENDPOINT: it writes over objects' }).fetch('/-/ready');
  expect([response.status, await response.text()]).toEqual([500, 'The bucket is of no use:\nS3_ENDPOINT: it writes over objects\n']);
});

describe('/metrics', () => {
  it('gathers what the registered shards count', async () => {
    const edge = new TestEdge();
    for (const name of ['acme/1/0', 'beta/1/2']) await edge.edge.registry.register(name);
    edge.shard('acme/1/0').values = { relay_backlog_bytes: 5, 'relay_x_total{code="200"}': 3, 'relay_x_total{code="500"}': 1 };
    edge.shard('beta/1/2').values = { 'relay_x_total{code="200"}': 4 };
    const response = await edge.fetch('/metrics');
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    expect(text.slice(text.indexOf('# TYPE relay_backlog'))).toBe(`# TYPE relay_backlog_bytes gauge
relay_backlog_bytes{tenant="acme",shard="1/0"} 5
# TYPE relay_shards gauge
relay_shards 2
# TYPE relay_shards_unreachable gauge
relay_shards_unreachable 0
# TYPE relay_x_total counter
relay_x_total{tenant="acme",shard="1/0",code="200"} 3
relay_x_total{tenant="acme",shard="1/0",code="500"} 1
relay_x_total{tenant="beta",shard="1/2",code="200"} 4
`);
  });

  it('shows what this isolate has just counted, and says where the counts of the others cannot be had', async () => {
    const edge = new TestEdge();
    await edge.send('x', { authorization: 'Bearer x.y.z' });
    expect(await (await edge.fetch('/metrics')).text()).toMatch(/^relay_auth_failures_total\{reason="malformed"\} 1$/m);
    edge.workerCounts.result = new Error('away');
    const text = await (await edge.fetch('/metrics')).text();
    expect(text).not.toContain('relay_auth_failures_total');
    expect(text).toContain('relay_shards_unreachable 1\n');
    expect(edge.logged.join()).toContain('counts could not be handed over');
  });

  it('shows the others where one shard does not answer', async () => {
    const edge = new TestEdge();
    for (const name of ['acme/1/0', 'acme/1/1']) await edge.edge.registry.register(name);
    edge.shard('acme/1/0').result = new Error('gone');
    edge.shard('acme/1/1').values = { relay_a: 1 };
    const text = await (await edge.fetch('/metrics')).text();
    expect(text).toContain('relay_a{tenant="acme",shard="1/1"} 1');
    expect(text).toContain('relay_shards_unreachable 1');
    expect(edge.logged.join()).toContain('gone');
  });

  it.each([
    [undefined, 401],
    ['Bearer wrong', 401],
    ['Bearer secret', 200],
  ])('with a token configured, %s: %i', async (authorization, status) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    expect((await new TestEdge({ metricsToken: 'secret' }).fetch('/metrics', { headers })).status).toBe(status);
  });
});

it('answers an error that nobody expected without telling what it was', async () => {
  const edge = new TestEdge();
  edge.store.list = () => Promise.reject(new Error('the bucket is called secret-bucket'));
  const response = await edge.fetch('/metrics');
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('secret-bucket');
  expect(response.headers.get('x-request-id')).toBe('request-1');
  expect(edge.logged.join()).toContain('secret-bucket');
});
