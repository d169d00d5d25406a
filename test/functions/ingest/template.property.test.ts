import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ABSENT, createCells, setStale, setValue } from '../../../contract/cells.ts';
import { type Label, type Labels, labelsKey, METRIC_NAME, sortLabels } from '../../../contract/labels.ts';
import { compileRelabel, defaultRelabelConfig, type RelabelConfig } from '../../../contract/relabel.ts';
import { type Row, residual } from '../../../contract/series-table.ts';
import { snappyUncompress } from '../../../contract/snappy.ts';
import { assemble, type Batch, SLICE_MS } from '../../../functions/ingest/assemble.ts';
import type { SeriesRules } from '../../../functions/ingest/labels.ts';
import { SeriesCache } from '../../../functions/ingest/series-cache.ts';
import { hashOfSum, seriesHash, sumOfFields } from '../../../functions/ingest/series-hash.ts';
import { Tally } from '../../../functions/ingest/tally.ts';
import { relayConfig } from '../../fakes/relay-config.ts';
import { entryFor, plainEntry, plainly } from '../../fakes/series-entries.ts';

/** Few names and values, so that labels of targets, rows, devices and rules meet; the device's name is among the values. */
const name = fc.constantFrom('a', 'b', 'instance', 'job', 'device', 'exported_device', 'site', 'tenant_id', 'tag_job', 'é');
const value = fc.constantFrom('x', 'y', 'gw-1', 'gw-2', 'host:1', 'a\u0000b', 'é', '😀', 'x'.repeat(130), 'long'.repeat(80));
const pairs = (maxLength: number): fc.Arbitrary<Labels> =>
  fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength }).map((all) => sortLabels(all));
const rule: fc.Arbitrary<RelabelConfig> = fc.oneof(
  fc
    .tuple(name, name, fc.constantFrom('(.*)', 'x|y', 'gw-(.)'), fc.constantFrom('$1', 'x', 'gw-1', ''))
    .map(([from, to, regex, replacement]) => ({ ...defaultRelabelConfig, sourceLabels: [from], regex, targetLabel: to, replacement })),
  fc
    .tuple(name, fc.constantFrom<'keep' | 'drop'>('keep', 'drop'), fc.constantFrom('x', 'x|y|', '(gw|host).*', '.*'))
    .map(([from, action, regex]) => ({
      ...defaultRelabelConfig,
      action,
      sourceLabels: [from],
      regex,
    })),
  fc
    .tuple(name, name)
    .map(([from, to]): RelabelConfig => ({ ...defaultRelabelConfig, action: 'dropequal', sourceLabels: [from], targetLabel: to })),
  fc
    .tuple(name, name)
    .map(([from, to]): RelabelConfig => ({ ...defaultRelabelConfig, action: 'lowercase', sourceLabels: [from], targetLabel: to })),
  fc
    .constantFrom('tag_(.+)', '(.*)device', '(a|b)')
    .map((regex): RelabelConfig => ({ ...defaultRelabelConfig, action: 'labelmap', regex })),
  fc
    .constantFrom('a|b', 'instance', 'device', '__name__')
    .map((regex): RelabelConfig => ({ ...defaultRelabelConfig, action: 'labeldrop', regex })),
  fc
    .tuple(name, name)
    .map(
      ([from, to]): RelabelConfig => ({ ...defaultRelabelConfig, action: 'hashmod', sourceLabels: [from], targetLabel: to, modulus: 2 }),
    ),
);
const device = fc.record({ target: pairs(4), external: pairs(3), device: fc.constantFrom('gw-1', 'gw-2', 'x', 'host') });
const world = fc.record({
  series: fc.array(fc.tuple(fc.constantFrom('m', 'n_total', 'up'), pairs(4)), { minLength: 1, maxLength: 8 }),
  rules: fc.array(rule, { maxLength: 3 }),
  tenant: pairs(2),
  reserved: fc.subarray(['tenant_id', 'site', 'device'], { maxLength: 2 }),
  // The first made the table; others have the same labels with other values, or labels of their own.
  devices: fc.array(device, { minLength: 1, maxLength: 4 }),
  values: fc.array(fc.array(value, { minLength: 8, maxLength: 8 }), { maxLength: 3 }),
  limits: fc.record({ labelsPerSeries: fc.constantFrom(4, 64), labelValueBytes: fc.constantFrom(200, 400, 16_384) }),
});

const withValues = (labels: Labels, values: readonly string[]): Labels => labels.map(([key], i): Label => [key, values[i % 8] as string]);

it('a template gives each device what its rows give alone, whoever came before', () => {
  fc.assert(
    fc.property(world, ({ series, rules, tenant, reserved, devices, values, limits }) => {
      const compiled: SeriesRules = {
        identityLabel: 'device',
        externalLabels: tenant,
        reservedLabels: new Set(reserved),
        rules: compileRelabel(rules),
        limits: { ...relayConfig.limits, ...limits },
        hash: seriesHash('test'),
      };
      const first = devices[0] as (typeof devices)[number];
      const rows = uniqueRows(
        series.map(([metric, own]) => residual(sortLabels([...first.target, ...own, [METRIC_NAME, metric]]), first.target)),
      );
      const others = values.map((texts, i) => ({
        target: withValues(first.target, texts),
        external: withValues(first.external, [...texts].reverse()),
        device: `gw-${i}`,
      }));
      const cache = new SeriesCache(10_000_000);
      for (const one of [...devices, ...others, ...devices]) {
        const entry = cache.entry('t', rows, one.target, one.external, { tenant: 'acme', device: one.device }, compiled);
        if (!entry.ok) throw new Error(entry.error);
        const plain = plainEntry(rows, one.target, one.external, one.device, compiled);
        expect(plainly(entry.value)).toEqual(plain);
        plain.rows.forEach((fields, row) => {
          if (typeof fields === 'string') return;
          expect(entry.value.hash(row)).toBe(hashOfSum(sumOfFields(compiled.hash, fields)));
          expect(entry.value.labelLength(row)).toBe(fields.length);
        });
      }
    }),
    { numRuns: 2000 },
  );
});

function uniqueRows(rows: readonly Row[]): readonly Row[] {
  return [...new Map(rows.map((row) => [labelsKey(row), row])).values()];
}

const cell = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 1.5, 17, -0, 1e300, 0.1, Number.NaN) },
  { weight: 1, arbitrary: fc.constant('stale' as const) },
  { weight: 1, arbitrary: fc.constant('absent' as const) },
);
const given = fc.record({
  target: pairs(3),
  start: fc.integer({ min: 0, max: 200 }),
  step: fc.integer({ min: 1, max: SLICE_MS }),
  rows: fc.array(fc.tuple(fc.constantFrom('m', 'n', 'o', 'p'), pairs(2), fc.array(cell, { minLength: 5, maxLength: 5 })), {
    maxLength: 12,
  }),
  scrapes: fc.integer({ min: 1, max: 5 }),
});

/** The same samples, looked at one by one: rows with exemplars are. */
const SLOWLY = new Map([[1_000_000, []]]);

it('rows that are written by what they have in common are the same bytes as rows written one by one', () => {
  fc.assert(
    fc.property(
      fc.array(given, { maxLength: 3 }),
      fc.array(rule, { maxLength: 1 }),
      fc.integer({ min: 1, max: 40 }),
      (targets, rules, maxSamplesPerSend) => {
        const compiled: SeriesRules = {
          identityLabel: 'device',
          externalLabels: [],
          reservedLabels: new Set(),
          rules: compileRelabel(rules),
          limits: relayConfig.limits,
          hash: seriesHash('test'),
        };
        const make = (slowly: boolean): readonly Batch[] =>
          targets.map(({ target, start, step, rows, scrapes }, owner) => {
            const unique = uniqueRows(
              rows.map(([metric, own]) => residual(sortLabels([...target, ...own, [METRIC_NAME, metric]]), target)),
            );
            const cells = createCells(unique.length, scrapes);
            for (let i = 0; i < cells.states.length; i++) {
              const content = rows[Math.floor(i / scrapes)]?.[2][i % scrapes] ?? 'absent';
              if (content === 'stale') setStale(cells, i);
              else if (content === 'absent') cells.states[i] = ABSENT;
              else setValue(cells, i, content);
            }
            const times = Array.from({ length: scrapes }, (_, i) => start + i * step);
            const entry = entryFor(unique, target, [], 'gw-1', compiled);
            return { owner, times, cells, entry, exemplars: slowly ? SLOWLY : new Map() };
          });
        const outcome = (slowly: boolean) => {
          const tally = new Tally();
          const sketch = new Uint8Array(256);
          const made = assemble(make(slowly), [], { maxSamplesPerSend, latestMs: 4 * SLICE_MS, sketch }, tally);
          if (!made.ok) throw new Error(made.error);
          const fragments = made.value.map(({ block, ...rest }) => ({
            ...rest,
            bytes: Buffer.from(snappyUncompress(block, 1_000_000)).toString('hex'),
          }));
          return { fragments, sketch, counts: tally.take() };
        };
        expect(outcome(false)).toEqual(outcome(true));
      },
    ),
    { numRuns: 2000 },
  );
});
