import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatConfigErrors, parseAgentConfig } from '../../../agent-lite/config/parse.ts';
import * as unsupported from '../../../agent-lite/config/unsupported.ts';

const folder = new URL('../../fixtures/config/agent/', import.meta.url);

/** By fixture: what is said about it, in the order of lines, without the file's name. */
const refusals: Readonly<Record<string, readonly string[]>> = {
  'unsupported-edge-push': [
    '4: edge_push.basic_auth: not supported: the edge takes bearer tokens; use authorization',
    '5: edge_push.headers: not supported: use http_headers',
    '6: edge_push.write_relabel_configs: not supported: these rules run at the edge, in its relay.yml',
    '7: edge_push.queue_config: not supported: the log is the queue; set push_interval, and its size with --storage.agent.retention.size',
    '8: edge_push.name: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '9: edge_push.protobuf_message: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '10: edge_push.send_exemplars: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '11: edge_push.send_native_histograms: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '12: edge_push.metadata_config: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '13: edge_push.sigv4: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '14: edge_push.azuread: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '15: edge_push.google_iam: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '16: edge_push.round_robin_dns: not supported: edge_push speaks its own protocol, not remote write; remove this key',
    '17: edge_push.oauth2: not supported: the edge takes tokens of its own; use authorization',
    '18: edge_push.bearer_token: not supported: use authorization with credentials',
    '19: edge_push.bearer_token_file: not supported: use authorization with credentials_file',
  ],
  'unsupported-global': [
    '2: global.query_log_file: not supported: an agent answers no queries; remove this key',
    '3: global.scrape_failure_log_file: not supported: failed scrapes are told in the log of the agent and on its status page; remove this key',
    '4: global.fallback_scrape_protocol: not supported here: set it in each of the scrape_configs that need it',
    '5: global.scrape_native_histograms: not supported yet: native histograms are not scraped; remove this key',
    '6: global.convert_classic_histograms_to_nhcb: not supported yet: native histograms are not scraped; remove this key',
    '7: global.always_scrape_classic_histograms: not supported yet: native histograms are not scraped; remove this key',
    '8: global.scrape_classic_histograms: not supported: Prometheus 3 calls it always_scrape_classic_histograms; remove this key',
    '9: global.native_histogram_bucket_limit: not supported yet: native histograms are not scraped; remove this key',
    '10: global.native_histogram_min_bucket_factor: not supported yet: native histograms are not scraped; remove this key',
    '11: global.scrape_protocols[0]: PrometheusProto is not supported yet; leave it out, or name a text format',
  ],
  'unsupported-scrape': [
    '3: scrape_configs[0].scrape_protocols[0]: PrometheusProto is not supported yet; leave it out, or name a text format',
    '4: scrape_configs[0].fallback_scrape_protocol: PrometheusProto is not supported yet; leave it out, or name a text format',
    '5: scrape_configs[0].scrape_classic_histograms: not supported: Prometheus 3 calls it always_scrape_classic_histograms; remove this key',
    '6: scrape_configs[0].native_histogram_bucket_limit: not supported yet: native histograms are not scraped; remove this key',
    '7: scrape_configs[0].native_histogram_min_bucket_factor: not supported yet: native histograms are not scraped; remove this key',
    '8: scrape_configs[0].scrape_failure_log_file: not supported: failed scrapes are told in the log of the agent and on its status page; remove this key',
    '9: scrape_configs[0].scrape_native_histograms: not supported yet: native histograms are not scraped; remove this key',
    '10: scrape_configs[0].convert_classic_histograms_to_nhcb: not supported yet: native histograms are not scraped; remove this key',
    '11: scrape_configs[0].always_scrape_classic_histograms: not supported yet: native histograms are not scraped; remove this key',
    '12: scrape_configs[0].bearer_token: not supported: use authorization with credentials',
    '13: scrape_configs[0].bearer_token_file: not supported: use authorization with credentials_file',
    '14: scrape_configs[0].authorization.credentials_ref: not supported: use credentials_file',
    '15: scrape_configs[0].basic_auth.password_ref: not supported: use password_file',
    '15: scrape_configs[0].basic_auth.username_ref: not supported: use username_file',
    '16: scrape_configs[0].tls_config.ca_ref: not supported: use ca_file, cert_file or key_file',
    '16: scrape_configs[0].tls_config.cert_ref: not supported: use ca_file, cert_file or key_file',
    '16: scrape_configs[0].tls_config.key_ref: not supported: use ca_file, cert_file or key_file',
    '21: scrape_configs[0].oauth2.client_secret_ref: not supported: use client_secret_file',
    '22: scrape_configs[0].oauth2.grant_type: not supported: the grant is client_credentials with a client_secret; remove this key',
    '23: scrape_configs[0].oauth2.client_certificate_key: not supported: the grant is client_credentials with a client_secret; remove this key',
    '24: scrape_configs[0].oauth2.client_certificate_key_file: not supported: the grant is client_credentials with a client_secret; remove this key',
    '25: scrape_configs[0].oauth2.client_certificate_key_ref: not supported: the grant is client_credentials with a client_secret; remove this key',
    '26: scrape_configs[0].oauth2.client_certificate_key_id: not supported: the grant is client_credentials with a client_secret; remove this key',
    '27: scrape_configs[0].oauth2.signature_algorithm: not supported: the grant is client_credentials with a client_secret; remove this key',
    '28: scrape_configs[0].oauth2.iss: not supported: the grant is client_credentials with a client_secret; remove this key',
    '29: scrape_configs[0].oauth2.audience: not supported: the grant is client_credentials with a client_secret; remove this key',
    '30: scrape_configs[0].oauth2.claims: not supported: the grant is client_credentials with a client_secret; remove this key',
  ],
  'unsupported-remote-write': [
    '3: remote_write[0].sigv4: not supported: requests are not signed; use headers, authorization or basic_auth',
    '4: remote_write[0].azuread: not supported: use oauth2 or authorization',
    '5: remote_write[0].google_iam: not supported: use oauth2 or authorization',
    '6: remote_write[0].failed_request_logging: not supported: failed requests are always logged; remove this key',
    '7: remote_write[0].bearer_token: not supported: use authorization with credentials',
    '8: remote_write[0].bearer_token_file: not supported: use authorization with credentials_file',
  ],
  'unsupported-top-level': [
    '1: rule_files: not supported: an agent evaluates no rules; give them to the system that stores the series',
    '2: alerting: not supported: an agent sends no alerts; configure them where the series are stored',
    '3: remote_read: not supported: an agent answers no queries',
    '4: storage: not supported here: the log is set with the flags --storage.agent.*',
    '5: otlp: not supported: the agent receives nothing, it scrapes; remove this key',
    '6: tracing: not supported: the agent sends no traces; remove this key',
    '7: runtime: not supported: it sets the garbage collector of Go; remove this key',
  ],
};

describe('parseAgentConfig refuses', () => {
  it.each(Object.entries(refusals))('%s', (name, messages) => {
    const file = `${name}.bad.yml`;
    const result = parseAgentConfig(readFileSync(new URL(file, folder), 'utf8'), { file, baseDir: '/etc/agent', env: {} });
    const text = result.ok ? 'accepted' : formatConfigErrors(result.error);
    expect(text.split('\n')).toEqual(messages.map((message) => `${file}:${message}`));
  });

  const tables = [
    ['unsupported-top-level', '', unsupported.refusedTopLevelKeys],
    ['unsupported-global', 'global.', unsupported.refusedGlobalKeys],
    ['unsupported-scrape', 'scrape_configs[0].', withoutDiscoveries(unsupported.refusedScrapeKeys)],
    ['unsupported-scrape', 'scrape_configs[0].basic_auth.', unsupported.refusedBasicAuthKeys],
    ['unsupported-scrape', 'scrape_configs[0].tls_config.', unsupported.refusedTlsKeys],
    ['unsupported-scrape', 'scrape_configs[0].authorization.', unsupported.refusedAuthorizationKeys],
    ['unsupported-scrape', 'scrape_configs[0].oauth2.', unsupported.refusedOAuth2Keys],
    ['unsupported-edge-push', 'edge_push.', unsupported.refusedEdgePushKeys],
    ['unsupported-remote-write', 'remote_write[0].', unsupported.refusedRemoteWriteKeys],
  ] as const;
  it.each(tables)('every key named in the table of %s at %j', (name, path, table) => {
    const texts = (refusals[name] ?? []).map((message) => message.replace(/^\d+: /, ''));
    for (const [key, message] of Object.entries(table)) expect(texts).toContain(`${path}${key}: ${message}`);
  });

  it('the discoveries that are not supported', () => {
    const text = readFileSync(new URL('unsupported-discovery.bad.yml', folder), 'utf8');
    const result = parseAgentConfig(text, { file: 'f', baseDir: '/', env: {} });
    const refused = result.ok ? [] : result.error.map(({ path, problem }) => `${path.replace('scrape_configs[0].', '')}: ${problem}`);
    const known = Object.entries(unsupported.refusedScrapeKeys).filter(([key]) => key.endsWith('_sd_configs'));
    expect(refused.sort()).toEqual(known.map(([key, message]) => `${key}: ${message}`).sort());
    expect(known).toHaveLength(29);
  });
});

function withoutDiscoveries(table: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !key.endsWith('_sd_configs')));
}
