/** Keys of `prometheus.yml` that are refused by name, with what to do about it: nothing in a file is silently ignored. */
type Refused = Readonly<Record<string, string>>;

const each = (keys: readonly string[], message: string): Refused => Object.fromEntries(keys.map((key) => [key, message]));

export const refusedTopLevelKeys: Refused = {
  rule_files: 'not supported: an agent evaluates no rules; give them to the system that stores the series',
  alerting: 'not supported: an agent sends no alerts; configure them where the series are stored',
  remote_read: 'not supported: an agent answers no queries',
  storage: 'not supported here: the log is set with the flags --storage.agent.*',
  otlp: 'not supported: the agent receives nothing, it scrapes; remove this key',
  tracing: 'not supported: the agent sends no traces; remove this key',
  runtime: 'not supported: it sets the garbage collector of Go; remove this key',
};

export const NO_NATIVE_HISTOGRAMS = 'not supported yet: native histograms are not scraped; remove this key';

const refusedFormatKeys: Refused = {
  scrape_classic_histograms: 'not supported: Prometheus 3 calls it always_scrape_classic_histograms; remove this key',
  scrape_failure_log_file: 'not supported: failed scrapes are told in the log of the agent and on its status page; remove this key',
};

export const refusedGlobalKeys: Refused = {
  ...refusedFormatKeys,
  query_log_file: 'not supported: an agent answers no queries; remove this key',
  fallback_scrape_protocol: 'not supported here: set it in each of the scrape_configs that need it',
  ...each(['native_histogram_bucket_limit', 'native_histogram_min_bucket_factor'], NO_NATIVE_HISTOGRAMS),
};

/** Keys of `<http_config>`. */
export const refusedHttpKeys: Refused = {
  bearer_token: 'not supported: use authorization with credentials',
  bearer_token_file: 'not supported: use authorization with credentials_file',
};

export const refusedAuthorizationKeys: Refused = { credentials_ref: 'not supported: use credentials_file' };

export const refusedBasicAuthKeys: Refused = {
  username_ref: 'not supported: use username_file',
  password_ref: 'not supported: use password_file',
};

export const refusedTlsKeys: Refused = each(['ca_ref', 'cert_ref', 'key_ref'], 'not supported: use ca_file, cert_file or key_file');

export const refusedOAuth2Keys: Refused = {
  client_secret_ref: 'not supported: use client_secret_file',
  ...each(
    [
      'grant_type',
      'client_certificate_key',
      'client_certificate_key_file',
      'client_certificate_key_ref',
      'client_certificate_key_id',
      'signature_algorithm',
      'iss',
      'audience',
      'claims',
    ],
    'not supported: the grant is client_credentials with a client_secret; remove this key',
  ),
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
  ...each(
    [...OTHER_DISCOVERIES, 'aws', 'oci'].map((name) => `${name}_sd_configs`),
    'not supported yet: use static_configs, file_sd_configs, http_sd_configs or dns_sd_configs',
  ),
};

export const refusedEdgePushKeys: Refused = {
  ...refusedHttpKeys,
  oauth2: 'not supported: the edge takes tokens of its own; use authorization',
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

export const refusedRemoteWriteKeys: Refused = {
  ...refusedHttpKeys,
  sigv4: 'not supported: requests are not signed; use headers, authorization or basic_auth',
  azuread: 'not supported: use oauth2 or authorization',
  google_iam: 'not supported: use oauth2 or authorization',
  failed_request_logging: 'not supported: failed requests are always logged; remove this key',
};
