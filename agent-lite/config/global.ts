import { type Labels, sortLabels } from '../../contract/labels.ts';
import {
  type Decoder,
  duration,
  FAILED,
  fail,
  object,
  optional,
  placeOf,
  positiveDuration,
  refine,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { labels } from '../../contract/yaml/relabel-config.ts';
import { defaultGlobal } from './defaults.ts';
import { type Environment, expandEnvironment } from './environment.ts';
import { globalInherited, type InheritedConfig, inheritedFields } from './inherited.ts';
import type { GlobalConfig } from './types.ts';
import { refusedGlobalKeys } from './unsupported.ts';
import { scrapeTimeout } from './validate.ts';

export const globalConfig = (env: Environment): Decoder<{ readonly global: GlobalConfig; readonly inherited: InheritedConfig }> =>
  refine(
    object(
      {
        scrape_interval: withDefault(positiveDuration, defaultGlobal.scrapeIntervalMs),
        scrape_timeout: withDefault<number | undefined>(positiveDuration, undefined),
        // Rules only, and so without effect in every agent; in nearly every file.
        evaluation_interval: optional(duration()),
        rule_query_offset: optional(duration()),
        external_labels: withDefault(externalLabels(env), defaultGlobal.externalLabels),
        ...inheritedFields,
      },
      refusedGlobalKeys,
    ),
    (raw, place) => {
      const timeout = scrapeTimeout(raw.scrape_timeout, defaultGlobal.scrapeTimeoutMs, raw.scrape_interval, place);
      const inherited = globalInherited(raw, place);
      if (timeout === FAILED || inherited === FAILED) return FAILED;
      return {
        global: { scrapeIntervalMs: raw.scrape_interval, scrapeTimeoutMs: timeout, externalLabels: raw.external_labels },
        inherited,
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
