import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expandEnvironment } from '../../../agent-lite/config/environment.ts';
import { formatConfigErrors, parseAgentConfig } from '../../../agent-lite/config/parse.ts';
import type { AgentConfig, HttpClientConfig } from '../../../agent-lite/config/types.ts';

const env = { HOST: 'gw-1', EDGE: 'https://edge.example.com' };

function parse(name: string): AgentConfig {
  const text = readFileSync(new URL(`../../fixtures/config/agent/${name}.good.yml`, import.meta.url), 'utf8');
  return parseText(text);
}
function parseText(text: string): AgentConfig {
  const result = parseAgentConfig(text, { file: 'agent.yml', baseDir: '/etc/agent', env });
  if (!result.ok) throw new Error(formatConfigErrors(result.error));
  return result.value;
}

const noTls = { caFile: undefined, certFile: undefined, keyFile: undefined, serverName: undefined, insecureSkipVerify: false };
const plainHttp: HttpClientConfig = {
  basicAuth: undefined,
  authorization: undefined,
  tls: noTls,
  proxyUrl: undefined,
  proxyFromEnvironment: false,
  noProxy: '',
  followRedirects: true,
  headers: [],
};
const inline = (value: string): { kind: 'inline'; value: string } => ({ kind: 'inline', value });
const file = (path: string): { kind: 'file'; path: string } => ({ kind: 'file', path });

describe('parseAgentConfig', () => {
  it('fills in the defaults', () => {
    expect(parse('minimal')).toEqual({
      global: { scrapeIntervalMs: 60_000, scrapeTimeoutMs: 10_000, externalLabels: [] },
      scrapeConfigs: [],
      edgePush: {
        url: 'http://127.0.0.1:8787',
        pushIntervalMs: 60_000,
        remoteTimeoutMs: 30_000,
        http: { ...plainHttp, authorization: { type: 'Bearer', credentials: inline('t') }, followRedirects: false },
      },
    });
  });

  it('reads every key', () => {
    const rule = { sourceLabels: [], separator: ';', regex: '(.*)', modulus: 0, targetLabel: '', replacement: '$1', action: 'replace' };
    const [node, inherits] = parse('all-keys').scrapeConfigs;
    expect(node).toEqual({
      jobName: 'node',
      scrapeIntervalMs: 90_000,
      scrapeTimeoutMs: 20_000,
      metricsPath: '/probe',
      scheme: 'https',
      params: { module: ['http_2xx', 'tcp'], debug: [] },
      honorLabels: true,
      honorTimestamps: false,
      bodySizeLimit: 524_288,
      sampleLimit: 100,
      enableCompression: false,
      http: {
        basicAuth: { username: 'scraper', password: file('/etc/agent/secrets/password') },
        authorization: undefined,
        tls: {
          caFile: '/etc/ssl/ca.pem',
          certFile: '/etc/agent/tls/cert.pem',
          keyFile: '/etc/agent/tls/key.pem',
          serverName: 'node.example.com',
          insecureSkipVerify: true,
        },
        proxyUrl: 'http://user:secret@proxy.example.com:3128',
        proxyFromEnvironment: false,
        noProxy: '10.0.0.0/8,.internal',
        followRedirects: false,
        headers: [
          { name: 'X-Site', values: [inline('north')] },
          { name: 'X-Key', values: [inline('s3cret'), file('/etc/agent/secrets/key')] },
        ],
      },
      discovery: [
        { kind: 'static', group: { targets: ['127.0.0.1:9100', '[::1]:9100'], labels: [['site', 'north']] } },
        { kind: 'static', group: { targets: [], labels: [] } },
        { kind: 'file', files: ['/etc/agent/targets/*.json', '/etc/targets.yml'], refreshIntervalMs: 30_000 },
        {
          kind: 'http',
          url: 'https://sd.example.com/targets?site=north',
          refreshIntervalMs: 120_000,
          http: { ...plainHttp, authorization: { type: 'Bearer', credentials: file('/etc/agent/sd-token') }, followRedirects: false },
        },
        { kind: 'dns', names: ['_node._tcp.example.com', 'db.example.com.'], type: 'AAAA', port: 9100, refreshIntervalMs: 10_000 },
        { kind: 'dns', names: ['_node._tcp.example.com'], type: 'SRV', port: 0, refreshIntervalMs: 30_000 },
      ],
      relabelConfigs: [
        { ...rule, sourceLabels: ['__address__', 'site'], separator: '@', regex: '(.*)@(.*)', targetLabel: 'instance' },
        { ...rule, sourceLabels: ['__address__'], modulus: 4, targetLabel: '__tmp_hash', action: 'hashmod' },
      ],
      metricRelabelConfigs: [{ ...rule, regex: 'debug_.*', action: 'labeldrop' }],
    });
    expect(inherits).toMatchObject({
      jobName: 'inherits',
      scrapeIntervalMs: 15_000,
      scrapeTimeoutMs: 5000,
      bodySizeLimit: 10_485_760,
      sampleLimit: 5000,
      metricsPath: '/metrics',
      scheme: 'http',
      http: { ...plainHttp, authorization: { type: 'Token', credentials: inline('abc') }, proxyFromEnvironment: true },
    });
  });

  it('reads the blocks around the scrape configs', () => {
    const { global, edgePush } = parse('all-keys');
    expect(global).toEqual({
      scrapeIntervalMs: 15_000,
      scrapeTimeoutMs: 5000,
      externalLabels: [
        ['cluster', 'cluster-02'],
        ['host', 'gw-1'],
        ['price', '5$'],
      ],
    });
    expect(edgePush).toEqual({
      url: 'https://edge.example.com/base',
      pushIntervalMs: 30_000,
      remoteTimeoutMs: 10_000,
      http: {
        ...plainHttp,
        authorization: { type: 'Bearer', credentials: file('/etc/agent/token') },
        tls: { ...noTls, caFile: '/etc/agent/edge-ca.pem' },
        proxyFromEnvironment: true,
        headers: [{ name: 'CF-Access-Client-Id', values: [file('/etc/agent/access-id')] }],
      },
    });
  });

  it('merges maps', () => {
    expect(parse('merge-keys').scrapeConfigs).toMatchObject([
      { jobName: 'a', scrapeIntervalMs: 5000 },
      { jobName: 'b', scrapeIntervalMs: 5000, discovery: [{ group: { targets: ['a:1'] } }] },
    ]);
  });

  const edge = 'edge_push: { url: "http://e", authorization: { credentials: t } }\n';
  const limits: { name: string; text: string; timeoutMs: number }[] = [
    { name: 'a short interval cuts the default timeout', text: 'scrape_configs: [{ job_name: a, scrape_interval: 5s }]', timeoutMs: 5000 },
    {
      name: 'a short interval cuts the global timeout',
      text: 'global: { scrape_timeout: 30s }\nscrape_configs: [{ job_name: a, scrape_interval: 20s }]',
      timeoutMs: 20_000,
    },
    {
      name: 'a long interval does not raise the timeout',
      text: 'global: { scrape_interval: 5s }\nscrape_configs: [{ job_name: a, scrape_interval: 1m }]',
      timeoutMs: 5000,
    },
    {
      name: 'a given timeout counts',
      text: 'global: { scrape_interval: 5s }\nscrape_configs: [{ job_name: a, scrape_interval: 1m, scrape_timeout: 40s }]',
      timeoutMs: 40_000,
    },
  ];
  it.each(limits)('$name', ({ text, timeoutMs }) => {
    expect(parseText(`${text}\n${edge}`).scrapeConfigs[0]?.scrapeTimeoutMs).toBe(timeoutMs);
  });

  it('takes a sample_limit of 0 for the most that can be pushed, and a body_size_limit of 0 for none', () => {
    const text = `global: { sample_limit: 0 }\nscrape_configs: [{ job_name: a, body_size_limit: 0 }, { job_name: b }]\n${edge}`;
    expect(parseText(text).scrapeConfigs).toMatchObject([
      { sampleLimit: 100_000, bodySizeLimit: 0 },
      { sampleLimit: 100_000, bodySizeLimit: 16_777_216 },
    ]);
  });

  it('takes a block without content for one that is not there', () => {
    expect(parseText(`global:\nscrape_configs:\n${edge}`)).toEqual(parseText(edge));
  });
});

describe('expandEnvironment', () => {
  const cases: [text: string, expanded: string][] = [
    ['plain', 'plain'],
    ['${A}b', '1b'],
    ['$A-$B', '1-'],
    ['$A_', 'underscore'],
    ['$$A', '$A'],
    ['5$', '5$'],
    ['$ A', '$ A'],
  ];
  it.each(cases)('%s', (text, value) => {
    expect(expandEnvironment(text, { A: '1', B: '', A_: 'underscore' })).toEqual({ ok: true, value });
  });
  it.each([['$NONE'], ['${NONE}'], ['${constructor}'], ['${}']])('refuses %s', (text) => {
    const error = `environment variable ${text} is not set (a dollar sign itself is written $$)`;
    expect(expandEnvironment(text, { A: '1' })).toEqual({ ok: false, error });
  });
});
