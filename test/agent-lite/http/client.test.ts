import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultHttp } from '../../../agent-lite/config/defaults.ts';
import type { HttpClientConfig } from '../../../agent-lite/config/types.ts';
import { createHttpClient, type HttpClientOptions } from '../../../agent-lite/http/client.ts';
import type { HttpClient, HttpRequest } from '../../../agent-lite/model.ts';
import { sleep } from '../../../agent-lite/platform/sleep.ts';
import { endless, exposition, type FakeTarget, hang, stall, startTarget, status } from '../../fakes/target.ts';

const fixture = (name: string): string => new URL(`../../fixtures/scrape/tls/${name}`, import.meta.url).pathname;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function target(...args: Parameters<typeof startTarget>): Promise<FakeTarget> {
  const started = await startTarget(...args);
  cleanups.push(() => started.close());
  return started;
}

function client(config: Partial<HttpClientConfig> = {}, options: Partial<HttpClientOptions> = {}): HttpClient {
  const made = createHttpClient(
    { ...defaultHttp, ...config },
    {
      readFile,
      clock: {
        boot: () => performance.now(),
        sleep,
      },
      ...options,
    },
  );
  cleanups.push(() => made.close());
  return made;
}

const get = (url: string, rest: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  timeoutMs: 5000,
  maxBytes: 0,
  ...rest,
});
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const file = (path: string) => ({ kind: 'file', path }) as const;
const inline = (value: string) => ({ kind: 'inline', value }) as const;

describe('answers', () => {
  it('come with status, headers and body, over one kept connection', async () => {
    const fake = await target(exposition('up 1\n', { 'x-test': 'a' }));
    const http = client();
    for (let i = 0; i < 3; i++) {
      const response = await http.request(get(`${fake.url}/metrics?a=b`, { headers: { accept: 'text/plain' } }));
      expect(response).toMatchObject({ status: 200, headers: { 'x-test': 'a', 'content-type': 'text/plain; version=0.0.4' } });
      expect(textOf(response.body)).toBe('up 1\n');
    }
    expect(fake.connections).toHaveLength(1);
    expect(fake.requests[0]).toEqual({
      method: 'GET',
      url: '/metrics?a=b',
      headers: { accept: 'text/plain', host: fake.address, connection: 'keep-alive' },
    });
  });

  it('of any status are answers', async () => {
    const fake = await target(status(503, 'busy'));
    expect(await client().request(get(fake.url))).toMatchObject({ status: 503 });
  });

  it('to POST, PUT and HEAD', async () => {
    const fake = await target((request, response) => {
      let length = 0;
      request.on('data', (chunk: Uint8Array) => {
        length += chunk.length;
      });
      request.on('end', () => response.end(request.method === 'HEAD' ? undefined : `${request.method} ${length}`));
    });
    const http = client();
    const body = new Uint8Array(100_000);
    expect(textOf((await http.request(get(fake.url, { method: 'POST', body }))).body)).toBe('POST 100000');
    expect(textOf((await http.request(get(fake.url, { method: 'PUT', body }))).body)).toBe('PUT 100000');
    expect((await http.request(get(fake.url, { method: 'HEAD' }))).body).toHaveLength(0);
    expect(fake.connections).toHaveLength(1);
    expect(fake.requests.map(({ headers }) => headers['content-length'])).toEqual(['100000', '100000', undefined]);
  });

  it('in gzip are decompressed', async () => {
    const fake = await target(exposition(gzipSync('up 1\n'), { 'content-encoding': 'gzip' }));
    expect(textOf((await client().request(get(fake.url))).body)).toBe('up 1\n');
  });
});

describe('answers of an unusual form', () => {
  /** Answers each request with these bytes and closes. */
  async function server(text: string): Promise<{ readonly url: string; readonly requests: string[] }> {
    const requests: string[] = [];
    const listening = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Uint8Array) => {
        requests.push(textOf(bytes));
        socket.end(text);
      });
    });
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => void listening.close());
    return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`, requests };
  }

  it.each([
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nup 1\n'],
    ['a body that ends with the connection', 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nup 1\n'],
    ['an interim status', 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nup 1\n'],
  ])('%s: asked anew the first time only', async (_, text) => {
    const { url, requests } = await server(text);
    const http = client();
    for (let i = 0; i < 3; i++) expect(textOf((await http.request(get(url))).body)).toBe('up 1\n');
    expect(requests).toHaveLength(4);
  });
});

describe('failures', () => {
  const MiB = 1024 * 1024;
  it.each([
    ['no answer', hang, 'timeout', 'expected a whole answer within 100 ms'],
    ['half an answer', stall, 'timeout', 'expected a whole answer within 100 ms'],
    ['a body without end', endless, 'too_large', 'body: expected at most 100000 bytes, got more'],
    ['a length over the limit', exposition('x'.repeat(100_001)), 'too_large', 'body: expected at most 100000 bytes, got more'],
    ['a gzip bomb', exposition(gzipSync(new Uint8Array(64 * MiB)), { 'content-encoding': 'gzip' }), 'too_large', 'at most 100000 bytes'],
    ['gzip that is none', exposition('up 1\n', { 'content-encoding': 'gzip' }), 'bad_encoding', 'expected gzip'],
    [
      'gzip cut short',
      exposition(gzipSync('up 1\n'.repeat(100)).subarray(0, 20), { 'content-encoding': 'gzip' }),
      'bad_encoding',
      'expected gzip',
    ],
    [
      'deflate',
      exposition(deflateSync('up 1\n'), { 'content-encoding': 'deflate' }),
      'bad_encoding',
      'expected gzip or none, got "deflate"',
    ],
    ['a hang-up', (_: unknown, response: ServerResponse) => void response.destroy(), 'network', 'socket hang up'],
    [
      'a body cut short',
      (_: unknown, response: ServerResponse) => {
        response.writeHead(200, { 'content-length': 10 });
        response.write('12345', () => response.destroy());
      },
      'network',
      'aborted',
    ],
  ] as const)('%s', async (_, answer, reason, message) => {
    const fake = await target(answer);
    const timeoutMs = reason === 'timeout' ? 100 : 5000;
    const failed = client().request(get(fake.url, { timeoutMs, maxBytes: 100_000 }));
    await expect(failed).rejects.toMatchObject({ name: 'HttpError', reason, message: expect.stringContaining(message) });
  });

  it('a body of exactly the limit is none', async () => {
    const fake = await target(exposition('x'.repeat(1000)));
    expect((await client().request(get(fake.url, { maxBytes: 1000 }))).body).toHaveLength(1000);
  });

  it('nobody listens', async () => {
    const fake = await startTarget(hang);
    await fake.close();
    await expect(client().request(get(fake.url))).rejects.toMatchObject({
      reason: 'network',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('no HTTP at all', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(client().request(get(url))).rejects.toMatchObject({ reason: 'network', message: expect.stringContaining('Parse Error') });
  });

  it('given up by the caller, before and while it runs', async () => {
    const fake = await target(hang);
    await expect(client().request(get(fake.url, { signal: AbortSignal.abort() }))).rejects.toMatchObject({ reason: 'aborted' });
    const abort = new AbortController();
    const running = client().request(get(fake.url, { signal: abort.signal }));
    fake.answer = () => abort.abort();
    await expect(running).rejects.toMatchObject({ reason: 'aborted' });
  });
});

describe('a kept connection that the target closed', () => {
  /** Answers the first request of a connection and hangs up on the second. */
  async function closesAfterFirst(): Promise<FakeTarget> {
    const seen = new WeakSet<object>();
    return target((request, response) => {
      if (seen.has(request.socket)) request.socket.destroy();
      else response.end('ok');
      seen.add(request.socket);
    });
  }

  it('is tried once more for GET', async () => {
    const fake = await closesAfterFirst();
    const http = client();
    await http.request(get(fake.url));
    expect(await http.request(get(fake.url))).toMatchObject({ status: 200 });
    expect(fake.requests).toHaveLength(3);
  });

  it('is a failure for POST, which may have had its effect', async () => {
    const fake = await closesAfterFirst();
    const http = client();
    await http.request(get(fake.url, { method: 'POST', body: new Uint8Array(1) }));
    await expect(http.request(get(fake.url, { method: 'POST', body: new Uint8Array(1) }))).rejects.toMatchObject({ reason: 'network' });
    expect(fake.requests).toHaveLength(2);
  });
});

describe('credentials', () => {
  it.each([
    [
      'basic auth',
      { basicAuth: { username: inline('me'), password: inline('pä:ss') } },
      `Basic ${Buffer.from('me:pä:ss').toString('base64')}`,
    ],
    [
      'basic auth without a password',
      { basicAuth: { username: inline('me'), password: undefined } },
      `Basic ${Buffer.from('me:').toString('base64')}`,
    ],
    ['a token', { authorization: { type: 'Bearer', credentials: inline('abc') } }, 'Bearer abc'],
  ] as const)('%s', async (_, config, expected) => {
    const fake = await target(status(200));
    await client(config).request(get(fake.url));
    expect(fake.requests[0]?.headers.authorization).toBe(expected);
  });

  it('from a file are read again', async () => {
    const fake = await target(status(200));
    let token = 'first\n';
    const http = client({ authorization: { type: 'Bearer', credentials: file('/secret') } }, { readFile: async () => Buffer.from(token) });
    await http.request(get(fake.url));
    token = ' second ';
    await http.request(get(fake.url));
    expect(fake.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
  });

  it('that cannot be read name the path, and are tried again', async () => {
    const fake = await target(status(200));
    const http = client({ authorization: { type: 'Bearer', credentials: file('/nowhere/token') } });
    await expect(http.request(get(fake.url))).rejects.toMatchObject({
      reason: 'credentials',
      message: 'authorization.credentials: cannot read /nowhere/token: ENOENT; it is tried again with the next request',
    });
    expect(fake.requests).toHaveLength(0);
  });

  it.each([
    ['empty', '\n', 'expected a secret, got an empty file'],
    ['of two lines', 'secret\nX-Evil: 1', 'expected one line of printable characters, got others (not shown)'],
  ])('%s are refused without showing them', async (_, content, message) => {
    const http = client({ authorization: { type: 'Bearer', credentials: file('/token') } }, { readFile: async () => Buffer.from(content) });
    const error = await http.request(get('http://127.0.0.1:1')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: 'credentials', message: `authorization.credentials in /token: ${message}` });
  });

  it('go with configured headers to each request', async () => {
    const fake = await target(status(200));
    await client({ headers: [{ name: 'X-Scope', values: [inline('a'), inline('b')] }] }).request(get(fake.url));
    expect(fake.requests[0]?.headers['x-scope']).toBe('a, b');
  });
});

describe('redirects', () => {
  const to =
    (location: string, code = 302) =>
    (_: unknown, response: ServerResponse): void => {
      response.writeHead(code, { location }).end();
    };
  const secrets = {
    authorization: { type: 'Bearer', credentials: inline('abc') },
    headers: [{ name: 'x-key', values: [inline('k')] }],
  } as const;

  it('within the target keep the credentials', async () => {
    const fake = await target((request, response) => (request.url === '/a' ? to('/b')(request, response) : response.end('ok')));
    expect(await client(secrets).request(get(`${fake.url}/a`))).toMatchObject({ status: 200 });
    expect(fake.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/a', 'Bearer abc'],
      ['/b', 'Bearer abc'],
    ]);
  });

  it('to another place take no credentials along, and none back', async () => {
    const other = await target(status(200));
    const fake = await target((request, response) => (request.url === '/a' ? to(other.url)(request, response) : response.end()));
    other.answer = to(`${fake.url}/b`);
    expect(await client(secrets).request(get(`${fake.url}/a`))).toMatchObject({ status: 200 });
    expect([...other.requests, ...fake.requests].map(({ headers }) => [headers.authorization, headers['x-key']])).toEqual([
      [undefined, undefined],
      ['Bearer abc', 'k'],
      [undefined, undefined],
    ]);
  });

  it('without end are a failure', async () => {
    const fake = await target(to('/'));
    await expect(client().request(get(fake.url))).rejects.toMatchObject({
      reason: 'network',
      message: 'expected at most 10 redirects, got more',
    });
    expect(fake.requests).toHaveLength(11);
  });

  it.each([
    ['follow_redirects: false', { followRedirects: false }, 'GET', 302],
    ['POST and 302, which would make it a GET', {}, 'POST', 302],
  ] as const)('are answers for %s', async (_, config, method, code) => {
    const fake = await target(to('/b', code));
    expect(await client(config).request(get(fake.url, { method }))).toMatchObject({ status: code });
    expect(fake.requests).toHaveLength(1);
  });

  it('of 307 repeat a POST', async () => {
    const fake = await target((request, response) => (request.url === '/' ? to('/b', 307)(request, response) : response.end()));
    await client().request(get(fake.url, { method: 'POST', body: Buffer.from('abc') }));
    expect(fake.requests.map(({ method, headers }) => [method, headers['content-length']])).toEqual([
      ['POST', '3'],
      ['POST', '3'],
    ]);
  });

  it('to another scheme are a failure', async () => {
    const fake = await target(to('file:///etc/passwd'));
    await expect(client().request(get(fake.url))).rejects.toMatchObject({ message: 'redirect: expected http or https, got file:' });
  });
});

describe('TLS', () => {
  async function secure(name: string, extra = {}): Promise<FakeTarget> {
    return target(status(200, 'ok'), {
      cert: await readFile(fixture(`${name}.pem`)),
      key: await readFile(fixture(`${name}.key`)),
      ...extra,
    });
  }
  const trusting = { ...defaultHttp.tls, ca: file(fixture('ca.pem')) };

  it('with the CA given, over one kept connection', async () => {
    const fake = await secure('server');
    const http = client({ tls: trusting });
    for (let i = 0; i < 2; i++) expect(await http.request(get(fake.url))).toMatchObject({ status: 200 });
    expect(fake.connections).toHaveLength(1);
  });

  it('checks the name of tls_config.server_name', async () => {
    const fake = await secure('server');
    expect(await client({ tls: { ...trusting, serverName: 'target.test' } }).request(get(fake.url))).toMatchObject({ status: 200 });
    await expect(client({ tls: { ...trusting, serverName: 'other.test' } }).request(get(fake.url))).rejects.toMatchObject({
      reason: 'tls',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
    });
  });

  it.each([
    ['an unknown CA', 'server', defaultHttp.tls, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['a certificate of the future', 'future', trusting, 'most likely the clock of this device is wrong'],
    ['a certificate of the past', 'expired', trusting, 'the certificate has expired'],
  ])('refuses %s', async (_, name, tls, message) => {
    const fake = await secure(name);
    await expect(client({ tls }).request(get(fake.url))).rejects.toMatchObject({
      reason: 'tls',
      message: expect.stringContaining(message),
    });
  });

  it('takes anything with insecure_skip_verify', async () => {
    const fake = await secure('expired');
    expect(await client({ tls: { ...defaultHttp.tls, insecureSkipVerify: true } }).request(get(fake.url))).toMatchObject({ status: 200 });
  });

  it('shows its own certificate', async () => {
    const fake = await secure('server', { ca: await readFile(fixture('ca.pem')), requestCert: true, rejectUnauthorized: true });
    const withCertificate = client({ tls: { ...trusting, cert: file(fixture('client.pem')), key: file(fixture('client.key')) } });
    expect(await withCertificate.request(get(fake.url))).toMatchObject({ status: 200 });
    await expect(client({ tls: trusting }).request(get(fake.url))).rejects.toMatchObject({ name: 'HttpError' });
  });

  it('takes certificates that stand in the configuration', async () => {
    const read = async (name: string) => inline(await readFile(fixture(name), 'utf8'));
    const fake = await secure('server', { ca: await readFile(fixture('ca.pem')), requestCert: true, rejectUnauthorized: true });
    const tls = { ...defaultHttp.tls, ca: await read('ca.pem'), cert: await read('client.pem'), key: await read('client.key') };
    expect(await client({ tls }).request(get(fake.url))).toMatchObject({ status: 200 });
  });

  it('speaks no other version than it may', async () => {
    const fake = await secure('server', { maxVersion: 'TLSv1.2' });
    expect(await client({ tls: { ...trusting, maxVersion: 'TLSv1.2' } }).request(get(fake.url))).toMatchObject({ status: 200 });
    await expect(client({ tls: { ...trusting, minVersion: 'TLSv1.3' } }).request(get(fake.url))).rejects.toMatchObject({ reason: 'tls' });
  });

  it('takes renewed files', async () => {
    const fake = await secure('server');
    let ca = await readFile(fixture('client.pem'));
    const http = client({ tls: trusting }, { readFile: async () => ca });
    await expect(http.request(get(fake.url))).rejects.toMatchObject({ reason: 'tls' });
    ca = await readFile(fixture('ca.pem'));
    expect(await http.request(get(fake.url))).toMatchObject({ status: 200 });
  });

  it('names a file that cannot be read', async () => {
    await expect(
      client({ tls: { ...defaultHttp.tls, ca: file('/nowhere/ca.pem') } }).request(get('https://127.0.0.1:1')),
    ).rejects.toMatchObject({
      reason: 'credentials',
      message: expect.stringContaining('tls_config.ca_file: cannot read /nowhere/ca.pem: ENOENT'),
    });
  });

  it('does not speak TLS to a plain target', async () => {
    const fake = await target(status(200));
    await expect(client().request(get(fake.url.replace('http:', 'https:')))).rejects.toMatchObject({
      reason: 'tls',
      message: 'the other side does not speak TLS; is its scheme http?',
    });
  });
});

describe('through a proxy', () => {
  /** Forwards CONNECT, and answers plain requests itself. */
  async function proxy(refuse = false): Promise<FakeTarget & { readonly tunnels: string[] }> {
    const fake = await target((request, response) => response.end(`proxied ${request.url}`));
    const tunnels: string[] = [];
    fake.server.on('connect', (request, socket) => {
      tunnels.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}${request.headers['x-tunnel'] ?? ''}`);
      if (refuse) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      const [host, port] = (request.url ?? '').split(':');
      const out = connect(Number(port), host, () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      for (const side of [out, socket]) side.on('error', () => {});
      out.pipe(socket).pipe(out);
    });
    return Object.assign(fake, { tunnels });
  }

  it('plain requests take the absolute form', async () => {
    const fake = await proxy();
    const response = await client({ proxyUrl: fake.url.replace('//', '//user:p%40ss@') }).request(get('http://target.test:9100/metrics'));
    expect(textOf(response.body)).toBe('proxied http://target.test:9100/metrics');
    expect(fake.requests[0]?.headers).toMatchObject({
      host: 'target.test:9100',
      'proxy-authorization': `Basic ${Buffer.from('user:p@ss').toString('base64')}`,
    });
  });

  it('asks for the tunnel with proxy_connect_header', async () => {
    const inner = await target(status(200, 'ok'), {
      cert: await readFile(fixture('server.pem')),
      key: await readFile(fixture('server.key')),
    });
    const fake = await proxy();
    const http = client({
      proxyUrl: fake.url,
      tls: { ...defaultHttp.tls, ca: file(fixture('ca.pem')) },
      proxyConnectHeaders: [{ name: 'X-Tunnel', values: [inline('a'), inline('b')] }],
    });
    await http.request(get(inner.url));
    expect(fake.tunnels).toEqual([`${inner.address} a, b`]);
    expect(inner.requests[0]?.headers).not.toHaveProperty('x-tunnel');
  });

  it('TLS goes through a kept tunnel, credentials stay inside', async () => {
    const inner = await target(status(200, 'ok'), {
      cert: await readFile(fixture('server.pem')),
      key: await readFile(fixture('server.key')),
    });
    const fake = await proxy();
    const http = client({
      proxyUrl: fake.url,
      tls: { ...defaultHttp.tls, ca: file(fixture('ca.pem')) },
      authorization: { type: 'Bearer', credentials: inline('abc') },
    });
    for (let i = 0; i < 2; i++) expect(await http.request(get(inner.url))).toMatchObject({ status: 200 });
    expect(fake.tunnels).toEqual([`${inner.address} `]);
    expect(inner.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer abc', 'Bearer abc']);
  });

  it('that refuses the tunnel', async () => {
    const fake = await proxy(true);
    await expect(client({ proxyUrl: fake.url }).request(get('https://127.0.0.1:1'))).rejects.toMatchObject({
      reason: 'network',
      message: 'the proxy refused the tunnel: expected status 200, got 407',
    });
  });

  it('that never answers, until the timeout', async () => {
    const fake = await target(hang);
    fake.server.on('connect', () => {});
    await expect(client({ proxyUrl: fake.url }).request(get('https://127.0.0.1:1', { timeoutMs: 100 }))).rejects.toMatchObject({
      reason: 'timeout',
    });
  });
});
