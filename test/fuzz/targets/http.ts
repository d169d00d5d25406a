import { FormatError } from '../../../contract/binary.ts';
import { decodeAnswer, PUSH_CONTENT_TYPE, PUSH_PATH, TABLE_PATH } from '../../../contract/push.ts';
import { fromHex, type SeriesTable } from '../../../contract/series-table.ts';
import { snappyCompress, snappyUncompress } from '../../../contract/snappy.ts';
import type { CommitRequest } from '../../../functions/model.ts';
import { buildTarget, deflate, labels, makePush, pushBody } from '../../fakes/pushes.ts';
import { decodeWriteRequest } from '../../fakes/remote-write.ts';
import { labelFault } from '../../fakes/tsdb.ts';
import { NOW, TestEdge } from '../../fakes/worker.ts';
import { block, exemplar, family, sample, writeRequest } from '../../fakes/write-requests.ts';
import { putLetter } from '../../functions/admin/letters.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { mutateProtobuf } from '../mutate-protobuf.ts';
import { mutateText } from '../mutate-text.ts';
import { type FuzzTarget, must, orRefusal } from '../target.ts';
import { inflateLoosely } from './inflate.ts';
import { requestsV2 } from './request-v2.ts';

const ADMIN_TOKEN = 'an-admin-token-for-tests-of-32-bytes';
const METRICS_TOKEN = 'a-metrics-token';
/** What any answer may be. 500 is none of them: the edge says `busy` where it fails. */
const STATUSES = [200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 422, 424, 429, 502, 503];
const MAX_BYTES = 4 * 1024 * 1024;

const WORDS = [
  ...[
    'GET',
    'HEAD',
    'PUT',
    'DELETE',
    'OPTIONS',
    'PATCH',
    PUSH_PATH,
    TABLE_PATH,
    '/api/v1/write',
    '/api/v1/receive',
    '/metrics',
    '/-/ready',
  ],
  ...[
    '/api/v1/admin/dead-letters',
    '?',
    '&',
    '%2e%2e',
    '..',
    '%00',
    '%',
    '//',
    'limit=-1',
    'limit=1e9',
    'series=0',
    'after=',
    'format=text',
  ],
  ...[
    'content-encoding: gzip',
    'content-length: 1',
    'content-type: text/plain',
    'authorization: Bearer x',
    'authorization: Basic eDp5',
    'é',
  ],
];

interface Given {
  readonly table: SeriesTable;
  readonly requests: readonly Uint8Array[];
}
const given = makeRequests();

/** The edge's HTTP interface: a line with method and path, headers, an empty line, the body as bytes. */
export const http: FuzzTarget = {
  name: 'http',
  promise:
    'every request gets a documented status and an answer of its route, and gives back its memory; without the right token nothing is stored or told; what is stored carries the identity of the token and can be read by a receiver',
  seeds: async () => (await given).requests,
  mutate(input, other, random) {
    const [head, body] = split(input);
    const [otherHead, otherBody] = split(other);
    if (random.chance(0.3)) return join(mutateText(WORDS)(encode(head), encode(otherHead), random), body);
    return join(
      encode(head),
      packedMutation(body, otherBody, (a, b) => mutateProtobuf(a, b, random)) ?? mutateBytes(body, otherBody, random),
    );
  },
  async check(input) {
    const request = toRequest(input);
    if (request === undefined) return 'refused';
    const edge = new TestEdge({
      adminToken: ADMIN_TOKEN,
      metricsToken: METRICS_TOKEN,
      send: async () => ({ kind: 'done', status: 204, words: '' }),
    });
    await edge.putTable((await given).table);
    await putLetter(edge.store, 1);
    const { method, path, headers, body } = request;
    const response = await edge.fetch(path, { method, headers, ...(method === 'GET' || method === 'HEAD' ? {} : { body }) });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const place = `${method} ${path.slice(0, 60)}: ${response.status}`;
    must(STATUSES.includes(response.status), `${place} is no documented status`);
    must(response.headers.has('x-request-id'), `${place} without x-request-id`);
    if (response.status === 429 || response.status === 503)
      must(/^[1-9]\d*$/.test(response.headers.get('retry-after') ?? ''), `${place} without Retry-After`);
    if (response.headers.get('content-type') === PUSH_CONTENT_TYPE && bytes.length > 0) decodeAnswer(bytes);
    must(edge.isolate.memory.used === 0, `${place}: ${edge.isolate.memory.used} bytes of the budget are still held`);
    const failure = edge.logged.find((line) => line.includes('request failed'));
    must(failure === undefined, `${place}: ${failure}`);
    // As headers are read: the scheme in any case, any blanks behind it.
    const token = headers
      .get('authorization')
      ?.replace(/^(bearer|basic)\s+/i, (_, scheme: string) => `${scheme[0]?.toUpperCase()}${scheme.slice(1).toLowerCase()} `);
    const devices = [await edge.token(), basic(await edge.token())];
    const stored = [...edge.shards.values()].flatMap(({ requests }) => requests);
    if (stored.length > 0) must(devices.includes(token ?? ''), `${place} stored something for the token ${token}`);
    for (const commit of stored) checkCommit(commit, place);
    if (path.startsWith('/api/v1/admin/') && response.status === 200)
      must(token === `Bearer ${ADMIN_TOKEN}`, `${place} for the token ${token}`);
    return response.status < 300 ? 'accepted' : 'refused';
  },
};

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const basic = (bearer: string): string => `Basic ${Buffer.from(`gw-1:${bearer.slice('Bearer '.length)}`).toString('base64')}`;

function checkCommit({ tenant, device, fragments }: CommitRequest, place: string): void {
  must(tenant === 'acme' && device === 'gw-1', `${place} stored as ${tenant}/${device}`);
  for (const fragment of fragments) {
    const bytes = snappyUncompress(fragment.block, MAX_BYTES);
    must(bytes.length === fragment.rawBytes, `${place}: a fragment of ${bytes.length} bytes says ${fragment.rawBytes}`);
    // Receivers pass over fields that they do not know; the reader of the tests does not.
    const read = orRefusal(
      () => decodeWriteRequest(bytes),
      (error) => error instanceof FormatError && error.message.includes('unexpected field tag'),
    );
    if (read === undefined) continue;
    const { series } = read;
    let samples = 0;
    for (const one of series) {
      must(labelFault(one.labels) === undefined, `${place}: ${labelFault(one.labels)}`);
      must(
        one.labels.some(([name, value]) => name === 'device' && value === 'gw-1'),
        `${place}: a series without its device`,
      );
      samples += one.samples.length;
      let last = Number.NEGATIVE_INFINITY;
      for (const { ms } of one.samples) {
        must(
          ms >= fragment.minMs && ms <= fragment.maxMs,
          `${place}: a sample of ${ms} ms in a fragment of ${fragment.minMs}..${fragment.maxMs}`,
        );
        must(ms > last, `${place}: ${ms} ms after ${last} ms in one series`);
        last = ms;
      }
    }
    must(samples <= fragment.samples, `${place}: ${samples} samples in a fragment of ${fragment.samples}`);
  }
}

function split(input: Uint8Array): [head: string, body: Uint8Array] {
  const at = Buffer.from(input).indexOf('\n\n');
  if (at === -1) return [new TextDecoder().decode(input), new Uint8Array(0)];
  return [new TextDecoder().decode(input.subarray(0, at)), input.slice(at + 2)];
}

function join(head: Uint8Array, body: Uint8Array): Uint8Array {
  return new Uint8Array([...head, 10, 10, ...body]);
}

/** Undefined where the platform itself would refuse the request. */
function toRequest(input: Uint8Array) {
  const [head, body] = split(input);
  const [first = '', ...lines] = head.split('\n');
  const [method = '', path = ''] = first.split(' ');
  try {
    const headers = new Headers(
      lines.map((line): [string, string] => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]),
    );
    new Request(`http://edge${path}`, { method, headers });
    return path.startsWith('/') ? { method: method.toUpperCase(), path, headers, body: Uint8Array.from(body) } : undefined;
  } catch {
    return undefined;
  }
}

/** Changes what is inside the compression; undefined where there is none. */
function packedMutation(body: Uint8Array, other: Uint8Array, mutate: (a: Uint8Array, b: Uint8Array) => Uint8Array): Uint8Array | undefined {
  const deflated = inflateLoosely(body);
  if (deflated !== undefined) return deflate(mutate(deflated, inflateLoosely(other) ?? other));
  try {
    return snappyCompress(mutate(snappyUncompress(body, MAX_BYTES), other));
  } catch {
    return undefined;
  }
}

async function makeRequests(): Promise<Given> {
  const own = { job: 'node', instance: 'h:1' };
  const { table, batch } = await buildTarget({
    labels: labels(own),
    times: [NOW - 30_000, NOW - 15_000],
    series: [
      {
        labels: labels({ ...own, __name__: 'a_total' }),
        values: [1, 2],
        exemplars: [{ scrape: 1, labels: labels({ trace: 'x' }), value: 1, ms: undefined }],
      },
      { labels: labels({ ...own, __name__: 'b', x: 'ü' }), values: [0.1, 'stale'] },
      { labels: labels({ ...own, __name__: 'c' }), values: [1, 2], ownTimes: [NOW - 40_000, NOW - 20_000] },
    ],
    metadata: [{ family: 'a', type: 'counter', help: 'Help.', unit: '' }],
  });
  const edge = new TestEdge();
  const bearer = `authorization: ${await edge.token()}`;
  const message = (first: string, lines: readonly string[], body = new Uint8Array(0)): Uint8Array =>
    join(encode([first, ...lines].join('\n')), body);
  const remote = ['content-encoding: snappy', 'content-type: application/x-protobuf', 'x-prometheus-remote-write-version: 0.1.0'];
  const version2 = [
    'content-encoding: snappy',
    'content-type: application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'x-prometheus-remote-write-version: 2.0.0',
  ];
  const written = writeRequest(
    [
      {
        labels: labels({ __name__: 'm', job: 'x' }),
        samples: [sample(NOW - 5000, 1), sample(NOW, 2)],
        exemplars: [exemplar(NOW, { t: 'x' })],
      },
    ],
    [family('m', 'Help.')],
  );
  const admin = `authorization: Bearer ${ADMIN_TOKEN}`;
  const letter = await putLetter(edge.store, 1);
  return {
    table,
    requests: [
      message(`POST ${PUSH_PATH}`, [bearer], pushBody(makePush([batch], { externalLabels: labels({ cluster: 'c' }) }))),
      message(`POST ${PUSH_PATH}`, [bearer], pushBody(makePush([]))),
      message(`PUT ${TABLE_PATH}${table.hash}`, [bearer], deflate(table.bytes)),
      message(`HEAD ${TABLE_PATH}${table.hash}`, [bearer]),
      message('POST /api/v1/write', [bearer, ...remote], block(written)),
      message('POST /api/v1/receive', [`authorization: ${basic(await edge.token())}`, ...remote], block(written)),
      message('POST /api/v1/write', [bearer, ...version2], block(fromHex(Buffer.from(requestsV2.plain).toString('hex')))),
      message('GET /-/ready', []),
      message('GET /-/healthy', []),
      message('GET /metrics', [`authorization: Bearer ${METRICS_TOKEN}`]),
      message('GET /api/v1/admin/dead-letters?limit=10', [admin]),
      message(`GET /api/v1/admin/dead-letters/${letter}?format=text&series=5`, [admin]),
      message(`DELETE /api/v1/admin/dead-letters/${letter}`, [admin]),
    ],
  };
}
