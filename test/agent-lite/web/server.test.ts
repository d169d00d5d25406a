import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeb, type WebServer } from '../../../agent-lite/web/server.ts';
import type { AgentStatus } from '../../../agent-lite/web/status.ts';
import { err, ok, type Result } from '../../../contract/result.ts';
import { healthyStatus } from './status.ts';

let web: WebServer;
let status: AgentStatus = healthyStatus();
let failing = false;
let reloaded: Result<undefined, string> = ok(undefined);
const asked: string[] = [];

beforeAll(async () => {
  web = await startWeb({
    host: '127.0.0.1',
    port: 0,
    status: () => status,
    metrics() {
      if (failing) throw new Error('broken');
      return 'a 1\n';
    },
    lifecycle: {
      async reload() {
        asked.push('reload');
        return reloaded;
      },
      quit: () => void asked.push('quit'),
    },
  });
});
afterAll(() => web.close());

const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${web.port}${path}`, init);

describe('routes', () => {
  it.each<[string, string, string, number, string, RegExp]>([
    ['health', 'GET', '/-/healthy', 200, 'text/plain; charset=utf-8', /^agent-lite is Healthy\.\n$/],
    ['ready', 'GET', '/-/ready', 200, 'text/plain; charset=utf-8', /^agent-lite is Ready\.\n$/],
    ['metrics', 'GET', '/metrics', 200, 'text/plain; version=0.0.4; charset=utf-8', /^a 1\n$/],
    ['page', 'GET', '/', 200, 'text/html; charset=utf-8', /<!doctype html>/],
    ['page with a query', 'GET', '/?a=/metrics', 200, 'text/html; charset=utf-8', /<!doctype html>/],
    ['HEAD', 'HEAD', '/', 200, 'text/html; charset=utf-8', /^$/],
    ['not found', 'GET', '/nope', 404, 'text/plain; charset=utf-8', /Not found/],
    ['a name of the object prototype', 'GET', '/__proto__', 404, 'text/plain; charset=utf-8', /Not found/],
    ['wrong method', 'POST', '/metrics', 405, 'text/plain; charset=utf-8', /only GET and HEAD/],
    ['wrong method where nothing is', 'DELETE', '/nope', 404, 'text/plain; charset=utf-8', /Not found/],
  ])('%s', async (_, method, path, code, type, body) => {
    const response = await ask(path, { method });
    expect([response.status, response.headers.get('content-type')]).toEqual([code, type]);
    expect(await response.text()).toMatch(body);
    if (code === 405) expect(response.headers.get('allow')).toBe('GET, HEAD');
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'unsafe-inline'/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('gives the status as JSON', async () => {
    const answer = await (await ask('/api/v1/status')).json();
    expect(answer).toMatchObject({ status: 'success', data: { state: 'ok', reasons: [], hostname: 'gw-17', log: { mode: 'file' } } });
  });

  it('is not ready while starting', async () => {
    status = { ...healthyStatus(), ready: false };
    expect((await ask('/-/ready')).status).toBe(503);
    expect((await ask('/-/healthy')).status).toBe(200);
    status = healthyStatus();
  });

  it('answers 500 and lives on when a page cannot be made', async () => {
    failing = true;
    expect((await ask('/metrics')).status).toBe(500);
    failing = false;
    expect((await ask('/metrics')).status).toBe(200);
  });
});

describe('lifecycle', () => {
  it.each(['POST', 'PUT'])('%s /-/reload reloads', async (method) => {
    asked.length = 0;
    const response = await ask('/-/reload', { method });
    expect([response.status, await response.text(), asked]).toEqual([200, '', ['reload']]);
  });

  it('tells why it did not', async () => {
    reloaded = err('agent.yml:3: scrape_configs[0].interval: unknown key');
    const response = await ask('/-/reload', { method: 'POST' });
    reloaded = ok(undefined);
    expect(response.status).toBe(500);
    expect(await response.text()).toBe('failed to reload config: agent.yml:3: scrape_configs[0].interval: unknown key\n');
  });

  it('POST /-/quit asks for the end', async () => {
    asked.length = 0;
    const response = await ask('/-/quit', { method: 'POST', body: 'whatever' });
    expect([response.status, await response.text(), asked]).toEqual([200, 'Requesting termination... Goodbye!\n', ['quit']]);
  });

  it.each(['/-/reload', '/-/quit'])('GET %s does nothing', async (path) => {
    asked.length = 0;
    const response = await ask(path);
    expect([response.status, response.headers.get('allow'), asked]).toEqual([405, 'POST, PUT', []]);
  });

  it.each(['/-/reload', '/-/quit'])('%s is refused without --web.enable-lifecycle', async (path) => {
    const closed = await startWeb({ host: '127.0.0.1', port: 0, status: () => status, metrics: () => '', lifecycle: undefined });
    const response = await fetch(`http://127.0.0.1:${closed.port}${path}`, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([
      403,
      'Lifecycle API is not enabled. Start agent-lite with --web.enable-lifecycle.\n',
    ]);
    await closed.close();
  });
});

it('says when the address is taken', async () => {
  await expect(
    startWeb({ host: '127.0.0.1', port: web.port, status: () => status, metrics: () => '', lifecycle: undefined }),
  ).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});
