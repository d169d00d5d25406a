import { describe, expect, it } from 'vitest';
import { createCells, setValue } from '../../../contract/cells.ts';
import { labelsFromRecord, labelsKey } from '../../../contract/labels.ts';
import { encodeExemplar, encodeFamily, encodeLabelFields, RemoteWriteBuffer } from '../../../contract/remote-write.ts';
import { snappyCompress } from '../../../contract/snappy.ts';
import { createOutlet } from '../../../functions/forward/deliver.ts';
import { Receiver } from '../../../functions/forward/receiver.ts';
import { decodeSeries } from '../../../functions/forward/split.ts';
import { FragmentWriter } from '../../../functions/ingest/fragments.ts';
import type { DeliveryStep, FinishedDelivery, Fragment, OutgoingFragment, RefusedPart, Verdict } from '../../../functions/model.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { fragment } from '../../fakes/commit-requests.ts';
import { FakeReceiver, type FakeReceiverOptions } from '../../fakes/receiver.ts';

const NOW = new ManualClock().now();

function setUp(options: Partial<FakeReceiverOptions> = {}) {
  const clock = new ManualClock();
  const fake = new FakeReceiver({ kind: 'prometheus', now: () => clock.now(), ...options });
  const receiver = new Receiver({
    url: 'http://r/api/v1/write',
    kind: options.kind ?? 'prometheus',
    tenant: 'acme',
    tenantHeader: 'THANOS-TENANT',
    headers: [],
    timeoutMs: 1000,
    userAgent: 'test',
    fetch: fake.fetch,
    clock,
  });
  const outlet = createOutlet((block): Promise<Verdict> => receiver.send(block));
  const deliver = async (fragments: readonly Fragment[], suspect = false): Promise<FinishedDelivery> => {
    const delivery = outlet.begin(fragments.map((one): OutgoingFragment => ({ ...one, suspect })));
    for (let turn = 0; turn < 10_000; turn++) {
      const step: DeliveryStep = await delivery.advance(3);
      if (step.kind === 'finished') return step;
    }
    throw new Error('delivery does not end');
  };
  return { fake, outlet, deliver, tsdb: fake.tenant('acme') };
}

/** `count` series of a device with samples at these times. */
const many = (device: string, count: number, times: readonly number[]): Fragment =>
  fragment(
    ...Array.from({ length: count }, (_, i) => ({
      labels: { __name__: `m${i}`, device },
      samples: times.map((ms) => [NOW + ms, ms] as const),
    })),
  );

const refusedSeries = (part: RefusedPart | undefined) =>
  decodeSeries(part?.block ?? new Uint8Array(), 1e7).map(({ labels, entries }) => `${labels.map(({ value }) => value)} ${entries.length}`);

describe('delivery', () => {
  it('sends fragments in one POST', async () => {
    const { deliver, fake, tsdb } = setUp();
    const step = await deliver([many('a', 3, [0, 1]), many('b', 2, [0])]);
    expect(step).toEqual({ kind: 'finished', passed: true, shrunk: false, deliveredSamples: 8, refused: [] });
    expect(fake.requests).toHaveLength(1);
    expect(tsdb.samples).toBe(8);
  });

  it('sends exemplars and metadata, and is not held up by exemplars that come too late', async () => {
    const { deliver, fake, tsdb } = setUp({ kind: 'thanos' });
    const buffer = new RemoteWriteBuffer();
    const cells = createCells(1, 1);
    setValue(cells, 0, 1);
    const labels = labelsFromRecord({ __name__: 'm' });
    const send = async (ms: number, exemplarMs: number) => {
      const exemplar = encodeExemplar([['trace_id', 'x']], 0.5, exemplarMs);
      buffer.add(encodeLabelFields(labels), cells, 0, [ms], 0, 1, [exemplar]);
      buffer.addFamily(encodeFamily({ family: 'm', type: 'counter', help: String(ms), unit: '' }));
      const rawBytes = buffer.length;
      return deliver([{ block: snappyCompress(buffer.take()), rawBytes, samples: 1, series: 1, minMs: ms, maxMs: ms }]);
    };
    expect(await send(NOW, NOW)).toMatchObject({ passed: true, deliveredSamples: 1, refused: [] });
    expect(await send(NOW + 1, NOW - 5)).toMatchObject({ passed: true, deliveredSamples: 1, refused: [] });
    expect(fake.requests.map(({ status, words }) => [status, words])).toEqual([
      [200, ''],
      [409, 'add 1 exemplars: out of order exemplar'],
    ]);
    expect(tsdb.series.get(labelsKey(labels))).toMatchObject({ samples: [{}, {}], exemplars: [{ ms: NOW }] });
    expect(tsdb.metadata.get('m')?.help).toBe(String(NOW + 1));
  });

  it('takes a fragment that has nothing but metadata', async () => {
    const { deliver, tsdb } = setUp();
    const writer = new FragmentWriter(10);
    writer.addFamily(encodeFamily({ family: 'm', type: 'gauge', help: '', unit: 's' }), NOW);
    expect(await deliver(writer.finish())).toMatchObject({ passed: true, deliveredSamples: 0, refused: [] });
    expect(tsdb.metadata.get('m')).toEqual({ family: 'm', type: 'gauge', help: '', unit: 's' });
  });

  it('finds the one series that Prometheus refuses, and delivers all others', async () => {
    const { deliver, tsdb } = setUp({ refuses: (labels) => labels.some(([, value]) => value === 'm17') });
    const step = await deliver([many('a', 10, [0, 1]), many('b', 40, [0, 1]), many('c', 5, [0])]);
    expect(tsdb.samples).toBe(2 * 10 + 2 * 39 + 5);
    expect(step).toMatchObject({
      passed: true,
      deliveredSamples: 103,
      refused: [{ reason: 'refused', status: 400, fragments: [1], samples: 2 }],
    });
    expect(refusedSeries(step.refused[0])).toEqual(['m17,b 1', 'm17,b 1']);
  });

  it('finds the samples that come too late, and delivers what comes after them', async () => {
    const { deliver, tsdb, fake } = setUp();
    await deliver([many('a', 50, [0, 10])]);
    const step = await deliver([many('a', 50, [5, 20])]);
    expect(tsdb.samples).toBe(150);
    expect(step.refused).toMatchObject([{ reason: 'refused', samples: 50 }]);
    expect(fake.requests.length).toBeLessThan(150);
  });

  it('delivers new scrapes that come behind known ones in the same fragment, however many series they have', async () => {
    const { deliver, tsdb } = setUp();
    const known = Array.from({ length: 20 }, (_, i) => i);
    await deliver([many('a', 90, known)]);
    const step = await deliver([many('a', 90, [...known, 20, 21])]);
    // The newest of the known ones, given again with the same value, is no fault to Prometheus.
    expect(step).toMatchObject({ passed: true, deliveredSamples: 3 * 90 });
    expect(step.refused.map(({ samples }) => samples)).toEqual([19 * 90]);
    expect(tsdb.samples).toBe(22 * 90);
  });

  it('does not search every series of a fragment that is all too old', async () => {
    const { deliver, fake } = setUp({ tooFarInFutureMs: 0 });
    await deliver([many('a', 1, [7_200_000])]);
    const before = fake.requests.length;
    const step = await deliver([many('b', 2000, [0])]);
    expect(step).toMatchObject({ passed: false, deliveredSamples: 0, refused: [{ reason: 'refused', samples: 2000 }] });
    expect(fake.requests.length - before).toBeLessThan(80);
  });

  it('leaves the parts of a request that Thanos refused in part as they are', async () => {
    const { deliver, tsdb, fake } = setUp({ kind: 'thanos' });
    await deliver([many('a', 5, [10])]);
    const step = await deliver([many('a', 5, [5, 20]), many('b', 1, [0])]);
    // The last one asks for the newest sample of a fragment, to see that anything is taken at all.
    expect(fake.requests.map(({ samples }) => samples)).toEqual([5, 11, 1]);
    expect(tsdb.samples).toBe(11);
    expect(step).toMatchObject({ passed: true, refused: [{ reason: 'partly_refused', status: 409, fragments: [0, 1], samples: 11 }] });
  });

  it('halves what is too large, down to what fits', async () => {
    const { deliver, tsdb } = setUp({ maxSamples: 7 });
    const step = await deliver([many('a', 10, [0, 1]), many('b', 3, [0])]);
    expect(step).toMatchObject({ passed: true, shrunk: true, refused: [] });
    expect(tsdb.samples).toBe(23);
  });

  it('gives up on a sample that is too large alone', async () => {
    const { deliver } = setUp({ maxSamples: 0 });
    expect(await deliver([many('a', 1, [0])])).toMatchObject({ passed: false, refused: [{ reason: 'too_large', samples: 1 }] });
  });

  it('tells a fragment that cannot be read', async () => {
    const { deliver, tsdb } = setUp();
    const bad: Fragment = { ...many('a', 1, [0]), block: Uint8Array.of(3, 8, 0x0a, 0x7f, 1) };
    const step = await deliver([many('b', 1, [0]), bad, many('c', 1, [0])]);
    expect(tsdb.samples).toBe(2);
    expect(step.refused).toMatchObject([{ reason: 'malformed', fragments: [1] }]);
  });

  describe('of what may have been delivered already', () => {
    it('knows a repeat by a few questions', async () => {
      const { deliver, tsdb, fake } = setUp();
      const fragments = [many('a', 500, [0, 1, 2, 3]), many('b', 500, [0, 1, 2, 3])];
      await deliver(fragments);
      const before = fake.requests.length;
      const step = await deliver(fragments, true);
      expect(tsdb.samples).toBe(4000);
      expect(step.refused).toMatchObject([{ reason: 'repeat_refused', samples: 4000, fragments: [0, 1] }]);
      expect(fake.requests.length - before).toBeLessThan(12);
    });

    it('delivers what had not arrived although something in it is refused', async () => {
      const { deliver, tsdb } = setUp();
      await deliver([many('a', 1, [10])]);
      const step = await deliver([many('a', 30, [5, 20])], true);
      expect(tsdb.samples).toBe(1 + 59);
      expect(step.refused).toMatchObject([{ reason: 'refused', samples: 1 }]);
    });

    it('is taken again without complaint where it is one scrape', async () => {
      const { deliver, tsdb, fake } = setUp();
      await deliver([many('a', 10, [0])]);
      expect(await deliver([many('a', 10, [0])], true)).toMatchObject({ passed: true, refused: [] });
      expect(fake.requests).toHaveLength(2);
      expect(tsdb.samples).toBe(10);
    });
  });

  it('goes on where it stopped when the receiver fails in the middle of a search', async () => {
    const { outlet, fake, tsdb } = setUp({ refuses: (labels) => labels.some(([, value]) => value === 'm9') });
    const delivery = outlet.begin([{ ...many('a', 16, [0, 1]), suspect: false }]);
    let waits = 0;
    let request = 0;
    for (;;) {
      if (++request % 3 === 0) fake.behaveNext(request % 2 === 0 ? { kind: 'store_then_500' } : { kind: 'status', status: 503 });
      const step = await delivery.advance(1);
      if (step.kind === 'waiting') waits++;
      if (step.kind !== 'finished') continue;
      expect(step.refused.every(({ reason }) => reason === 'refused')).toBe(true);
      break;
    }
    expect(waits).toBeGreaterThan(1);
    expect([...tsdb.series.values()].every(({ samples }) => samples.length === 2)).toBe(true);
    expect(tsdb.series.size).toBe(15);
  });

  it('stops at an answer that says nothing about the data', async () => {
    const { outlet, fake } = setUp();
    fake.behave({ kind: 'status', status: 401, words: 'who are you' });
    const delivery = outlet.begin([{ ...many('a', 1, [0]), suspect: false }]);
    expect(await delivery.advance(5)).toMatchObject({ kind: 'waiting', verdict: { kind: 'stop', status: 401, words: 'who are you' } });
    expect(fake.requests).toHaveLength(1);
  });
});
