/** The agent's configuration after defaults and validation. Names are Prometheus' in camelCase; durations are ms, sizes bytes. */

import type { Labels } from '../../contract/labels.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';

export interface AgentConfig {
  readonly global: GlobalConfig;
  /** Of the file itself and of its `scrape_config_files`. */
  readonly scrapeConfigs: readonly ScrapeConfig[];
  /** May be absent only where `remoteWrite` has a receiver. */
  readonly edgePush: EdgePushConfig | undefined;
  readonly remoteWrite: readonly RemoteWriteConfig[];
}

export interface GlobalConfig {
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly externalLabels: Labels;
}

/** A secret as configured: given inline, or in a file that is read again when it changes. Never shown or logged. */
export type SecretSource = { readonly kind: 'inline'; readonly value: string } | { readonly kind: 'file'; readonly path: string };

/** Prometheus' `<http_config>`. Paths are absolute (relative ones are taken from the config file's folder). */
export interface HttpClientConfig {
  readonly basicAuth: { readonly username: SecretSource; readonly password: SecretSource | undefined } | undefined;
  readonly authorization: { readonly type: string; readonly credentials: SecretSource } | undefined;
  readonly oauth2: OAuth2Config | undefined;
  readonly tls: TlsConfig;
  readonly proxyUrl: string | undefined;
  readonly proxyFromEnvironment: boolean;
  /** Comma-separated hosts, domains and networks that bypass the proxy. */
  readonly noProxy: string;
  /** Sent to the proxy with CONNECT. */
  readonly proxyConnectHeaders: readonly HeaderConfig[];
  readonly followRedirects: boolean;
  readonly headers: readonly HeaderConfig[];
}
export interface HeaderConfig {
  readonly name: string;
  readonly values: readonly SecretSource[];
}
/** Client credentials (RFC 6749, 4.4): the token of `tokenUrl` is sent as the bearer token. */
export interface OAuth2Config {
  readonly clientId: string;
  readonly clientSecret: SecretSource;
  readonly scopes: readonly string[];
  readonly tokenUrl: string;
  /** Further parameters of the token request. */
  readonly endpointParams: readonly (readonly [name: string, value: string])[];
  /** How the token is fetched. */
  readonly client: HttpClientConfig;
}
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';
export interface TlsConfig {
  /** PEM, as `cert` and `key`. */
  readonly ca: SecretSource | undefined;
  readonly cert: SecretSource | undefined;
  readonly key: SecretSource | undefined;
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
  /** Undefined: TLS 1.2. */
  readonly minVersion: TlsVersion | undefined;
  readonly maxVersion: TlsVersion | undefined;
}

/** Prometheus' names of the formats that are asked for and read. */
export type ScrapeProtocol = 'OpenMetricsText1.0.0' | 'OpenMetricsText0.0.1' | 'PrometheusText1.0.0' | 'PrometheusText0.0.4';

export interface ScrapeConfig {
  readonly jobName: string;
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  /** Most wanted first; at least one. */
  readonly scrapeProtocols: readonly ScrapeProtocol[];
  /** How a body is read whose content type is none of ours; undefined: the scrape fails. */
  readonly fallbackScrapeProtocol: ScrapeProtocol | undefined;
  /** `legacy`: names are `[a-zA-Z_:][a-zA-Z0-9_:]*`, others fail the scrape. */
  readonly metricNameValidationScheme: 'utf8' | 'legacy';
  /** What the target is asked to do with names that are not legacy ones. */
  readonly metricNameEscapingScheme: 'allow-utf-8' | 'underscores' | 'dots' | 'values';
  /** Bytes after decompression. 0, here and in the next ones: no limit. */
  readonly bodySizeLimit: number;
  /** Samples of one scrape after metric_relabel_configs. */
  readonly sampleLimit: number;
  /** Targets of the job; with more of them none is scraped, all are down. */
  readonly targetLimit: number;
  /** Labels of a series, metric name and target labels included. */
  readonly labelLimit: number;
  /** Bytes. */
  readonly labelNameLengthLimit: number;
  /** Bytes. */
  readonly labelValueLengthLimit: number;
  /** Targets dropped by relabel_configs that the status shows. */
  readonly keepDroppedTargets: number;
  readonly extraScrapeMetrics: boolean;
  readonly enableCompression: boolean;
  readonly http: HttpClientConfig;
  readonly discovery: readonly SdConfig[];
  readonly relabelConfigs: readonly RelabelConfig[];
  readonly metricRelabelConfigs: readonly RelabelConfig[];
}
export interface TargetGroup {
  /** `host:port`. */
  readonly targets: readonly string[];
  readonly labels: Labels;
}

/** One way to find targets: an entry of `static_configs` or of a `*_sd_configs`. `kind` chooses the line in discovery/kinds.ts. */
export type SdConfig = StaticSdConfig | FileSdConfig | HttpSdConfig | DnsSdConfig;
export interface StaticSdConfig {
  readonly kind: 'static';
  readonly group: TargetGroup;
}
export interface FileSdConfig {
  readonly kind: 'file';
  readonly files: readonly string[];
  readonly refreshIntervalMs: number;
}
export interface HttpSdConfig {
  readonly kind: 'http';
  readonly url: string;
  readonly refreshIntervalMs: number;
  readonly http: HttpClientConfig;
}
export interface DnsSdConfig {
  readonly kind: 'dns';
  readonly names: readonly string[];
  readonly type: 'SRV' | 'A' | 'AAAA' | 'MX' | 'NS';
  /** Of the targets; SRV records carry their own. */
  readonly port: number;
  readonly refreshIntervalMs: number;
}

export interface EdgePushConfig {
  /** Without a trailing slash; the protocol's paths are appended. */
  readonly url: string;
  readonly pushIntervalMs: number;
  readonly remoteTimeoutMs: number;
  /** Leave out of pushes what the edge says that its rules drop. */
  readonly dropPushDown: boolean;
  readonly http: HttpClientConfig;
}

/** One receiver of plain remote write 1.0. */
export interface RemoteWriteConfig {
  /** Names the durable cursor and the metrics; unique. Where it is not given: made of the address. */
  readonly name: string;
  readonly url: string;
  readonly remoteTimeoutMs: number;
  readonly writeRelabelConfigs: readonly RelabelConfig[];
  readonly sendExemplars: boolean;
  readonly queueConfig: QueueConfig;
  readonly metadataConfig: MetadataConfig;
  /** `headers` are among its headers. */
  readonly http: HttpClientConfig;
}
export interface QueueConfig {
  /** Samples that wait in one shard. */
  readonly capacity: number;
  readonly minShards: number;
  readonly maxShards: number;
  readonly maxSamplesPerSend: number;
  readonly batchSendDeadlineMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly retryOnHttp429: boolean;
  /** 0: no limit. */
  readonly sampleAgeLimitMs: number;
}
export interface MetadataConfig {
  readonly send: boolean;
  readonly sendIntervalMs: number;
  readonly maxSamplesPerSend: number;
}
