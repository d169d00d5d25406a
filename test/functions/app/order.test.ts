import { describe, expect, it } from 'vitest';
import { type Labels, labelValue } from '../../../contract/labels.ts';
import type { TargetBatch } from '../../../contract/push-target.ts';
import { defaultRelabelConfig } from '../../../contract/relabel.ts';
import { SLICE_MS } from '../../../functions/ingest/assemble.ts';
import { buildTarget, type GivenTarget, labels, makePush } from '../../fakes/pushes.ts';
import { relayConfig, tenantWithoutRules } from '../../fakes/relay-config.ts';
import { seriesOf } from '../../fakes/shard-stub.ts';
import { NOW, TestEdge } from '../../fakes/worker.ts';

/** Order and uniqueness of the series of one push. */

const T = NOW - 24 * 3_600_000;
const series = (name: string, target: Labels, values: GivenTarget['series'][number]['values'], ownTimes?: readonly number[]) => ({
  labels: labels({ __name__: name, ...Object.fromEntries(target) }),
  values,
  ...(ownTimes === undefined ? {} : { ownTimes }),
});

async function pushed(targets: readonly GivenTarget[], edge = new TestEdge()) {
  const batches: TargetBatch[] = [];
  for (const target of targets) {
    const { table, batch } = await buildTarget(target);
    await edge.putTable(table);
    batches.push(batch);
  }
  const { answer } = await edge.push(makePush(batches));
  expect(answer.code).toBe('stored');
  const [request] = edge.shard().requests;
  const written = seriesOf(request).filter((one) => labelValue(one.labels, '__name__').startsWith('m'));
  return { request, written, counts: request?.counts ?? {} };
}
const timesOf = (written: readonly { readonly samples: readonly { readonly time: number }[] }[]) =>
  written.map(({ samples }) => samples.map(({ time }) => time - T));

const a = labels({ instance: 'a' });
const b = labels({ instance: 'b' });

describe('order', () => {
  it('sends hours in slices: no fragment lies more than a slice behind one before it', async () => {
    const times = Array.from({ length: 200 }, (_, i) => T + i * 60_000);
    const many = Array.from({ length: 50 }, (_, i) => series(`m${i}`, a, Array(200).fill(i)));
    const { request } = await pushed([{ labels: a, times, series: many }]);
    const fragments = request?.fragments ?? [];
    expect(fragments.reduce((sum, { samples }) => sum + samples, 0)).toBe(200 * 55);
    let newest = 0;
    for (const { minMs, maxMs } of fragments) {
      expect(newest - minMs).toBeLessThan(SLICE_MS);
      newest = Math.max(newest, maxMs);
    }
    const last = new Map<string, number>();
    for (const { labels: one, samples } of seriesOf(request)) {
      const name = labelValue(one, '__name__');
      for (const { time } of samples) {
        expect(time).toBeGreaterThan(last.get(name) ?? 0);
        last.set(name, time);
      }
    }
    expect(last.size).toBe(55);
  });

  it('keeps the series of a push in one piece where it covers less than a slice', async () => {
    const times = [T, T + SLICE_MS - 1];
    const { written } = await pushed([{ labels: a, times, series: [series('m', a, [1, 2])] }]);
    expect(timesOf(written)).toEqual([[0, SLICE_MS - 1]]);
  });

  it('keeps the order of a series whose target changes its table', async () => {
    const { written } = await pushed([
      { labels: a, times: [T, T + 10], series: [series('m', a, [1, 2]), series('m2', a, [1, 'stale'])] },
      { labels: a, times: [T + 20], series: [series('m', a, [3])] },
    ]);
    expect(timesOf(written)).toEqual([[0, 10], [0, 10], [20]]);
  });
});

describe('equal series', () => {
  const rules = [{ ...defaultRelabelConfig, action: 'labeldrop', regex: 'instance|version' } as const];
  const edge = () => new TestEdge({ config: { ...relayConfig, tenants: { acme: { ...tenantWithoutRules, writeRelabelConfigs: rules } } } });

  it('lets the first target win where rules make two alike', async () => {
    const { written, counts } = await pushed(
      [
        { labels: a, times: [T], series: [series('m', a, [1])] },
        { labels: b, times: [T + 5], series: [series('m', b, [2]), series('m_other', b, [3])] },
      ],
      edge(),
    );
    expect(timesOf(written)).toEqual([[0], [5]]);
    // m of target b, and its five report series.
    expect(counts).toMatchObject({ 'relay_samples_dropped_total{reason="duplicate_after_relabel"}': 6 });
  });

  it('lets a target that has no samples of the series not stand in the way', async () => {
    const { written } = await pushed(
      [
        { labels: a, times: [T], series: [series('m', a, ['absent'])] },
        { labels: b, times: [T + 5], series: [series('m', b, [2])] },
      ],
      edge(),
    );
    expect(timesOf(written)).toEqual([[5]]);
  });

  it('counts rows of one table that rules make alike', async () => {
    const both = ['1', '2'].map((version) => ({ labels: labels({ __name__: 'm', version }), values: [1] }));
    const { written, counts } = await pushed([{ labels: [], times: [T], series: both }], edge());
    expect(timesOf(written)).toEqual([[0]]);
    expect(counts).toMatchObject({ 'relay_samples_dropped_total{reason="duplicate_after_relabel"}': 1 });
  });
});

describe('timestamps of the target’s own', () => {
  it('are passed on', async () => {
    const { written } = await pushed([{ labels: a, times: [T + 10, T + 20], series: [series('m', a, [1, 2], [T + 3, T + 4])] }]);
    expect(timesOf(written)).toEqual([[3, 4]]);
  });

  it('that do not ascend are dropped and counted, within a batch and across batches', async () => {
    const { written, counts } = await pushed([
      { labels: a, times: [T + 10, T + 20, T + 30], series: [series('m', a, [1, 2, 3], [T + 5, T + 5, T + 4])] },
      { labels: a, times: [T + 40, T + 50], series: [series('m', a, [4, 5], [T + 5, T + 6])] },
    ]);
    expect(timesOf(written)).toEqual([[5], [6]]);
    expect(counts).toMatchObject({ 'relay_samples_dropped_total{reason="out_of_order"}': 3 });
  });

  it('that lie in the future are dropped and counted: no clock can put them right', async () => {
    const { written, counts } = await pushed([{ labels: a, times: [T, T + 1], series: [series('m', a, [1, 2], [T, NOW + 60_001])] }]);
    expect(timesOf(written)).toEqual([[0]]);
    expect(counts).toMatchObject({ 'relay_samples_dropped_total{reason="too_far_in_future"}': 1 });
  });
});
