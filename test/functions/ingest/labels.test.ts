import { describe, expect, it } from 'vitest';
import type { Labels } from '../../../contract/labels.ts';
import { compileRelabel, defaultRelabelConfig, type RelabelConfig } from '../../../contract/relabel.ts';
import { encodeLabelFields } from '../../../contract/remote-write.ts';
import { residual } from '../../../contract/series-table.ts';
import { buildEntry, MAX_ENTRY_BYTES, SeriesCache, type SeriesRules } from '../../../functions/ingest/labels.ts';
import { seriesHash } from '../../../functions/ingest/series-hash.ts';
import { labels } from '../../fakes/pushes.ts';
import { relayConfig } from '../../fakes/relay-config.ts';

const rule = (config: Partial<RelabelConfig>): RelabelConfig => ({ ...defaultRelabelConfig, ...config });
interface Given {
  readonly target?: Labels;
  readonly external?: Labels;
  readonly tenant?: Labels;
  readonly reserved?: readonly string[];
  readonly rules?: readonly RelabelConfig[];
}
const rulesOf = ({ tenant = [], reserved = [], rules = [] }: Given): SeriesRules => ({
  identityLabel: 'device',
  hash: seriesHash('test'),
  externalLabels: tenant,
  reservedLabels: new Set(reserved),
  rules: compileRelabel(rules),
  limits: relayConfig.limits,
});
const target = labels({ instance: 'localhost:9100', job: 'node' });
const entryOf = (given: Given, ...series: readonly Labels[]) => {
  const own = given.target ?? target;
  const rows = series.map((one) => residual(one, own));
  const built = buildEntry(rows, own, given.external ?? [], 'gw-1', rulesOf(given));
  if (!built.ok) throw new Error(built.error);
  return built.value;
};
const up = labels({ __name__: 'up', instance: 'localhost:9100', job: 'node' });

describe('buildEntry', () => {
  const cases: readonly [name: string, given: Given, series: Labels, expected: Record<string, string>][] = [
    ['adds the identity', {}, up, { __name__: 'up', device: 'gw-1', instance: 'localhost:9100', job: 'node' }],
    [
      'keeps a device label that the target made up under another name',
      {},
      labels({ __name__: 'up', device: 'gw-2' }),
      { __name__: 'up', device: 'gw-1', exported_device: 'gw-2' },
    ],
    [
      'finds a free name for it',
      {},
      labels({ __name__: 'up', device: 'sda', exported_device: 'x', exported_exported_device: 'y' }),
      { __name__: 'up', device: 'gw-1', exported_device: 'x', exported_exported_device: 'y', exported_exported_exported_device: 'sda' },
    ],
    ['takes its own name in the data for what it is', {}, labels({ __name__: 'up', device: 'gw-1' }), { __name__: 'up', device: 'gw-1' }],
    [
      'adds external labels where missing, the device before the tenant',
      { external: labels({ job: 'x', site: 'a' }), tenant: labels({ cluster: 'c', site: 'b' }) },
      up,
      { __name__: 'up', cluster: 'c', device: 'gw-1', instance: 'localhost:9100', job: 'node', site: 'a' },
    ],
    [
      'lets rules read the identity',
      { rules: [rule({ sourceLabels: ['device'], targetLabel: 'name', replacement: 'is-$1' })] },
      labels({ __name__: 'up' }),
      { __name__: 'up', device: 'gw-1', name: 'is-gw-1' },
    ],
    [
      'restores the identity that a labelmap took',
      { rules: [rule({ action: 'labelmap', regex: 'tag_(.+)' })] },
      labels({ __name__: 'up', tag_device: 'gw-2' }),
      { __name__: 'up', device: 'gw-1', tag_device: 'gw-2' },
    ],
    [
      'restores the identity that a labeldrop took',
      { rules: [rule({ action: 'labeldrop', regex: 'device|job' })] },
      up,
      { __name__: 'up', device: 'gw-1', instance: 'localhost:9100' },
    ],
    [
      'strips reserved labels, also those of the device itself',
      { reserved: ['tenant_id', 'shadow'], external: labels({ shadow: 'x' }) },
      labels({ __name__: 'up', tenant_id: 'other' }),
      { __name__: 'up', device: 'gw-1' },
    ],
    [
      'gives a reserved label the tenant’s own value only, whatever data and rules do',
      {
        reserved: ['tenant_id'],
        tenant: labels({ tenant_id: 'acme' }),
        rules: [rule({ action: 'labelmap', regex: 'tag_(.+)' })],
      },
      labels({ __name__: 'up', tag_tenant_id: 'other', tenant_id: 'other' }),
      { __name__: 'up', device: 'gw-1', tag_tenant_id: 'other', tenant_id: 'acme' },
    ],
    [
      'keeps the identity even where its name is reserved',
      { reserved: ['device'] },
      labels({ __name__: 'up', device: 'gw-2' }),
      { __name__: 'up', device: 'gw-1' },
    ],
  ];
  it.each(cases)('%s', (_name, given, series, expected) => {
    expect(entryOf({ target: [], ...given, ...(series === up ? { target } : {}) }, series).rows).toEqual([
      encodeLabelFields(labels(expected)),
    ]);
  });

  const dropped: readonly [name: string, given: Given, series: Labels, reason: string][] = [
    [
      'what a rule drops',
      { rules: [rule({ sourceLabels: ['__name__'], regex: 'go_.*', action: 'drop' })] },
      labels({ __name__: 'go_x' }),
      'relabel',
    ],
    ['what has lost its name', { rules: [rule({ action: 'labeldrop', regex: '__name__' })] }, up, 'no_metric_name'],
    [
      'more than 64 labels, identity included',
      {},
      labels({ __name__: 'x', ...Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`l${i}`, 'v'])) }),
      'label_limit',
    ],
    ['a value that a rule made too long', { tenant: labels({ long: 'é'.repeat(8 * 1024 + 1) }) }, up, 'label_limit'],
    [
      'labels too long together',
      {},
      labels({ __name__: 'x', ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`l${i}`, 'v'.repeat(16_000)])) }),
      'label_limit',
    ],
  ];
  it.each(dropped)('drops %s', (_name, given, series, reason) => {
    expect(entryOf({ ...given, target: [] }, series).rows).toEqual([reason]);
  });

  it('lets the first of series made equal by rules win', () => {
    const series = ['a', 'b', 'c'].map((version) => labels({ __name__: 'info', version }));
    const { rows } = entryOf({ target: [], rules: [rule({ action: 'labeldrop', regex: 'version' })] }, ...series);
    expect(rows.map((row) => (typeof row === 'string' ? row : 'kept'))).toEqual([
      'kept',
      'duplicate_after_relabel',
      'duplicate_after_relabel',
    ]);
  });

  it('counts the rows whose identity rules had changed', () => {
    const given: Given = { target: [], rules: [rule({ sourceLabels: ['a'], regex: 'x', targetLabel: 'device', replacement: 'y' })] };
    expect(entryOf(given, labels({ __name__: 'm', a: 'x' }), labels({ __name__: 'm', a: 'z' })).identityRestored).toBe(1);
  });

  it('refuses rows whose labels multiply beyond memory', () => {
    const long = labels({ a: 'x'.repeat(16_000), b: 'x'.repeat(16_000), c: 'x'.repeat(16_000) });
    const rows = Array.from({ length: Math.ceil(MAX_ENTRY_BYTES / 48_000) + 1 }, (_, i) => residual(labels({ __name__: `m${i}` }), []));
    expect(buildEntry(rows, long, [], 'gw-1', rulesOf({}))).toEqual({ ok: false, error: 'too_large' });
  });
});

describe('SeriesCache', () => {
  const rows = [residual(labels({ __name__: 'm' }), [])];
  const identity = { tenant: 'acme', device: 'gw-1' };
  const get = (
    cache: SeriesCache,
    changes: { table?: string; target?: Labels; external?: Labels; device?: string; tenant?: string } = {},
  ) => {
    const { table = 't', target: own = [], external = [], ...who } = changes;
    const result = cache.entry(table, rows, own, external, { ...identity, ...who }, rulesOf({}));
    if (!result.ok) throw new Error(result.error);
    return result.value;
  };

  it('builds an entry once', () => {
    const cache = new SeriesCache(10_000);
    expect(get(cache)).toBe(get(cache));
  });

  it.each([
    ['table', { table: 'u' }],
    ['target', { target: labels({ a: 'b' }) }],
    ['external labels', { external: labels({ a: 'b' }) }],
    ['device', { device: 'gw-2' }],
    ['tenant', { tenant: 'other' }],
  ])('tells entries apart by %s', (_name, changes) => {
    const cache = new SeriesCache(10_000);
    expect(get(cache)).not.toBe(get(cache, changes));
  });

  it('forgets what was used longest ago', () => {
    const cache = new SeriesCache(1_000);
    const first = get(cache);
    for (let i = 0; i < 10; i++) get(cache, { device: `gw-${i + 2}` });
    expect(get(cache)).not.toBe(first);
    expect(get(cache)).toEqual(first);
  });
});
