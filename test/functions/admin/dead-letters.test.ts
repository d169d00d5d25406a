import { describe, expect, it } from 'vitest';
import { Receiver } from '../../../functions/forward/receiver.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { type FakeReceiverOptions, InMemoryReceiver } from '../../fakes/in-memory-receiver.ts';
import { relayConfig, testReceiver, withReceiver } from '../../fakes/relay-config.ts';
import { NOW, TestEdge } from '../../fakes/worker.ts';
import { blockOf, HOUR, putLetter } from './letters.ts';

const TOKEN = 'a-token-of-the-operator-32-bytes';
const PATH = '/api/v1/admin/dead-letters';

interface Setup {
  readonly kind?: FakeReceiverOptions['kind'] | 'victoriametrics';
  /** What relay.yml says. */
  readonly windowMs?: number;
  readonly receiver?: Partial<FakeReceiverOptions>;
}

/** An edge with a receiver behind it that has samples of now. */
function setup({ kind = 'prometheus', windowMs = 0, receiver: options = {} }: Setup = {}) {
  const receiver = new InMemoryReceiver({
    kind: kind === 'victoriametrics' ? 'prometheus' : kind,
    outOfOrderTimeWindowMs: windowMs,
    now: () => NOW,
    ...options,
  });
  const config = withReceiver(relayConfig, { kind, outOfOrderTimeWindowMs: windowMs, tenantHeader: 'THANOS-TENANT' });
  const edge = new TestEdge({
    config,
    adminToken: TOKEN,
    send: (to, tenant, block) =>
      new Receiver({
        ...to,
        tenant,
        headers: [],
        timeoutMs: 1000,
        userAgent: 'test',
        fetch: receiver.fetch,
        clock: new ManualClock(),
      }).send(block),
  });
  const ask = async (method: string, path: string) => {
    const response = await edge.fetch(path, { method, headers: { authorization: `Bearer ${TOKEN}` } });
    const text = await response.text();
    return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined };
  };
  const ids = async () => (await ask('GET', PATH)).body.data.letters.map(({ id }: { id: string }) => id);
  return { edge, receiver, ask, ids };
}

describe('who may ask', () => {
  it('has no such path without an admin token', async () => {
    const edge = new TestEdge();
    const response = await edge.fetch(PATH, { headers: { authorization: 'Bearer undefined' } });
    const other = await edge.fetch('/api/v1/nothing');
    expect([response.status, await response.json()]).toEqual([404, await other.json()]);
  });

  const headers = ['', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, `Basic ${TOKEN}`, 'Bearer '];
  it.each(headers)('refuses %j', async (authorization) => {
    const { edge } = setup();
    const id = await putLetter(edge.store, 1);
    for (const path of [PATH, `${PATH}/${id}`, `${PATH}/acme/none`, '/api/v1/admin/none']) {
      const response = await edge.fetch(path, { headers: { authorization } });
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      expect(await response.json()).toEqual({ status: 'error', errorType: 'unauthorized', error: expect.any(String) });
    }
    expect(edge.logged.join('')).not.toContain(TOKEN.slice(0, -1));
    expect(edge.counted()).toEqual({ 'relay_auth_failures_total{reason="admin"}': 4 });
  });

  it("does not take a device's token", async () => {
    const { edge } = setup();
    expect((await edge.fetch(PATH, { headers: { authorization: await edge.token() } })).status).toBe(401);
  });
});

describe('list', () => {
  it('has nothing to tell at first', async () => {
    const { ask } = setup();
    expect((await ask('GET', PATH)).body).toEqual({ status: 'success', data: { letters: [] } });
  });

  it('tells what is in a letter and why', async () => {
    const { edge, ask } = setup();
    const id = await putLetter(edge.store, 7);
    const { data } = (await ask('GET', PATH)).body;
    expect(data.letters).toEqual([
      {
        id,
        bytes: expect.any(Number),
        reason: 'refused',
        status: 400,
        words: 'out of order sample',
        receiver: 'test',
        tenant: 'acme',
        devices: ['gw-1'],
        minMs: NOW - HOUR,
        maxMs: NOW - HOUR,
        samples: 1,
        writtenMs: NOW - HOUR + 1000,
      },
    ]);
  });

  it('goes through pages, by tenant or all', async () => {
    const { edge, ask } = setup();
    const all: string[] = [];
    for (const tenant of ['acme', 'acme-2', 'beta'])
      for (let seq = 0; seq < 5; seq++) all.push(await putLetter(edge.store, seq, { tenant }));
    // Of tenants of which one's name begins like the other's, too: keys are told apart by the slash.
    for (const [query, expected] of [
      ['', [...all].sort()],
      ['&tenant=acme', all.slice(0, 5)],
      ['&tenant=nobody', []],
    ] as const) {
      const found: string[] = [];
      for (let after = ''; ; ) {
        const { data } = (await ask('GET', `${PATH}?limit=2${query}${after}`)).body;
        found.push(...data.letters.map(({ id }: { id: string }) => id));
        expect(data.letters.length).toBeLessThanOrEqual(2);
        if (data.next === undefined) break;
        after = `&after=${encodeURIComponent(data.next)}`;
      }
      expect(found).toEqual(expected);
    }
  });

  it('reads a header that is larger than the first piece', async () => {
    const { edge, ask } = setup();
    const devices = Array.from({ length: 2000 }, (_, i) => `device-${i}`);
    await putLetter(edge.store, 1, { devices });
    expect((await ask('GET', PATH)).body.data.letters[0].devices).toEqual(devices);
  });

  it('names a letter whose header is damaged, which can be dropped', async () => {
    const { edge, ask, ids } = setup();
    const id = 'acme/001900000000000-1.0-000000000001-0';
    await edge.store.create(`v1/dead/${id}`, new Uint8Array([5, 1, 2, 3, 4, 5]));
    expect((await ask('GET', PATH)).body.data.letters).toEqual([{ id, bytes: 6, fault: expect.any(String) }]);
    expect((await ask('GET', `${PATH}/${id}`)).status).toBe(422);
    expect((await ask('POST', `${PATH}/${id}/replay`)).status).toBe(422);
    expect((await ask('DELETE', `${PATH}/${id}`)).status).toBe(200);
    expect(await ids()).toEqual([]);
  });

  const bad = ['?limit=0', '?limit=301', '?limit=x', '?limit=1e2', '?tenant=a%2Fb', '?tenant=', '?after=acme', '?after=..%2Fdata%2Facme'];
  it.each(bad)('refuses %s', async (query) => {
    const { ask } = setup();
    const { status, body } = await ask('GET', `${PATH}${query}`);
    expect([status, body.errorType]).toEqual([400, 'bad_data']);
  });
});

describe('show', () => {
  const samples = [
    [NOW - 3000, 1.5],
    [NOW - 2000, -0],
    [NOW - 1000, 0x7ff0_0000_0000_0002n],
    [NOW, Number.NEGATIVE_INFINITY],
  ] as const;

  it('decodes the series', async () => {
    const { edge, ask } = setup();
    const id = await putLetter(edge.store, 1, {}, blockOf('up', samples));
    const { data } = (await ask('GET', `${PATH}/${id}`)).body;
    expect(data).toMatchObject({ id, reason: 'refused', moreSeries: 0, metadataFamilies: 0 });
    expect(data.series).toEqual([
      {
        metric: { __name__: 'up', device: 'gw-1' },
        samples: [
          [NOW - 3000, '1.5'],
          [NOW - 2000, '-0'],
          [NOW - 1000, 'StaleNaN'],
          [NOW, '-Inf'],
        ],
        moreSamples: 0,
        histograms: 0,
        exemplars: 0,
      },
    ]);
  });

  it('as text, where no word of a receiver can pass for a sample', async () => {
    const { edge, ask } = setup();
    const id = await putLetter(edge.store, 1, { words: 'bad\nup 1 1\u001b[2J' }, blockOf('up', samples));
    const lines = (await ask('GET', `${PATH}/${id}?format=text`)).text.trimEnd().split('\n');
    expect(lines.filter((line) => !line.startsWith('#'))).toEqual([
      `up{device="gw-1"} 1.5 ${NOW - 3000}`,
      `up{device="gw-1"} -0 ${NOW - 2000}`,
      `up{device="gw-1"} StaleNaN ${NOW - 1000}`,
      `up{device="gw-1"} -Inf ${NOW}`,
    ]);
    expect(lines[1]).toBe('# refused: receiver test answered 400: bad up 1 1 [2J');
  });

  it('a block that is too large to be decoded can still be replayed', async () => {
    const { edge, ask } = setup({ windowMs: 2 * HOUR });
    const bomb = blockOf('x'.repeat(17 * 1024 * 1024), [[NOW, 1]]);
    expect(bomb.length).toBeLessThan(2 * 1024 * 1024);
    const id = await putLetter(edge.store, 1, {}, bomb);
    expect((await ask('GET', `${PATH}/${id}`)).body.data).toMatchObject({ series: [], fault: expect.stringContaining('at most 16777216') });
    expect((await ask('POST', `${PATH}/${id}/replay`)).status).toBe(200);
  });

  it('a block that nobody can read', async () => {
    const { edge, ask } = setup();
    const id = await putLetter(edge.store, 1, { reason: 'malformed' }, new Uint8Array([200, 200, 200]));
    expect((await ask('GET', `${PATH}/${id}`)).body.data).toMatchObject({ reason: 'malformed', series: [], fault: expect.any(String) });
  });
});

describe('replay', () => {
  const now = blockOf('newest', [[NOW, 1]]);
  const receiverOf = {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
  };
  const makeNew = (receiver: InMemoryReceiver) =>
    receiver.handle('/api/v1/write', 'POST', new Headers({ ...receiverOf, 'thanos-tenant': 'acme' }), now, new AbortController().signal);

  const refusals: readonly [name: string, Setup, RegExp][] = [
    [
      'Prometheus without a window',
      {},
      /receiver test takes no late samples \(out_of_order_time_window is 0s\), and the oldest sample is 1h old/,
    ],
    ['Thanos without a window', { kind: 'thanos' }, /takes no late samples/],
    [
      'Thanos with a small one',
      { kind: 'thanos', windowMs: 1_800_000 },
      /at most 30m late \(out_of_order_time_window is 30m\), and the oldest sample is 1h old/,
    ],
  ];
  it.each(refusals)('is refused towards %s, and the receiver is not asked', async (_name, options, reason) => {
    const { edge, receiver, ask, ids } = setup(options);
    await makeNew(receiver);
    const id = await putLetter(edge.store, 1);
    const { status, body } = await ask('POST', `${PATH}/${id}/replay`);
    expect([status, body.errorType, body.error]).toEqual([409, 'too_old', expect.stringMatching(reason)]);
    expect(receiver.requests).toHaveLength(1);
    expect(await ids()).toEqual([id]);
  });

  it('is refused where the receiver that it is meant for is not there any more', async () => {
    const { edge, receiver, ask, ids } = setup({ kind: 'victoriametrics' });
    const id = await putLetter(edge.store, 1, { receiver: 'former' });
    const { status, body } = await ask('POST', `${PATH}/${id}/replay`);
    const words =
      'the dead letter is meant for receiver former, which is not in relay.yml (there: test). ' +
      'Add a receiver of that name, with or without a route, deploy, and replay again.';
    expect([status, body.errorType, body.error]).toEqual([409, 'no_receiver', words]);
    expect(receiver.requests).toEqual([]);
    expect(await ids()).toEqual([id]);
  });

  it('goes to the receiver that refused it, and is judged by the window of that one', async () => {
    const sent: string[] = [];
    const config = {
      ...relayConfig,
      receivers: [testReceiver, { ...testReceiver, name: 'second', outOfOrderTimeWindowMs: 2 * HOUR }],
    };
    const edge = new TestEdge({
      config,
      adminToken: TOKEN,
      send: async ({ name }) => {
        sent.push(name);
        return { kind: 'done', status: 204, words: '' };
      },
    });
    const replay = async (id: string) =>
      (await edge.fetch(`${PATH}/${id}/replay`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } })).status;
    expect(await replay(await putLetter(edge.store, 1, { receiver: 'second' }))).toBe(200);
    expect(await replay(await putLetter(edge.store, 2, { receiver: 'test' }))).toBe(409);
    expect(sent).toEqual(['second']);
  });

  const takers: readonly [name: string, Setup][] = [
    ['Prometheus with a window', { windowMs: 2 * HOUR }],
    ['Thanos with a window', { kind: 'thanos', windowMs: HOUR }],
    ['VictoriaMetrics, which needs none', { kind: 'victoriametrics', receiver: { outOfOrderTimeWindowMs: 30 * HOUR } }],
  ];
  it.each(takers)('is taken by %s: once, for its tenant, and then it is gone', async (_name, options) => {
    const { edge, receiver, ask, ids } = setup(options);
    await makeNew(receiver);
    const [id, other] = [await putLetter(edge.store, 1), await putLetter(edge.store, 2, { tenant: 'other' })];
    const { status, body } = await ask('POST', `${PATH}/${id}/replay`);
    expect([status, body]).toEqual([
      200,
      { status: 'success', data: { id, receiver: 'test', status: expect.toBeOneOf([200, 204]), samples: 1 } },
    ]);
    expect(receiver.tenants).toEqual(['acme']);
    const series = [...receiver.tenant('acme').series.values()].find(({ labels }) => labels.some(([, value]) => value === 'node_load1'));
    expect(series?.samples.map(({ ms }) => ms)).toEqual([NOW - HOUR]);
    expect(await ids()).toEqual([other]);
    expect((await ask('POST', `${PATH}/${id}/replay`)).status).toBe(404);
    expect(edge.counted()).toEqual({ relay_dead_letters_replayed_total: 1 });
  });

  it('keeps the letter until the receiver takes all of it', async () => {
    const { receiver, edge, ask, ids } = setup({ kind: 'thanos', windowMs: 2 * HOUR });
    const id = await putLetter(edge.store, 1);
    const answers = [
      [{ kind: 'status', status: 409, words: 'partly: out of bounds' }, 'answered 409: partly: out of bounds'],
      // All samples were stored, some exemplars were not.
      [{ kind: 'status', status: 409, words: 'add 2 exemplars: out of order exemplar' }, 'answered 409: add 2 exemplars'],
      [{ kind: 'status', status: 500, words: 'oh' }, 'answered 500: oh'],
      [{ kind: 'status', status: 302 }, 'answered 302'],
      [{ kind: 'down' }, 'did not answer: fetch failed'],
    ] as const;
    for (const [behaviour, words] of answers) {
      receiver.behaveNext(behaviour);
      const { status, body } = await ask('POST', `${PATH}/${id}/replay`);
      expect([status, body.errorType, body.error]).toEqual([502, 'receiver', expect.stringContaining(words)]);
      expect(body.error).toMatch(/The dead letter is kept\.$/);
      expect(await ids()).toEqual([id]);
    }
    expect((await ask('POST', `${PATH}/${id}/replay`)).status).toBe(200);
    expect(await ids()).toEqual([]);
  });

  it('sends metadata that no window is asked for', async () => {
    const { edge, ask } = setup();
    const id = await putLetter(edge.store, 1, { samples: 0, minMs: 0, maxMs: 0 });
    expect((await ask('POST', `${PATH}/${id}/replay`)).status).toBe(200);
  });
});

describe('drop', () => {
  it('deletes this letter and no other', async () => {
    const { edge, ask, ids } = setup();
    const [id, other] = [await putLetter(edge.store, 1), await putLetter(edge.store, 2)];
    expect((await ask('DELETE', `${PATH}/${id}`)).body).toEqual({ status: 'success', data: { id } });
    expect(await ids()).toEqual([other]);
    expect((await ask('DELETE', `${PATH}/${id}`)).status).toBe(404);
    expect(edge.counted()).toEqual({ relay_dead_letters_dropped_total: 1 });
  });

  it('reaches nothing that is no dead letter', async () => {
    const { edge, ask } = setup();
    await edge.store.create('v1/data/acme/1/0/00000001/000000000001', new Uint8Array(1));
    for (const id of ['../data/acme/1/0/00000001/000000000001', '..%2Fdata%2Facme%2F1%2F0%2F00000001%2F000000000001', 'acme/', 'acme/x'])
      expect((await ask('DELETE', `${PATH}/${id}`)).status).toBe(404);
    expect(await edge.store.head('v1/data/acme/1/0/00000001/000000000001')).toBe(1);
  });

  it.each([
    ['POST', PATH, 'GET, HEAD'],
    ['POST', `${PATH}/acme/001900000000000-1.0-000000000001-0`, 'GET, HEAD, DELETE'],
    ['GET', `${PATH}/acme/001900000000000-1.0-000000000001-0/replay`, 'POST'],
  ])('%s %s is no method of it', async (method, path, allow) => {
    const { edge } = setup();
    const response = await edge.fetch(path, { method, headers: { authorization: `Bearer ${TOKEN}` } });
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
  });
});
