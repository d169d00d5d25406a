import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parserFor } from '../../../agent-lite/scrape/formats.ts';
import type { SeriesRules } from '../../../agent-lite/scrape/scrape-result.ts';
import { NO_LABEL_RULES } from '../../../agent-lite/scrape/series-check.ts';
import { TargetSeries } from '../../../agent-lite/scrape/series-state.ts';
import { ABSENT, STALE, VALUE } from '../../../contract/cells.ts';
import { prometheus } from '../../../contract/generated/remote.js';
import {
  compareText,
  type Label,
  type Labels,
  labelsFromRecord,
  labelsKey,
  labelValue,
  METRIC_NAME,
  sortLabels,
} from '../../../contract/labels.ts';
import { wireLimits } from '../../../contract/limits.ts';
import { compileRelabel, defaultRelabelConfig, type RelabelConfig, relabel } from '../../../contract/relabel.ts';
import { decodeTable } from '../../../contract/series-table.ts';
import { buildEntry } from '../../../functions/ingest/labels.ts';
import { seriesHash } from '../../../functions/ingest/series-hash.ts';
import { naiveRelabel } from '../../contract/naive-relabel.ts';

/**
 * From exposed text to the labels that the receiver gets: the device keeps only residual rows, the edge rebuilds. A second
 * implementation merges as Prometheus' rule is worded, and relabels without any of the shortcuts.
 */
function naiveFinal(exposed: Labels, target: Labels, honorLabels: boolean, rules: readonly RelabelConfig[]): Labels | undefined {
  const labels = new Map(exposed);
  if (honorLabels) {
    for (const [name, value] of target) if (!labels.has(name)) labels.set(name, value);
  } else {
    const conflicts = target.map(([name]): Label => [name, labels.get(name) ?? '']).filter(([, value]) => value !== '');
    for (const [name, value] of target) labels.set(name, value);
    for (const [name, value] of conflicts.sort((a, b) => Buffer.byteLength(a[0]) - Buffer.byteLength(b[0]))) {
      let free = name;
      do free = `exported_${free}`;
      while (labels.get(free));
      labels.set(free, value);
    }
  }
  const final = naiveRelabel(rules, sortLabels(labels));
  return final?.length === 0 ? undefined : final;
}

const RULES: Omit<SeriesRules, 'relabel' | 'honorLabels'> = {
  honorTimestamps: true,
  trackTimestampsStaleness: false,
  sampleLimit: 0,
  ...NO_LABEL_RULES,
};
/** No series has these values of its own, so that adding a label never makes two series one. */
const EXTERNAL = labelsFromRecord({ cluster: 'c', zone: 'from outside' });
const DEVICE = 'gw-1';
const EDGE_RULES = {
  identityLabel: 'device_id',
  hash: seriesHash('test'),
  externalLabels: labelsFromRecord({ cluster: 'of the tenant', region: 'r' }),
  reservedLabels: new Set<string>(),
  rules: compileRelabel([]),
  limits: wireLimits,
};
/** What the edge adds where the device has not set it, and what nobody else may set. */
function naiveAtReceiver(final: Labels): Labels {
  const labels = new Map<string, string>([['cluster', 'c'], ['region', 'r'], ['zone', 'from outside'], ...final]);
  return sortLabels(labels.set('device_id', DEVICE));
}

const name = fc.constantFrom(
  ...['job', 'instance', 'exported_job', 'exported_exported_job', 'exported_instance', 'zone', 'a', 'env', 'cluster', 'ü.x', '__proto__'],
);
const value = fc.constantFrom('', 'x', 'node', 'host:1', '1', 'a"b\\c\nd', 'é', '😀', 'x;y');
const pairs = (maxLength: number): fc.Arbitrary<Labels> => fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength });
const exposed = fc
  .tuple(fc.constantFrom('m', 'n_total', 'up'), pairs(5))
  .map(([metric, labels]): Labels => [[METRIC_NAME, metric], ...labels]);
const source = fc.oneof({ weight: 5, arbitrary: name }, fc.constant(METRIC_NAME));
const rule: fc.Arbitrary<RelabelConfig> = fc.oneof(
  name.map((regex): RelabelConfig => ({ ...defaultRelabelConfig, action: 'labeldrop', regex })),
  fc.constant<RelabelConfig>({ ...defaultRelabelConfig, action: 'labelkeep', regex: '__name__|job|a|exported_.*' }),
  fc.tuple(source, source).map(([from, to]): RelabelConfig => ({ ...defaultRelabelConfig, sourceLabels: [from], targetLabel: to })),
  fc.tuple(name, name).map(
    ([a, b]): RelabelConfig => ({
      ...defaultRelabelConfig,
      sourceLabels: [a, b],
      regex: '(.*);(.+)',
      targetLabel: 'a',
      replacement: '$2/${1}',
    }),
  ),
  name.map((to): RelabelConfig => ({ ...defaultRelabelConfig, targetLabel: to, replacement: '' })),
  source.map((from): RelabelConfig => ({ ...defaultRelabelConfig, action: 'drop', sourceLabels: [from], regex: 'x|up' })),
  name.map((from): RelabelConfig => ({ ...defaultRelabelConfig, action: 'keepequal', sourceLabels: [from], targetLabel: 'job' })),
  name.map((from): RelabelConfig => ({ ...defaultRelabelConfig, action: 'hashmod', sourceLabels: [from], modulus: 3, targetLabel: 'env' })),
  name.map((from): RelabelConfig => ({ ...defaultRelabelConfig, action: 'uppercase', sourceLabels: [from], targetLabel: 'job' })),
  fc.constant<RelabelConfig>({ ...defaultRelabelConfig, action: 'labelmap', regex: 'exported_(.+)', replacement: '$1' }),
);

const quoted = (text: string): string => `"${text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`;
function line(series: Labels, i: number): string {
  const labels = series
    .filter(([key]) => key !== METRIC_NAME)
    .map(([key, text]) => `${/^\w+$/.test(key) ? key : quoted(key)}=${quoted(text)}`);
  return `${labelValue(series, METRIC_NAME)}{${labels.join()}} ${i}\n`;
}

it('residual rows rebuild to the labels that a naive merge gives', async () => {
  const parser = parserFor('text/plain', undefined);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(exposed, { maxLength: 6 }), { maxLength: 3 }),
      pairs(5),
      fc.boolean(),
      fc.array(rule, { maxLength: 3 }),
      async (scrapes, unsorted, honorLabels, configs) => {
        const target = sortLabels(unsorted.filter(([, text]) => text !== ''));
        const compiled = compileRelabel(configs);
        const rules = { ...RULES, honorLabels, relabel: (set: Labels) => relabel(compiled, set) };
        const state = new TargetSeries(target, rules, (bytes) => createHash('sha256').update(bytes).digest());
        let before: string[] = [];
        for (const [number, series] of scrapes.entries()) {
          const finals = series.map((labels) => naiveFinal(labels, target, honorLabels, configs));
          const nameless = finals.some((final) => final !== undefined && !final.some(([key]) => key === METRIC_NAME));
          const expected = new Map<string, number>();
          finals.forEach((final, i) => {
            if (final === undefined || nameless) return;
            const key = labelsKey(naiveAtReceiver(final));
            if (!expected.has(key)) expected.set(key, i);
          });
          const body = new TextEncoder().encode(series.map(line).join(''));
          const { table, cells, error } = await state.ingest(body, () => parser, 1_700_000_000_000 + 1000 * number);
          expect(error !== undefined).toBe(nameless);
          const rows = table === undefined ? [] : decodeTable(table.bytes);
          const entry = buildEntry(rows, target, EXTERNAL, DEVICE, EDGE_RULES);
          const got = new Map<string, number>();
          const stale = new Set<string>();
          rows.forEach((_, i) => {
            const labels = entry.ok ? decodeLabels(entry.value.rows[i]) : undefined;
            if (labels === undefined) return;
            expect(labels).toEqual([...labels].sort((a, b) => compareText(a[0], b[0])));
            if (cells?.states[i] === VALUE) got.set(labelsKey(labels), cells.floats[i] as number);
            else if (cells?.states[i] === STALE) stale.add(labelsKey(labels));
            else expect(cells?.states[i]).toBe(ABSENT);
          });
          expect([...got].sort()).toEqual([...expected].sort());
          expect([...stale].sort()).toEqual(before.filter((key) => !expected.has(key)).sort());
          before = [...expected.keys()];
        }
      },
    ),
    { numRuns: 500 },
  );
});

/** `undefined`: the edge does not forward the row. */
function decodeLabels(fields: Uint8Array | string | undefined): Labels | undefined {
  if (fields === undefined || typeof fields === 'string') return undefined;
  const { labels } = prometheus.RawTimeSeries.decode(fields);
  return (labels ?? []).map((label): Label => [label.name ?? '', label.value ?? '']);
}
