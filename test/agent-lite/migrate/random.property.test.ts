import fc from 'fast-check';
import { expect, it } from 'vitest';
import { writeYaml } from '../../../agent-lite/migrate/write-yaml.ts';
import type { YamlNode } from '../../../contract/yaml/document.ts';
import { parseYaml } from '../../../contract/yaml/document.ts';
import { migrated, refusals } from './run.ts';

/** Values as users write them and as they never should. */
const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    'x',
    '15s',
    '0',
    1,
    true,
    [],
    {},
    ['a'],
    { a: 'b' },
    'https://h/x',
    '$HOSTNAME',
    'a\nb',
    '# x',
    ': ',
    '10MB',
  ),
  fc.string({ maxLength: 8 }),
  fc.jsonValue({ maxDepth: 2 }),
);
const url = fc.constantFrom('http://a/api/v1/receive', 'https://u:p@b/api/v1/push?token=x', 'not a url', '', 'http://c:8428/api/v1/write');
const some = (keys: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(
    Object.fromEntries(
      Object.entries(keys).map(([key, value]) => [key, fc.oneof({ weight: 4, arbitrary: value }, { weight: 1, arbitrary: junk })]),
    ),
    {
      requiredKeys: [],
    },
  );
const list = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown[]> => fc.array(item, { maxLength: 3 });

const rule = some({
  source_labels: list(fc.constantFrom('a', '__name__')),
  regex: fc.constantFrom('a.*', '(', '', null),
  target_label: fc.constantFrom('b', '${1}'),
  replacement: fc.constantFrom('$1', 'x', null),
  action: fc.constantFrom('replace', 'Drop', 'keep', 'labeldrop', 'hashmod', 'keep_metrics'),
  if: fc.constant('{a="b"}'),
});
const http = {
  basic_auth: some({ username: fc.constant('u'), password: fc.constant('p'), password_file: fc.constant('f') }),
  bearer_token: fc.constant('t'),
  authorization: some({ credentials: fc.constant('t') }),
  tls_config: some({ ca_file: fc.constant('a'), cert_file: fc.constant('b'), min_version: fc.constant('TLS12') }),
  proxy_url: url,
  oauth2: junk,
};
const job = some({
  job_name: fc.constantFrom('a', 'b', 'c'),
  scrape_interval: fc.constantFrom('15s', '1m', '0s'),
  scrape_timeout: fc.constantFrom('10s', '2m'),
  scrape_protocols: list(fc.constantFrom('PrometheusProto', 'PrometheusText0.0.4', 'None')),
  static_configs: list(some({ targets: list(fc.constantFrom('a:1', 'http://b/', '')), labels: some({ a: fc.constant('b') }) })),
  http_sd_configs: list(some({ url, refresh_interval: fc.constant('1m'), ...http })),
  dns_sd_configs: list(some({ names: list(fc.constant('a.b')), type: fc.constantFrom('A', 'SRV'), port: fc.constant(1) })),
  kubernetes_sd_configs: junk,
  relabel_configs: list(rule),
  metric_relabel_configs: list(rule),
  ...http,
});
const write = some({
  url,
  name: fc.constantFrom('a b', 'x'),
  remote_timeout: fc.constantFrom('30s', '0s'),
  headers: fc.dictionary(
    fc.constantFrom('THANOS-TENANT', 'x-scope-orgid', 'X-A', 'Authorization', 'Host', 'bad name', 'X-Token'),
    fc.constantFrom('v', '', 'a/b', 'é'),
  ),
  send_exemplars: fc.boolean(),
  metadata_config: some({ send: fc.boolean(), send_interval: fc.constant('1m') }),
  queue_config: some({
    max_samples_per_send: fc.constantFrom(1, 0, 100_000),
    min_backoff: fc.constantFrom('30ms', '1m'),
    max_backoff: fc.constantFrom('5s', '1ms'),
    capacity: fc.constant(1),
  }),
  write_relabel_configs: list(rule),
  ...http,
});
const config = some({
  global: some({
    scrape_interval: fc.constantFrom('15s', 'x'),
    scrape_timeout: fc.constantFrom('10s', '1h'),
    external_labels: fc.dictionary(
      fc.constantFrom('cluster', 'device', 'replica', 'a b', ''),
      fc.constantFrom('x', '$HOSTNAME', '5$$', ''),
    ),
    evaluation_interval: fc.constant('1m'),
  }),
  scrape_configs: list(job),
  remote_write: list(write),
  rule_files: junk,
  alerting: junk,
  storage: junk,
  unknown: junk,
  edge_push: junk,
});

it('whatever the source says, both readers take what is written, and no secret reaches relay.yml', () => {
  fc.assert(
    fc.property(config, (source) => {
      const migration = migrated('prometheus.yml', JSON.stringify(source), { from: 'prometheus' });
      expect(refusals(migration)).toBe('');
      expect(migration.relay).not.toMatch(/u:p@|token=x/);
    }),
    { numRuns: 300 },
  );
}, 60_000);

const node: fc.Arbitrary<YamlNode> = fc.letrec<{ node: YamlNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      kind: fc.constant('text' as const),
      text: fc.oneof(fc.string(), fc.constantFrom('', 'a: b', '- a', 'null', '~', 'a #b', '\n', '%a', '<<', 'é')),
      plain: fc.boolean(),
      line: fc.constant(1),
      size: fc.constant(1),
    }),
    fc.record({
      kind: fc.constant('list' as const),
      items: fc.array(tie('node'), { maxLength: 4 }),
      line: fc.constant(1),
      size: fc.constant(1),
    }),
    fc.record({
      kind: fc.constant('map' as const),
      entries: fc
        .dictionary(fc.string(), tie('node'), { maxKeys: 4 })
        .map((map) => new Map(Object.entries(map).map(([key, value]) => [key, { line: 1, value }]))),
      line: fc.constant(1),
      size: fc.constant(1),
    }),
  ),
})).node;

/** Without what is lost on purpose: lines, and quotes of texts that mean the same without them. */
function meaning(tree: YamlNode): unknown {
  if (tree.kind === 'list') return tree.items.map(meaning);
  if (tree.kind === 'map') return [...tree.entries].map(([key, { value }]) => [key, meaning(value)]);
  return tree.plain && ['', '~', 'null', 'Null', 'NULL'].includes(tree.text) ? null : tree.text;
}

it('a tree that is written is read as the same tree', () => {
  fc.assert(
    fc.property(node, (tree) => {
      const errors: { message: string }[] = [];
      const back = parseYaml(writeYaml(tree), 'f', errors as never);
      expect(errors).toEqual([]);
      expect(back === undefined ? undefined : meaning(back)).toEqual(meaning(tree));
    }),
    { numRuns: 500 },
  );
});
