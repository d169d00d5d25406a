import { describe, expect, it } from 'vitest';
import { encodePush, NO_CHAIN, PUSH_CONTENT_TYPE } from '../../../contract/push.ts';
import { defaultRelabelConfig } from '../../../contract/relabel.ts';
import type { RelayConfig } from '../../../functions/config/types.ts';
import { MemoryBudget } from '../../../functions/ingest/memory-budget.ts';
import type { CommitRequest, CommitResult } from '../../../functions/model.ts';
import { buildTarget, type GivenTarget, labels, makePush, pushBody, report } from '../../fakes/pushes.ts';
import { relayConfig, tenantWithoutRules, testReceiver } from '../../fakes/relay-config.ts';
import { FakeShard, seriesOf } from '../../fakes/shard-stub.ts';
import { type Body, NOW, TestEdge } from '../../fakes/worker.ts';

const target = labels({ instance: 'a:1', job: 'node' });
const T = NOW - 60_000;
const given: GivenTarget = {
  labels: target,
  times: [T, T + 15_000],
  series: [
    { labels: labels({ __name__: 'm', instance: 'a:1', job: 'node' }), values: [1.5, 'stale'] },
    { labels: labels({ __name__: 'n', job: 'node' }), values: ['absent', -0] },
  ],
};
const logId = '11'.repeat(16);

/** An edge that has the target's table already. */
async function ready(edge = new TestEdge(), from = given) {
  const { table, batch } = await buildTarget(from);
  await edge.putTable(table);
  return { edge, table, batch };
}

describe('POST /api/v1/push', () => {
  it('hands the shard what the target exposed, bit for bit, and tells what the shard said', async () => {
    const { edge, batch } = await ready();
    const { status, headers, answer } = await edge.push(makePush([batch]));
    expect(status).toBe(200);
    expect(answer).toMatchObject({ code: 'stored', logId, position: 1, edgeMs: NOW });
    expect(headers.get('content-type')).toBe(PUSH_CONTENT_TYPE);
    expect(headers.get('x-relay-version')).toMatch(/^\d+\.\d+\.\d+$/);
    expect(headers.get('x-request-id')).toBe('request-2');
    const [request] = edge.shard().requests;
    expect(request).toMatchObject({ tenant: 'acme', device: 'gw-1', logId, stream: 0, base: { position: 0 }, to: { position: 1 } });
    const series = seriesOf(request);
    expect(series.slice(0, 2)).toEqual([
      {
        labels: labels({ __name__: 'm', device: 'gw-1', instance: 'a:1', job: 'node' }),
        samples: [
          { time: T, bits: 0x3ff8000000000000n },
          { time: T + 15_000, bits: 0x7ff0000000000002n },
        ],
      },
      { labels: labels({ __name__: 'n', device: 'gw-1', job: 'node' }), samples: [{ time: T + 15_000, bits: 0x8000000000000000n }] },
    ]);
    expect(series.map((one) => one.labels.find(([name]) => name === '__name__')?.[1]).slice(2)).toEqual([
      'up',
      'scrape_duration_seconds',
      'scrape_samples_scraped',
      'scrape_samples_post_metric_relabeling',
      'scrape_series_added',
    ]);
    expect(request?.fragments).toMatchObject([{ samples: 13, series: 7, minMs: T, maxMs: T + 15_000 }]);
  });

  it('says which tables it lacks, each once, and stores nothing', async () => {
    const edge = new TestEdge();
    const { table, batch } = await buildTarget(given);
    const { status, answer } = await edge.push(makePush([batch, { ...batch, labels: labels({ job: 'b' }) }]));
    expect(status).toBe(424);
    expect(answer).toMatchObject({ code: 'unknown_tables', logId, position: 1, unknownTables: [table.hash] });
    expect([...edge.shards.values()].flatMap(({ requests }) => requests)).toEqual([]);
  });

  it("does not find another tenant's table", async () => {
    const edge = new TestEdge({ config: { ...relayConfig, tenants: { acme: tenantWithoutRules, other: tenantWithoutRules } } });
    const { table, batch } = await buildTarget(given);
    await edge.putTable(table, undefined, 'other');
    expect((await edge.push(makePush([batch]))).answer).toMatchObject({ code: 'unknown_tables', unknownTables: [table.hash] });
  });

  it('takes a push of report series only', async () => {
    const edge = new TestEdge();
    const batch = { labels: target, table: undefined, times: [T], cells: undefined, report: report(1), exemplars: [], metadata: [] };
    expect((await edge.push(makePush([batch]))).answer.code).toBe('stored');
    expect(seriesOf(edge.shard().requests[0])).toHaveLength(5);
  });

  it('answers an empty push at once with the time and the wished interval', async () => {
    const edge = new TestEdge({ config: { ...relayConfig, tenants: { acme: { ...tenantWithoutRules, minPushIntervalMs: 30_000 } } } });
    const at = { position: 7, chain: 'aaaaaaaaaaaaaaaa' };
    const { answer } = await edge.push(makePush([], { base: at, to: at }));
    expect(answer).toMatchObject({ code: 'stored', logId, position: 7, edgeMs: NOW, minPushIntervalMs: 30_000 });
    expect([...edge.shards.values()].flatMap(({ requests }) => requests)).toEqual([]);
  });

  it('hands on the stream, and tells how late samples may be: the least window of the tenant’s receivers', async () => {
    const windows = (...ms: readonly number[]): RelayConfig => ({
      ...relayConfig,
      receivers: ms.map((outOfOrderTimeWindowMs, i) => ({ ...testReceiver, name: `r${i}`, outOfOrderTimeWindowMs })),
      routes: [{ tenants: '*', receivers: ms.map((_, i) => `r${i}`) }],
    });
    for (const [config, want] of [
      [windows(0), 0],
      [windows(7_200_000), 7_200_000],
      [windows(7_200_000, 3_600_000), 3_600_000],
      [windows(7_200_000, 0), 0],
    ] as const) {
      const { edge, batch } = await ready(new TestEdge({ config }));
      const { answer } = await edge.push(makePush([batch], { stream: 3 }));
      expect(answer).toMatchObject({ code: 'stored', freshWindowMs: want });
      const asked = await edge.push(makePush([], { base: { position: 0, chain: NO_CHAIN }, to: { position: 0, chain: NO_CHAIN } }));
      expect(asked.answer.freshWindowMs).toBe(want);
      expect([...edge.shards.values()].flatMap(({ requests }) => requests)).toMatchObject([{ logId, stream: 3 }]);
    }
  });

  it('hands on gaps and counts their positions', async () => {
    const edge = new TestEdge();
    const gaps = [{ from: 1, to: 5, reason: 'evicted' }] as const;
    await edge.push(makePush([], { to: { position: 5, chain: 'aaaaaaaaaaaaaaaa' }, gaps }));
    expect(edge.shard().requests).toMatchObject([
      { gaps, fragments: [], counts: { 'relay_positions_skipped_total{reason="evicted"}': 5 } },
    ]);
  });

  it('tells a device whose clock is ahead what time it is', async () => {
    const { edge, batch } = await ready(new TestEdge(), { ...given, times: [T, NOW + 60_001] });
    const { status, answer } = await edge.push(makePush([batch]));
    expect([status, answer.code, answer.edgeMs, answer.logId]).toEqual([422, 'clock', NOW, logId]);
    const { edge: other, batch: near } = await ready(new TestEdge(), { ...given, times: [T, NOW + 60_000] });
    expect((await other.push(makePush([near]))).answer.code).toBe('stored');
  });

  describe('with a clock an hour behind the receiver’s', () => {
    const HOUR = 3_600_000;
    const behind = async () => {
      const { edge, batch } = await ready(new TestEdge(), { ...given, times: [T + HOUR] });
      edge.shard().clock = { receiverMs: NOW + HOUR };
      const push = (wallMs: number) => edge.push(makePush([batch], { clock: { ...makePush([]).clock, wallMs, offsetMs: 0 } }));
      return { edge, push };
    };

    it('believes a device that agrees with the receiver', async () => {
      const { edge, push } = await behind();
      expect((await push(NOW + HOUR - 1000)).answer).toMatchObject({ code: 'stored', edgeMs: NOW + HOUR });
      expect(edge.shard().asked).toBe(1);
    });

    it('stores nothing of one that agrees with neither, and tells no time that it could learn from', async () => {
      const { edge, push } = await behind();
      const { status, headers, answer } = await push(NOW - HOUR);
      expect([status, answer.code, answer.edgeMs, answer.logId]).toEqual([503, 'busy', 0, logId]);
      expect(Number(headers.get('retry-after'))).toBe(60);
      expect(edge.shard().requests).toEqual([]);
      expect((await edge.send('no push')).answer.edgeMs).toBe(0);
    });

    it('goes by its own where the shard does not answer', async () => {
      const { edge, push } = await behind();
      edge.shard().time = () => Promise.reject(new Error('gone'));
      expect((await push(NOW + HOUR)).answer).toMatchObject({ code: 'clock', edgeMs: NOW });
    });
  });

  const results = [
    ['a repeat', { kind: 'stored', repeated: true }, 200, { code: 'stored' }],
    [
      'a conflict',
      { kind: 'conflict', stored: { position: 9, chain: 'bbbbbbbbbbbbbbbb' }, points: [{ position: 4, chain: NO_CHAIN }] },
      409,
      { code: 'conflict', stored: { position: 9, chain: 'bbbbbbbbbbbbbbbb' }, points: [{ position: 4, chain: NO_CHAIN }] },
    ],
    [
      'a full buffer',
      { kind: 'busy', retryAfterMs: 2500, reason: 'the buffer is full' },
      503,
      { code: 'busy', message: 'the buffer is full' },
    ],
    ['a shard that fails', new Error('overloaded'), 503, { code: 'busy' }],
  ] as const;
  it.each(results)('passes on %s', async (_name, result, status, answer) => {
    const edge = new TestEdge();
    edge.shard().result = result;
    const got = await edge.push(makePush([], { gaps: [{ from: 1, to: 1, reason: 'damaged' }] }));
    expect(got.status).toBe(status);
    expect(got.answer).toMatchObject({ ...answer, logId, position: 1 });
    expect(got.headers.get('retry-after')).toBe(status === 503 ? (result instanceof Error ? '10' : '3') : null);
    expect(edge.logged.join('')).not.toContain('undefined');
  });

  it('answers busy when the bucket fails, and logs why', async () => {
    const edge = new TestEdge();
    const { batch } = await buildTarget(given);
    edge.store.get = () => Promise.reject(new Error('R2 is away'));
    const { status, answer, headers } = await edge.push(makePush([batch]));
    expect([status, answer.code, answer.message, headers.get('retry-after')]).toEqual([503, 'busy', 'the edge failed', '10']);
    expect(edge.logged.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', message: 'shard did not tell the time' },
      { level: 'error', error: 'Error: R2 is away', requestId: 'request-1' },
    ]);
  });

  it('registers a shard before the first push reaches it', async () => {
    const edge = new TestEdge();
    edge.shard().commit = async () => {
      expect(await edge.store.list('v1/shards/')).toEqual(['v1/shards/acme/1/0']);
      return { kind: 'stored', repeated: false };
    };
    expect((await edge.push(makePush([]))).answer.code).toBe('stored');
  });
});

it('takes a push that was not deflated, since nothing was gained by it', async () => {
  const { edge, batch } = await ready();
  const { status, answer } = await edge.send(encodePush(makePush([batch])) as Uint8Array<ArrayBuffer>);
  expect([status, answer.code]).toEqual([200, 'stored']);
  expect(seriesOf(edge.shard().requests[0])).toHaveLength(7);
});

describe('bad input', () => {
  const bodies: readonly [name: string, body: () => Promise<Body> | Body, status: number, message: RegExp][] = [
    ['no body', () => '', 400, /expected a zlib/],
    ['garbage', () => new Uint8Array(100).fill(0xa5), 400, /expected a zlib/],
    ['HTML', () => '<html>login</html>', 400, /expected a zlib/],
    ['a truncated body', async () => pushBody(makePush([])).subarray(0, 20), 400, /expected a zlib/],
    ['deflated garbage', async () => (await import('../../fakes/pushes.ts')).deflate(new Uint8Array(100).fill(0xa5)), 400, /push/],
    ['a body over the limit', () => new Uint8Array(4 * 1024 * 1024 + 1), 413, /at most 4194304 bytes/],
    [
      'scrapes without positions',
      async () => pushBody(makePush([(await ready()).batch], { to: { position: 0, chain: NO_CHAIN } })),
      400,
      /without/,
    ],
  ];
  it.each(bodies)('%s', async (_name, body, status, message) => {
    const edge = new TestEdge();
    const got = await edge.send(await body());
    expect(got.status).toBe(status);
    expect(got.answer.code).toBe(status === 413 ? 'too_large' : 'malformed');
    expect(got.answer.message).toMatch(message);
    expect([...edge.shards.values()].flatMap(({ requests }) => requests)).toEqual([]);
    expect(edge.isolate.memory.used).toBe(0);
  });

  it('gives up a body that inflates to 1 GB at the limit', async () => {
    const { deflateSync, constants } = await import('node:zlib');
    // The deflated form of zeros repeats itself, so a gigabyte of them is built without having them.
    const once = deflateSync(new Uint8Array(1 << 20), { finishFlush: constants.Z_SYNC_FLUSH });
    const more = deflateSync(new Uint8Array(2 << 20), { finishFlush: constants.Z_FULL_FLUSH }).subarray(2);
    const bomb = Buffer.concat([once, ...Array.from({ length: 511 }, () => more)]);
    expect(bomb.length).toBeLessThan(4 * 1024 * 1024);
    const { status, answer } = await new TestEdge().send(bomb);
    expect([status, answer.code]).toEqual([413, 'too_large']);
  });

  it('refuses a huge declared length without reading', async () => {
    const body = new ReadableStream({ pull: () => expect.unreachable('the body was read') }, { highWaterMark: 0 });
    const request = {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { authorization: await new TestEdge().token(), 'content-length': '50000000' },
    };
    expect((await new TestEdge().fetch('/api/v1/push', request as RequestInit)).status).toBe(413);
  });

  it('says the edge is busy when its memory is held by others', async () => {
    const memory = new MemoryBudget(1000, () => 0);
    memory.open().grow(990);
    const edge = new TestEdge({ isolate: { memory } });
    const { status, answer, headers } = await edge.push(makePush([]));
    expect([status, answer.code, headers.get('retry-after')]).toEqual([503, 'busy', '5']);
  });

  it('asks for less at once where one push would take all memory', async () => {
    const edge = new TestEdge({ isolate: { memory: new MemoryBudget(2000, () => 0) } });
    const { edge: other, batch } = await ready();
    await edge.store.create(`v1/tables/acme/${batch.table}`, (await other.store.get(`v1/tables/acme/${batch.table}`)) ?? new Uint8Array(0));
    expect((await edge.push(makePush([batch]))).answer).toMatchObject({ code: 'too_large', logId, position: 1 });
    expect(edge.isolate.memory.used).toBe(0);
  });

  it('holds no more than its fragments while it waits for its commit, so that many can wait for one', async () => {
    const series = Array.from({ length: 200 }, (_, i) => ({ labels: labels({ __name__: `m${i}`, job: 'node' }), values: [i, i] }));
    const memory = new MemoryBudget(1_500_000, () => 0);
    const commits: { readonly request: CommitRequest; readonly done: (result: CommitResult) => void }[] = [];
    const commit = (request: CommitRequest) => new Promise<CommitResult>((done) => commits.push({ request, done }));
    const shardStub = (): FakeShard => Object.assign(new FakeShard(), { commit });
    const { edge, batch } = await ready(new TestEdge({ isolate: { memory }, shardStub }), { ...given, series });
    const body = pushBody(makePush([batch]));
    const answers: Promise<Response>[] = [];
    for (let i = 0; i < 50; i++) {
      const authorization = await edge.token('acme', `gw-${i}`);
      const arrived = commits.length;
      let answered = false;
      answers.push(edge.fetch('/api/v1/push', { method: 'POST', body, headers: { authorization } }).finally(() => (answered = true)));
      while (commits.length === arrived && !answered) await new Promise((done) => setImmediate(done));
    }
    const bytes = commits.flatMap(({ request }) => request.fragments).reduce((sum, { block }) => sum + block.length, 0);
    expect(memory.used).toBe(2 * bytes);
    for (const { done } of commits) done({ kind: 'stored', repeated: false });
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(memory.used).toBe(0);
  });

  it('asks for less where relay.yml allows fewer cells than the device sends', async () => {
    const edge = new TestEdge({ config: { ...relayConfig, limits: { ...relayConfig.limits, cellsPerPush: 12 } } });
    const { batch } = await ready(edge);
    expect((await edge.push(makePush([batch]))).answer.code).toBe('too_large');
  });

  it('names the push even where the push cannot be decoded, so that the device believes the refusal', async () => {
    const { edge, batch } = await ready();
    const push = makePush([{ ...batch, labels: [['job', 'x'.repeat(100_000)]] }]);
    expect((await edge.push(push)).answer).toMatchObject({ code: 'malformed', logId, position: 1 });
  });

  it('refuses columns that do not fit their table', async () => {
    const { edge, batch } = await ready();
    const { batch: wider } = await buildTarget({ ...given, series: given.series.slice(0, 1) });
    const { answer } = await edge.push(makePush([{ ...wider, table: batch.table }]));
    expect(answer).toMatchObject({ code: 'malformed', logId, position: 1 });
    expect(answer.message).toMatch(/targets\[0\]\.columns/);
  });
});

describe('what the edge counts', () => {
  const drop = { ...defaultRelabelConfig, sourceLabels: ['__name__'], regex: 'm', action: 'drop' } as const;
  const countsOf = (edge: TestEdge) => edge.shard().requests.at(-1)?.counts;

  it('drops by rules', async () => {
    const config = { ...relayConfig, tenants: { '*': { ...tenantWithoutRules, writeRelabelConfigs: [drop] } } };
    const { edge, batch } = await ready(new TestEdge({ config }));
    await edge.push(makePush([batch]));
    expect(countsOf(edge)).toMatchObject({ 'relay_samples_dropped_total{reason="relabel"}': 2 });
    expect(seriesOf(edge.shard().requests[0])).toHaveLength(6);
  });

  it('hands over what belongs to no push after the answer, every ten seconds', async () => {
    let time = NOW;
    const edge = new TestEdge({ isolate: { now: () => time } });
    const failures = async () => {
      const refused = await edge.send('x', { authorization: 'Bearer x.y.z' });
      expect([refused.status, refused.answer.code, refused.headers.get('www-authenticate')]).toEqual([401, 'unauthorized', 'Bearer']);
      return edge.workerCounts.counted['relay_auth_failures_total{reason="malformed"}'];
    };
    expect([await failures(), await failures(), await failures()]).toEqual([1, 1, 1]);
    time += 10_000;
    expect(await failures()).toBe(4);
    edge.workerCounts.result = new Error('away');
    time += 10_000;
    expect(await failures()).toBe(4);
    edge.workerCounts.result = { kind: 'stored', repeated: false };
    time += 10_000;
    expect(await failures()).toBe(6);
    expect(edge.workerCounts.counted['relay_answers_total{code="unauthorized"}']).toBe(6);
  });

  it('measures how long samples wait for their acknowledgement, and nothing else', async () => {
    let time = NOW;
    const { edge, batch } = await ready(new TestEdge({ isolate: { now: () => time } }));
    const { commit } = edge.shard();
    edge.shard().commit = async (request) => {
      time += 1300;
      return commit.call(edge.shard(), request);
    };
    await edge.push(makePush([batch]));
    await edge.push(makePush([]));
    edge.shard().result = { kind: 'busy', retryAfterMs: 1, reason: 'x' };
    await edge.push(makePush([batch]));
    const text = await (await edge.fetch('/metrics')).text();
    expect(text).toContain('# TYPE relay_ack_duration_seconds histogram\n');
    expect(text).toMatch(/^relay_ack_duration_seconds_bucket\{le="1"\} 0$/m);
    expect(text).toMatch(/^relay_ack_duration_seconds_bucket\{le="1.5"\} 1$/m);
    expect(text).toMatch(/^relay_ack_duration_seconds_bucket\{le="\+Inf"\} 1$/m);
    expect(text).toMatch(/^relay_ack_duration_seconds_sum 1.3$/m);
    expect(text).toMatch(/^relay_ack_duration_seconds_count 1$/m);
  });
});
