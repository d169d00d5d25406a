import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Label } from '../../../../contract/labels.ts';
import { wireLimits } from '../../../../contract/limits.ts';
import { compileRelabel, defaultRelabelConfig } from '../../../../contract/relabel.ts';
import { SnappyDecoder, snappyUncompress } from '../../../../contract/snappy.ts';
import { Collector } from '../../../../functions/ingest/remote-write/collector.ts';
import { LabelCache } from '../../../../functions/ingest/remote-write/label-cache.ts';
import { readWriteRequest } from '../../../../functions/ingest/remote-write/series.ts';
import { seriesHash } from '../../../../functions/ingest/series-hash.ts';
import { Tally } from '../../../../functions/ingest/tally.ts';
import { block as compressed, exemplar, histogram, STALE, sample, writeRequest } from '../../../fakes/write-requests.ts';

/** Few names, values and times: series meet each other, those that are put in, and reserved ones; some are no valid series. */
const name = fc.constantFrom('a', 'b', 'device', 'exported_device', 'job', 'site', 'tenant_id', 'zone', 'é', '');
const text = fc.constantFrom('x', 'y', 'gw-1', 'é', '', 'x'.repeat(100), 'y'.repeat(200), 'series-1', 'series-12');
const label = fc.tuple(name, text);
const ordered = fc
  .uniqueArray(label, { selector: ([key]) => key, maxLength: 5 })
  .map((all) => [...all].sort(([a], [b]) => (a < b ? -1 : 1)));
const labels: fc.Arbitrary<readonly Label[]> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom('m', 'n'), ordered).map(([metric, own]): Label[] => [['__name__', metric], ...own]) },
  { weight: 1, arbitrary: fc.array(label, { maxLength: 4 }) },
  // In no order, and some twice.
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(label, { maxLength: 3 }), fc.array(label, { maxLength: 2 }))
      .map(([some, more]): Label[] => [...some, ['__name__', 'm'], ...more]),
  },
);
const one = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom(1, 1.5, 0, STALE, -17))
  .map(([ms, value]) => sample(ms * 1000, value));
/** A value of 0 is left out by senders. */
const samples = fc.array(fc.oneof({ weight: 6, arbitrary: one }, { weight: 1, arbitrary: fc.constant(Uint8Array.of(0x10, 0x88, 0x27)) }), {
  maxLength: 3,
});
const series = fc.record({
  labels,
  samples,
  histograms: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant([histogram(3000)]) }),
  exemplars: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant([exemplar(3000, { a: 'b' })]) }),
});
const shared = fc.array(series, { minLength: 1, maxLength: 4 });
const request = shared.chain((some) => fc.array(fc.oneof(fc.constantFrom(...some), series), { maxLength: 16 }));

const rules = {
  identityLabel: 'device',
  hash: seriesHash('test'),
  externalLabels: [
    ['job', 'relay'],
    ['site', 's1'],
  ] as const,
  limits: { ...wireLimits, labelsPerSeries: 7, labelValueBytes: 150 },
};
const decoder = new SnappyDecoder();
/** Reads every series as text, and changes none. */
const RULES = compileRelabel([
  { ...defaultRelabelConfig, sourceLabels: ['a'], regex: 'x', action: 'drop' },
  { ...defaultRelabelConfig, action: 'labeldrop', regex: 'b|job' },
  { ...defaultRelabelConfig, sourceLabels: ['zone', 'device'], targetLabel: 'device' },
]);
const IDLE = compileRelabel([{ ...defaultRelabelConfig, action: 'labeldrop', regex: 'no_such_name' }]);

it('what is plain goes out as it does the long way', () => {
  fc.assert(
    fc.property(
      request,
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.integer({ min: 1, max: 12 }),
      (given, withCopies, reserved, ruled, maxSamplesPerSend) => {
        const bytes = writeRequest(given);
        const content = withCopies ? decoder.uncompress(compressed(bytes), 1_000_000) : bytes;
        const labels = new LabelCache(1_000_000);
        const outcome = (plainly: boolean, cached = false) => {
          const own = {
            ...rules,
            reservedLabels: new Set(reserved ? ['tenant_id', 'site'] : []),
            rules: plainly ? compileRelabel([]) : ruled ? RULES : IDLE,
          };
          const options = {
            device: 'gw-1',
            rules: own,
            maxSamplesPerSend,
            ...(cached ? { labels } : {}),
            latestMs: 10_000,
            nowMs: 0,
            sendExemplars: true,
            sendMetadata: true,
          };
          const tally = new Tally();
          const collector = new Collector(options, tally, content);
          let short = 0;
          const taken = (from: number, to: number): boolean => {
            const is = collector.addPlain(from, to);
            if (is) short++;
            return is;
          };
          for (const incoming of readWriteRequest(content, taken)) collector.add(incoming);
          const fragments = collector.finish().map(({ block, ...rest }) => ({
            ...rest,
            bytes: Buffer.from(snappyUncompress(block, 1_000_000)).toString('hex'),
          }));
          return {
            short,
            told: {
              fragments,
              written: collector.written,
              sketch: collector.sketch,
              refused: collector.refusals.text(),
              counts: tally.take(),
            },
          };
        };
        const long = outcome(false);
        expect(long.short).toBe(0);
        if (!ruled) expect(outcome(true).told).toEqual(long.told);
        // What is kept of the first request, the second need not make.
        expect(outcome(false, true).told).toEqual(long.told);
        expect(outcome(false, true).told).toEqual(long.told);
      },
    ),
    { numRuns: 3000 },
  );
});

it('ordinary requests go the short way', () => {
  const given = Array.from({ length: 50 }, (_, i) => ({
    labels: [
      ['__name__', `m_${i % 5}`],
      ['instance', 'localhost:9100'],
      ['series', `${i}`],
    ] as readonly Label[],
    samples: [sample(1000, i), sample(2000, i)],
  }));
  const bytes = writeRequest(given);
  const own = { ...rules, reservedLabels: new Set(['tenant_id']), rules: compileRelabel([]) };
  const options = {
    device: 'gw-1',
    rules: own,
    maxSamplesPerSend: 2000,
    latestMs: 10_000,
    nowMs: 0,
    sendExemplars: true,
    sendMetadata: true,
  };
  const content = decoder.uncompress(compressed(bytes), 1_000_000);
  const collector = new Collector(options, new Tally(), content);
  expect([...readWriteRequest(content, (from, to) => collector.addPlain(from, to))]).toEqual([]);
  expect(collector.written.samples).toBe(100);
  const [fragment] = collector.finish();
  expect(fragment?.block.length).toBeLessThan((fragment?.rawBytes ?? 0) / 3);
});

it('a large request keeps what its sender found to repeat, beyond windows and fragments, and stays as small', () => {
  const given = Array.from({ length: 4000 }, (_, i) => ({
    labels: [
      ['__name__', `metric_${i % 50}_total`],
      ['instance', `10.0.0.${i >> 10}:9100`],
      ['name', `series-${i}`],
      ['part', `value-${i % 20}-of-${i % 70}`],
      ['zone', 'z'.repeat(i % 997 === 0 ? 140 : 100)],
    ] as readonly Label[],
    samples: [sample(1000 + (i >> 10), i % 3 === 0 ? i * 1.5 : i)],
  }));
  const block = compressed(writeRequest(given));
  const outcome = (plainly: boolean) => {
    const content = decoder.uncompress(block, 10_000_000);
    const own = { ...rules, limits: wireLimits, reservedLabels: new Set(['tenant_id']), rules: plainly ? compileRelabel([]) : IDLE };
    const options = { device: 'gw-1', maxSamplesPerSend: 1500, latestMs: 1e6, nowMs: 0, sendExemplars: true, sendMetadata: true };
    const collector = new Collector({ ...options, rules: own }, new Tally(), content);
    for (const incoming of readWriteRequest(content, (from, to) => collector.addPlain(from, to))) collector.add(incoming);
    return collector.finish();
  };
  const [plain, long] = [outcome(true), outcome(false)];
  expect(plain.length).toBeGreaterThan(2);
  expect(plain.map(({ block: one }) => Buffer.from(snappyUncompress(one, 10_000_000)))).toEqual(
    long.map(({ block: one }) => Buffer.from(snappyUncompress(one, 10_000_000))),
  );
  const bytes = (fragments: typeof plain) => fragments.reduce((sum, { block: one }) => sum + one.length, 0);
  // What a copy goes back to may be in the fragment before.
  expect(bytes(plain)).toBeLessThan(1.5 * bytes(long));
});

it('what rules make of a series is made once for each sender', () => {
  const names = ['m', 'n', 'o'];
  const bytes = writeRequest(names.map((name) => ({ labels: [['__name__', name]] as readonly Label[], samples: [sample(1000, 1)] })));
  const labels = new LabelCache(1_000_000);
  const own = { ...rules, reservedLabels: new Set<string>(), rules: RULES };
  const short = (device: string): number => {
    const options = { device, maxSamplesPerSend: 2000, latestMs: 1e6, nowMs: 0, sendExemplars: true, sendMetadata: true, labels };
    const collector = new Collector({ ...options, rules: own }, new Tally(), bytes);
    let count = 0;
    const taken = (from: number, to: number): boolean => {
      const is = collector.addPlain(from, to);
      if (is) count++;
      return is;
    };
    for (const incoming of readWriteRequest(bytes, taken)) collector.add(incoming);
    return count;
  };
  expect([short('gw-1'), short('gw-1'), short('gw-2'), short('gw-2')]).toEqual([0, 3, 0, 3]);
});
