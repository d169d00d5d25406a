import { describe, expect, it } from 'vitest';
import type { Labels } from '../../../contract/labels.ts';
import { compileRelabel, defaultRelabelConfig, type RelabelConfig } from '../../../contract/relabel.ts';
import { residual } from '../../../contract/series-table.ts';
import type { SeriesRules } from '../../../functions/ingest/labels.ts';
import { SeriesCache } from '../../../functions/ingest/series-cache.ts';
import { seriesHash } from '../../../functions/ingest/series-hash.ts';
import { labels } from '../../fakes/pushes.ts';
import { relayConfig } from '../../fakes/relay-config.ts';

const rules = (configs: readonly Partial<RelabelConfig>[] = []): SeriesRules => ({
  identityLabel: 'device',
  hash: seriesHash('test'),
  externalLabels: [],
  reservedLabels: new Set(),
  rules: compileRelabel(configs.map((config) => ({ ...defaultRelabelConfig, ...config }))),
  limits: relayConfig.limits,
});
const rows = [residual(labels({ __name__: 'm' }), []), residual(labels({ __name__: 'n', a: 'b' }), [])];

interface Asked {
  readonly table?: string;
  readonly target?: Labels;
  readonly external?: Labels;
  readonly device?: string;
  readonly tenant?: string;
}
const none = rules();
function get(cache: SeriesCache, asked: Asked = {}, by: SeriesRules = none) {
  const { table = 't', target = labels({ instance: 'x' }), external = [], device = 'gw-1', tenant = 'acme' } = asked;
  const result = cache.entry(table, rows, target, external, { tenant, device }, by);
  if (!result.ok) throw new Error(result.error);
  return result.value.template;
}

describe('SeriesCache', () => {
  it.each<[string, Asked]>([
    ['another device', { device: 'gw-2' }],
    ['another value of a target label', { target: labels({ instance: 'y' }) }],
  ])('%s has the same template', (_name, asked) => {
    const cache = new SeriesCache(100_000);
    expect(get(cache, asked)).toBe(get(cache));
  });

  it.each<[string, Asked]>([
    ['table', { table: 'u' }],
    ['another target label', { target: labels({ job: 'x' }) }],
    ['external labels', { external: labels({ a: 'b' }) }],
    ['tenant', { tenant: 'other' }],
  ])('tells templates apart by %s', (_name, asked) => {
    const cache = new SeriesCache(100_000);
    expect(get(cache)).not.toBe(get(cache, asked));
  });

  it('has a template for each value that a rule reads, whatever the rest is', () => {
    const cache = new SeriesCache(100_000);
    const read = rules([{ sourceLabels: ['instance'], regex: 'x', targetLabel: 'which' }]);
    const template = get(cache, {}, read);
    expect(get(cache, { device: 'gw-2' }, read)).toBe(template);
    expect(get(cache, { target: labels({ instance: 'y' }) }, read)).not.toBe(template);
  });

  it('shares templates under a labelmap too: it moves values and does not read them', () => {
    const cache = new SeriesCache(100_000);
    const read = rules([{ action: 'labelmap', regex: 'inst(.+)' }]);
    expect(get(cache, { target: labels({ instance: 'y' }), device: 'gw-2' }, read)).toBe(get(cache, {}, read));
  });

  it('comes to an end where it can keep nothing, not even what rules read', () => {
    const cache = new SeriesCache(100);
    const read = rules([
      { action: 'labelmap', regex: 'instance', replacement: 'copy' },
      { sourceLabels: ['copy'], regex: 'x', targetLabel: 'which', replacement: 'is-$0' },
    ]);
    expect(get(cache, {}, read).rows).toBe(2);
    expect(cache.bytes).toBe(0);
  });

  it('holds 2,000 devices with 10 tables of 1000 rows in a third of the memory that is meant for it', () => {
    const cache = new SeriesCache(12 * 1024 * 1024);
    const templates = new Set<unknown>();
    for (let table = 0; table < 10; table++) {
      const many = Array.from({ length: 1000 }, (_, i) =>
        labels({
          __name__: `metric_${i % 50}_total`,
          a: `value-${i % 20}`,
          b: `of-table-${table}`,
          c: `series-${i}`,
          d: `value-${i % 70}`,
        }),
      );
      for (let device = table; device < 2000; device += 10) {
        const target = labels({ instance: `10.0.0.${device}:9100`, job: 'node' });
        const entry = cache.entry(`t${table}`, many, target, [], { tenant: 'acme', device: `gw-${device}` }, none);
        if (entry.ok) templates.add(entry.value.template);
      }
    }
    expect(templates.size).toBe(10);
    expect(cache.bytes).toBeLessThan(4 * 1024 * 1024);
  });

  it('never keeps more than it may, and forgets what was used longest ago', () => {
    const limit = 20_000;
    const cache = new SeriesCache(limit);
    const first = get(cache);
    let most = 0;
    for (let i = 0; i < 100; i++) {
      get(cache, { table: `table-${i}` });
      most = Math.max(most, cache.bytes);
    }
    expect(most).toBeGreaterThan(limit / 2);
    expect(most).toBeLessThanOrEqual(limit + limit / 16);
    expect(get(cache)).not.toBe(first);
  });
});
