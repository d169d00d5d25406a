import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Label } from '../../../../contract/labels.ts';
import { wireLimits } from '../../../../contract/limits.ts';
import { compileRelabel, defaultRelabelConfig } from '../../../../contract/relabel.ts';
import { snappyUncompress } from '../../../../contract/snappy.ts';
import { Collector } from '../../../../functions/ingest/remote-write/collector.ts';
import { LineupCache } from '../../../../functions/ingest/remote-write/lineup.ts';
import { PlainMemory } from '../../../../functions/ingest/remote-write/plain-request.ts';
import { readWriteRequest } from '../../../../functions/ingest/remote-write/series.ts';
import { seriesHash } from '../../../../functions/ingest/series-hash.ts';
import { Tally } from '../../../../functions/ingest/tally.ts';
import { exemplar, family, type GivenSeries, histogram, STALE, sample, writeRequest } from '../../../fakes/write-requests.ts';

const rules = {
  identityLabel: 'device',
  hash: seriesHash('test'),
  externalLabels: [
    ['job', 'relay'],
    ['site', 's1'],
  ] as const,
  limits: { ...wireLimits, labelValueBytes: 900 },
  reservedLabels: new Set(['tenant_id']),
};
const PLAIN = compileRelabel([]);
const IDLE = compileRelabel([{ ...defaultRelabelConfig, action: 'labeldrop', regex: 'no_such_name' }]);

/** Tenants of their own. */
const EXTERNAL: Readonly<Record<string, readonly Label[]>> = {
  'gw-1': rules.externalLabels,
  'gw-2': [],
  'gw-3': Array.from({ length: 12 }, (_, i): Label => [`ext_${String.fromCharCode(97 + i)}`, `${i}`]),
};

interface Sent {
  readonly bytes: Uint8Array;
  readonly maxSamplesPerSend?: number;
  readonly device?: string;
}
const memory = new PlainMemory();
let hashed = 0;
const hash: typeof rules.hash = (...args) => {
  hashed++;
  return rules.hash(...args);
};

/** What becomes of a request, and how many series went the short way. */
function outcome({ bytes, maxSamplesPerSend = 1000, device = 'gw-1' }: Sent, lineups: LineupCache | undefined, plainly = true) {
  const tally = new Tally();
  const options = { device, maxSamplesPerSend, latestMs: 50_000, nowMs: 0, sendExemplars: true, sendMetadata: true };
  const own = { ...rules, hash, externalLabels: EXTERNAL[device] ?? [], rules: plainly ? PLAIN : IDLE };
  const collector = new Collector({ ...options, ...(lineups && { lineups, plain: memory }), rules: own }, tally, bytes);
  for (const incoming of readWriteRequest(bytes, (from, to) => collector.addPlain(from, to))) collector.add(incoming);
  const fragments = collector.finish().map(({ block, ...rest }) => ({
    ...rest,
    bytes: Buffer.from(snappyUncompress(block, 10_000_000)).toString('hex'),
  }));
  return {
    fragments,
    written: collector.written,
    sketch: collector.sketch,
    refused: collector.refusals.text(),
    counts: tally.take(),
  };
}
/** Series of a target, of which the labels vary in length. */
const labelsOf = (i: number, wide: number): readonly Label[] => [
  ['__name__', `metric_${i % 7}`],
  ['instance', `host-${i >> 3}:9100`],
  ['part', 'p'.repeat((i * wide) % 600) + (i % 3)],
  ['series', `${i}`],
  ['zone', `z${i % 2}`],
];
const value = fc.constantFrom(0, 1, 1.5, -17, STALE);
const ms = fc.integer({ min: 1, max: 40_000 });
/** A value of 0 may be left out, times may differ or go back, some series have more samples, or what is not plain. */
const given = (i: number, wide: number): fc.Arbitrary<GivenSeries> =>
  fc.oneof(
    {
      weight: 60,
      arbitrary: fc.tuple(ms, value).map(([at, one]) => ({ labels: labelsOf(i, wide), samples: [sample(at, one)] })),
    },
    { weight: 6, arbitrary: fc.constant({ labels: labelsOf(i, wide), samples: [Uint8Array.of(0x10, 0x88, 0x27)] }) },
    { weight: 3, arbitrary: fc.constant({ labels: labelsOf(i, wide), samples: [sample(1, 1), sample(20_000, 1)] }) },
    { weight: 1, arbitrary: fc.constant({ labels: labelsOf(i, wide), samples: [sample(60_000, 1)] }) },
    { weight: 1, arbitrary: fc.constant({ labels: labelsOf(i, wide), samples: [] }) },
    { weight: 1, arbitrary: fc.constant({ labels: [...labelsOf(i, wide), ['ümlaut', 'é'] as const], samples: [sample(2, 2)] }) },
    { weight: 1, arbitrary: fc.constant({ labels: [['device', 'x'] as const, ...labelsOf(i, wide)], samples: [sample(2, 2)] }) },
    { weight: 1, arbitrary: fc.constant({ labels: labelsOf(i, wide), samples: [sample(2, 2)], exemplars: [exemplar(2, { a: 'b' })] }) },
    { weight: 1, arbitrary: fc.constant({ labels: labelsOf(i, wide), histograms: [histogram(3)] }) },
  );
/** The same series again, but for a few that are gone, came, moved, or changed. */
const numbers = fc.integer({ min: 0, max: 60 }).chain((count) =>
  fc.array(fc.tuple(fc.constantFrom('drop', 'swap', 'twice', 'other'), fc.nat(60), fc.nat(60)), { maxLength: 2 }).map((changes) => {
    const list = Array.from({ length: count }, (_, i) => i);
    for (const [what, a, b] of changes) {
      const at = Math.min(a, list.length);
      if (what === 'drop') list.splice(at, 1 + (b % 3));
      else if (what === 'twice') list.splice(at, 0, b);
      else if (what === 'other') list.splice(at, 1, 100 + b);
      else if (at < list.length && b < list.length) [list[at], list[b]] = [list[b] as number, list[at] as number];
    }
    return list;
  }),
);
const requests = fc.tuple(fc.constantFrom(0, 13, 97), fc.boolean()).chain(([wide, same]) =>
  fc.array(
    fc.record({
      bytes: (same ? fc.constant(Array.from({ length: 40 }, (_, i) => i)) : numbers).chain((list) =>
        fc
          .tuple(fc.tuple(...list.map((i) => given(i, wide))), fc.boolean())
          .map(([series, meta]) => writeRequest(series, meta ? [family('m', 'help')] : [])),
      ),
      maxSamplesPerSend: fc.constantFrom(1000, 1000, 11),
      device: fc.constantFrom('gw-1', 'gw-1', 'gw-1', 'gw-2', 'gw-3'),
    }),
    { minLength: 2, maxLength: 5 },
  ),
);

it('request after request of like series goes out as each does the long way', () => {
  fc.assert(
    fc.property(requests, (sent) => {
      const lineups = new LineupCache(1_000_000);
      for (const one of sent) expect(outcome(one, lineups)).toEqual(outcome(one, undefined, false));
    }),
    { numRuns: 250 },
  );
});

const many = (count: number, at: number, first = 0): GivenSeries[] =>
  Array.from({ length: count }, (_, i) => ({ labels: labelsOf(first + i, 3), samples: [sample(at, i)] }));

it('series that come again are only compared, whatever has become of their samples', () => {
  const lineups = new LineupCache(1_000_000);
  outcome({ bytes: writeRequest(many(50, 1000)) }, lineups);
  const again = writeRequest(many(50, 2000).map((one, i) => (i % 5 === 0 ? { ...one, samples: [Uint8Array.of(0x10, 0x88, 0x27)] } : one)));
  const wanted = outcome({ bytes: again }, undefined, false);
  hashed = 0;
  expect(outcome({ bytes: again }, lineups)).toEqual(wanted);
  // Those that are put in.
  expect(hashed).toBe(3);
  // Another sender, or another first series, is not known.
  outcome({ bytes: again, device: 'gw-2' }, lineups);
  expect(hashed).toBeGreaterThan(50);
});

it('follows a request as far as it is the same', () => {
  const lineups = new LineupCache(1_000_000);
  outcome({ bytes: writeRequest(many(50, 1000)) }, lineups);
  const twice = [...many(40, 2000), ...many(3, 2000)];
  for (const series of [many(30, 2000), many(60, 2000), [...many(20, 2000), ...many(20, 2000, 100)], twice]) {
    const bytes = writeRequest(series);
    expect(outcome({ bytes }, lineups)).toEqual(outcome({ bytes }, undefined, false));
  }
});

it('a byte that differs anywhere is seen', () => {
  class Kept extends LineupCache {
    #full = false;
    override set(...entry: Parameters<LineupCache['set']>): void {
      if (!this.#full) super.set(...entry);
      this.#full = true;
    }
  }
  const lineups = new Kept(1_000_000);
  const bytes = writeRequest(many(17, 1000));
  outcome({ bytes }, lineups);
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] as number) ^ 1;
    const told = attempt(() => outcome({ bytes: changed }, lineups));
    expect(told).toEqual(attempt(() => outcome({ bytes: changed }, undefined, false)));
  }
});

const attempt = <T>(work: () => T): T | string => {
  try {
    return work();
  } catch (error) {
    return String(error);
  }
};

it('a request with series of the long way, or with one twice, is not followed', () => {
  const long = Array.from(
    { length: 8 },
    (_, i): GivenSeries => ({ labels: [...labelsOf(100 + i, 3)].reverse(), samples: [sample(1000, 1)] }),
  );
  for (const beside of [long, many(1, 2000, 5)]) {
    const lineups = new LineupCache(1_000_000);
    for (const series of [[...many(30, 1000), ...beside], many(30, 1000), [...many(30, 2000), ...beside]]) {
      const bytes = writeRequest(series);
      expect(outcome({ bytes }, lineups)).toEqual(outcome({ bytes }, undefined, false));
    }
  }
});

it('senders of few and of many series, with few and with many labels put in, use the same memory', () => {
  const lineups = new LineupCache(1_000_000);
  for (const [device, count] of [
    ['gw-3', 20],
    ['gw-2', 5000],
    ['gw-3', 5000],
    ['gw-1', 20],
  ] as const) {
    const bytes = writeRequest(many(count, 1000));
    expect(outcome({ bytes, device }, lineups)).toEqual(outcome({ bytes, device }, undefined, false));
  }
});

it('keeps no more than it may', () => {
  const lineups = new LineupCache(5000);
  for (let i = 0; i < 5; i++) outcome({ bytes: writeRequest(many(30, 1000, 1000 * i)) }, lineups);
  hashed = 0;
  outcome({ bytes: writeRequest(many(30, 1000, 4000)) }, lineups);
  expect(hashed).toBe(3);
  outcome({ bytes: writeRequest(many(30, 1000)) }, lineups);
  expect(hashed).toBeGreaterThan(30);
});

it('a sender that never repeats itself pushes out no others, and is followed again once it does', () => {
  // An entry takes 4 to 6 kB.
  const lineups = new LineupCache(550_000);
  const steady = { bytes: writeRequest(many(30, 1000)), device: 'gw-2' };
  outcome(steady, lineups);
  for (let i = 0; i < 200; i++) outcome({ bytes: writeRequest(many(30, 1000, 31 * i)) }, lineups);
  hashed = 0;
  outcome(steady, lineups);
  // What is put in.
  expect(hashed).toBe(1);
  const ways: number[] = [];
  for (let i = 0; i < 20; i++) {
    const bytes = writeRequest(many(30, 1000 + i, 31 * 1000));
    const wanted = outcome({ bytes }, undefined, false);
    hashed = 0;
    expect(outcome({ bytes }, lineups)).toEqual(wanted);
    ways.push(hashed);
  }
  expect(ways.filter((count) => count > 3).length).toBeLessThanOrEqual(8);
  expect(ways.at(-1)).toBe(3);
  // And others are kept at once again.
  outcome({ bytes: writeRequest(many(30, 1000, 31 * 2000)) }, lineups);
  hashed = 0;
  outcome({ bytes: writeRequest(many(30, 2000, 31 * 2000)) }, lineups);
  expect(hashed).toBe(3);
});

it('misses are counted by sender, in a row', () => {
  const lineups = new LineupCache(1_000_000);
  const kept = (sender: string, count: number) => Array.from({ length: count }, () => lineups.missed(sender)).filter(Boolean).length;
  expect(kept('t/a', 64)).toBe(64);
  expect(kept('t/a', 80)).toBe(10);
  expect(kept('t/b', 10)).toBe(10);
  lineups.followed('t/a');
  lineups.followed('t/unknown');
  expect(kept('t/a', 64)).toBe(64);
  expect(lineups.missed('t/a')).toBe(false);
});
