import { env, exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { signToken } from '../../functions/auth/token.ts';
import { labels } from '../fakes/pushes.ts';
import { block, STALE, sample, writeRequest } from '../fakes/write-requests.ts';

/** What standard senders write to, in the real Worker: its headers, its shard and its bucket. */

const V1 = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
const V2 = { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request', 'content-encoding': 'snappy' };

/** A tenant for each test, so that its objects can be told. */
let tenants = 0;
async function sender(device = 'gw-1') {
  const tenant = `writes-${tenants++}`;
  const token = await signToken(env.DEVICE_TOKEN_KEY ?? '', { tenant, device, expiresMs: Date.now() + 60_000 });
  const stored = async () => (await env.BUFFER.list({ prefix: `v1/data/${tenant}/` })).objects.length;
  const write = (
    body: Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    path = '/api/v1/write',
    authorization = `Bearer ${token}`,
  ) => exports.default.fetch(new Request(`http://edge${path}`, { method: 'POST', body, headers: { ...headers, authorization } }));
  return { tenant, token, stored, write };
}

const series = (name: string, ms = Date.now()) => ({
  labels: [...labels({ __name__: name, job: 'x' })],
  samples: [sample(ms - 1000, 1), sample(ms, STALE)],
});
const good = () => block(writeRequest([series('up')]));

const WRITTEN = ['samples', 'histograms', 'exemplars'].map((what) => `x-prometheus-remote-write-${what}-written`);
const written = (response: Response) => WRITTEN.map((name) => response.headers.get(name));

/** `Request { symbols = 4; timeseries = 5 }`, `TimeSeries { labels_refs = 1 packed; samples = 2 }`. */
function requestV2(names: readonly string[], references: readonly number[]): Uint8Array<ArrayBuffer> {
  const field = (number: number, bytes: Uint8Array): number[] => [number * 8 + 2, bytes.length, ...bytes];
  const encoder = new TextEncoder();
  const timeseries = [...field(1, Uint8Array.from(references)), ...field(2, sample(Date.now(), 1))];
  const symbols = names.flatMap((name) => field(4, encoder.encode(name)));
  return block(Uint8Array.from([...symbols, ...field(5, Uint8Array.from(timeseries))]));
}

describe.each(['/api/v1/write', '/api/v1/receive'])('POST %s in workerd', (path) => {
  it('answers 204 without a body, after the bucket has it, and 1.0 gets no headers of 2.0', async () => {
    const { write, stored } = await sender();
    const response = await write(good(), V1, path);
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(written(response)).toEqual([null, null, null]);
    expect(response.headers.get('x-relay-version')).toMatch(/^\d+\.\d+\.\d+/);
    expect(response.headers.get('x-request-id')).not.toBeNull();
    expect(await stored()).toBe(1);
  });

  it('takes 2.0 and counts what is durable', async () => {
    const { write, stored } = await sender();
    const response = await write(requestV2(['', '__name__', 'up'], [1, 2]), V2, path);
    expect([response.status, await response.text(), written(response)]).toEqual([204, '', ['1', '0', '0']]);
    expect(await stored()).toBe(1);
  });

  it('takes POST only', async () => {
    const response = await exports.default.fetch(new Request(`http://edge${path}`));
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    await response.body?.cancel();
  });
});

describe('content negotiation in workerd', () => {
  const PROTOBUF = 'application/x-protobuf';
  it.each([
    ['another media type', { 'content-type': 'application/json', 'content-encoding': 'snappy' }],
    ['an unknown message', { 'content-type': `${PROTOBUF};proto=io.prometheus.write.v3.Request`, 'content-encoding': 'snappy' }],
    ['gzip', { 'content-type': PROTOBUF, 'content-encoding': 'gzip' }],
    ['zstd', { 'content-type': PROTOBUF, 'content-encoding': 'zstd' }],
    ['snappy twice', { 'content-type': PROTOBUF, 'content-encoding': 'snappy, snappy' }],
  ])('%s is 415, and nothing is decoded or stored', async (_name, headers) => {
    const { write, stored } = await sender();
    // Garbage: whoever decoded it would answer 400.
    const response = await write(new Uint8Array(100).fill(0xff), headers);
    expect([response.status, await response.text()]).toEqual([415, expect.stringContaining('expected Content-Encoding: snappy')]);
    expect(await stored()).toBe(0);
  });

  it.each([
    ['neither header', {}],
    ['no encoding', { 'content-type': PROTOBUF }],
    ['the message of 1.0 by name', { ...V1, 'content-type': `${PROTOBUF};proto=prometheus.WriteRequest` }],
    [
      'capitals and white space',
      { 'content-type': 'Application/X-Protobuf ; proto="prometheus.WriteRequest"', 'content-encoding': 'Snappy' },
    ],
  ])('%s is taken for 1.0', async (_name, headers) => {
    const { write } = await sender();
    expect((await write(good(), headers)).status).toBe(204);
  });
});

describe('what is invalid, in workerd', () => {
  it('is told by 400 in words, and the rest is stored', async () => {
    const { write, stored } = await sender();
    const nameless = { labels: [...labels({ job: 'x' })], samples: [sample(Date.now(), 1)] };
    const response = await write(block(writeRequest([series('up'), nameless])), V1);
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(await response.text()).toContain('__name__');
    expect(await stored()).toBe(1);
  });

  it('counts exactly in an answer of 400 to 2.0', async () => {
    const { write, stored } = await sender();
    const response = await write(requestV2(['', 'job', 'x'], [1, 2]), V2);
    expect([response.status, written(response)]).toEqual([400, ['0', '0', '0']]);
    await response.body?.cancel();
    expect(await stored()).toBe(0);
  });

  it.each([
    ['no snappy', new Uint8Array(100).fill(7), 400],
    ['snappy that declares gigabytes', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0), 413],
    ['more than may come', new Uint8Array(4 * 1024 * 1024 + 1), 413],
  ])('%s', async (_name, body, status) => {
    const { write, stored } = await sender();
    const response = await write(body, V1);
    await response.body?.cancel();
    expect(response.status).toBe(status);
    expect(await stored()).toBe(0);
  });
});

describe('credentials in workerd', () => {
  const basic = (user: string, password: string): string => `Basic ${btoa(`${user}:${password}`)}`;

  it('basic authentication: the device and its token', async () => {
    const { write, token, stored } = await sender('gw-7');
    expect((await write(good(), V1, '/api/v1/write', basic('gw-7', token))).status).toBe(204);
    expect(await stored()).toBe(1);
  });

  it.each([
    ["another device's name", (token: string) => basic('gw-8', token)],
    ['no name', (token: string) => basic('', token)],
    ['no token', () => basic('gw-7', '')],
    ['a token cut short', (token: string) => basic('gw-7', token.slice(0, -1))],
    ['no base64', () => 'Basic ***'],
    ['another scheme', (token: string) => `Digest ${token}`],
  ])('%s is 401, and says how to do better', async (_name, authorization) => {
    const { write, token, stored } = await sender('gw-7');
    const response = await write(good(), V1, '/api/v1/write', authorization(token));
    await response.body?.cancel();
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="relay", Bearer']);
    expect(await stored()).toBe(0);
  });
});
