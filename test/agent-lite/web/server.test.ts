import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWeb, type WebServer } from '../../../agent-lite/web/server.ts';
import type { AgentStatus } from '../../../agent-lite/web/status.ts';
import { healthyStatus } from './status.ts';

let web: WebServer;
let status: AgentStatus = healthyStatus();
let failing = false;

beforeAll(async () => {
  web = await startWeb({
    host: '127.0.0.1',
    port: 0,
    status: () => status,
    metrics() {
      if (failing) throw new Error('broken');
      return 'a 1\n';
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

it('says when the address is taken', async () => {
  await expect(startWeb({ host: '127.0.0.1', port: web.port, status: () => status, metrics: () => '' })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});
