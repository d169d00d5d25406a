import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { honoursConditions, openS3 } from '../../../functions/buffer/open.ts';
import { type S3Settings, s3Store } from '../../../functions/buffer/s3.ts';
import type { Clock } from '../../../functions/model.ts';
import { type LocalS3, startS3 } from '../../fakes/s3.ts';
import { objectStoreSuite } from '../../suites/object-store.ts';
import { unusedTablesSuite } from '../../suites/unused-tables.ts';

/** Pauses between attempts take no time. */
const clock: Clock = { now: () => 0, random: () => 0.5, sleep: async () => {} };

describe('against a real S3 server', () => {
  let s3: LocalS3;
  beforeAll(async () => {
    s3 = await startS3();
  });
  afterAll(() => s3[Symbol.asyncDispose]());

  const open = () => ({
    store: s3Store(s3.settings, clock),
    // The local S3 does not limit writes to one key.
    aSecondLater: () => {},
  });
  objectStoreSuite('S3', open);
  unusedTablesSuite('S3', open);

  it('knows that this server honours If-None-Match', async () => {
    const store = s3Store(s3.settings, clock);
    expect(await honoursConditions(store, 'ready/a')).toBe(true);
    expect(await honoursConditions(store, 'ready/a')).toBe(true);
  });

  it('deletes more keys than one call takes', async () => {
    const store = s3Store(s3.settings, clock);
    await store.create('many/last', Uint8Array.of(1));
    await store.delete([...Array.from({ length: 1000 }, (_, i) => `many/${i}`), 'many/last']);
    expect(await store.list('many/')).toEqual([]);
  });

  it('rejects with a wrong secret and in a bucket that does not exist', async () => {
    await expect(s3Store({ ...s3.settings, secretAccessKey: 'wrong' }, clock).get('a')).rejects.toThrow();
    await expect(s3Store({ ...s3.settings, bucket: 'none' }, clock).create('a', Uint8Array.of(1))).rejects.toThrow();
  });
});

/** A status, with the XML of an S3 error, or `cut`: the connection ends without an answer. */
type Step = number | 'cut' | { readonly status: number; readonly body: string };

const codes: Readonly<Record<number, string>> = {
  404: 'NoSuchKey',
  409: 'ConditionalRequestConflict',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  500: 'InternalError',
  503: 'SlowDown',
};

/** A server that answers as told, the last answer for ever. */
async function scripted(steps: readonly Step[]) {
  const seen: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    request.resume().on('end', () => {
      const step = steps[Math.min(seen.length, steps.length - 1)] ?? 500;
      seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
      if (step === 'cut') return void request.socket.destroy();
      const { status, body } = typeof step === 'number' ? { status: step, body: error(step) } : step;
      response.writeHead(status, { 'content-type': 'application/xml' }).end(request.method === 'HEAD' ? '' : body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const settings: S3Settings = { endpoint: `http://127.0.0.1:${port}`, bucket: 'b', region: 'r', accessKeyId: 'k', secretAccessKey: 's' };
  const stop = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { settings, store: s3Store(settings, clock), seen, [Symbol.asyncDispose]: stop };
}

const error = (status: number): string => (status === 200 ? '' : `<Error><Code>${codes[status]}</Code><Message>m</Message></Error>`);

describe('create', () => {
  const cases: readonly [name: string, steps: readonly Step[], outcome: string, requests: number][] = [
    ['stores', [200], 'created', 1],
    ['finds the key taken', [412], 'exists', 1],
    ['tries again after a conflict of two writers', [409, 200], 'created', 2],
    ['learns after a conflict that the other one won', [409, 412], 'exists', 2],
    ['tries again when asked to slow down', [503, 503, 200], 'created', 3],
    ['gives up when it goes on', [503], 'rejects', 3],
    ['does not know after a failure of the server, and does not ask again', [500, 412], 'rejects', 1],
    ['does not know after a lost answer, and does not ask again', ['cut', 412], 'rejects', 1],
  ];
  it.each(cases)('%s', async (_name, steps, outcome, requests) => {
    await using server = await scripted(steps);
    expect(await server.store.create('a', Uint8Array.of(1)).catch(() => 'rejects')).toBe(outcome);
    expect(server.seen).toHaveLength(requests);
    expect(server.seen[0]).toMatchObject({ method: 'PUT', headers: { 'if-none-match': '*' } });
    expect(server.seen[0]?.url).toMatch(/^\/b\/a\b/);
  });

  it('finds out a server that writes over objects', async () => {
    await using server = await scripted([200]);
    expect(await honoursConditions(server.store, 'v1/ready')).toBe(false);
    expect(await openS3(server.settings, clock).check()).toMatch(/^S3_ENDPOINT: expected a server that honours "If-None-Match: \*"/);
  });

  it('asks only once whether conditions are honoured', async () => {
    await using server = await scripted([200, 412, 404]);
    const { check } = openS3(server.settings, clock);
    expect(await check()).toBeUndefined();
    expect(await check()).toBeUndefined();
    expect(server.seen.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'HEAD']);
  });
});

describe('reading and deleting', () => {
  it.each<[string, Step, number]>([
    ['server failures', 500, 3],
    ['lost answers', 'cut', 3],
    ['a range outside of the object', 416, 1],
  ])('bounds its attempts: %s', async (_name, step, requests) => {
    await using server = await scripted([step]);
    await expect(server.store.get('a', { offset: 5, length: 2 })).rejects.toThrow();
    expect(server.seen).toHaveLength(requests);
    expect(server.seen[0]?.headers).toMatchObject({ range: 'bytes=5-6' });
  });

  it('takes 404 for absent, at once', async () => {
    await using server = await scripted([404]);
    expect(await server.store.get('a')).toBeUndefined();
    expect(await server.store.head('a')).toBeUndefined();
    expect(server.seen).toHaveLength(2);
  });

  it('does not take a missing bucket for an absent object', async () => {
    await using server = await scripted([{ status: 404, body: '<Error><Code>NoSuchBucket</Code><Message>m</Message></Error>' }]);
    await expect(server.store.get('a')).rejects.toThrow();
  });

  it('rejects when single keys of a delete call failed', async () => {
    const body = '<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>';
    await using server = await scripted([{ status: 200, body }]);
    await expect(server.store.delete(['a', 'b'])).rejects.toThrow('1 objects not deleted: a: AccessDenied no');
  });

  it('deletes a thousand keys with each call', async () => {
    await using server = await scripted([{ status: 200, body: '<DeleteResult></DeleteResult>' }]);
    await server.store.delete(Array.from({ length: 2500 }, (_, i) => `k/${i}`));
    expect(server.seen).toHaveLength(3);
  });

  it('asks for a thousand keys with each page', async () => {
    const page = (from: number, more: boolean) => ({
      status: 200,
      body: `<ListBucketResult><IsTruncated>${more}</IsTruncated>${more ? `<NextContinuationToken>t${from}</NextContinuationToken>` : ''}<Contents><Key>k/${from}</Key></Contents></ListBucketResult>`,
    });
    await using server = await scripted([page(1, true), page(2, false)]);
    expect(await server.store.list('k/', { startAfter: 'k/0' })).toEqual(['k/1', 'k/2']);
    const asked = server.seen.map(({ url }) => new URL(url, 'http://s3').searchParams);
    expect(asked.map((query) => [query.get('max-keys'), query.get('start-after'), query.get('continuation-token')])).toEqual([
      ['1000', 'k/0', null],
      ['1000', 'k/0', 't1'],
    ]);
  });

  it('rejects a listing that cannot be followed', async () => {
    const body = '<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>';
    await using server = await scripted([{ status: 200, body }]);
    await expect(server.store.list('')).rejects.toThrow('truncated');
  });
});
