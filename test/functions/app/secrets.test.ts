import { expect, it } from 'vitest';
import { KEY, TestEdge } from '../../fakes/worker.ts';

const ADMIN = 'admin-secret-0123456789abcdef012345';
const METRICS = 'metrics-secret-0123456789abcdef0123';

/** All that leaves the edge or stays in it, after requests good and bad. */
it('no token and no key is in a log, an answer, a metric or the bucket', async () => {
  const edge = new TestEdge({ adminToken: ADMIN, metricsToken: METRICS });
  const token = await edge.token();
  const [, claims = '', signature = ''] = token.slice('Bearer '.length).split('.');
  const seen: string[] = [];
  const send = async (path: string, method: string, authorization: string, body?: string): Promise<void> => {
    const response = await edge.fetch(path, { method, headers: { authorization }, ...(body === undefined ? {} : { body }) });
    seen.push(await response.text(), JSON.stringify([...response.headers]));
  };
  edge.shard().result = new Error('the object is being moved');
  const basic = `Basic ${btoa(`gw-2:${token.slice('Bearer '.length)}`)}`;
  for (const authorization of [token, `${token}x`, token.slice(0, -2), basic, `Bearer ${ADMIN}`, `Bearer ${METRICS}`, `Bearer ${KEY}`]) {
    await send('/api/v1/push', 'POST', authorization, 'x');
    await send('/api/v1/write', 'POST', authorization, 'x');
    await send(`/api/v1/series-tables/${'0'.repeat(32)}`, 'PUT', authorization, 'x');
    await send('/metrics', 'GET', authorization);
    await send('/-/ready', 'GET', authorization);
    await send('/api/v1/admin/dead-letters', 'GET', authorization);
  }
  for (const key of await edge.store.list('')) seen.push(key, new TextDecoder().decode(await edge.store.get(key)));
  const all = [...seen, ...edge.logged, JSON.stringify(edge.counted())].join('\n');
  expect(edge.logged.length).toBeGreaterThan(0);
  for (const secret of [KEY, ADMIN, METRICS, signature, claims]) {
    expect(secret.length).toBeGreaterThan(20);
    expect(all).not.toContain(secret);
  }
});
