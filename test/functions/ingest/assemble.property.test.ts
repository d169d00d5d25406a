import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ABSENT, type Cells, countSamples, createCells, setStale, setValue } from '../../../contract/cells.ts';
import { type Labels, labelsKey } from '../../../contract/labels.ts';
import { NO_RULES } from '../../../contract/relabel.ts';
import { assemble, type Batch, SLICE_MS } from '../../../functions/ingest/assemble.ts';
import { isExclusive } from '../../../functions/ingest/exclusive.ts';
import { MAX_FRAGMENT_BYTES } from '../../../functions/ingest/fragments.ts';
import { seriesHash } from '../../../functions/ingest/series-hash.ts';
import { Tally } from '../../../functions/ingest/tally.ts';
import { labels } from '../../fakes/pushes.ts';
import { relayConfig } from '../../fakes/relay-config.ts';
import { entryFor } from '../../fakes/series-entries.ts';
import { seriesOf } from '../../fakes/shard-stub.ts';

/** Few names, so that targets and rows collide; few instances, so that batches share an owner. */
const batch = fc.record({
  owner: fc.integer({ min: 0, max: 2 }),
  start: fc.integer({ min: 0, max: 4 * SLICE_MS }),
  steps: fc.array(fc.integer({ min: 1, max: SLICE_MS }), { minLength: 1, maxLength: 12 }),
  names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 4 }),
  cells: fc.array(fc.constantFrom('value', 'stale', 'absent'), { minLength: 48, maxLength: 48 }),
  ownTimes: fc.option(fc.array(fc.integer({ min: 0, max: 6 * SLICE_MS }), { minLength: 12, maxLength: 12 }), { nil: undefined }),
});

type Given = typeof batch extends fc.Arbitrary<infer T> ? T : never;

function build(given: Given, target: Labels = []): Batch {
  let time = given.start;
  const times = given.steps.map((step) => {
    time += step;
    return time;
  });
  const cells: Cells = createCells(given.names.length, times.length);
  for (let i = 0; i < cells.states.length; i++) {
    if (given.cells[i] === 'value') setValue(cells, i, i);
    else if (given.cells[i] === 'stale') setStale(cells, i);
  }
  if (given.ownTimes !== undefined) cells.ownTimes = new Map([[0, Float64Array.from(given.ownTimes.slice(0, times.length))]]);
  const rules = {
    identityLabel: 'device',
    hash: seriesHash('test'),
    externalLabels: [],
    reservedLabels: new Set<string>(),
    rules: NO_RULES,
    limits: relayConfig.limits,
  };
  const rows = given.names.map((name) => labels({ __name__: name }));
  return { owner: given.owner, times, cells, entry: entryFor(rows, target, [], 'gw-1', rules), exemplars: new Map() };
}

it('each series ascends over all fragments, every sample is sent or counted, no fragment is too large', () => {
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 5 }), fc.integer({ min: 1, max: 20 }), (given, maxSamplesPerSend) => {
      const batches = given.map((one) => build(one));
      const offered = batches.reduce((sum, { cells }) => sum + countSamples(cells), 0);
      const tally = new Tally();
      const latestMs = 5 * SLICE_MS;
      const result = assemble(batches, [], { maxSamplesPerSend, latestMs }, tally);
      if (!result.ok) throw new Error(result.error);
      const fragments = result.value;
      const last = new Map<string, number>();
      let sent = 0;
      for (const fragment of fragments) {
        const times: number[] = [];
        for (const { labels: one, samples } of seriesOf({ fragments: [fragment] })) {
          for (const { time } of samples) {
            expect(time).toBeGreaterThan(last.get(labelsKey(one)) ?? -1);
            expect(time).toBeLessThanOrEqual(latestMs);
            last.set(labelsKey(one), time);
            times.push(time);
          }
        }
        sent += times.length;
        expect(fragment).toMatchObject({ samples: times.length, minMs: Math.min(...times), maxMs: Math.max(...times) });
        expect(fragment.samples).toBeLessThanOrEqual(maxSamplesPerSend);
        expect(fragment.rawBytes).toBeLessThanOrEqual(MAX_FRAGMENT_BYTES);
      }
      const dropped = Object.values(tally.take()).reduce((sum, count) => sum + count, 0);
      expect(sent + dropped).toBe(offered);
    }),
    { numRuns: 300 },
  );
});

it('no sample lies more than a slice behind one sent before it', () => {
  const plain = batch.map((given) => ({ ...given, ownTimes: undefined }));
  fc.assert(
    fc.property(fc.array(plain, { minLength: 1, maxLength: 5 }), (given) => {
      const result = assemble(
        given.map((one) => build(one)),
        [],
        { maxSamplesPerSend: 3, latestMs: Number.MAX_SAFE_INTEGER },
        new Tally(),
      );
      if (!result.ok) throw new Error(result.error);
      let newest = Number.NEGATIVE_INFINITY;
      for (const { minMs, maxMs } of result.value) {
        expect(newest - minMs).toBeLessThan(SLICE_MS);
        newest = Math.max(newest, maxMs);
      }
    }),
    { numRuns: 200 },
  );
});

it('leaves cells that are not sent absent, and nothing else', () => {
  const one = build({ owner: 0, start: 0, steps: [5, 5], names: ['a'], cells: Array(48).fill('value'), ownTimes: Array(12).fill(1) });
  assemble([one], [], { maxSamplesPerSend: 10, latestMs: 100 }, new Tally());
  expect([...one.cells.states]).toEqual([1, ABSENT]);
});

it('a push of which no two rows can be one series goes out as if each row were held against the others', () => {
  /** Now and then a target's batches follow each other; each target has a label of its own. */
  const following = fc.tuple(fc.array(batch, { minLength: 1, maxLength: 4 }), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }));
  let exclusive = 0;
  fc.assert(
    fc.property(following, fc.integer({ min: 1, max: 20 }), ([given, follows], maxSamplesPerSend) => {
      const made = (): Batch[] =>
        given.map((one, i) =>
          build(follows[i] ? { ...one, start: one.start + i * 20 * SLICE_MS } : one, labels({ instance: `${one.owner}` })),
        );
      const outcome = (batches: readonly Batch[]): unknown => {
        const tally = new Tally();
        const result = assemble(batches, [], { maxSamplesPerSend, latestMs: 70 * SLICE_MS }, tally);
        return [result.ok && result.value.flatMap((fragment) => seriesOf({ fragments: [fragment] })), tally.take()];
      };
      const [first] = made();
      if (first === undefined) return;
      // Of another target, with equal labels and without a sample: now nothing is certain.
      const doubt: Batch = { ...first, owner: 9, cells: createCells(first.cells.rows, first.times.length) };
      expect(isExclusive([...made(), doubt])).toBe(false);
      if (isExclusive(made())) exclusive++;
      expect(outcome(made())).toEqual(outcome([...made(), doubt]));
    }),
    { numRuns: 500 },
  );
  expect(exclusive).toBeGreaterThan(50);
});
