import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../../contract/binary.ts';
import { snappyUncompress } from '../../../contract/snappy.ts';
import { labels } from '../../fakes/pushes.ts';
import { decodeWriteRequest } from '../../fakes/remote-write.ts';
import { seriesOf } from '../../fakes/shard-stub.ts';
import { NOW, TestEdge } from '../../fakes/worker.ts';
import { block, histogram, STALE, sample } from '../../fakes/write-requests.ts';

const T = NOW - 60_000;

type Field = readonly [number: number, value: number | Uint8Array];
/** A message of fields: a number as a varint, bytes with their length. */
function message(...fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (const [field, value] of fields) {
    writer.varint(field * 8 + (typeof value === 'number' ? 0 : 2));
    if (typeof value === 'number') writer.varint(value);
    else writer.block(value);
  }
  return writer.bytes();
}
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const symbols = (...texts: readonly string[]) => texts.map((one) => [4, text(one)] as const);
const refs = (...references: readonly number[]): Field => [1, Uint8Array.from(references)];
const series = (...fields: readonly Field[]): Field => [5, message(...fields)];
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

async function send(body: Uint8Array, edge = new TestEdge()) {
  const response = await edge.fetch('/api/v1/write', {
    method: 'POST',
    body: block(body),
    headers: {
      authorization: await edge.token(),
      'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '2.0.0',
    },
  });
  const written = ['samples', 'histograms', 'exemplars'].map((what) =>
    Number(response.headers.get(`x-prometheus-remote-write-${what}-written`)),
  );
  return { edge, status: response.status, text: await response.text(), written, request: edge.shard().requests[0] };
}
const decoded = ({ request }: Awaited<ReturnType<typeof send>>) =>
  (request?.fragments ?? []).map(({ block: bytes, rawBytes }) => decodeWriteRequest(snappyUncompress(bytes, rawBytes)));

const names = symbols('', '__name__', 'm', 'b', 'x', 'trace_id', 'help', 'bytes');

describe('remote write 2.0', () => {
  it('goes on as 1.0: labels, values bit for bit, exemplars and metadata; start timestamps are left out', async () => {
    const start = message([3, T - 5]);
    const exemplar = joined(message(refs(5, 4)), Uint8Array.of(0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f), message([3, T]));
    const got = await send(
      message(
        ...names,
        series(
          refs(3, 4, 1, 2),
          [2, joined(sample(T, STALE), start)],
          [2, sample(T + 1, -0)],
          [4, exemplar],
          [5, message([1, 1], [3, 6], [4, 7])],
        ),
      ),
    );
    expect([got.status, got.text, got.written]).toEqual([204, '', [2, 0, 1]]);
    expect(seriesOf(got.request)).toEqual([
      {
        labels: labels({ __name__: 'm', b: 'x', device: 'gw-1' }),
        samples: [
          { time: T, bits: STALE },
          { time: T + 1, bits: 0x8000_0000_0000_0000n },
        ],
      },
    ]);
    expect(decoded(got)).toMatchObject([
      {
        series: [{ exemplars: [{ labels: [['trace_id', 'x']], bits: 0x3ff0_0000_0000_0000n, ms: T }] }],
        metadata: [{ family: 'm', type: 'counter', help: 'help', unit: 'bytes' }],
      },
    ]);
  });

  it('takes histograms, references one by one, and texts behind the series', async () => {
    const got = await send(message(series([1, 1], [1, 2], [3, joined(histogram(T), Uint8Array.of(0x88, 1, 5))]), ...names));
    expect([got.status, got.written]).toEqual([204, [0, 1, 0]]);
    const [fragment] = got.request?.fragments ?? [];
    const bytes = Buffer.from(snappyUncompress(fragment?.block ?? new Uint8Array(), fragment?.rawBytes ?? 0));
    expect(bytes.indexOf(Buffer.from(histogram(T)))).toBeGreaterThan(0);
    expect(bytes.length - bytes.indexOf(Buffer.from(histogram(T)))).toBe(histogram(T).length);
  });

  it('tells of a classic histogram once, by the name of its family', async () => {
    const list = symbols('', '__name__', 'h_bucket', 'h_sum', 'help');
    const metadata: Field = [5, message([1, 3], [3, 4])];
    const got = await send(
      message(...list, series(refs(1, 2), [2, sample(T, 1)], metadata), series(refs(1, 3), [2, sample(T, 1)], metadata)),
    );
    expect(decoded(got).flatMap((one) => one.metadata)).toEqual([{ family: 'h', type: 'histogram', help: 'help', unit: '' }]);
  });

  const good = series(refs(1, 2), [2, sample(T, 1)]);
  const bad: readonly [name: string, series: Field, words: RegExp][] = [
    ['an odd number of references', series(refs(1, 2, 3), [2, sample(T, 1)]), /expected pairs/],
    ['a reference beyond the list', series(refs(1, 99), [2, sample(T, 1)]), /reference below 8, got 99/],
    ['samples and histograms in one', series(refs(1, 4), [2, sample(T, 1)], [3, histogram(T)]), /got both/],
    ['custom buckets', series(refs(1, 4), [3, joined(message([4, 105]), histogram(T).slice(4))]), /no custom buckets/],
    ['no name', series(refs(3, 4), [2, sample(T, 1)]), /no __name__/],
    ['no labels', series([2, sample(T, 1)]), /no labels/],
    ['a label twice', series(refs(1, 4, 3, 4, 3, 4), [2, sample(T, 1)]), /there twice/],
    ['an exemplar that refers beyond the list', series(refs(1, 4), [2, sample(T, 1)], [4, message(refs(1, 99))]), /got 99/],
  ];
  it.each(bad)('%s: 400 with the counts of the rest, which is stored', async (_name, one, words) => {
    const got = await send(message(...names, one, good));
    expect(got.status).toBe(400);
    expect(got.text).toMatch(words);
    expect(got.written).toEqual([1, 0, 0]);
    expect(seriesOf(got.request)).toHaveLength(1);
  });

  it('refuses a list that does not begin with the empty text', async () => {
    const got = await send(message(...symbols('a', '__name__', 'm'), good));
    expect([got.status, got.written, got.request]).toEqual([400, [0, 0, 0], undefined]);
  });

  it('does not write out one long text a thousand times', async () => {
    const list = symbols('', '__name__', 'm', 'a', 'x'.repeat(10_000));
    const many = Array.from({ length: 1000 }, (_, i) => series(refs(1, 2, 3, 4), [2, sample(T + i, 1)]));
    const got = await send(message(...list, ...many));
    expect([got.status, got.request]).toEqual([413, undefined]);
    expect(got.edge.isolate.memory.used).toBe(0);
  });

  it('says exactly that nothing was written where the shard is busy', async () => {
    const edge = new TestEdge();
    edge.shard().result = { kind: 'busy', retryAfterMs: 1000, reason: 'buffer' };
    const got = await send(message(...names, good), edge);
    expect([got.status, got.written]).toEqual([503, [0, 0, 0]]);
  });

  it('is not taken for 1.0, nor 1.0 for 2.0', async () => {
    const edge = new TestEdge();
    const response = await edge.fetch('/api/v1/write', {
      method: 'POST',
      body: block(message(...names, good)),
      headers: { authorization: await edge.token(), 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    });
    // The numbers of 2.0's fields are none of 1.0's, by design: an empty request.
    expect([response.status, response.headers.get('x-prometheus-remote-write-samples-written')]).toEqual([204, null]);
    expect(edge.shard().requests).toEqual([]);
  });
});
