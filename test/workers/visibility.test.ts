import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { VERSION } from '../../contract/version.ts';
import { signToken } from '../../functions/auth/token.ts';

/** What operators see of the real Worker. */

const fetchEdge = (path: string, init?: RequestInit) => exports.default.fetch(new Request(`http://edge${path}`, init));
const token = async () =>
  `Bearer ${await signToken(env.DEVICE_TOKEN_KEY ?? '', { tenant: 'acme', device: 'gw-1', expiresMs: Date.now() + 60_000 })}`;
const PUSH = '/api/v1/push';
const WRITE = '/api/v1/write';
const TABLE = `/api/v1/tables/${'0'.repeat(32)}`;
const large = new Uint8Array(17 * 1024 * 1024);

it.each<[name: string, path: string, init: RequestInit, status: number]>([
  ['health', '/-/healthy', {}, 200],
  ['readiness', '/-/ready', {}, 200],
  ['HEAD', '/-/healthy', { method: 'HEAD' }, 200],
  ['no token for metrics', '/metrics', {}, 401],
  ['no token for the admin interface', '/api/v1/admin/dead-letters', {}, 401],
  ['no token for a push', PUSH, { method: 'POST', body: 'x' }, 401],
  ['no token for a write', WRITE, { method: 'POST', body: 'x' }, 401],
  ['no path', '/', {}, 404],
  ['a path that is no text', '/%ff%00%zz', {}, 404],
  ['a long path', `/${'a'.repeat(5000)}`, {}, 404],
  ['OPTIONS', PUSH, { method: 'OPTIONS' }, 405],
  ['DELETE', WRITE, { method: 'DELETE' }, 405],
  ['PATCH', '/metrics', { method: 'PATCH' }, 405],
  ['OPTIONS of nothing', '/nothing', { method: 'OPTIONS' }, 404],
  ['garbage as a push', PUSH, { method: 'POST', body: 'x' }, 400],
  ['garbage as a write', WRITE, { method: 'POST', body: new Uint8Array(3).fill(255) }, 400],
  ['an encoding nobody knows', WRITE, { method: 'POST', body: 'x', headers: { 'content-encoding': 'br' } }, 415],
  ['a large push', PUSH, { method: 'POST', body: large }, 413],
  ['a large write', WRITE, { method: 'POST', body: large }, 413],
  ['a table that is not there', TABLE, { method: 'HEAD' }, 404],
])('every answer names version and request: %s', async (name, path, init, status) => {
  const headers = new Headers(init.headers);
  if (!name.startsWith('no token')) headers.set('authorization', await token());
  const response = await fetchEdge(path, { ...init, headers });
  await response.arrayBuffer();
  expect([name, response.status]).toEqual([name, status]);
  expect(response.headers.get('x-relay-version')).toBe(VERSION);
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

it('shows refused tokens in Prometheus’ text format, though no push ever passed', async () => {
  const read = async () => (await fetchEdge('/metrics', { headers: { authorization: `Bearer ${env.METRICS_TOKEN}` } })).text();
  const count = (text: string) => Number(/^relay_auth_failures_total\{reason="malformed"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  const before = count(await read());
  for (let i = 0; i < 3; i++) await fetchEdge(PUSH, { method: 'POST', body: 'x', headers: { authorization: 'Bearer x.y.z' } });
  const text = await read();
  expect(count(text) - before).toBe(3);
  // Each line is a type, or a series with a number; a family's lines stand together, after its type.
  const seen = new Set<string>();
  let family = '';
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line);
    if (type !== null) {
      family = type[1] ?? '';
      expect(seen.has(family), line).toBe(false);
      seen.add(family);
      continue;
    }
    expect(line).toMatch(/^\w+(?:\{\w+="[^"\n]*"(?:,\w+="[^"\n]*")*\})? -?[0-9.e+-]+$/);
    expect(line.replace(/[{ ].*/, '').replace(/_(?:bucket|sum|count)$/, '')).toBe(family.replace(/_(?:bucket|sum|count)$/, ''));
  }
  expect(text).toMatch(/^relay_ack_duration_seconds_bucket\{le="\+Inf"\} \d+$/m);
});
