import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { decodeAnswer, TABLE_PATH } from '../../contract/push.ts';
import { signToken } from '../../functions/auth/token.ts';
import { s3Store } from '../../functions/buffer/s3.ts';
import { platformClock } from '../../functions/clock.ts';
import { startEdge } from '../../infra/local/edge.ts';
import { buildTarget, deflate, labels, makePush, pushBody } from '../fakes/pushes.ts';
import { startS3 } from '../fakes/s3.ts';
import { Cleanup } from './harness/cleanup.ts';
import { freePort } from './harness/program.ts';
import { waitFor } from './harness/wait.ts';

/** The Worker in the Workers runtime with its bucket on a real S3 server instead of R2. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const KEY = 'a key for tests, of at least 32 bytes';

it('commits to S3, forwards from there, and deletes what the receiver took', async () => {
  const s3 = await startS3();
  cleanup.add(async () => s3[Symbol.asyncDispose]());
  const store = s3Store(s3.settings, platformClock);
  let open = false;
  let taken = 0;
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => {
      if (open) taken++;
      response.writeHead(open ? 204 : 503).end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  cleanup.add(() => {
    receiver.closeAllConnections();
    return new Promise<void>((done) => receiver.close(() => done()));
  });
  const edge = await startEdge({
    root: resolve(import.meta.dirname, '../..'),
    port: await freePort(),
    persist: await cleanup.folder('edge'),
    variables: {
      DEVICE_TOKEN_KEY: KEY,
      RECEIVER_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
      S3_ENDPOINT: s3.settings.endpoint,
      S3_BUCKET: s3.settings.bucket,
      S3_ACCESS_KEY_ID: s3.settings.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.settings.secretAccessKey,
    },
    log: () => {},
  });
  cleanup.add(() => edge.stop());

  const ready = await fetch(`${edge.url}/-/ready`);
  expect([ready.status, await ready.text()]).toEqual([200, 'The relay is ready.\n']);
  expect(await store.list('v1/')).toEqual(['v1/ready']);

  const own = labels({ instance: 'a', job: 'node' });
  const { table, batch } = await buildTarget({
    labels: own,
    times: [Date.now() - 2000, Date.now() - 1000],
    series: [{ labels: labels({ __name__: 'up', instance: 'a', job: 'node' }), values: [1, 2] }],
  });
  const authorization = `Bearer ${await signToken(KEY, { tenant: 'acme', device: 'gw-1', expiresMs: Date.now() + 60_000 })}`;
  const put = await fetch(`${edge.url}${TABLE_PATH}${table.hash}`, {
    method: 'PUT',
    body: deflate(table.bytes),
    headers: { authorization },
  });
  expect(put.status).toBe(201);
  const push = await fetch(`${edge.url}/api/v1/push`, { method: 'POST', body: pushBody(makePush([batch])), headers: { authorization } });
  expect(decodeAnswer(new Uint8Array(await push.arrayBuffer())).code).toBe('stored');
  expect(await store.list('v1/data/acme/')).toHaveLength(1);
  expect(await store.list('v1/shards/')).toEqual(['v1/shards/acme/1/0']);
  expect(await store.head(`v1/tables/acme/${table.hash}`)).toBe(table.bytes.length);

  open = true;
  await waitFor('the object to be deleted', async () => (await store.list('v1/data/')).length === 0);
  expect(taken).toBeGreaterThan(0);
});
