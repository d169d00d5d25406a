import { FAILED, type Failed, fail, type Place, placeOf } from '../../contract/yaml/decode.ts';
import { formatDuration } from '../../contract/yaml/units.ts';
import { type InheritedConfig, scrapeInherited } from './inherited.ts';
import type { RawScrapeConfig } from './scrape.ts';
import { sdConfigs } from './sd.ts';
import type { GlobalConfig, ScrapeConfig } from './types.ts';

/** Fills in what scrape configs inherit and checks what no single key can tell. Configs may come from several files. */
export function buildScrapeConfigs(
  raws: readonly RawScrapeConfig[],
  global: GlobalConfig,
  inherited: InheritedConfig,
): readonly ScrapeConfig[] | Failed {
  const placeOfJob = new Map<string, Place>();
  const configs: ScrapeConfig[] = [];
  for (const raw of raws) {
    const { job_name: name } = raw.values;
    const place = placeOf(raw.place, 'job_name');
    const first = placeOfJob.get(name);
    if (first !== undefined) {
      const where = first.file === place.file ? `line ${first.line}` : `${first.file}:${first.line}`;
      fail(place, `expected a name that no other scrape config has, got ${JSON.stringify(name)}, which ${where} has`);
    } else placeOfJob.set(name, place);
    const config = buildScrapeConfig(raw, global, inherited);
    if (config !== FAILED) configs.push(config);
  }
  return configs.length === placeOfJob.size && configs.length === raws.length ? configs : FAILED;
}

function buildScrapeConfig(
  { values, http, place }: RawScrapeConfig,
  global: GlobalConfig,
  inherited: InheritedConfig,
): ScrapeConfig | Failed {
  const scrapeIntervalMs = values.scrape_interval ?? global.scrapeIntervalMs;
  const scrapeTimeoutMs = scrapeTimeout(values.scrape_timeout, global.scrapeTimeoutMs, scrapeIntervalMs, place);
  const own = scrapeInherited(values, place, inherited);
  if (scrapeTimeoutMs === FAILED || own === FAILED) return FAILED;
  return {
    ...own,
    jobName: values.job_name,
    scrapeIntervalMs,
    scrapeTimeoutMs,
    metricsPath: values.metrics_path,
    scheme: values.scheme,
    params: Object.fromEntries(values.params),
    honorLabels: values.honor_labels,
    honorTimestamps: values.honor_timestamps,
    trackTimestampsStaleness: values.track_timestamps_staleness,
    fallbackScrapeProtocol: values.fallback_scrape_protocol,
    enableCompression: values.enable_compression,
    http,
    discovery: sdConfigs(values),
    relabelConfigs: values.relabel_configs,
    metricRelabelConfigs: values.metric_relabel_configs,
  };
}

/** A timeout that is given must fit the interval; an inherited one is cut to it. All in ms. */
export function scrapeTimeout(given: number | undefined, inherited: number, interval: number, place: Place): number | Failed {
  if (given === undefined) return Math.min(inherited, interval);
  if (given <= interval) return given;
  return fail(
    placeOf(place, 'scrape_timeout'),
    `expected at most the scrape_interval, ${formatDuration(interval)}, got ${formatDuration(given)}`,
  );
}
