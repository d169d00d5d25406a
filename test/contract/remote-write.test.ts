import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ABSENT, type Cells, createCells, STALE, setStale, setValue } from '../../contract/cells.ts';
import { prometheus } from '../../contract/generated/remote.js';
import type { Labels } from '../../contract/labels.ts';
import { METRIC_TYPES } from '../../contract/metadata.ts';
import { encodeExemplar, encodeFamily, encodeLabelFields, nestedSize, RemoteWriteBuffer } from '../../contract/remote-write.ts';
import { decodeWriteRequest } from '../fakes/remote-write.ts';
import { cells as anyCells, labels as anyLabels } from './arbitraries.ts';
import { metadata as anyMetadata, pushExemplars } from './attachments.ts';

interface Series {
  readonly labels: Labels;
  readonly samples: readonly (readonly [bits: string, time: bigint])[];
}

/** Reads a WriteRequest with generated code down to the samples, and those by hand: a decoder would spoil their bits. */
function read(bytes: Uint8Array): readonly Series[] {
  return prometheus.RawWriteRequest.decode(bytes).timeseries.map((series) => ({
    labels: (series.labels ?? []).map((label) => [label.name ?? '', label.value ?? ''] as const),
    samples: (series.samples ?? []).map((sample) => {
      const view = new DataView(sample.buffer, sample.byteOffset, sample.byteLength);
      expect([view.getUint8(0), view.getUint8(9)]).toEqual([0x09, 0x10]);
      let time = 0n;
      let at = 10;
      for (let shift = 0n; ; shift += 7n) {
        const byte = view.getUint8(at++);
        time |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      expect(at).toBe(sample.length);
      return [view.getBigUint64(1, true).toString(16), BigInt.asIntN(64, time)] as const;
    }),
  }));
}

function wanted(labels: Labels, cells: Cells, row: number, times: readonly number[]): Series {
  const samples: [string, bigint][] = [];
  const view = new DataView(cells.words.buffer);
  for (let i = 0; i < cells.scrapes; i++) {
    const index = row * cells.scrapes + i;
    if (cells.states[index] === ABSENT) continue;
    const own = cells.states[index] === STALE ? undefined : cells.ownTimes?.get(row)?.[i];
    samples.push([view.getBigUint64(8 * index, true).toString(16), BigInt(own ?? (times[i] as number))]);
  }
  return { labels, samples };
}

it('writes what a protobuf decoder reads, to the bit', () => {
  const shape = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }));
  const given = shape.chain(([rows, scrapes]) =>
    fc.tuple(anyCells(rows, scrapes), fc.array(anyLabels, { minLength: rows, maxLength: rows }), fc.integer({ min: -1e12, max: 2e12 })),
  );
  fc.assert(
    fc.property(given, ([cells, labels, start]) => {
      const times = Array.from({ length: cells.scrapes }, (_, i) => start + i * 15_000);
      const buffer = new RemoteWriteBuffer();
      const expected: Series[] = [];
      labels.forEach((set, row) => {
        const before = buffer.length;
        const series = wanted(set, cells, row, times);
        expect(buffer.add(encodeLabelFields(set), cells, row, times)).toBe(series.samples.length);
        if (series.samples.length > 0) expected.push(series);
        else expect(buffer.length).toBe(before);
      });
      expect(buffer.samples).toBe(expected.reduce((sum, { samples }) => sum + samples.length, 0));
      const length = buffer.length;
      const bytes = buffer.take();
      expect(bytes.length).toBe(length);
      expect([buffer.length, buffer.samples]).toEqual([0, 0]);
      expect(read(bytes)).toEqual(expected);
    }),
  );
});

describe('sizes at which lengths take another byte', () => {
  for (const [name, labelBytes, scrapes] of [
    ['a label of 127 bytes', 125, 1],
    ['a label of 128 bytes', 126, 1],
    ['a series over 16 kB', 16_400, 1],
    ['many samples, past the first buffer', 10, 9_000],
  ] as const) {
    it(name, () => {
      const labels: Labels = [['a', 'x'.repeat(labelBytes)]];
      const cells = createCells(1, scrapes);
      for (let i = 0; i < scrapes; i++) setValue(cells, i, i);
      const times = Array.from({ length: scrapes }, (_, i) => 1_700_000_000_000 + i);
      const buffer = new RemoteWriteBuffer();
      buffer.add(encodeLabelFields(labels), cells, 0, times);
      expect(read(buffer.take())).toEqual([wanted(labels, cells, 0, times)]);
    });
  }
});

it('gives a staleness marker the time of its scrape even where values bring their own', () => {
  const cells = createCells(1, 2);
  setValue(cells, 0, 1);
  setStale(cells, 1);
  cells.ownTimes = new Map([[0, Float64Array.of(77, 0)]]);
  const buffer = new RemoteWriteBuffer();
  buffer.add(encodeLabelFields([['a', 'b']]), cells, 0, [1000, 2000]);
  expect(read(buffer.take())[0]?.samples).toEqual([
    ['3ff0000000000000', 77n],
    ['7ff0000000000002', 2000n],
  ]);
});

it('concatenates: two requests one after the other are the request of both', () => {
  const cells = createCells(1, 1);
  setValue(cells, 0, 1);
  const one = new RemoteWriteBuffer();
  one.add(encodeLabelFields([['a', '1']]), cells, 0, [1]);
  const two = new RemoteWriteBuffer();
  two.add(encodeLabelFields([['a', '2']]), cells, 0, [2]);
  const joined = read(Uint8Array.from([...one.take(), ...two.take()]));
  expect(joined.map(({ labels }) => labels)).toEqual([[['a', '1']], [['a', '2']]]);
});

it('writes exemplars and metadata that generated code reads, to the bit', () => {
  fc.assert(
    fc.property(pushExemplars(1, 1), anyMetadata, ([...exemplars], metadata) => {
      const cells = createCells(1, 1);
      setValue(cells, 0, 1);
      const buffer = new RemoteWriteBuffer();
      const encoded = exemplars.map(({ labels, value, ms }) => encodeExemplar(labels, value, ms ?? 5));
      buffer.add(encodeLabelFields([['a', 'b']]), cells, 0, [5], 0, 1, encoded);
      const before = buffer.length;
      for (const family of metadata) buffer.addFamily(encodeFamily(family));
      expect(buffer.length - before).toBe(metadata.reduce((sum, family) => sum + nestedSize(encodeFamily(family)), 0));
      const bytes = buffer.take();

      const raw = prometheus.RawWriteRequest.decode(bytes);
      expect(raw.timeseries[0]?.samples).toHaveLength(1);
      (raw.timeseries[0]?.exemplars ?? []).forEach((message, i) => {
        const read = prometheus.Exemplar.decode(message);
        const given = exemplars[i];
        expect(read.labels.map(({ name, value }) => [name, value])).toEqual(given?.labels);
        expect(read.value).toBe(given?.value);
        expect(Number(read.timestamp)).toBe((given?.ms ?? 5) + 0);
      });
      const { series, metadata: families } = decodeWriteRequest(bytes);
      expect(series[0]?.exemplars.map(({ bits }) => bits)).toEqual(
        exemplars.map(({ value }) => (Number.isNaN(value) ? 0x7ff8000000000001n : new BigUint64Array(Float64Array.of(value).buffer)[0])),
      );
      expect(families).toEqual(metadata);
    }),
    { numRuns: 300 },
  );
});

it('numbers the types as remote write does', () => {
  METRIC_TYPES.forEach((type, i) => {
    expect(prometheus.MetricMetadata.MetricType[type.toUpperCase() as 'GAUGE']).toBe(i);
  });
  expect(METRIC_TYPES).toHaveLength(8);
});
