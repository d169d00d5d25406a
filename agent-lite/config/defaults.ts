import type {
  DnsSdConfig,
  EdgePushConfig,
  FileSdConfig,
  GlobalConfig,
  HttpClientConfig,
  HttpSdConfig,
  MetadataConfig,
  QueueConfig,
  RemoteWriteConfig,
  ScrapeConfig,
  TlsConfig,
} from './types.ts';

/** What a key that is not given means. Prometheus' defaults but where a comment says why not. */

export const defaultGlobal: GlobalConfig = {
  scrapeIntervalMs: 60_000,
  scrapeTimeoutMs: 10_000,
  externalLabels: [],
};

/** Inherited by scrape configs. */
export const defaultInherited: Pick<
  ScrapeConfig,
  | 'bodySizeLimit'
  | 'sampleLimit'
  | 'targetLimit'
  | 'labelLimit'
  | 'labelNameLengthLimit'
  | 'labelValueLengthLimit'
  | 'keepDroppedTargets'
  | 'extraScrapeMetrics'
  | 'scrapeProtocols'
  | 'metricNameValidationScheme'
  | 'metricNameEscapingScheme'
> = {
  /** Bytes. Prometheus has none; a device of 512 MB cannot take what a broken target may send. */
  bodySizeLimit: 16 * 1024 * 1024,
  sampleLimit: 0,
  targetLimit: 0,
  labelLimit: 0,
  labelNameLengthLimit: 0,
  labelValueLengthLimit: 0,
  /** Prometheus has none; they are kept in memory. */
  keepDroppedTargets: 100,
  extraScrapeMetrics: false,
  scrapeProtocols: ['OpenMetricsText1.0.0', 'OpenMetricsText0.0.1', 'PrometheusText1.0.0', 'PrometheusText0.0.4'],
  metricNameValidationScheme: 'utf8',
  metricNameEscapingScheme: 'allow-utf-8',
};

export const defaultTls: TlsConfig = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  serverName: undefined,
  insecureSkipVerify: false,
  minVersion: undefined,
  maxVersion: undefined,
};

/** A client without any settings. */
export const defaultHttp: HttpClientConfig = {
  basicAuth: undefined,
  authorization: undefined,
  oauth2: undefined,
  tls: defaultTls,
  proxyUrl: undefined,
  proxyFromEnvironment: false,
  noProxy: '',
  proxyConnectHeaders: [],
  followRedirects: true,
  headers: [],
};

/** What a scrape config has without any keys but its name. */
export const defaultScrape: Omit<ScrapeConfig, 'jobName' | 'scrapeIntervalMs' | 'scrapeTimeoutMs'> = {
  ...defaultInherited,
  metricsPath: '/metrics',
  scheme: 'http',
  params: {},
  honorLabels: false,
  honorTimestamps: true,
  trackTimestampsStaleness: false,
  fallbackScrapeProtocol: undefined,
  enableCompression: true,
  http: defaultHttp,
  discovery: [],
  relabelConfigs: [],
  metricRelabelConfigs: [],
};

export const defaultFileSd: Pick<FileSdConfig, 'refreshIntervalMs'> = { refreshIntervalMs: 300_000 };
export const defaultHttpSd: Pick<HttpSdConfig, 'refreshIntervalMs'> & { readonly followRedirects: boolean } = {
  refreshIntervalMs: 60_000,
  followRedirects: true,
};
export const defaultDnsSd: Pick<DnsSdConfig, 'refreshIntervalMs' | 'type'> = { refreshIntervalMs: 30_000, type: 'SRV' };

export const defaultEdgePush: Pick<EdgePushConfig, 'pushIntervalMs' | 'remoteTimeoutMs' | 'dropPushDown'> & {
  readonly followRedirects: boolean;
} = {
  pushIntervalMs: 60_000,
  remoteTimeoutMs: 30_000,
  dropPushDown: true,
  // A redirect of a push is a captive portal far more often than a moved edge, and the token must not follow it.
  followRedirects: false,
};

export const defaultRemoteWrite: Pick<RemoteWriteConfig, 'remoteTimeoutMs' | 'sendExemplars'> & {
  readonly followRedirects: boolean;
  readonly queue: QueueConfig;
  readonly metadata: MetadataConfig;
} = {
  remoteTimeoutMs: 30_000,
  sendExemplars: false,
  followRedirects: true,
  queue: {
    capacity: 10_000,
    minShards: 1,
    // Prometheus: 50. A device has neither the samples nor the memory for that.
    maxShards: 4,
    maxSamplesPerSend: 2000,
    batchSendDeadlineMs: 5_000,
    minBackoffMs: 30,
    maxBackoffMs: 5_000,
    // Prometheus: false, which drops what a receiver is too busy for. Here it can wait in the log.
    retryOnHttp429: true,
    sampleAgeLimitMs: 0,
  },
  metadata: { send: true, sendIntervalMs: 60_000, maxSamplesPerSend: 2000 },
};

/** A bare `authorization:` block carries a bearer token. */
export const DEFAULT_AUTHORIZATION_TYPE = 'Bearer';
