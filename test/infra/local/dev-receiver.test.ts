import { afterEach, describe, expect, it } from 'vitest';
import { createCells, setStale, setValue } from '../../../contract/cells.ts';
import { decodeRemoteWrite } from '../../../contract/decode-remote-write.ts';
import { labelsFromRecord } from '../../../contract/labels.ts';
import { encodeLabelFields, REMOTE_WRITE_HEADERS, RemoteWriteBuffer } from '../../../contract/remote-write.ts';
import { snappyCompress } from '../../../contract/snappy.ts';
import { type DevReceiver, startDevReceiver } from '../../../infra/local/dev-receiver.ts';
import { RecentSeries } from '../../../infra/local/recent-series.ts';

const labels = labelsFromRecord({ __name__: 'up', cluster: 'cluster-02' });

function request(values: readonly (number | 'stale')[], times: readonly number[]): Uint8Array {
  const cells = createCells(1, values.length);
  values.forEach((value, i) => {
    if (value === 'stale') setStale(cells, i);
    else setValue(cells, i, value);
  });
  const buffer = new RemoteWriteBuffer();
  buffer.add(encodeLabelFields(labels), cells, 0, times);
  return snappyCompress(buffer.take());
}

describe('decodeRemoteWrite', () => {
  it('gives labels, times and all 64 bits', () => {
    const [series] = decodeRemoteWrite(request([1, -0, Number.NaN, 'stale'], [-5, 0, 1_700_000_000_000, 1_700_000_000_001]), 1000);
    expect(series?.labels).toEqual(labels);
    expect(series?.samples).toEqual([
      { time: -5, bits: 0x3ff0000000000000n },
      { time: 0, bits: 0x8000000000000000n },
      { time: 1_700_000_000_000, bits: 0x7ff8000000000001n },
      { time: 1_700_000_000_001, bits: 0x7ff0000000000002n },
    ]);
  });

  it('refuses a body that declares more than the limit', () => {
    expect(() => decodeRemoteWrite(request([1], [1]), 10)).toThrow('at most 10 bytes');
  });
});

describe('RecentSeries', () => {
  const series = (name: string, ...times: number[]) => ({
    labels: labelsFromRecord({ __name__: name }),
    samples: times.map((time) => ({ time, bits: 0n })),
  });

  it('keeps the last minutes of a series and at most so many samples', () => {
    const recent = new RecentSeries({ keepMs: 100, maxSeries: 10, maxSamplesPerSeries: 3 });
    recent.add([series('a', 1, 50, 101)]);
    expect(recent.points(1).map((point) => point.time)).toEqual([1, 50, 101]);
    recent.add([series('a', 102)]);
    expect(recent.points(1).map((point) => point.time)).toEqual([50, 101, 102]);
    recent.add([series('a', 190)]);
    expect(recent.points(1).map((point) => point.time)).toEqual([101, 102, 190]);
    recent.forget(291);
    expect(recent.totals().series).toBe(0);
  });

  it('counts what it does not keep', () => {
    const recent = new RecentSeries({ keepMs: 100, maxSeries: 1, maxSamplesPerSeries: 3 });
    recent.add([series('a', 10, 5), series('b', 1)]);
    expect(recent.totals()).toMatchObject({ series: 1, samples: 3, outOfOrder: 1, refusedSeries: 1 });
  });

  it('finds series by words of their names and labels', () => {
    const recent = new RecentSeries();
    recent.add([series('node_cpu'), series('node_memory'), series('up')]);
    expect(recent.find('NODE mem', 10).series.map((found) => found.text)).toEqual(['node_memory']);
    expect(recent.find('node', 1)).toMatchObject({ total: 2, series: [{ text: 'node_cpu' }] });
  });
});

describe('the development receiver', () => {
  let receiver: DevReceiver | undefined;
  afterEach(async () => receiver?.stop());

  it('takes remote write and shows it', async () => {
    receiver = await startDevReceiver(0);
    const written = await fetch(receiver.writeUrl, {
      method: 'POST',
      headers: REMOTE_WRITE_HEADERS,
      body: request([1, 'stale'], [1000, 2000]).slice(),
    });
    expect(written.status).toBe(200);
    const list = (await (await fetch(`${receiver.url}api/series?search=cluster-02`)).json()) as { series: { id: number }[] };
    expect(list).toMatchObject({ matching: 1, series: [{ text: 'up{cluster="cluster-02"}', last: [2000, null] }] });
    const points = await (await fetch(`${receiver.url}api/points?id=${list.series[0]?.id}`)).json();
    expect(points).toEqual({
      points: [
        [1000, '1'],
        [2000, null],
      ],
    });
    expect(await (await fetch(receiver.url)).text()).toContain('Not part of the product');
  });

  it('answers 400 to what is not remote write', async () => {
    receiver = await startDevReceiver(0);
    const answer = await fetch(receiver.writeUrl, { method: 'POST', body: 'garbage' });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('snappy');
  });
});
