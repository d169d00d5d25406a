import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaultHttp, defaultScrape } from '../../../agent-lite/config/defaults.ts';
import { expandEnvironment } from '../../../agent-lite/config/environment.ts';
import { formatConfigErrors, parseAgentConfig } from '../../../agent-lite/config/parse.ts';
import type { AgentConfig } from '../../../agent-lite/config/types.ts';

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

const inline = (value: string): { kind: 'inline'; value: string } => ({ kind: 'inline', value });
const file = (path: string): { kind: 'file'; path: string } => ({ kind: 'file', path });

describe('parseAgentConfig', () => {
  it('fills in the defaults', () => {
    expect(parse('minimal')).toEqual({
      global: { scrapeIntervalMs: 60_000, scrapeTimeoutMs: 10_000, externalLabels: [] },
      scrapeConfigs: [],
      remoteWrite: [],
      edgePush: {
        url: 'http://127.0.0.1:8787',
        pushIntervalMs: 60_000,
        dropPushDown: true,
        remoteTimeoutMs: 30_000,
        http: { ...defaultHttp, authorization: { type: 'Bearer', credentials: inline('t') }, followRedirects: false },
      },
    });
  });

  it('reads every key', () => {
    const rule = { sourceLabels: [], separator: ';', regex: '(.*)', modulus: 0, targetLabel: '', replacement: '$1', action: 'replace' };
    const [node, inherits, tokens, inlined] = parse('all-keys').scrapeConfigs;
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
      targetLimit: 5,
      labelLimit: 20,
      labelNameLengthLimit: 64,
      labelValueLengthLimit: 128,
      keepDroppedTargets: 3,
      extraScrapeMetrics: false,
      trackTimestampsStaleness: true,
      scrapeProtocols: ['OpenMetricsText1.0.0'],
      fallbackScrapeProtocol: 'PrometheusText0.0.4',
      metricNameValidationScheme: 'utf8',
      metricNameEscapingScheme: 'dots',
      enableCompression: false,
      http: {
        basicAuth: { username: inline('scraper'), password: file('/etc/agent/secrets/password') },
        authorization: undefined,
        oauth2: undefined,
        proxyConnectHeaders: [{ name: 'X-Tunnel', values: [inline('t1')] }],
        tls: {
          ca: file('/etc/ssl/ca.pem'),
          cert: file('/etc/agent/tls/cert.pem'),
          key: file('/etc/agent/tls/key.pem'),
          serverName: 'node.example.com',
          insecureSkipVerify: true,
          minVersion: 'TLSv1.2',
          maxVersion: 'TLSv1.3',
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
          http: { ...defaultHttp, authorization: { type: 'Bearer', credentials: file('/etc/agent/sd-token') }, followRedirects: false },
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
    expect(tokens).toMatchObject({
      metricNameValidationScheme: 'legacy',
      metricNameEscapingScheme: 'underscores',
      http: {
        oauth2: {
          clientId: 'agent',
          clientSecret: file('/etc/agent/secrets/oauth2'),
          scopes: ['read', 'metrics'],
          tokenUrl: 'https://auth.example.com/token',
          endpointParams: [['audience', 'node']],
          client: {
            ...defaultHttp,
            tls: { ...defaultHttp.tls, ca: inline('PEM') },
            proxyUrl: 'http://proxy.example.com:3128',
            followRedirects: false,
          },
        },
      },
    });
    expect(inlined).toMatchObject({
      http: {
        basicAuth: { username: file('/etc/agent/secrets/user'), password: inline('p') },
        tls: { cert: inline('CERT'), key: inline('KEY') },
      },
    });
    expect(inherits).toMatchObject({
      jobName: 'inherits',
      scrapeIntervalMs: 15_000,
      scrapeTimeoutMs: 5000,
      bodySizeLimit: 10_485_760,
      sampleLimit: 5000,
      targetLimit: 50,
      labelLimit: 30,
      labelNameLengthLimit: 100,
      labelValueLengthLimit: 200,
      keepDroppedTargets: 10,
      extraScrapeMetrics: true,
      trackTimestampsStaleness: false,
      scrapeProtocols: ['PrometheusText1.0.0', 'PrometheusText0.0.4'],
      fallbackScrapeProtocol: undefined,
      metricNameValidationScheme: 'legacy',
      metricNameEscapingScheme: 'values',
      metricsPath: '/metrics',
      scheme: 'http',
      http: { ...defaultHttp, authorization: { type: 'Token', credentials: inline('abc') }, proxyFromEnvironment: true },
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
      dropPushDown: false,
      remoteTimeoutMs: 10_000,
      http: {
        ...defaultHttp,
        authorization: { type: 'Bearer', credentials: file('/etc/agent/token') },
        tls: { ...defaultHttp.tls, ca: file('/etc/agent/edge-ca.pem') },
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

  it('takes a limit of 0 for none in global, and for the one of global in a scrape config', () => {
    const jobs = 'scrape_configs: [{ job_name: a, body_size_limit: 0, sample_limit: 0 }, { job_name: b, sample_limit: 5 }]';
    expect(parseText(`global: { body_size_limit: 0, sample_limit: 7 }\n${jobs}\n${edge}`).scrapeConfigs).toMatchObject([
      { sampleLimit: 7, bodySizeLimit: 0 },
      { sampleLimit: 5, bodySizeLimit: 0 },
    ]);
    expect(parseText(`${jobs}\n${edge}`).scrapeConfigs[0]).toMatchObject({ sampleLimit: 0, bodySizeLimit: 16_777_216 });
  });

  it('takes URLs as targets where rules will make addresses of them', () => {
    const rules =
      'relabel_configs: [{ source_labels: [__address__], target_label: __param_target }, { target_label: __address__, replacement: "b:9115" }]';
    const text = `scrape_configs: [{ job_name: a, static_configs: [{ targets: ["https://example.com/"] }], ${rules} }]\n${edge}`;
    expect(parseText(text).scrapeConfigs[0]?.discovery).toMatchObject([{ group: { targets: ['https://example.com/'] } }]);
  });

  it('gives a job without keys the defaults', () => {
    const [job] = parseText(`scrape_configs: [{ job_name: a }]\n${edge}`).scrapeConfigs;
    expect(job).toEqual({ ...defaultScrape, jobName: 'a', scrapeIntervalMs: 60_000, scrapeTimeoutMs: 10_000 });
  });

  const names: [global: string, job: string, validation: string, escaping: string][] = [
    ['', '', 'utf8', 'allow-utf-8'],
    ['metric_name_validation_scheme: legacy', '', 'legacy', 'underscores'],
    ['', 'metric_name_validation_scheme: legacy', 'legacy', 'underscores'],
    ['metric_name_validation_scheme: legacy', 'metric_name_validation_scheme: utf8', 'utf8', 'allow-utf-8'],
    ['metric_name_escaping_scheme: dots', '', 'utf8', 'dots'],
    ['metric_name_escaping_scheme: dots', 'metric_name_validation_scheme: legacy', 'legacy', 'underscores'],
  ];
  it.each(names)('names: global {%s}, job {%s}', (global, job, validation, escaping) => {
    const text = `global: { ${global} }\nscrape_configs: [{ job_name: a, ${job} }]\n${edge}`;
    expect(parseText(text).scrapeConfigs[0]).toMatchObject({
      metricNameValidationScheme: validation,
      metricNameEscapingScheme: escaping,
    });
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
