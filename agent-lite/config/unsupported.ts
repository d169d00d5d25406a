/** Keys of `prometheus.yml` that are refused by name, with what to do about it: nothing in a file is silently ignored. */
type Refused = Readonly<Record<string, string>>;

const each = (keys: readonly string[], message: string): Refused => Object.fromEntries(keys.map((key) => [key, message]));

const NOT_YET = 'not supported yet; remove this key';

export const refusedTopLevelKeys: Refused = {
  rule_files: 'not supported: an agent evaluates no rules; give them to the system that stores the series',
  alerting: 'not supported: an agent sends no alerts; configure them where the series are stored',
  remote_read: 'not supported: an agent answers no queries',
  remote_write: 'not supported yet: this version sends through edge_push',
  storage: 'not supported here: the log is set with the flags --storage.agent.*',
  scrape_config_files: 'not supported yet: list the scrape configs in scrape_configs',
  ...each(['otlp', 'tracing', 'runtime'], NOT_YET),
};

const refusedFormatKeys: Refused = {
  ...each(
    ['scrape_protocols', 'fallback_scrape_protocol'],
    'not supported yet: the text format 0.0.4 is what is asked for and read; remove this key',
  ),
  ...each(
    [
      'scrape_native_histograms',
      'convert_classic_histograms_to_nhcb',
      'always_scrape_classic_histograms',
      'scrape_classic_histograms',
      'native_histogram_bucket_limit',
      'native_histogram_min_bucket_factor',
    ],
    'not supported yet: native histograms are not scraped; remove this key',
  ),
  ...each(
    ['metric_name_validation_scheme', 'metric_name_escaping_scheme'],
    'not supported yet: names may be any UTF-8 text; remove this key',
  ),
  ...each(
    [
      'label_limit',
      'label_name_length_limit',
      'label_value_length_limit',
      'target_limit',
      'keep_dropped_targets',
      'extra_scrape_metrics',
      'scrape_failure_log_file',
    ],
    NOT_YET,
  ),
};

export const refusedGlobalKeys: Refused = {
  ...refusedFormatKeys,
  ...each(['evaluation_interval', 'rule_query_offset'], 'not supported: an agent evaluates no rules; remove this key'),
  query_log_file: 'not supported: an agent answers no queries; remove this key',
  runtime: NOT_YET,
};

/** Keys of `<http_config>`. */
export const refusedHttpKeys: Refused = {
  oauth2: 'not supported yet; use authorization',
  enable_http2: 'not supported: requests are HTTP/1.1; remove this key',
  bearer_token: 'not supported: use authorization with credentials',
  bearer_token_file: 'not supported: use authorization with credentials_file',
  proxy_connect_header: NOT_YET,
};

export const refusedBasicAuthKeys: Refused = {
  username_file: 'not supported yet: use username',
  ...each(['username_ref', 'password_ref'], 'not supported: use password_file'),
};

export const refusedTlsKeys: Refused = {
  ...each(['ca', 'cert', 'key'], 'not supported: put it in a file and use ca_file, cert_file or key_file'),
  ...each(['ca_ref', 'cert_ref', 'key_ref'], 'not supported: use ca_file, cert_file or key_file'),
  ...each(['min_version', 'max_version'], 'not supported yet: TLS 1.2 and 1.3 are spoken; remove this key'),
};

const OTHER_DISCOVERIES = [
  'azure',
  'consul',
  'digitalocean',
  'docker',
  'dockerswarm',
  'ec2',
  'eureka',
  'gce',
  'hetzner',
  'ionos',
  'kubernetes',
  'kuma',
  'lightsail',
  'linode',
  'marathon',
  'nerve',
  'nomad',
  'openstack',
  'oracle',
  'outscale',
  'ovhcloud',
  'puppetdb',
  'scaleway',
  'serverset',
  'stackit',
  'triton',
  'uyuni',
];

export const refusedScrapeKeys: Refused = {
  ...refusedFormatKeys,
  ...refusedHttpKeys,
  track_timestamps_staleness: NOT_YET,
  ...each(
    [...OTHER_DISCOVERIES, 'aws', 'oci'].map((name) => `${name}_sd_configs`),
    'not supported yet: use static_configs, file_sd_configs, http_sd_configs or dns_sd_configs',
  ),
};

export const refusedEdgePushKeys: Refused = {
  ...refusedHttpKeys,
  basic_auth: 'not supported: the edge takes bearer tokens; use authorization',
  headers: 'not supported: use http_headers',
  write_relabel_configs: 'not supported: these rules run at the edge, in its relay.yml',
  queue_config: 'not supported: the log is the queue; set push_interval, and its size with --storage.agent.retention.size',
  ...each(
    [
      'name',
      'protobuf_message',
      'send_exemplars',
      'send_native_histograms',
      'metadata_config',
      'sigv4',
      'azuread',
      'google_iam',
      'round_robin_dns',
    ],
    'not supported: edge_push speaks its own protocol, not remote write; remove this key',
  ),
};
