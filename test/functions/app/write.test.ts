import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../contract/binary.ts';
import type { Label } from '../../../contract/labels.ts';
import { defaultRelabelConfig } from '../../../contract/relabel.ts';
import { snappyUncompress } from '../../../contract/snappy.ts';
import { signToken } from '../../../functions/auth/token.ts';
import { MemoryBudget } from '../../../functions/ingest/memory-budget.ts';
import type { CommitRequest, CommitResult } from '../../../functions/model.ts';
import { labels } from '../../fakes/pushes.ts';
import { relayConfig, tenantWithoutRules, withReceiver } from '../../fakes/relay-config.ts';
import { decodeWriteRequest } from '../../fakes/remote-write.ts';
import { FakeShard, seriesOf } from '../../fakes/shard-stub.ts';
import { KEY, NOW, TestEdge } from '../../fakes/worker.ts';
import { block, exemplar, family, type GivenSeries, histogram, STALE, sample, writeRequest } from '../../fakes/write-requests.ts';

const T = NOW - 60_000;
const standard = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-prometheus-remote-write-version': '0.1.0' };
const named = (name: string, ...more: readonly Label[]): readonly Label[] => [['__name__', name], ...more];
const one = (name: string, ms = T, value: number | bigint = 1): GivenSeries => ({ labels: named(name), samples: [sample(ms, value)] });

async function send(edge: TestEdge, body: Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}, path = '/api/v1/write') {
  const response = await edge.fetch(path, {
    method: 'POST',
    body,
    headers: { authorization: await edge.token(), ...standard, ...headers },
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}
const write = (edge: TestEdge, series: readonly GivenSeries[], metadata: readonly Uint8Array[] = []) =>
  send(edge, block(writeRequest(series, metadata)));

const stored = (request: CommitRequest | undefined) =>
  (request?.fragments ?? []).map(({ block: bytes, rawBytes }) => decodeWriteRequest(snappyUncompress(bytes, rawBytes)));
const namesOf = (edge: TestEdge): readonly string[] =>
  edge
    .shard()
    .requests.flatMap((request) => seriesOf(request).map((series) => series.labels.find(([name]) => name === '__name__')?.[1] ?? ''));

describe.each(['/api/v1/write', '/api/v1/receive'])('POST %s', (path) => {
  it('hands the shard what came, bit for bit, with sorted labels and the identity, and answers 204', async () => {
    const edge = new TestEdge();
    const body = block(
      writeRequest([
        {
          labels: [
            ['z', '1'],
            ['__name__', 'm'],
            ['a.b', 'ü'],
          ],
          samples: [sample(T, STALE), sample(T + 1, 0x7ff8_0000_0000_0001n), sample(T + 2, -0)],
        },
      ]),
    );
    const answer = await send(edge, body, {}, path);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(answer.headers.get('x-prometheus-remote-write-samples-written')).toBeNull();
    const [request] = edge.shard().requests;
    expect(request).toMatchObject({ tenant: 'acme', device: 'gw-1', fragments: [{ samples: 3, series: 1, minMs: T, maxMs: T + 2 }] });
    expect(request?.logId).toBeUndefined();
    expect(seriesOf(request)).toEqual([
      {
        labels: labels({ __name__: 'm', 'a.b': 'ü', device: 'gw-1', z: '1' }),
        samples: [
          { time: T, bits: STALE },
          { time: T + 1, bits: 0x7ff8_0000_0000_0001n },
          { time: T + 2, bits: 0x8000_0000_0000_0000n },
        ],
      },
    ]);
  });
});

describe('remote write 1.0', () => {
  it('passes on histograms, exemplars and metadata as they came', async () => {
    const edge = new TestEdge();
    const given = [
      { labels: named('h'), histograms: [histogram(T), histogram(T + 1)] },
      { labels: named('e'), exemplars: [exemplar(T, { trace_id: 'x' })] },
    ];
    expect((await write(edge, given, [family('h', 'help')])).status).toBe(204);
    const [first] = stored(edge.shard().requests[0]);
    expect(first?.series[1]?.exemplars).toMatchObject([{ labels: [['trace_id', 'x']], ms: T }]);
    expect(first?.metadata).toEqual([{ family: 'h', type: 'counter', help: 'help', unit: '' }]);
    const [fragment] = edge.shard().requests[0]?.fragments ?? [];
    const bytes = Buffer.from(snappyUncompress(fragment?.block ?? new Uint8Array(), fragment?.rawBytes ?? 0));
    expect(bytes.includes(Buffer.from(histogram(T)))).toBe(true);
    expect(fragment?.samples).toBe(2);
  });

  it('leaves out exemplars and metadata that the receiver shall not have', async () => {
    const edge = new TestEdge({ config: withReceiver(relayConfig, { sendExemplars: false, sendMetadata: false }) });
    const given = [{ labels: named('m'), samples: [sample(T, 1)], exemplars: [exemplar(T, { a: 'b' })] }];
    expect((await write(edge, given, [family('m', 'help')])).status).toBe(204);
    expect(stored(edge.shard().requests[0])).toMatchObject([{ series: [{ exemplars: [] }], metadata: [] }]);
  });

  it('tolerates fields that it does not know, at every level', async () => {
    const edge = new TestEdge();
    const unknown = Uint8Array.of(0xa2, 0x06, 2, 1, 2);
    const inner = writeRequest([one('m')]).subarray(2);
    const writer = new ByteWriter();
    writer.raw(unknown);
    writer.u8(0x0a);
    writer.block(Uint8Array.of(...inner, ...unknown));
    expect((await send(edge, block(writer.bytes()))).status).toBe(204);
    expect(namesOf(edge)).toEqual(['m']);
  });

  it('takes series in parts, each after the one before, and leaves out exact repeats', async () => {
    const edge = new TestEdge();
    expect((await write(edge, [one('m', T), one('m', T), one('m', T + 1)])).status).toBe(204);
    expect(seriesOf(edge.shard().requests[0]).flatMap(({ samples }) => samples.map(({ time }) => time - T))).toEqual([0, 1]);
    expect(edge.shard().requests[0]?.counts).toMatchObject({ 'relay_samples_dropped_total{reason="repeated"}': 1 });
  });

  it('cuts what is larger than a fragment, in order', async () => {
    const edge = new TestEdge();
    const samples = Array.from({ length: 4500 }, (_, i) => sample(T + i, i));
    expect((await write(edge, [one('a'), { labels: named('m'), samples }, one('z')])).status).toBe(204);
    const fragments = edge.shard().requests[0]?.fragments ?? [];
    expect(fragments.map((fragment) => fragment.samples)).toEqual([1, 2000, 2000, 501]);
    expect(fragments.map(({ minMs }) => minMs - T)).toEqual([0, 0, 2000, 0]);
  });

  it('answers a request without series at once', async () => {
    const edge = new TestEdge();
    expect((await write(edge, [])).status).toBe(204);
    expect(edge.shard().requests).toEqual([]);
  });
});

describe('what is invalid', () => {
  const bad = named('bad');
  const cases: readonly [name: string, series: GivenSeries, words: RegExp, reason: string][] = [
    ['no labels', { labels: [], samples: [sample(T, 1)] }, /no labels/, 'invalid_labels'],
    ['no name', { labels: [['a', 'b']], samples: [sample(T, 1)] }, /\{a="b"\}: no __name__/, 'invalid_labels'],
    ['an empty name', { labels: [['__name__', '']], samples: [sample(T, 1)] }, /no __name__/, 'invalid_labels'],
    ['a label twice', { labels: [...bad, ['a', '1'], ['a', '2']], samples: [sample(T, 1)] }, /"a" is there twice/, 'invalid_labels'],
    ['a label without a name', { labels: [...bad, ['', '1']], samples: [sample(T, 1)] }, /without a name/, 'invalid_labels'],
    ['a label of 20 kB', { labels: [...bad, ['a', 'x'.repeat(20_000)]], samples: [sample(T, 1)] }, /too long/, 'label_limit'],
    ['a sample that goes back', { labels: bad, samples: [sample(T + 1, 1), sample(T, 1)] }, /comes after one at/, 'out_of_order'],
    ['two values of one time', { labels: bad, samples: [sample(T, 1), sample(T, 2)] }, /comes after one at/, 'out_of_order'],
    ['a sample from the future', { labels: bad, samples: [sample(NOW + 60_001, 1)] }, /too far in the future/, 'too_far_in_future'],
    ['half a sample', { labels: bad, samples: [sample(T, 1).subarray(0, 5)] }, /expected 8 more bytes/, 'malformed'],
    ['a sample of another form', { labels: bad, samples: [Uint8Array.of(0x08, 1)] }, /field 1: expected another wire type/, 'malformed'],
    ['a histogram of another form', { labels: bad, histograms: [Uint8Array.of(0x18, 1)] }, /histogram: field 3/, 'malformed'],
    ['a histogram whose buckets end early', { labels: bad, histograms: [Uint8Array.of(0x62, 1, 0x80)] }, /varint ends early/, 'malformed'],
    ['a histogram with half a double', { labels: bad, histograms: [Uint8Array.of(0x6a, 1, 0)] }, /doubles of 8 bytes/, 'malformed'],
    [
      'a span with a text for a number',
      { labels: bad, histograms: [Uint8Array.of(0x5a, 2, 0x0a, 0)] },
      /field 1: expected wire type 0, got 2/,
      'malformed',
    ],
    [
      'an exemplar with a label that is no UTF-8',
      { labels: bad, exemplars: [Uint8Array.of(0x0a, 3, 0x0a, 1, 0xff)] },
      /expected UTF-8/,
      'malformed',
    ],
    [
      'an exemplar with a number for a label',
      { labels: bad, exemplars: [Uint8Array.of(0x0a, 2, 0x08, 1)] },
      /field 1: expected wire type 2, got 0/,
      'malformed',
    ],
    ['an exemplar of another form', { labels: bad, exemplars: [Uint8Array.of(0x10, 1)] }, /exemplar: field 2/, 'malformed'],
  ];
  it.each(cases)('%s: 400, says what, and the rest is stored', async (_name, series, words, reason) => {
    const edge = new TestEdge();
    const answer = await write(edge, [one('before'), series, one('after')]);
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(words);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const names = namesOf(edge);
    expect(names.filter((name) => name !== 'bad')).toEqual(['before', 'after']);
    expect(Object.keys(edge.shard().requests[0]?.counts ?? {}).join()).toContain(reason === 'malformed' ? '' : `reason="${reason}"`);
  });

  it('labels that are no UTF-8 are refused', async () => {
    const edge = new TestEdge();
    const bytes = writeRequest([one('mXm')]);
    bytes[Buffer.from(bytes).indexOf('X')] = 0xff;
    expect((await send(edge, block(bytes))).text).toMatch(/expected UTF-8/);
    expect(edge.shard().requests).toEqual([]);
  });

  it('the words stay short, whatever came', async () => {
    const edge = new TestEdge();
    const many = Array.from({ length: 500 }, (_, i) => ({ labels: [['a', 'x'.repeat(i)]] as const, samples: [sample(T, 1)] }));
    const { status, text } = await write(edge, many);
    expect([status, text.length < 1200]).toEqual([400, true]);
    expect(text).toMatch(/and 4\d\d more\n$/);
    expect(edge.counted()).toMatchObject({ 'relay_samples_dropped_total{reason="invalid_labels"}': 500 });
  });

  const bodies: readonly [name: string, body: Uint8Array<ArrayBuffer>, status: number, words: RegExp][] = [
    ['no body', new Uint8Array(0), 400, /expected 1 more bytes/],
    ['no snappy', Uint8Array.of(3, 0xff, 0xff, 0xff), 400, /./],
    ['no protobuf', block(Uint8Array.of(0x0a, 9, 1)), 400, /protobuf: offset/],
    ['a block that says it holds 17 MiB', Uint8Array.of(0x80, 0x80, 0xc0, 0x08, 0), 413, /at most 16777216 bytes/],
    ['100,001 empty series', block(Uint8Array.from({ length: 200_002 }, (_, i) => (i % 2 === 0 ? 0x0a : 0))), 413, /less at once/],
  ];
  it.each(bodies)('%s: nothing is stored', async (_name, body, status, words) => {
    const edge = new TestEdge();
    const answer = await send(edge, body);
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(words);
    expect(edge.shard().requests).toEqual([]);
    expect(edge.isolate.memory.used).toBe(0);
  });
});

describe('content negotiation', () => {
  it.each([
    ['application/x-protobuf', 'snappy', 204],
    ['application/x-protobuf; proto=prometheus.WriteRequest', 'snappy', 204],
    ['Application/X-Protobuf;proto="prometheus.WriteRequest"', 'SNAPPY', 204],
    ['application/x-protobuf;charset=utf-8', 'snappy', 204],
    ['application/x-protobuf;proto=some.Other', 'snappy', 415],
    ['application/x-protobuf;proto=io.prometheus.write.v2.Request', 'gzip', 415],
    ['application/json', 'snappy', 415],
    ['application/x-protobuf', 'zstd', 415],
    ['application/x-protobuf', 'gzip', 415],
  ])('%s, %s: %i', async (type, encoding, status) => {
    const edge = new TestEdge();
    const headers = { 'content-type': type, 'content-encoding': encoding };
    // Told before anything is decoded: a body that nobody could read makes no difference.
    expect((await send(edge, status === 415 ? Uint8Array.of(0xff) : block(writeRequest([one('m')])), headers)).status).toBe(status);
  });

  it('takes a request without either for 1.0 in snappy', async () => {
    const edge = new TestEdge();
    const response = await edge.fetch('/api/v1/write', {
      method: 'POST',
      body: block(writeRequest([one('m')])),
      headers: { authorization: await edge.token() },
    });
    expect(response.status).toBe(204);
  });

  it('takes POST only', async () => {
    const response = await new TestEdge().fetch('/api/v1/write');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('rules', () => {
  it('hold as they do for devices: rules, external and reserved labels, identity', async () => {
    const tenant = {
      ...tenantWithoutRules,
      externalLabels: labels({ region: 'eu' }),
      reservedLabels: ['tenant_id'],
      writeRelabelConfigs: [
        { ...defaultRelabelConfig, action: 'drop' as const, sourceLabels: ['__name__'], regex: 'dropped' },
        { ...defaultRelabelConfig, action: 'labeldrop' as const, regex: 'which' },
      ],
    };
    const edge = new TestEdge({ config: { ...relayConfig, tenants: { acme: tenant } } });
    const answer = await write(edge, [
      one('dropped'),
      { labels: named('m', ['device', 'other'], ['tenant_id', 'theirs'], ['which', '1']), samples: [sample(T, 1)] },
      { labels: named('m', ['device', 'other'], ['which', '2']), samples: [sample(T, 2)] },
    ]);
    expect(answer.status).toBe(204);
    const [request] = edge.shard().requests;
    expect(seriesOf(request)).toMatchObject([
      {
        labels: labels({ __name__: 'm', device: 'gw-1', exported_device: 'other', region: 'eu' }),
        samples: [{ bits: 0x3ff0_0000_0000_0000n }],
      },
    ]);
    expect(request?.counts).toMatchObject({
      'relay_samples_dropped_total{reason="relabel"}': 1,
      'relay_samples_dropped_total{reason="duplicate_after_relabel"}': 1,
    });
  });
});

describe('when the edge cannot', () => {
  it('a busy shard is told as 503 with the time to wait', async () => {
    const edge = new TestEdge();
    edge.shard().result = { kind: 'busy', retryAfterMs: 2_500, reason: 'buffer' };
    const answer = await write(edge, [one('m')]);
    expect([answer.status, answer.headers.get('retry-after'), answer.text]).toEqual([503, '3', 'buffer']);
  });

  it('a shard that failed is told as 503, without its words', async () => {
    const edge = new TestEdge();
    edge.shard().result = new Error('secret');
    const answer = await write(edge, [one('m')]);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10']);
    expect(answer.text).not.toContain('secret');
  });

  it('an edge short of memory says so before it reads', async () => {
    const memory = new MemoryBudget(1000, () => NOW);
    memory.open().grow(990);
    const edge = new TestEdge({ isolate: { memory } });
    expect((await write(edge, [one('m')])).status).toBe(503);
    expect(edge.shards.size).toBe(0);
  });

  it('holds no more than its fragments while it waits for its commit, so that many can wait for one', async () => {
    const memory = new MemoryBudget(300_000, () => NOW);
    const commits: { readonly request: CommitRequest; readonly done: (result: CommitResult) => void }[] = [];
    const commit = (request: CommitRequest) => new Promise<CommitResult>((done) => commits.push({ request, done }));
    const edge = new TestEdge({ isolate: { memory }, shardStub: () => Object.assign(new FakeShard(), { commit }) });
    const body = block(writeRequest(Array.from({ length: 500 }, (_, i) => one(`a_metric_with_a_name_of_some_length_${i}`))));
    const answers: Promise<{ readonly status: number }>[] = [];
    for (let i = 0; i < 20; i++) {
      const arrived = commits.length;
      let answered = false;
      answers.push(send(edge, body).finally(() => (answered = true)));
      while (commits.length === arrived && !answered) await new Promise((done) => setImmediate(done));
    }
    const bytes = commits.flatMap(({ request }) => request.fragments).reduce((sum, fragment) => sum + fragment.block.length, 0);
    expect(memory.used).toBe(2 * bytes);
    for (const { done } of commits) done({ kind: 'stored', repeated: false });
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 204));
    expect(memory.used).toBe(0);
  });

  it('an object of each class that a request is read with stays alive, unless it holds on to much', async () => {
    const edge = new TestEdge();
    const { latest } = edge.isolate.workspace.shapes;
    const series = Array.from({ length: 20 }, (_, i) => one(`m${i}`));
    const large = [...series, { ...one('long'), labels: named('long', ['text', 'x'.repeat(3 * 1024 * 1024)]) }];
    await write(edge, large);
    expect(latest).toEqual({});
    await write(edge, series);
    expect(Object.keys(latest).sort()).toEqual(['builder', 'claimed', 'collector', 'finder']);
    await write(edge, series);
    expect(Object.keys(latest).sort()).toEqual(['builder', 'claimed', 'collector', 'finder', 'follower']);
  });

  it('an edge that is not configured says so', async () => {
    const answer = await write(new TestEdge({ errors: ['DEVICE_TOKEN_KEY: expected'] }), [one('m')]);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '60']);
    expect(answer.text).not.toContain('KEY');
  });
});

describe('authentication', () => {
  const token = (device = 'gw-1', expiresMs = NOW + 1000, key = KEY) => signToken(key, { tenant: 'acme', device, expiresMs });
  const basic = (user: string, password: string) => `Basic ${btoa(`${user}:${password}`)}`;
  const cases: readonly [name: string, header: () => Promise<string> | string, status: number][] = [
    ['the token as a bearer', async () => `Bearer ${await token()}`, 204],
    ['the token as the password of its device', async () => basic('gw-1', await token()), 204],
    ['the token as the password of another device', async () => basic('gw-2', await token()), 401],
    ['the token without a user', async () => basic('', await token()), 401],
    ['a forged token as the password', async () => basic('gw-1', await token('gw-1', NOW + 1000, 'f'.repeat(32))), 401],
    ['a password that is no token', () => basic('gw-1', 'secret'), 401],
    ['no colon', () => `Basic ${btoa('gw-1')}`, 401],
    ['no base64', () => 'Basic a', 401],
    ['a header of 8 kB', () => basic('gw-1', 'a'.repeat(6000)), 401],
    ['another scheme', () => 'Digest abc', 401],
  ];
  it.each(cases)('%s: %i', async (_name, header, status) => {
    const edge = new TestEdge();
    const answer = await send(edge, block(writeRequest([one('m')])), { authorization: await header() });
    expect(answer.status).toBe(status);
    if (status !== 401) return;
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="relay", Bearer');
    expect(answer.text).toBe('the token is not valid');
    expect(edge.shards.size).toBe(0);
  });

  it('is of no use for the protocol of devices', async () => {
    const edge = new TestEdge();
    expect((await edge.send('x', { authorization: basic('gw-1', await token()) })).status).toBe(401);
  });
});
