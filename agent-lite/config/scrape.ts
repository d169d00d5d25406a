import { wireLimits } from '../../contract/limits.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';
import {
  bool,
  type Decoded,
  type Decoder,
  FAILED,
  int,
  list,
  mapOf,
  nonEmptyString,
  object,
  oneOf,
  optional,
  type Place,
  positiveDuration,
  refine,
  required,
  size,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { relabelConfigs } from '../../contract/yaml/relabel-config.ts';
import { defaultScrape } from './defaults.ts';
import { buildHttp, httpFields } from './http.ts';
import { sdFields } from './sd.ts';
import type { GlobalConfig, HttpClientConfig } from './types.ts';
import { refusedScrapeKeys } from './unsupported.ts';

/** Samples of one scrape; 0 is Prometheus' "no limit", here the most that one series table holds. */
export const sampleLimit: Decoder<number> = refine(int(0, wireLimits.tableRows), (limit) => (limit === 0 ? wireLimits.tableRows : limit));

const scrapeFields = (baseDir: string) => ({
  job_name: required(nonEmptyString),
  scrape_interval: optional(positiveDuration),
  scrape_timeout: optional(positiveDuration),
  body_size_limit: optional(size()),
  sample_limit: optional(sampleLimit),
  metrics_path: withDefault(nonEmptyString, defaultScrape.metricsPath),
  scheme: withDefault(oneOf(['http', 'https']), defaultScrape.scheme),
  params: withDefault<readonly (readonly [string, readonly string[]])[]>(mapOf(list(string)), []),
  honor_labels: withDefault(bool, defaultScrape.honorLabels),
  honor_timestamps: withDefault(bool, defaultScrape.honorTimestamps),
  enable_compression: withDefault(bool, defaultScrape.enableCompression),
  ...sdFields(baseDir),
  relabel_configs: withDefault<readonly RelabelConfig[]>(relabelConfigs, []),
  metric_relabel_configs: withDefault<readonly RelabelConfig[]>(relabelConfigs, []),
  ...httpFields(baseDir, defaultScrape.followRedirects),
});

/** `global` with what only scrape configs read of it. */
export type InheritedConfig = GlobalConfig & { readonly bodySizeLimit: number; readonly sampleLimit: number };

/** A scrape config before it inherits from `global`; keys that are not given are undefined. */
export interface RawScrapeConfig {
  readonly values: Decoded<ReturnType<typeof scrapeFields>>;
  readonly http: HttpClientConfig;
  readonly place: Place;
}

export const rawScrapeConfig = (baseDir: string): Decoder<RawScrapeConfig> =>
  refine(object(scrapeFields(baseDir), refusedScrapeKeys), (values, place) => {
    const http = buildHttp(values, place);
    return http === FAILED ? FAILED : { values, http, place };
  });
