import type { RelabelConfig } from '../../contract/relabel.ts';
import {
  bool,
  type Decoded,
  type Decoder,
  FAILED,
  fail,
  list,
  mapOf,
  nonEmptyString,
  object,
  oneOf,
  optional,
  type Place,
  placeOf,
  positiveDuration,
  required,
  string,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { relabelConfigs } from '../../contract/yaml/relabel-config.ts';
import { defaultScrape } from './defaults.ts';
import { buildHttp, httpFields } from './http.ts';
import { inheritedFields, scrapeProtocol } from './inherited.ts';
import { sdFields } from './sd.ts';
import type { HttpClientConfig } from './types.ts';
import { NO_NATIVE_HISTOGRAMS, refusedScrapeKeys } from './unsupported.ts';

/** 0 is Prometheus' "off", which is what happens anyway. */
const onlyZero: Decoder<string> = (place) => {
  const value = string(place);
  return value === FAILED || /^0+(?:\.0*)?$/.test(value) ? value : fail(place, NO_NATIVE_HISTOGRAMS);
};

const scrapeFields = (baseDir: string, relabelled: boolean) => ({
  job_name: required(nonEmptyString),
  scrape_interval: optional(positiveDuration),
  scrape_timeout: optional(positiveDuration),
  ...inheritedFields,
  fallback_scrape_protocol: optional(scrapeProtocol),
  native_histogram_bucket_limit: optional(onlyZero),
  native_histogram_min_bucket_factor: optional(onlyZero),
  metrics_path: withDefault(nonEmptyString, defaultScrape.metricsPath),
  scheme: withDefault(oneOf(['http', 'https']), defaultScrape.scheme),
  params: withDefault<readonly (readonly [string, readonly string[]])[]>(mapOf(list(string)), []),
  honor_labels: withDefault(bool, defaultScrape.honorLabels),
  honor_timestamps: withDefault(bool, defaultScrape.honorTimestamps),
  track_timestamps_staleness: withDefault(bool, defaultScrape.trackTimestampsStaleness),
  enable_compression: withDefault(bool, defaultScrape.enableCompression),
  ...sdFields(baseDir, relabelled),
  relabel_configs: withDefault<readonly RelabelConfig[]>(relabelConfigs, []),
  metric_relabel_configs: withDefault<readonly RelabelConfig[]>(relabelConfigs, []),
  ...httpFields(baseDir, defaultScrape.http.followRedirects),
});

/** A scrape config before it inherits from `global`; keys that are not given are undefined. */
export interface RawScrapeConfig {
  readonly values: Decoded<ReturnType<typeof scrapeFields>>;
  readonly http: HttpClientConfig;
  readonly place: Place;
}

export const rawScrapeConfig =
  (baseDir: string): Decoder<RawScrapeConfig> =>
  (place) => {
    const rules = placeOf(place, 'relabel_configs').node;
    const values = object(scrapeFields(baseDir, rules.kind === 'list' && rules.items.length > 0), refusedScrapeKeys)(place);
    const http = values === FAILED ? FAILED : buildHttp(values, place);
    return values === FAILED || http === FAILED ? FAILED : { values, http, place };
  };
