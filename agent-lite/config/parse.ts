import { type Labels, sortLabels } from '../../contract/labels.ts';
import type { Result } from '../../contract/result.ts';
import {
  type Decoder,
  decodeYaml,
  FAILED,
  fail,
  list,
  object,
  placeOf,
  positiveDuration,
  refine,
  required,
  size,
  withDefault,
} from '../../contract/yaml/decode.ts';
import type { ConfigError } from '../../contract/yaml/errors.ts';
import { labels } from '../../contract/yaml/relabel-config.ts';
import { defaultGlobal, defaultLimits } from './defaults.ts';
import { edgePushConfig } from './edge-push.ts';
import { type Environment, expandEnvironment } from './environment.ts';
import { type InheritedConfig, type RawScrapeConfig, rawScrapeConfig, sampleLimit } from './scrape.ts';
import type { AgentConfig } from './types.ts';
import { refusedGlobalKeys, refusedTopLevelKeys } from './unsupported.ts';
import { buildScrapeConfigs, scrapeTimeout } from './validate.ts';

export { type ConfigError, formatConfigErrors } from '../../contract/yaml/errors.ts';

export interface ParseOptions {
  /** The file's name for messages. */
  readonly file: string;
  /** Absolute; relative paths in the file start here. */
  readonly baseDir: string;
  /** For `${NAME}` in external labels and the edge's address. */
  readonly env: Environment;
}

/** Reads an agent's configuration: `prometheus.yml` as far as it is supported, plus `edge_push` (docs/configuration.md). */
export function parseAgentConfig(text: string, { file, baseDir, env }: ParseOptions): Result<AgentConfig, readonly ConfigError[]> {
  return decodeYaml(text, file, agentConfig(baseDir, env));
}

const agentConfig = (baseDir: string, env: Environment): Decoder<AgentConfig> =>
  refine(
    object(
      {
        global: withDefault(globalConfig(env), { ...defaultGlobal, ...defaultLimits }),
        scrape_configs: withDefault<readonly RawScrapeConfig[]>(list(rawScrapeConfig(baseDir)), []),
        edge_push: required(edgePushConfig(baseDir, env)),
      },
      refusedTopLevelKeys,
    ),
    ({ global: { bodySizeLimit, sampleLimit, ...global }, scrape_configs, edge_push }) => {
      const scrapeConfigs = buildScrapeConfigs(scrape_configs, { ...global, bodySizeLimit, sampleLimit });
      return scrapeConfigs === FAILED ? FAILED : { global, scrapeConfigs, edgePush: edge_push };
    },
  );

const globalConfig = (env: Environment): Decoder<InheritedConfig> =>
  refine(
    object(
      {
        scrape_interval: withDefault(positiveDuration, defaultGlobal.scrapeIntervalMs),
        scrape_timeout: withDefault<number | undefined>(positiveDuration, undefined),
        external_labels: withDefault(externalLabels(env), defaultGlobal.externalLabels),
        body_size_limit: withDefault(size(), defaultLimits.bodySizeLimit),
        sample_limit: withDefault(sampleLimit, defaultLimits.sampleLimit),
      },
      refusedGlobalKeys,
    ),
    (raw, place) => {
      const timeout = scrapeTimeout(raw.scrape_timeout, defaultGlobal.scrapeTimeoutMs, raw.scrape_interval, place);
      if (timeout === FAILED) return FAILED;
      return {
        scrapeIntervalMs: raw.scrape_interval,
        scrapeTimeoutMs: timeout,
        externalLabels: raw.external_labels,
        bodySizeLimit: raw.body_size_limit,
        sampleLimit: raw.sample_limit,
      };
    },
  );

const externalLabels = (env: Environment): Decoder<Labels> =>
  refine(labels, (configured, place) => {
    const expanded: [string, string][] = [];
    for (const [name, value] of configured) {
      const result = expandEnvironment(value, env);
      if (!result.ok) return fail(placeOf(place, name), result.error);
      expanded.push([name, result.value]);
    }
    return sortLabels(expanded);
  });
