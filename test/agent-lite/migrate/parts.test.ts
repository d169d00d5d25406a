import { describe, expect, it } from 'vitest';
import { migrate } from '../../../agent-lite/migrate/migrate.ts';
import { parsePath } from '../../../agent-lite/migrate/tree.ts';
import { listFlag, parseFlags, splitWords, urlFlag } from '../../../agent-lite/migrate/vm-flags.ts';
import { migrated, options, refusals } from './run.ts';

const yaml = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('what a source is', () => {
  const cases: [name: string, content: string, is: RegExp][] = [
    ['a prometheus.yml', yaml('remote_write: [{ url: http://a/api/v1/write }]'), /url: http:\/\/a\/api/],
    [
      'the values of a chart',
      yaml('prometheus: { prometheusSpec: { remoteWrite: [{ url: http://a/api/v1/write }] } }'),
      /url: http:\/\/a\/api/,
    ],
    ['only the values of Prometheus', yaml('remoteWrite: [{ url: http://a/api/v1/write }]'), /url: http:\/\/a\/api/],
    ['flags', '-remoteWrite.url=http://a/api/v1/write', /url: http:\/\/a\/api/],
    ['flags in a container', yaml('args:', '  - --remoteWrite.url=http://a/api/v1/write'), /url: http:\/\/a\/api/],
    ['a prometheus.yml without a receiver', yaml('scrape_configs: []'), /url: https:\/\/receive\.example\.com/],
  ];
  it.each(cases)('%s', (_, content, is) => {
    const migration = migrated('source', content);
    expect(refusals(migration)).toBe('');
    expect(migration.relay).toMatch(is);
  });

  const refused: [name: string, content: string | readonly string[], from: 'auto' | 'helm' | 'vmagent', problem: string][] = [
    [
      'no YAML',
      'a: [',
      'auto',
      'source:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a list', '- a', 'auto', 'source: expected a prometheus.yml, Helm values or flags of vmagent, got a list'],
    [
      'no Helm values',
      'scrape_configs: []',
      'helm',
      'source: expected Helm values with remoteWrite, externalLabels or scrape configs, got none',
    ],
    ['flags of something else', ['-a=b'], 'auto', 'expected flags of vmagent, -promscrape.config or -remoteWrite.url, got neither'],
    ['no flags', 'hello', 'vmagent', 'expected flags of vmagent, -promscrape.config or -remoteWrite.url, got neither'],
  ];
  it.each(refused)('not %s', (_, content, from, problem) => {
    const result = migrate({ name: 'source', content }, { ...options, from });
    expect(result.ok ? 'taken' : result.error).toContain(problem);
  });

  it('a file that a flag names and that is not there', () => {
    const read = (path: string): string => {
      throw new Error(`${path}: no such file`);
    };
    const result = migrate({ name: 'command line', content: ['-promscrape.config=a.yml'] }, { ...options, read });
    expect(result).toEqual({ ok: false, error: 'a.yml: no such file' });
  });
});

describe('the receiver', () => {
  const kinds: [url: string, kind: string][] = [
    ['http://a:19291/api/v1/receive', 'thanos'],
    ['http://a/api/v1/push', 'mimir'],
    ['http://vminsert:8480/insert/0/prometheus', 'victoriametrics'],
    ['http://victoria-metrics/api/v1/write', 'victoriametrics'],
    ['http://a:9090/api/v1/write', 'prometheus'],
  ];
  it.each(kinds)('%s looks like %s', (url, kind) => {
    expect(migrated('p.yml', yaml(`remote_write: [{ url: "${url}" }]`)).relay).toContain(`kind: ${kind}\n`);
  });

  it('an address with a secret parameter is kept out of relay.yml', () => {
    const { relay, report } = migrated('p.yml', yaml('remote_write: [{ url: "https://a/api/v1/write?apikey=hidden" }]'));
    expect(relay).toContain('url: https://a/api/v1/write\n');
    expect(relay + report).not.toContain('hidden');
    expect(report).toContain('wrangler secret put RECEIVER_URL');
  });

  it('a tenant that is given counts', () => {
    const { relay } = migrated('p.yml', yaml('remote_write: [{ url: http://a/, headers: { X-Scope-OrgID: acme } }]'), { tenant: 'globex' });
    expect(relay).toContain('tenants:\n  globex:');
  });
});

it('asks the receiver by cluster, or what else there is', () => {
  const report = (labels: string): string =>
    migrated('p.yml', yaml(`global: { external_labels: ${labels} }`), { from: 'prometheus' }).report;
  expect(report('{ site: a, cluster: b }')).toContain('`up{cluster="b"}`');
  expect(report('{ host: $HOSTNAME, site: a }')).toContain('`up{site="a"}`');
  expect(report('{}')).toContain('`up{device="NAME"}`');
});

it('refuses as a whole what cannot be mended', () => {
  const check = (): ReturnType<typeof options.check> => [{ file: 'f', line: 1, path: '', problem: 'no', message: '' }];
  expect(migrate({ name: 'p.yml', content: 'scrape_configs: []' }, { ...options, check })).toEqual({ ok: false, error: 'p.yml: no' });
});

describe('flags of vmagent', () => {
  it('are split as a shell does', () => {
    const text = '# -a=1\nvmagent -a="x \\"y\\"" \\\n  --b=\'c d\' -e \'\' f\n';
    expect(splitWords(text)).toEqual(['vmagent', '-a=x "y"', '--b=c d', '-e', '', 'f']);
  });

  it('have values behind = or a space, or none', () => {
    expect([...parseFlags(['vmagent', '-a=1=2', '--b', 'c', '-d', '-a', 'x'])]).toEqual([
      ['a', ['1=2', 'x']],
      ['b', ['c']],
      ['d', ['true']],
    ]);
  });

  it('hold lists', () => {
    const flags = parseFlags(['-a=x,"y,z"', "-a='1,2',", '-b=one']);
    expect(listFlag(flags, 'a')).toEqual(['x', 'y,z', '1,2', '']);
    expect([0, 1, 3, 4].map((i) => urlFlag(flags, 'a', i))).toEqual(['x', 'y,z', undefined, undefined]);
    expect(urlFlag(flags, 'b', 7)).toBe('one');
  });
});

it('reads the paths of configuration errors', () => {
  expect(parsePath('a.b-c[0]["odd \\"key\\""][12].d')).toEqual(['a', 'b-c', 0, 'odd "key"', 12, 'd']);
});
