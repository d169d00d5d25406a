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
    '17: edge_push.oauth2: not supported yet; use authorization',
    '18: edge_push.enable_http2: not supported: requests are HTTP/1.1; remove this key',
    '19: edge_push.bearer_token: not supported: use authorization with credentials',
    '20: edge_push.bearer_token_file: not supported: use authorization with credentials_file',
    '21: edge_push.proxy_connect_header: not supported yet; remove this key',
  ],
  'unsupported-global': [
    '2: global.evaluation_interval: not supported: an agent evaluates no rules; remove this key',
    '3: global.rule_query_offset: not supported: an agent evaluates no rules; remove this key',
    '4: global.query_log_file: not supported: an agent answers no queries; remove this key',
    '5: global.scrape_failure_log_file: not supported yet; remove this key',
    '6: global.label_limit: not supported yet; remove this key',
    '7: global.label_name_length_limit: not supported yet; remove this key',
    '8: global.label_value_length_limit: not supported yet; remove this key',
    '9: global.target_limit: not supported yet; remove this key',
    '10: global.keep_dropped_targets: not supported yet; remove this key',
    '11: global.metric_name_validation_scheme: not supported yet: names may be any UTF-8 text; remove this key',
    '12: global.metric_name_escaping_scheme: not supported yet: names may be any UTF-8 text; remove this key',
    '13: global.scrape_native_histograms: not supported yet: native histograms are not scraped; remove this key',
    '14: global.convert_classic_histograms_to_nhcb: not supported yet: native histograms are not scraped; remove this key',
    '15: global.always_scrape_classic_histograms: not supported yet: native histograms are not scraped; remove this key',
    '16: global.extra_scrape_metrics: not supported yet; remove this key',
    '17: global.scrape_protocols: not supported yet: the text format 0.0.4 is what is asked for and read; remove this key',
    '18: global.fallback_scrape_protocol: not supported yet: the text format 0.0.4 is what is asked for and read; remove this key',
    '19: global.scrape_classic_histograms: not supported yet: native histograms are not scraped; remove this key',
    '20: global.native_histogram_bucket_limit: not supported yet: native histograms are not scraped; remove this key',
    '21: global.native_histogram_min_bucket_factor: not supported yet: native histograms are not scraped; remove this key',
    '22: global.runtime: not supported yet; remove this key',
  ],
  'unsupported-scrape': [
    '3: scrape_configs[0].track_timestamps_staleness: not supported yet; remove this key',
    '4: scrape_configs[0].scrape_protocols: not supported yet: the text format 0.0.4 is what is asked for and read; remove this key',
    '5: scrape_configs[0].fallback_scrape_protocol: not supported yet: the text format 0.0.4 is what is asked for and read; remove this key',
    '6: scrape_configs[0].scrape_classic_histograms: not supported yet: native histograms are not scraped; remove this key',
    '7: scrape_configs[0].native_histogram_bucket_limit: not supported yet: native histograms are not scraped; remove this key',
    '8: scrape_configs[0].native_histogram_min_bucket_factor: not supported yet: native histograms are not scraped; remove this key',
    '9: scrape_configs[0].label_limit: not supported yet; remove this key',
    '10: scrape_configs[0].label_name_length_limit: not supported yet; remove this key',
    '11: scrape_configs[0].label_value_length_limit: not supported yet; remove this key',
    '12: scrape_configs[0].target_limit: not supported yet; remove this key',
    '13: scrape_configs[0].keep_dropped_targets: not supported yet; remove this key',
    '14: scrape_configs[0].extra_scrape_metrics: not supported yet; remove this key',
    '15: scrape_configs[0].scrape_failure_log_file: not supported yet; remove this key',
    '16: scrape_configs[0].scrape_native_histograms: not supported yet: native histograms are not scraped; remove this key',
    '17: scrape_configs[0].convert_classic_histograms_to_nhcb: not supported yet: native histograms are not scraped; remove this key',
    '18: scrape_configs[0].always_scrape_classic_histograms: not supported yet: native histograms are not scraped; remove this key',
    '19: scrape_configs[0].metric_name_validation_scheme: not supported yet: names may be any UTF-8 text; remove this key',
    '20: scrape_configs[0].metric_name_escaping_scheme: not supported yet: names may be any UTF-8 text; remove this key',
    '21: scrape_configs[0].oauth2: not supported yet; use authorization',
    '22: scrape_configs[0].enable_http2: not supported: requests are HTTP/1.1; remove this key',
    '23: scrape_configs[0].bearer_token: not supported: use authorization with credentials',
    '24: scrape_configs[0].bearer_token_file: not supported: use authorization with credentials_file',
    '25: scrape_configs[0].proxy_connect_header: not supported yet; remove this key',
    '26: scrape_configs[0].basic_auth.username_file: not supported yet: use username',
    '26: scrape_configs[0].basic_auth.password_ref: not supported: use password_file',
    '26: scrape_configs[0].basic_auth.username_ref: not supported: use password_file',
    '27: scrape_configs[0].tls_config.ca: not supported: put it in a file and use ca_file, cert_file or key_file',
    '27: scrape_configs[0].tls_config.cert: not supported: put it in a file and use ca_file, cert_file or key_file',
    '27: scrape_configs[0].tls_config.key: not supported: put it in a file and use ca_file, cert_file or key_file',
    '27: scrape_configs[0].tls_config.ca_ref: not supported: use ca_file, cert_file or key_file',
    '27: scrape_configs[0].tls_config.cert_ref: not supported: use ca_file, cert_file or key_file',
    '27: scrape_configs[0].tls_config.key_ref: not supported: use ca_file, cert_file or key_file',
    '27: scrape_configs[0].tls_config.min_version: not supported yet: TLS 1.2 and 1.3 are spoken; remove this key',
    '27: scrape_configs[0].tls_config.max_version: not supported yet: TLS 1.2 and 1.3 are spoken; remove this key',
  ],
  'unsupported-top-level': [
    '1: rule_files: not supported: an agent evaluates no rules; give them to the system that stores the series',
    '2: alerting: not supported: an agent sends no alerts; configure them where the series are stored',
    '3: remote_read: not supported: an agent answers no queries',
    '4: remote_write: not supported yet: this version sends through edge_push',
    '5: storage: not supported here: the log is set with the flags --storage.agent.*',
    '6: scrape_config_files: not supported yet: list the scrape configs in scrape_configs',
    '7: otlp: not supported yet; remove this key',
    '8: tracing: not supported yet; remove this key',
    '9: runtime: not supported yet; remove this key',
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
    ['unsupported-edge-push', 'edge_push.', unsupported.refusedEdgePushKeys],
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
