import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DnsSdConfig, TargetGroup } from '../../../agent-lite/config/types.ts';
import { completeNames, dnsDiscovery } from '../../../agent-lite/discovery/dns.ts';
import { type DnsRecord, type Question, type Resolver, ResolverError, type SearchPath } from '../../../agent-lite/discovery/resolver.ts';
import { createNodeResolver, parseResolvConf } from '../../../agent-lite/discovery/resolver-node.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { type DnsAnswer, type DnsServer, startDnsServer } from '../../fakes/dns-server.ts';
import { FakeLogger } from '../../fakes/logger.ts';

const config = (more: Partial<DnsSdConfig>): DnsSdConfig => ({
  kind: 'dns',
  names: ['_node._tcp.example.com'],
  type: 'SRV',
  port: 0,
  refreshIntervalMs: 30_000,
  ...more,
});
const ipv6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

describe('with a name server', () => {
  let server: DnsServer;
  beforeEach(async () => {
    server = await startDnsServer();
  });
  afterEach(() => server.close());

  async function find(sd: DnsSdConfig): Promise<{ groups: readonly TargetGroup[]; logger: FakeLogger }> {
    const logger = new FakeLogger();
    const resolver = createNodeResolver({ servers: [server.address], timeoutMs: 50, resolvConf: '/does-not-exist/resolv.conf' });
    const ended = new AbortController();
    let groups: readonly TargetGroup[] = [];
    await dnsDiscovery(sd, { resolver, clock: new ManualClock(), logger, metrics: createRegistry() }).start((found) => {
      groups = found;
    }, ended.signal);
    ended.abort();
    return { groups, logger };
  }

  const kinds: { name: string; sd: DnsSdConfig; answers: Record<string, DnsAnswer>; groups: TargetGroup[] }[] = [
    {
      name: 'SRV records bring their port',
      sd: config({ port: 1 }),
      answers: { 'SRV _node._tcp.example.com': [{ type: 'SRV', target: 'a.example.com', port: 9100 }] },
      groups: [
        {
          targets: ['a.example.com:9100'],
          labels: [
            ['__meta_dns_name', '_node._tcp.example.com'],
            ['__meta_dns_srv_record_port', '9100'],
            ['__meta_dns_srv_record_target', 'a.example.com.'],
          ],
        },
      ],
    },
    {
      name: 'A records, several names in order, behind an alias',
      sd: config({ type: 'A', port: 80, names: ['a.example.com', 'b.example.com.'] }),
      answers: {
        'A b.example.com': [{ type: 'A', address: [10, 0, 0, 3] }],
        'A a.example.com': [
          { type: 'A', address: [10, 0, 0, 1] },
          { type: 'A', address: [10, 0, 0, 2] },
        ],
      },
      groups: [
        { targets: ['10.0.0.1:80'], labels: [['__meta_dns_name', 'a.example.com']] },
        { targets: ['10.0.0.2:80'], labels: [['__meta_dns_name', 'a.example.com']] },
        { targets: ['10.0.0.3:80'], labels: [['__meta_dns_name', 'b.example.com.']] },
      ],
    },
    {
      name: 'AAAA records, in brackets',
      sd: config({ type: 'AAAA', port: 80, names: ['a.example.com'] }),
      answers: { 'AAAA a.example.com': [{ type: 'AAAA', address: ipv6 }] },
      groups: [{ targets: ['[2001:db8::1]:80'], labels: [['__meta_dns_name', 'a.example.com']] }],
    },
    {
      name: 'MX records',
      sd: config({ type: 'MX', port: 25, names: ['example.com'] }),
      answers: { 'MX example.com': [{ type: 'MX', target: 'mail.example.com' }] },
      groups: [
        {
          targets: ['mail.example.com:25'],
          labels: [
            ['__meta_dns_mx_record_target', 'mail.example.com.'],
            ['__meta_dns_name', 'example.com'],
          ],
        },
      ],
    },
    {
      name: 'NS records',
      sd: config({ type: 'NS', port: 53, names: ['example.com'] }),
      answers: { 'NS example.com': [{ type: 'NS', target: 'ns1.example.com' }] },
      groups: [
        {
          targets: ['ns1.example.com:53'],
          labels: [
            ['__meta_dns_name', 'example.com'],
            ['__meta_dns_ns_record_target', 'ns1.example.com.'],
          ],
        },
      ],
    },
    { name: 'no such name', sd: config({}), answers: {}, groups: [] },
    { name: 'a name without such records', sd: config({}), answers: { 'SRV _node._tcp.example.com': [] }, groups: [] },
  ];
  it.each(kinds)('$name', async ({ sd, answers, groups }) => {
    for (const [question, answer] of Object.entries(answers)) server.answers.set(question, answer);
    const found = await find(sd);
    const byTarget = (a: TargetGroup, b: TargetGroup): number => (String(a.targets) < String(b.targets) ? -1 : 1);
    expect([...found.groups].sort(byTarget)).toEqual(groups);
    expect(found.logger.lines).toEqual([]);
  });

  it.each(['servfail', 'silent'] as const)('a server that is %s is no answer', async (answer) => {
    server.answers.set('SRV _node._tcp.example.com', answer);
    const { groups, logger } = await find(config({}));
    expect(groups).toEqual([]);
    expect(logger.text('error')).toMatch(/SRV _node\._tcp\.example\.com: (ESERVFAIL|ETIMEOUT)/);
  });

  it('gives up where the discovery ends', async () => {
    server.answers.set('A a.example.com', 'silent');
    const ended = new AbortController();
    const asked = createNodeResolver({ servers: [server.address], timeoutMs: 60_000 }).resolve(
      { name: 'a.example.com', type: 'A' },
      ended.signal,
    );
    ended.abort();
    await expect(asked).rejects.toThrow('ECANCELLED');
  });
});

/** Answers from a table; a name that is not in it does not exist. */
class FakeResolver implements Resolver {
  readonly answers = new Map<string, readonly DnsRecord[] | 'fails'>();
  readonly questions: string[] = [];
  path: SearchPath = { search: [], ndots: 1 };

  async resolve({ name }: Question): Promise<readonly DnsRecord[]> {
    this.questions.push(name);
    const answer = this.answers.get(name);
    if (answer === undefined) throw new ResolverError(true, `A ${name}: ENOTFOUND`);
    if (answer === 'fails') throw new ResolverError(false, `A ${name}: ESERVFAIL`);
    return answer;
  }
  async searchPath(): Promise<SearchPath> {
    return this.path;
  }
}

async function setup(sd: Partial<DnsSdConfig>, answers: Record<string, readonly DnsRecord[] | 'fails'>, path?: SearchPath) {
  const resolver = new FakeResolver();
  for (const [name, answer] of Object.entries(answers)) resolver.answers.set(name, answer);
  if (path !== undefined) resolver.path = path;
  const clock = new ManualClock();
  const logger = new FakeLogger();
  const metrics = createRegistry();
  const updates: string[][] = [];
  const ended = new AbortController();
  await dnsDiscovery(config({ type: 'A', port: 80, ...sd }), { resolver, clock, logger, metrics }).start(
    (groups) => updates.push(groups.flatMap(({ targets }) => targets)),
    ended.signal,
  );
  return { resolver, clock, logger, metrics, updates, ended };
}
const at = (...targets: string[]): DnsRecord[] => targets.map((target) => ({ target }));

describe('over time', () => {
  it('a name that fails keeps its targets, the others go on', async () => {
    const { resolver, clock, logger, metrics, updates, ended } = await setup(
      { names: ['a', 'b'] },
      { a: at('10.0.0.1'), b: at('10.0.0.2') },
    );
    resolver.answers.set('a', 'fails');
    resolver.answers.set('b', at('10.0.0.3'));
    await clock.advance(30_000);
    expect(updates).toEqual([
      ['10.0.0.1:80', '10.0.0.2:80'],
      ['10.0.0.1:80', '10.0.0.3:80'],
    ]);
    expect(logger.text('error')).toContain('Targets not refreshed, the earlier ones stay {"mechanism":"dns","err":"A a: ESERVFAIL"}');
    expect(metrics.expose('all')).toContain('agent_lite_sd_refresh_failures_total{mechanism="dns"} 1');
    ended.abort();
  });

  it('a name that is gone loses its targets', async () => {
    const { resolver, clock, updates, ended } = await setup({ names: ['a'] }, { a: at('10.0.0.1') });
    resolver.answers.delete('a');
    await clock.advance(30_000);
    expect(updates).toEqual([['10.0.0.1:80'], []]);
    ended.abort();
  });

  it('tells only what differs, and asks no more at its end', async () => {
    const { resolver, clock, updates, ended } = await setup({ names: ['a'] }, { a: at('10.0.0.1') });
    await clock.advance(90_000);
    expect(resolver.questions).toHaveLength(4);
    ended.abort();
    await clock.advance(90_000);
    expect(resolver.questions).toHaveLength(4);
    expect(updates).toHaveLength(1);
  });
});

describe('the search path', () => {
  const path = { search: ['lan', 'example.com'], ndots: 1 };
  const cases: [name: string, path: SearchPath, tried: string[]][] = [
    ['gw', path, ['gw.lan', 'gw.example.com', 'gw']],
    ['gw.site', path, ['gw.site', 'gw.site.lan', 'gw.site.example.com']],
    ['gw.site', { ...path, ndots: 5 }, ['gw.site.lan', 'gw.site.example.com', 'gw.site']],
    ['gw.', path, ['gw.']],
    ['gw', { search: [], ndots: 1 }, ['gw']],
  ];
  it.each(cases)('%s with %j', (name, search, tried) => {
    expect(completeNames(name, search)).toEqual(tried);
  });

  it('the first name that exists answers, also without records', async () => {
    const { updates, resolver } = await setup({ names: ['gw'] }, { 'gw.example.com': [], gw: at('10.0.0.1') }, path);
    expect(updates).toEqual([[]]);
    expect(resolver.questions).toEqual(['gw.lan', 'gw.example.com']);
  });

  it('one that fails does not hide a later one', async () => {
    const { updates, logger } = await setup({ names: ['gw'] }, { 'gw.lan': 'fails', gw: at('10.0.0.1') }, path);
    expect(updates).toEqual([['10.0.0.1:80']]);
    expect(logger.lines).toEqual([]);
  });

  it('a name is not gone as long as one was not answered', async () => {
    const { updates, resolver, clock, ended } = await setup({ names: ['gw'] }, { 'gw.lan': at('10.0.0.1') }, path);
    resolver.answers.set('gw.lan', 'fails');
    await clock.advance(30_000);
    expect(updates).toEqual([['10.0.0.1:80']]);
    ended.abort();
  });

  const files: [text: string, is: SearchPath][] = [
    ['', { search: [], ndots: 1 }],
    ['nameserver 10.0.0.1\nsearch lan. example.com # x\noptions edns0 ndots:5\n', { search: ['lan', 'example.com'], ndots: 5 }],
    ['search a b\ndomain c d\n', { search: ['c'], ndots: 1 }],
    ['search .\noptions ndots:99 ndots:x\n', { search: [], ndots: 15 }],
  ];
  it.each(files)('is read from %j', (text, is) => {
    expect(parseResolvConf(text)).toEqual(is);
  });

  it('is empty without a file', async () => {
    expect(await createNodeResolver({ resolvConf: '/does-not-exist/resolv.conf' }).searchPath()).toEqual({ search: [], ndots: 1 });
  });
});
