import { wireLimits } from '../../contract/limits.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';
import {
  bool,
  type Decoded,
  type Decoder,
  duration,
  expected,
  FAILED,
  int,
  list,
  mapOf,
  nonEmptyString,
  object,
  oneOf,
  optional,
  type Place,
  refine,
  required,
  size,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { relabelConfigs } from '../../contract/yaml/relabel-config.ts';
import { targetGroup } from '../../contract/yaml/target-groups.ts';
import { defaultFileSd, defaultScrape } from './defaults.ts';
import { buildHttp, filePath, httpFields } from './http.ts';
import type { FileSdConfig, GlobalConfig, HttpClientConfig, TargetGroup } from './types.ts';
import { refusedScrapeKeys } from './unsupported.ts';

/** An interval or timeout: zero would mean scraping without end. */
export const positiveDuration: Decoder<number> = duration(1);

/** Samples of one scrape; 0 is Prometheus' "no limit", here the most that one series table holds. */
export const sampleLimit: Decoder<number> = refine(int(0, wireLimits.tableRows), (limit) => (limit === 0 ? wireLimits.tableRows : limit));

/** Prometheus' rule (discovery/file): `*` only in the last element of the path. */
const FILE_PATTERN = /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/;

const filePattern =
  (baseDir: string): Decoder<string> =>
  (place) => {
    const text = nonEmptyString(place);
    if (text === FAILED) return FAILED;
    if (FILE_PATTERN.test(text)) return filePath(baseDir)(place);
    return expected(place, 'a path that ends in .json, .yml or .yaml and has * only in its last element');
  };

const fileSdConfig = (baseDir: string): Decoder<FileSdConfig> =>
  refine(
    object({
      files: required(list(filePattern(baseDir))),
      refresh_interval: withDefault(positiveDuration, defaultFileSd.refreshIntervalMs),
    }),
    (raw) => ({ files: raw.files, refreshIntervalMs: raw.refresh_interval }),
  );

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
  static_configs: withDefault<readonly TargetGroup[]>(list(targetGroup), []),
  file_sd_configs: withDefault<readonly FileSdConfig[]>(list(fileSdConfig(baseDir)), []),
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
