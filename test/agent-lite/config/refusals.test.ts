import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatConfigErrors, parseAgentConfig } from '../../../agent-lite/config/parse.ts';

const folder = new URL('../../fixtures/config/agent/', import.meta.url);

/** By fixture: what is said about it, in the order of lines, without the file's name. */
const refusals: Readonly<Record<string, readonly string[]>> = {
  'dns-sd': [
    '4: scrape_configs[0].dns_sd_configs[0].names: is required, but missing',
    '5: scrape_configs[0].dns_sd_configs[1].names: expected at least one name, got none',
    '7: scrape_configs[0].dns_sd_configs[2].type: expected one of SRV, A, AAAA, MX, NS, got "TXT"',
    '8: scrape_configs[0].dns_sd_configs[3].port: expected a port, which A records do not tell, got none',
    '12: scrape_configs[0].dns_sd_configs[4].port: expected a whole number of 0 to 65535, got "70000"',
    '13: scrape_configs[0].dns_sd_configs[5].names[0]: expected a string that is not empty, got nothing',
    '13: scrape_configs[0].dns_sd_configs[5].names[1]: expected a name such as _node._tcp.example.com, got "a..example.com"',
    '13: scrape_configs[0].dns_sd_configs[5].names[2]: expected a name such as _node._tcp.example.com, got "two words"',
    '14: scrape_configs[0].dns_sd_configs[6].name: unknown key (did you mean names?)',
    '16: scrape_configs[0].dns_sd_configs[6].refresh_interval: expected a duration such as 30s or 1h30m, got "never"',
  ],
  'http-sd': [
    '4: scrape_configs[0].http_sd_configs[0].url: is required, but missing',
    '5: scrape_configs[0].http_sd_configs[1].url: expected an address without user and password; use basic_auth',
    '6: scrape_configs[0].http_sd_configs[2].url: expected an address such as https://sd.example.com/targets, got something else',
    '7: scrape_configs[0].http_sd_configs[3].url: expected an address such as https://sd.example.com/targets, got something else',
    '9: scrape_configs[0].http_sd_configs[4].refresh_interval: expected a duration of at least 1ms, got "0s"',
    '11: scrape_configs[0].http_sd_configs[5].refresh_intervall: unknown key (did you mean refresh_interval?)',
    '12: scrape_configs[0].http_sd_configs[5].basic_auth.password_file: expected one of password and password_file, got both',
    '14: scrape_configs[1].http_sd_configs: expected a list, got "https://sd.example.com/"',
  ],
  authorization: [
    '3: scrape_configs[0].authorization.credentials_file: expected one of credentials and credentials_file, got both',
    '5: scrape_configs[1].authorization: expected credentials or credentials_file, got neither',
    '7: scrape_configs[2].authorization.type: expected a type other than basic; use basic_auth instead',
    '10: scrape_configs[3].basic_auth: expected one of basic_auth and authorization, got both',
    '15: scrape_configs[4].basic_auth.password_file: expected one of password and password_file, got both',
    '17: scrape_configs[5].authorization.credentials: expected text without control characters, got some',
  ],
  'broken-yaml': ['3: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  'edge-push-empty': ['1: edge_push.url: is required, but missing', '1: edge_push.authorization: is required, but missing'],
  'edge-push-missing': ['1: edge_push: expected edge_push or remote_write, got neither: samples would go nowhere'],
  'edge-push-url-not-a-url': ['2: edge_push.url: expected an address such as https://edge.example.com, got "edge.example.com"'],
  'edge-push-url-password': ['2: edge_push.url: expected an address without user and password; use authorization'],
  'edge-push-url-query': ['2: edge_push.url: expected an address without ? and #, since paths are added to it, got "https://edge/?a=b"'],
  'edge-push-url-scheme': ['2: edge_push.url: expected an address such as https://edge.example.com, got "ftp://edge"'],
  'edge-push-url-variable': ['2: edge_push.url: environment variable ${EDGE_UNSET} is not set (a dollar sign itself is written $$)'],
  empty: ['1: expected a map, got nothing'],
  'file-sd-pattern': [
    '4: scrape_configs[0].file_sd_configs[0].files[0]: expected a path that ends in .json, .yml or .yaml and has * only in its last element, got "targets.txt"',
    '4: scrape_configs[0].file_sd_configs[0].files[1]: expected a path that ends in .json, .yml or .yaml and has * only in its last element, got "*/a.json"',
    '5: scrape_configs[0].file_sd_configs[1].refresh_interval: expected a duration of at least 1ms, got "0s"',
    '7: scrape_configs[0].file_sd_configs[2].files: is required, but missing',
  ],
  'http-headers': [
    '4: scrape_configs[0].http_headers["X A"]: expected the name of an HTTP header',
    '7: scrape_configs[1].http_headers.Authorization: this header is set by the agent or by a key of its own; remove it here',
    '10: scrape_configs[2].http_headers.X-A.values[0]: expected text without control characters, got some',
  ],
  'interval-too-long': ['2: global.scrape_interval: expected a duration of at most 24d, got "30d"'],
  'job-name-missing': [
    '2: scrape_configs[0].job_name: is required, but missing',
    '3: scrape_configs[1].job_name: is required, but missing',
  ],
  'job-name-twice': ['4: scrape_configs[2].job_name: expected a name that no other scrape config has, got "a", which line 2 has'],
  'job-timeout-over-interval': [
    '6: scrape_configs[0].scrape_timeout: expected at most the scrape_interval, 5s, got 20s',
    '8: scrape_configs[1].scrape_timeout: expected at most the scrape_interval, 30s, got 31s',
  ],
  'label-names': [
    '3: global.external_labels[""]: expected a label name, got ""',
    '8: scrape_configs[0].static_configs[0].labels[""]: expected a label name, got ""',
  ],
  'not-a-map': ['1: expected a map, got a list'],
  proxy: [
    '3: scrape_configs[0].proxy_url: expected an address such as http://proxy.example:3128, got something else',
    '6: scrape_configs[1].proxy_from_environment: expected one of proxy_url and proxy_from_environment, got both',
    '9: scrape_configs[2].no_proxy: expected a proxy_url with it, got none (with proxy_from_environment set NO_PROXY there)',
    '11: scrape_configs[3].proxy_connect_header: expected a proxy_url or proxy_from_environment with it, got neither',
    '14: scrape_configs[4].proxy_connect_header["X A"]: expected the name of an HTTP header',
  ],
  'relabel-rules': [
    '4: scrape_configs[0].relabel_configs[0].action: expected one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase, got "replaced"',
    '5: scrape_configs[0].relabel_configs[1].regex: expected a regular expression in RE2 syntax, got "(": missing closing ): `(`',
    '7: scrape_configs[0].relabel_configs[2].target_label: action replace needs a label name here, got ""',
    '8: scrape_configs[0].relabel_configs[3].modulus: action hashmod needs an integer of 1 or more here, got 0',
    '13: scrape_configs[0].relabel_configs[4].regex: action keepequal takes only source_labels and target_label; remove this key',
    '16: scrape_configs[0].metric_relabel_configs[0].source_labels: action labeldrop takes only regex; remove this key',
    '19: scrape_configs[0].metric_relabel_configs[1].replacement: action lowercase takes no replacement; remove this key',
    '22: scrape_configs[0].metric_relabel_configs[2].modulus: expected a whole number of 0 or more, got "-1"',
  ],
  'remote-write': [
    '2: remote_write[0].url: is required, but missing',
    '3: remote_write[1].url: expected an address such as https://thanos.example.com/api/v1/receive, got something else',
    '4: remote_write[2].url: expected an address without user and password; use basic_auth',
    '6: remote_write[3].headers.Authorization: this header is set by authorization or basic_auth; use one of them',
    '8: remote_write[4].headers.X-Prometheus-Remote-Write-Version: this header is set by the agent; remove it here',
    '10: remote_write[5].headers["X A"]: expected the name of an HTTP header',
    '12: remote_write[6].http_headers.Retry-Attempt: this header is set by the agent; remove it here',
    '15: remote_write[7].http_headers.x-a: expected in one of headers and http_headers, got both',
    '17: remote_write[8].protobuf_message: not supported yet: remote write 1.0 is spoken; remove this key, or set it to prometheus.WriteRequest',
    '19: remote_write[9].protobuf_message: expected prometheus.WriteRequest, got "something"',
    '21: remote_write[10].send_native_histograms: not supported yet: native histograms are not scraped; remove this key',
    '22: remote_write[10].round_robin_dns: not supported: connections go where the system resolves the name to; remove this key',
    '24: remote_write[11].queue_config.max_shards: expected at least the min_shards, 10, got 5',
    '26: remote_write[12].queue_config.max_backoff: expected at least the min_backoff, 10s, got 5s',
    '29: remote_write[13].queue_config.capacity: expected a whole number of 1 or more, got "0"',
    '30: remote_write[13].queue_config.max_samples_per_send: expected a whole number of 1 to 50000, got "0"',
    '31: remote_write[13].queue_config.batch_send_deadline: expected a duration of at least 1ms, got "0s"',
    '32: remote_write[13].queue_config.max_retries: unknown key (known: capacity, max_shards, min_shards, max_samples_per_send, batch_send_deadline, min_backoff, max_backoff, retry_on_http_429, sample_age_limit)',
    '34: remote_write[14].metadata_config.interval: unknown key (known: send, send_interval, max_samples_per_send)',
    '36: remote_write[15].basic_auth: expected one of basic_auth and authorization, got both',
    '39: remote_write[16].write_relabel_configs[0].action: expected one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase, got "dorp"',
  ],
  'remote-write-names': ['5: remote_write[2]: expected a name that no other receiver has, got "82795f11" again; give each a name'],
  'remote-write-none': ['1: edge_push: expected edge_push or remote_write, got neither: samples would go nowhere'],
  'repeated-key': ['2: key is given twice in one map'],
  'sample-limit-too-high': ['2: global.sample_limit: expected a whole number of 0 to 100000, got "200000"'],
  'target-with-path': [
    '6: scrape_configs[0].static_configs[0].targets[1]: expected host:port, got "http://b:1/metrics"; scheme and path have their own keys, scheme and metrics_path',
    '7: scrape_configs[0].static_configs[0].targets[2]: expected host:port, got ""',
    '8: scrape_configs[0].static_configs[1].targets: is required, but missing',
  ],
  'timeout-over-interval': ['3: global.scrape_timeout: expected at most the scrape_interval, 10s, got 11s'],
  tls: [
    '3: scrape_configs[0].tls_config.cert_file: expected a key or key_file with it, got none',
    '5: scrape_configs[1].tls_config.key_file: expected a cert or cert_file with it, got none',
    '7: scrape_configs[2].tls_config.ca_file: expected one of ca and ca_file, got both',
    '9: scrape_configs[3].tls_config.key: expected a cert or cert_file with it, got none',
    '11: scrape_configs[4].tls_config.max_version: expected at least the min_version',
    '13: scrape_configs[5].tls_config.min_version: expected one of TLS10, TLS11, TLS12, TLS13, got a text',
  ],
  'two-documents': ['5: expected one YAML document, got another after ---'],
  'unknown-key': ['3: scrape_configs[0].scrape_intervall: unknown key (did you mean scrape_interval?)'],
  'unknown-keys-everywhere': [
    '1: glob: unknown key (known: global, scrape_configs, scrape_config_files, edge_push, remote_write)',
    '3: global.scrape_inteval: unknown key (did you mean scrape_interval?)',
    '6: scrape_configs[0].basic_auth.user: unknown key (known: username, username_file, password, password_file)',
    '7: scrape_configs[0].authorization.token: unknown key (known: type, credentials, credentials_file)',
    '8: scrape_configs[0].tls_config.insecure: unknown key (known: ca, ca_file, cert, cert_file, key, key_file, server_name, insecure_skip_verify, min_version, max_version)',
    '9: scrape_configs[0].http_headers.X-A.value: unknown key (did you mean values?)',
    '10: scrape_configs[0].static_configs[0].target: unknown key (did you mean targets?)',
    '10: scrape_configs[0].static_configs[0].targets: is required, but missing',
    '11: scrape_configs[0].file_sd_configs[0].file: unknown key (did you mean files?)',
    '11: scrape_configs[0].file_sd_configs[0].files: is required, but missing',
    '12: scrape_configs[0].relabel_configs[0].source: unknown key (known: source_labels, separator, regex, modulus, target_label, replacement, action)',
    '13: scrape_configs[0].metric_relabel_configs[0].sources: unknown key (known: source_labels, separator, regex, modulus, target_label, replacement, action)',
    '17: edge_push.interval: unknown key (known: url, push_interval, remote_timeout, drop_push_down, authorization, tls_config, proxy_url, proxy_from_environment, no_proxy, proxy_connect_header, follow_redirects, enable_http2, http_headers)',
  ],
  'unset-variable': [
    '3: global.external_labels.host: environment variable ${HOSTNAME_UNSET}, $ALSO_UNSET is not set (a dollar sign itself is written $$)',
  ],
  'wrong-type-of-list': ['1: scrape_configs: expected a list, got a map'],
  'wrong-types': [
    '2: global.scrape_interval: expected a duration such as 30s or 1h30m, got "15"',
    '3: global.scrape_timeout: expected a duration such as 30s or 1h30m, got a list',
    '4: global.external_labels: expected a map, got a list',
    '5: global.body_size_limit: expected a size such as 10MB or 512MiB, got "10"',
    '6: global.sample_limit: expected a whole number of 0 to 100000, got "many"',
    '8: scrape_configs[0].job_name: expected a string, got a map',
    '9: scrape_configs[0].metrics_path: expected a string that is not empty, got nothing',
    '10: scrape_configs[0].scheme: expected one of http, https, got "ftp"',
    '11: scrape_configs[0].params.module: expected a list, got "http_2xx"',
    '12: scrape_configs[0].honor_labels: expected true or false, got "1"',
    '13: scrape_configs[0].honor_timestamps: expected true or false, got "true"',
    '14: scrape_configs[0].enable_compression: expected true or false, got "maybe"',
    '15: scrape_configs[0].static_configs: expected a list, got a map',
    '16: scrape_configs[0].file_sd_configs: expected a list, got "a.json"',
    '17: scrape_configs[0].relabel_configs: expected a list, got "drop"',
  ],
  'zero-interval': ['2: global.scrape_interval: expected a duration of at least 1ms, got "0s"'],
  'scrape-options': [
    '2: global.evaluation_interval: expected a duration such as 30s or 1h30m, got "soon"',
    '3: global.label_limit: expected a whole number of 0 or more, got "-1"',
    '4: global.target_limit: expected a whole number of 0 or more, got "1.5"',
    '5: global.keep_dropped_targets: expected a whole number of 0 or more, got "many"',
    '6: global.extra_scrape_metrics: expected true or false, got "1"',
    '7: global.scrape_protocols: expected at least one format, got none',
    '8: global.metric_name_validation_scheme: expected one of utf8, legacy, got "ascii"',
    '9: global.metric_name_escaping_scheme: expected one of allow-utf-8, underscores, dots, values, got "none"',
    '12: scrape_configs[0].scrape_protocols[1]: expected one of OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4, got "prometheustext0.0.4"',
    '13: scrape_configs[0].fallback_scrape_protocol: expected one of OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4, got "text"',
    '14: scrape_configs[0].track_timestamps_staleness: expected true or false, got "sometimes"',
    '15: scrape_configs[0].label_name_length_limit: expected a whole number of 0 or more, got "1KB"',
    '16: scrape_configs[0].label_value_length_limit: expected a whole number of 0 or more, got "x"',
    '18: scrape_configs[1].scrape_protocols: expected each format once, got PrometheusText0.0.4 twice',
  ],
  'legacy-names': [
    '4: scrape_configs[0].metric_name_escaping_scheme: expected underscores, dots or values with the validation scheme legacy, got allow-utf-8',
  ],
  oauth2: [
    '3: scrape_configs[0].oauth2.client_id: is required, but missing',
    '3: scrape_configs[0].oauth2.token_url: is required, but missing',
    '5: scrape_configs[1].oauth2: expected client_secret or client_secret_file, got neither',
    '7: scrape_configs[2].oauth2.client_secret_file: expected one of client_secret and client_secret_file, got both',
    '9: scrape_configs[3].oauth2.token_url: expected an address such as https://auth.example.com/token, got something else',
    '12: scrape_configs[4].basic_auth: expected one of basic_auth and oauth2, got both',
  ],
  'secrets-in-the-wrong-place': [
    '3: scrape_configs[0].authorization: expected a map, got a text',
    '4: scrape_configs[0].basic_auth: expected a map, got a text',
    '5: scrape_configs[0].oauth2: expected a map, got a text',
    '6: scrape_configs[0].tls_config: expected a map, got a text',
    '7: scrape_configs[0].http_headers: expected a map, got a text',
    '8: scrape_configs[0].proxy_url: expected an address such as http://proxy.example:3128, got something else',
    '9: scrape_configs[0].proxy_connect_header: expected a map, got a text',
    '11: scrape_configs[1].authorization.credentials: expected a string, got a map',
    '12: scrape_configs[1].basic_auth.password: expected a string, got a list',
    '13: scrape_configs[1].http_headers.X-A: expected a map, got a text',
    '14: scrape_configs[1].proxy_connect_header.X-B: expected a list, got a text',
    '15: scrape_configs[1].proxy_url: expected an address such as http://proxy.example:3128, got something else',
    '17: scrape_configs[2].http_headers.X-A.secrets: expected a list, got a text',
    '18: scrape_configs[2].authorization: expected a map, got a list',
    '20: edge_push.url: expected an address such as https://edge.example.com, got something else',
    '21: edge_push.authorization: expected a map, got a text',
  ],
};

describe('parseAgentConfig refuses', () => {
  it.each(Object.entries(refusals))('%s', (name, messages) => {
    const file = `${name}.bad.yml`;
    const result = parseAgentConfig(readFileSync(new URL(file, folder), 'utf8'), { file, baseDir: '/etc/agent', env: {} });
    const text = result.ok ? 'accepted' : formatConfigErrors(result.error);
    expect(text.split('\n')).toEqual(messages.map((message) => `${file}:${message}`));
    expect(text).not.toContain('SECRET');
  });

  it('has a case for every fixture', () => {
    const fixtures = readdirSync(folder).filter((name) => name.endsWith('.bad.yml') && !name.startsWith('unsupported-'));
    expect(fixtures.sort()).toEqual(
      Object.keys(refusals)
        .map((name) => `${name}.bad.yml`)
        .sort(),
    );
  });
});
