import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { push } from '../../contract/generated/push.js';
import { decodeAnswer, PUSH_CONTENT_TYPE, PUSH_PATH, type PushAnswer, TABLE_PATH } from '../../contract/push.ts';
import { hashTable } from '../../contract/series-table.ts';
import { buildTarget, deflate, labels, makePush, pushBody, sha256 } from '../fakes/pushes.ts';
import { Cleanup } from './harness/cleanup.ts';
import { LedgerStack, type StrictReceiver, startStrictReceiver, taken } from './harness/ledger.ts';
import { freePort, NODE, Program } from './harness/program.ts';
import { ScriptedTarget } from './harness/scripted-target.ts';
import { AgentUnderTest, deviceToken, EdgeUnderTest, quickRelayConfig, staticJob } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/** Wrong input over the real interfaces: a clear message with place, expected and got; nothing lost, nothing crashed. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

describe('configuration of the agent', () => {
  const good = `
scrape_configs:
  - job_name: a
    static_configs: [{ targets: ["127.0.0.1:1"] }]
edge_push:
  url: http://127.0.0.1:1
  authorization: { credentials: secret }
`;

  async function run(config: string | undefined, ...flags: string[]): Promise<Program> {
    const folder = await cleanup.folder('config');
    if (config !== undefined) await writeFile(join(folder, 'agent.yml'), config);
    const address = `127.0.0.1:${await freePort()}`;
    const program = await Program.start('agent', NODE, [
      'agent-lite/main.ts',
      `--config.file=${join(folder, 'agent.yml')}`,
      `--storage.agent.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      ...flags,
    ]);
    cleanup.add(() => program.stop());
    return program;
  }

  it.each([
    { name: 'broken YAML', config: `${good}  push_interval: [1s\n`, message: /agent\.yml:\d+/ },
    { name: 'an unknown key', config: `${good}  push_intervall: 1s\n`, message: /agent\.yml:8.*push_intervall/ },
    { name: 'a key of Prometheus that is not supported', config: `${good}remote_read: []\n`, message: /agent\.yml:8.*remote_read/ },
    { name: 'a wrong type', config: `${good}  push_interval: soon\n`, message: /agent\.yml:8.*push_interval.*soon/ },
    { name: 'no file', config: undefined, message: /agent\.yml.*--config\.file/ },
  ])('refuses $name with its place and exits with 1', async ({ config, message }) => {
    const program = await run(config);
    expect(await program.exited()).toBe(1);
    expect(program.output).toMatch(message);
  });

  it.each([
    { name: 'an unknown flag', flag: '--storage.agent.paht=x', message: 'storage.agent.path' },
    { name: 'a size that is none', flag: '--storage.agent.retention.size=lots', message: '--storage.agent.retention.size' },
  ])('refuses $name and exits with 2', async ({ flag, message }) => {
    const program = await run(good, flag);
    expect(await program.exited()).toBe(2);
    expect(program.output).toContain(message);
  });
});

describe('requests to the edge', () => {
  const shared = new Cleanup();
  let edge: EdgeUnderTest;
  let strict: StrictReceiver;
  let token: string;
  beforeAll(async () => {
    strict = await startStrictReceiver(shared);
    edge = await EdgeUnderTest.start(shared, strict.url, quickRelayConfig.replace('tenants:', 'tenants:\n  "*":'));
    token = await deviceToken();
  });
  afterAll(() => shared.run());

  async function send(method: string, path: string, body: Uint8Array, bearer = token): Promise<{ status: number; answer: PushAnswer }> {
    const response = await fetch(edge.url + path, {
      method,
      headers: {
        ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
        'content-type': PUSH_CONTENT_TYPE,
        'content-encoding': 'deflate',
      },
      body: Uint8Array.from(body),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(response.headers.get('content-type'), new TextDecoder().decode(bytes)).toBe(PUSH_CONTENT_TYPE);
    return { status: response.status, answer: decodeAnswer(bytes) };
  }

  const oneScrape = async (device: string, value: number) => {
    const target = labels({ job: 'bad-input', instance: device });
    return buildTarget({
      labels: target,
      times: [Date.now()],
      series: [{ labels: labels({ __name__: 'a', job: 'bad-input', instance: device }), values: [value] }],
    });
  };

  it.each([
    { name: 'no token', bearer: () => '', status: 401, message: /Authorization: Bearer/ },
    { name: 'a token that is none', bearer: () => 'x.y.z', status: 401, message: /not valid/ },
    { name: 'an expired token', bearer: () => deviceToken('gw-1', { expiresMs: Date.now() - 1000 }), status: 401, message: /expired/ },
    { name: 'a changed token', bearer: async () => `${(await deviceToken()).slice(0, -4)}AAAA`, status: 401, message: /not valid/ },
  ])('refuses $name', async ({ bearer, status, message }) => {
    const got = await send('POST', PUSH_PATH, pushBody(makePush([])), await bearer());
    expect(got.status).toBe(status);
    expect(got.answer.code).toBe('unauthorized');
    expect(got.answer.message).toMatch(message);
  });

  it.each([
    { name: 'garbage', body: () => new TextEncoder().encode('garbage'), code: 'malformed', message: /deflate/ },
    { name: 'nothing', body: () => new Uint8Array(0), code: 'malformed', message: /./ },
    { name: 'a truncated body', body: () => pushBody(makePush([])).slice(0, -9), code: 'malformed', message: /./ },
    {
      name: 'a message of another kind',
      body: () => deflate(new TextEncoder().encode('no protobuf here')),
      code: 'malformed',
      message: /push/,
    },
    { name: 'a body that inflates to 1 GB', body: () => gigabyteOfZeros(), code: 'too_large', message: /at most/ },
    {
      name: 'a body larger than allowed',
      body: () => new Uint8Array(5 * 1024 * 1024).fill(0x78),
      code: 'too_large',
      message: /at most/,
    },
  ])('refuses $name as a push', async ({ body, code, message }) => {
    const { answer } = await send('POST', PUSH_PATH, body());
    expect(answer.code).toBe(code);
    expect(answer.message).toMatch(message);
  });

  it('refuses columns that end early, and stores none of the push', async () => {
    const { table, batch } = await oneScrape('cut', 4711);
    expect([200, 201]).toContain((await send('PUT', TABLE_PATH + table.hash, deflate(table.bytes))).status);
    const intact = pushBody(makePush([batch], { logId: 'ab'.repeat(16) }));
    const message = push.PushRequest.decode(inflateSync(intact));
    const first = message.targets[0];
    if (first === undefined) throw new Error('expected a target');
    first.columns = (first.columns ?? new Uint8Array(0)).slice(0, -1);
    const { answer } = await send('POST', PUSH_PATH, deflate(push.PushRequest.encode(message).finish()));
    expect(answer.code).toBe('malformed');
    expect(answer.message).toMatch(/targets\[0\]/);
    expect((await send('POST', PUSH_PATH, intact)).answer.code).toBe('stored');
    await waitFor('it to arrive', () =>
      taken(strict).some((series) => series.samples.length === 1 && series.labels.some(([, value]) => value === 'cut')),
    );
  });

  it('knows a table only for the tenant that sent it', async () => {
    const { table, batch } = await oneScrape('tenants', 1);
    expect([200, 201]).toContain((await send('PUT', TABLE_PATH + table.hash, deflate(table.bytes))).status);
    const other = await deviceToken('gw-1', { tenant: 'other' });
    const { status, answer } = await send('POST', PUSH_PATH, pushBody(makePush([batch])), other);
    expect(status).toBe(424);
    expect(answer.unknownTables).toEqual([table.hash]);
    const head = await fetch(edge.url + TABLE_PATH + table.hash, { method: 'HEAD', headers: { authorization: `Bearer ${other}` } });
    expect(head.status).toBe(404);
  });

  it('refuses table bytes that do not match their hash, and says both', async () => {
    const { table } = await oneScrape('hash', 1);
    const wrong = 'f'.repeat(32);
    const { status, answer } = await send('PUT', TABLE_PATH + wrong, deflate(table.bytes));
    expect(status).toBe(400);
    expect(answer.message).toContain(wrong);
    expect(answer.message).toContain(table.hash);
  });

  it('refuses table bytes that are not canonical, though their hash is right', async () => {
    const { table } = await oneScrape('canonical', 1);
    const bytes = Uint8Array.from([...table.bytes, 0]);
    const hash = await hashTable(bytes, sha256);
    const { status, answer } = await send('PUT', TABLE_PATH + hash, deflate(bytes));
    expect(status).toBe(400);
    expect(answer.code).toBe('malformed');
  });

  it.each([
    { method: 'GET', path: PUSH_PATH, status: 405 },
    { method: 'GET', path: '/nothing', status: 404 },
    { method: 'PUT', path: `${TABLE_PATH}short`, status: 401 },
  ])('answers $status to $method $path', async ({ method, path, status }) => {
    expect((await fetch(edge.url + path, { method })).status).toBe(status);
  });

  it('is healthy after all that and has lost nothing', async () => {
    await edge.answers();
    expect(edge.program.running).toBe(true);
    expect(edge.program.output).not.toContain('had died');
    expect(await edge.metrics()).not.toMatch(/relay_dead_letters_total\{[^}]*\} [1-9]/);
  });
});

describe('between agent and edge', () => {
  it('a token that the edge refuses keeps everything; the right one and a restart send it', async () => {
    const stack = await LedgerStack.start(cleanup, { token: 'not.a.token' });
    await stack.agent.program.prints(/the edge refuses the token.*edge_push\.authorization/);
    await stack.scrapes(3);
    await writeFile(join(stack.agent.folder, 'token'), await deviceToken());
    expect(await stack.stopAgent()).toBe(0);
    await stack.startAgent();
    const outcome = await stack.settle();
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBeLessThanOrEqual(1);
  });

  it('a token that cannot be read keeps everything; once it can be, it is used', async () => {
    const stack = await LedgerStack.start(cleanup, {
      prepare: async (agent) => {
        await rm(join(agent.folder, 'token'));
        await mkdir(join(agent.folder, 'token'));
      },
    });
    await stack.agent.program.prints(/cannot read .*token/);
    await stack.scrapes(2);
    await rm(join(stack.agent.folder, 'token'), { recursive: true });
    await writeFile(join(stack.agent.folder, 'token'), await deviceToken());
    const outcome = await stack.settle(120_000);
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBe(0);
  });

  it('a captive portal, broken connections and silence are network failures: nothing is deleted', async () => {
    const stack = await LedgerStack.start(cleanup);
    await stack.scrapes(2);
    stack.proxy.decide = () => 'portal';
    await waitFor('pushes to the portal', () => stack.proxy.count('portal') >= 2, 60_000);
    await stack.scrapes(2);
    stack.proxy.decide = () => 'reset';
    await stack.scrapes(2);
    let held = 0;
    stack.proxy.decide = () => (held++ === 0 ? 'black_hole' : 'pass');
    await stack.loseOneAcknowledgement();
    const outcome = await stack.settle(120_000);
    expect(outcome.faults, stack.describe()).toEqual([]);
    expect(outcome.missingScrapes).toBe(0);
    expect(stack.agent.program.output).toMatch(/content type|portal|not.*edge/i);
  });
});

describe('targets', () => {
  it('one that fails, hangs, floods or talks nonsense is down; the others go on', async () => {
    const strict = await startStrictReceiver(cleanup);
    const edge = await EdgeUnderTest.start(cleanup, strict.url);
    const good = await ScriptedTarget.start((number) => `good ${number}\n`);
    cleanup.add(() => good.stop());
    const bad = {
      failing: await serve((_, response) => response.writeHead(500).end('no')),
      hanging: await serve(() => {}),
      flooding: await serve((_, response) => flood(response)),
      nonsense: await serve((_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('{"not":"an exposition"}\n')),
      html: await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>')),
    };
    const jobs = Object.entries(bad).map(([job, address]) => `${staticJob(job, address)}    body_size_limit: 1MB\n`);
    const agent = await AgentUnderTest.start(cleanup, {
      scrapeConfigs: staticJob('good', good.address) + jobs.join(''),
      edgeUrl: edge.url,
    });
    const ups = () =>
      new Map(
        taken(strict)
          .filter((series) => series.labels.some(([name, value]) => name === '__name__' && value === 'up'))
          .map((series) => [series.labels.find(([name]) => name === 'job')?.[1] ?? '', series.samples.map(({ bits }) => bits)]),
      );
    await waitFor(
      'five scrapes of each',
      () => ['good', ...Object.keys(bad)].every((job) => (ups().get(job)?.length ?? 0) >= 5),
      60_000,
      () => agent.program.describe(),
    );
    expect(new Set(ups().get('good'))).toEqual(new Set([0x3ff0000000000000n]));
    for (const job of Object.keys(bad)) expect(new Set(ups().get(job)), job).toEqual(new Set([0n]));
    const page = await (await fetch(`${agent.url}/`)).text();
    expect(page).toContain('500');
    // 1 GB passed by, and none of it stayed.
    const rss = /^process_resident_memory_bytes (\S+)$/m.exec(await agent.metrics())?.[1];
    expect(Number(rss)).toBeLessThan(300e6);
    expect(await agent.stop()).toBe(0);
  });

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanup.add(async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    });
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }
});

/** 1 GB of valid lines, as fast as they are read. */
function flood(response: Parameters<RequestListener>[1]): void {
  const chunk = Buffer.from('flood{a="b"} 1\n'.repeat(65_536));
  let left = Math.ceil(1e9 / chunk.length);
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left--;
      if (!response.write(chunk)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}

/** About 1 MB that inflates to 1 GB. */
function gigabyteOfZeros(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(deflateSync(Buffer.alloc(1e9), { level: 9 }));
}
