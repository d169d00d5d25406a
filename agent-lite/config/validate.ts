import { FAILED, type Failed, fail, type Place, placeOf } from '../../contract/yaml/decode.ts';
import { formatDuration } from '../../contract/yaml/units.ts';
import type { InheritedConfig, RawScrapeConfig } from './scrape.ts';
import { sdConfigs } from './sd.ts';
import type { ScrapeConfig } from './types.ts';

/** Fills in what scrape configs inherit and checks what no single key can tell. */
export function buildScrapeConfigs(raws: readonly RawScrapeConfig[], inherited: InheritedConfig): readonly ScrapeConfig[] | Failed {
  const lineOfJob = new Map<string, number>();
  const configs: ScrapeConfig[] = [];
  for (const raw of raws) {
    const { job_name: name } = raw.values;
    const place = placeOf(raw.place, 'job_name');
    const first = lineOfJob.get(name);
    if (first !== undefined)
      fail(place, `expected a name that no other scrape config has, got ${JSON.stringify(name)}, which line ${first} has`);
    else lineOfJob.set(name, place.line);
    const config = buildScrapeConfig(raw, inherited);
    if (config !== FAILED) configs.push(config);
  }
  return configs.length === lineOfJob.size && configs.length === raws.length ? configs : FAILED;
}

function buildScrapeConfig({ values, http, place }: RawScrapeConfig, inherited: InheritedConfig): ScrapeConfig | Failed {
  const scrapeIntervalMs = values.scrape_interval ?? inherited.scrapeIntervalMs;
  const scrapeTimeoutMs = scrapeTimeout(values.scrape_timeout, inherited.scrapeTimeoutMs, scrapeIntervalMs, place);
  if (scrapeTimeoutMs === FAILED) return FAILED;
  return {
    jobName: values.job_name,
    scrapeIntervalMs,
    scrapeTimeoutMs,
    metricsPath: values.metrics_path,
    scheme: values.scheme,
    params: Object.fromEntries(values.params),
    honorLabels: values.honor_labels,
    honorTimestamps: values.honor_timestamps,
    bodySizeLimit: values.body_size_limit ?? inherited.bodySizeLimit,
    sampleLimit: values.sample_limit ?? inherited.sampleLimit,
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
