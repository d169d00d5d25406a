import { wireLimits } from '../../contract/limits.ts';
import type { DnsSdConfig, EdgePushConfig, FileSdConfig, GlobalConfig, HttpSdConfig, ScrapeConfig, TlsConfig } from './types.ts';

/** What a key that is not given means. Prometheus' defaults but where a comment says why not. */

export const defaultGlobal: GlobalConfig = {
  scrapeIntervalMs: 60_000,
  scrapeTimeoutMs: 10_000,
  externalLabels: [],
};

/** Inherited by scrape configs. */
export const defaultLimits = {
  /** Bytes. Prometheus has none; a device of 512 MB cannot take what a broken target may send. */
  bodySizeLimit: 16 * 1024 * 1024,
  /** What one series table holds; more could never be pushed. */
  sampleLimit: wireLimits.tableRows,
} as const;

export const defaultTls: TlsConfig = {
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  serverName: undefined,
  insecureSkipVerify: false,
};

export const defaultScrape: Pick<ScrapeConfig, 'metricsPath' | 'scheme' | 'honorLabels' | 'honorTimestamps' | 'enableCompression'> & {
  readonly followRedirects: boolean;
} = {
  metricsPath: '/metrics',
  scheme: 'http',
  honorLabels: false,
  honorTimestamps: true,
  enableCompression: true,
  followRedirects: true,
};

export const defaultFileSd: Pick<FileSdConfig, 'refreshIntervalMs'> = { refreshIntervalMs: 300_000 };
export const defaultHttpSd: Pick<HttpSdConfig, 'refreshIntervalMs'> & { readonly followRedirects: boolean } = {
  refreshIntervalMs: 60_000,
  followRedirects: true,
};
export const defaultDnsSd: Pick<DnsSdConfig, 'refreshIntervalMs' | 'type'> = { refreshIntervalMs: 30_000, type: 'SRV' };

export const defaultEdgePush: Pick<EdgePushConfig, 'pushIntervalMs' | 'remoteTimeoutMs'> & { readonly followRedirects: boolean } = {
  pushIntervalMs: 60_000,
  remoteTimeoutMs: 30_000,
  // A redirect of a push is a captive portal far more often than a moved edge, and the token must not follow it.
  followRedirects: false,
};

/** A bare `authorization:` block carries a bearer token. */
export const DEFAULT_AUTHORIZATION_TYPE = 'Bearer';
