/** The agent's configuration after defaults and validation. Names are Prometheus' in camelCase; durations are ms, sizes bytes. */

import type { Labels } from '../../contract/labels.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';

export interface AgentConfig {
  readonly global: GlobalConfig;
  readonly scrapeConfigs: readonly ScrapeConfig[];
  readonly edgePush: EdgePushConfig;
}

export interface GlobalConfig {
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly externalLabels: Labels;
}

/** A secret as configured: given inline, or in a file that is read again when it changes. Never shown or logged. */
export type SecretSource = { readonly kind: 'inline'; readonly value: string } | { readonly kind: 'file'; readonly path: string };

/** Prometheus' `<http_config>`, as far as it is supported. Paths are absolute (relative ones are taken from the config file's folder). */
export interface HttpClientConfig {
  readonly basicAuth: { readonly username: string; readonly password: SecretSource | undefined } | undefined;
  readonly authorization: { readonly type: string; readonly credentials: SecretSource } | undefined;
  readonly tls: TlsConfig;
  readonly proxyUrl: string | undefined;
  readonly proxyFromEnvironment: boolean;
  /** Comma-separated hosts, domains and networks that bypass the proxy. */
  readonly noProxy: string;
  readonly followRedirects: boolean;
  readonly headers: readonly { readonly name: string; readonly values: readonly SecretSource[] }[];
}
export interface TlsConfig {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
}

export interface ScrapeConfig {
  readonly jobName: string;
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  /** 0: no limit. */
  readonly bodySizeLimit: number;
  readonly sampleLimit: number;
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
  readonly http: HttpClientConfig;
}
