import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defaultHttp } from '../../../agent-lite/config/defaults.ts';
import type { HttpClientConfig } from '../../../agent-lite/config/types.ts';
import { createHttpClient } from '../../../agent-lite/http/client.ts';
import type { HttpClient, HttpRequest } from '../../../agent-lite/model.ts';
import { sleep } from '../../../agent-lite/platform/sleep.ts';
import { type FakeTarget, startTarget, status } from '../../fakes/target.ts';

/** What a NAT does to connections that wait for the next push, and what the client makes of it. */

const fixture = (name: string): string => new URL(`../../fixtures/scrape/tls/${name}`, import.meta.url).pathname;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  vi.restoreAllMocks();
});

function client(config: Partial<HttpClientConfig> = {}): HttpClient {
  const made = createHttpClient(
    { ...defaultHttp, ...config },
    {
      readFile,
      clock: {
        boot: () => performance.now(),
        // What is waited for a connection that is silent passes at once.
        sleep: (ms, signal) => sleep(ms === 10_000 ? 50 : ms, signal),
      },
    },
  );
  cleanups.push(() => made.close());
  return made;
}

const post = (url: string, rest: Partial<HttpRequest> = {}): HttpRequest => ({
  ...{ method: 'POST', url, headers: {}, body: Buffer.from('batch'), timeoutMs: 5000, maxBytes: 0, repeatable: true, ...rest },
});

/** A way to a target that forgets its connections: what is said on a forgotten one is answered by a reset, or by nothing at all. */
async function startNat(target: FakeTarget, answer: 'reset' | 'silence'): Promise<{ readonly url: string; forget(): void }> {
  const forgotten = new WeakSet<Socket>();
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.address.split(':')[1]), '127.0.0.1');
    for (const end of [client, upstream]) {
      sockets.add(end);
      end.on('error', () => {});
      end.on('close', () => sockets.delete(end));
    }
    client.on('data', (chunk) => {
      if (!forgotten.has(client)) upstream.write(chunk);
      else if (answer === 'reset') client.resetAndDestroy();
    });
    upstream.on('data', (chunk) => client.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const scheme = new URL(target.url).protocol;
  return {
    url: `${scheme}//127.0.0.1:${(server.address() as AddressInfo).port}/`,
    forget() {
      for (const socket of sockets) forgotten.add(socket);
    },
  };
}

async function plain(): Promise<FakeTarget> {
  const started = await startTarget(status(200, 'ok'));
  cleanups.push(() => started.close());
  return started;
}

/** Speaks TLS and notes of each handshake whether it was a short one. */
async function secure(options = {}): Promise<FakeTarget & { readonly resumed: boolean[] }> {
  const [cert, key] = await Promise.all([readFile(fixture('server.pem')), readFile(fixture('server.key'))]);
  const started = await startTarget(status(200, 'ok'), { cert, key, ...options });
  cleanups.push(() => started.close());
  const resumed: boolean[] = [];
  started.server.on('secureConnection', (socket: TLSSocket) => resumed.push(socket.isSessionReused()));
  return Object.assign(started, { resumed });
}

const trusting = { tls: { ...defaultHttp.tls, ca: { kind: 'file', path: fixture('ca.pem') } as const } };

describe('a connection that waits', () => {
  it("is kept alive by TCP before a NAT forgets it, and not each second as is Node's habit", async () => {
    const probes = vi.spyOn(Socket.prototype, 'setKeepAlive');
    const fake = await plain();
    const http = client();
    await http.request(post(fake.url));
    expect(probes.mock.calls).toEqual([[true, 25_000]]);
  });
});

describe('a connection that a NAT forgot', () => {
  it('and resets: a request that may be repeated goes on another one, without a word', async () => {
    const fake = await plain();
    const nat = await startNat(fake, 'reset');
    const http = client();
    await http.request(post(nat.url));
    nat.forget();
    expect(await http.request(post(nat.url))).toMatchObject({ status: 200 });
    expect(fake.requests).toHaveLength(2);
    expect(fake.connections).toHaveLength(2);
  });

  it('and resets: another POST fails, for it may have had its effect', async () => {
    const fake = await plain();
    const nat = await startNat(fake, 'reset');
    const http = client();
    await http.request(post(nat.url));
    nat.forget();
    await expect(http.request(post(nat.url, { repeatable: false }))).rejects.toMatchObject({ reason: 'network' });
    expect(await http.request(post(nat.url, { repeatable: false }))).toMatchObject({ status: 200 });
  });

  it('and swallows: a small request that may be repeated goes on another one long before its deadline', async () => {
    const fake = await plain();
    const nat = await startNat(fake, 'silence');
    const http = client();
    await http.request(post(nat.url));
    nat.forget();
    expect(await http.request(post(nat.url, { timeoutMs: 60_000 }))).toMatchObject({ status: 200 });
    expect(fake.connections).toHaveLength(2);
  });

  it.each([
    ['one that must not be repeated', { repeatable: false }],
    ['one so large that a slow link may still carry it', { body: new Uint8Array(16 * 1024 + 1) }],
  ])('and swallows: %s fails by its deadline, and the next does not use it', async (_, rest) => {
    const fake = await plain();
    const nat = await startNat(fake, 'silence');
    const http = client();
    await http.request(post(nat.url));
    nat.forget();
    await expect(http.request(post(nat.url, { timeoutMs: 200, ...rest }))).rejects.toMatchObject({ reason: 'timeout' });
    expect(await http.request(post(nat.url))).toMatchObject({ status: 200 });
    expect(fake.connections).toHaveLength(2);
  });

  it('is not suspected on a connection that is new, however slow the answer', async () => {
    const fake = await plain();
    fake.answer = (_, response) => void setTimeout(() => response.end('late'), 200);
    expect(await client().request(post(fake.url))).toMatchObject({ status: 200 });
    expect(fake.requests).toHaveLength(1);
  });

  it('is not suspected once it has begun to answer', async () => {
    const fake = await plain();
    const http = client();
    await http.request(post(fake.url));
    fake.answer = (_, response) => {
      response.write('slow');
      setTimeout(() => response.end('ly'), 200);
    };
    expect(new TextDecoder().decode((await http.request(post(fake.url))).body)).toBe('slowly');
    expect(fake.requests).toHaveLength(2);
  });
});

describe('the next TLS handshake is a short one', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('after the connection was reset, %s', async (maxVersion) => {
    const fake = await secure({ maxVersion });
    const nat = await startNat(fake, 'reset');
    const http = client(trusting);
    for (let i = 0; i < 3; i++) {
      expect(await http.request(post(nat.url))).toMatchObject({ status: 200 });
      nat.forget();
    }
    expect(fake.resumed).toEqual([false, true, true]);
  });

  it('through a proxy', async () => {
    const fake = await secure();
    const proxy = await startTarget(status(500));
    cleanups.push(() => proxy.close());
    proxy.server.on('connect', (_, socket) => {
      const out = connect(Number(fake.address.split(':')[1]), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      for (const side of [out, socket]) side.on('error', () => {});
      out.pipe(socket).pipe(out);
    });
    const http = client({ ...trusting, proxyUrl: proxy.url });
    for (let i = 0; i < 2; i++) {
      expect(await http.request(post(fake.url))).toMatchObject({ status: 200 });
      for (const socket of proxy.connections) socket.resetAndDestroy();
    }
    expect(fake.resumed).toEqual([false, true]);
  });

  it('not with another server', async () => {
    const [some, other] = [await secure(), await secure()];
    const http = client(trusting);
    await http.request(post(some.url));
    await http.request(post(other.url));
    expect([some.resumed, other.resumed]).toEqual([[false], [false]]);
  });

  it('not where the last one broke off', async () => {
    const fake = await secure();
    const http = client(trusting);
    await http.request(post(fake.url));
    fake.server.once('connection', (socket) => socket.resetAndDestroy());
    for (const socket of fake.connections) socket.resetAndDestroy();
    await expect(http.request(post(fake.url))).rejects.toMatchObject({ name: 'HttpError' });
    expect(await http.request(post(fake.url))).toMatchObject({ status: 200 });
    expect(fake.resumed).toEqual([false, false]);
  });
});
