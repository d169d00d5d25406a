import { wireLimits } from '../../contract/limits.ts';
import {
  bool,
  type Decoded,
  type Decoder,
  expected,
  type Failed,
  fail,
  int,
  list,
  oneOf,
  optional,
  type Place,
  placeOf,
  refine,
  size,
  string,
} from '../../contract/yaml/decode.ts';
import { defaultInherited } from './defaults.ts';
import type { ScrapeConfig, ScrapeProtocol } from './types.ts';
import { NO_NATIVE_HISTOGRAMS } from './unsupported.ts';

/** The keys that `global` and scrape configs share, and how the one inherits from the other (config/config.go). */

const PROTOCOLS: readonly ScrapeProtocol[] = ['OpenMetricsText1.0.0', 'OpenMetricsText0.0.1', 'PrometheusText1.0.0', 'PrometheusText0.0.4'];

export const scrapeProtocol: Decoder<ScrapeProtocol> = (place) => {
  const name = string(place);
  if (name === 'PrometheusProto') return fail(place, 'PrometheusProto is not supported yet; leave it out, or name a text format');
  return oneOf(PROTOCOLS)(place);
};

const scrapeProtocols: Decoder<readonly ScrapeProtocol[]> = refine(list(scrapeProtocol), (protocols, place) => {
  if (protocols.length === 0) return expected(place, 'at least one format', 'none');
  const twice = protocols.find((name, i) => protocols.indexOf(name) !== i);
  return twice === undefined ? protocols : fail(place, `expected each format once, got ${twice} twice`);
});

/** Native histograms: `false` is what happens anyway. */
const notYet: Decoder<boolean> = refine(bool, (on, place) => (on ? fail(place, NO_NATIVE_HISTOGRAMS) : on));

const limit = int(0);

export const inheritedFields = {
  scrape_protocols: optional(scrapeProtocols),
  body_size_limit: optional(size()),
  // What one series table holds; more could never be pushed.
  sample_limit: optional(int(0, wireLimits.tableRows)),
  target_limit: optional(limit),
  label_limit: optional(limit),
  label_name_length_limit: optional(limit),
  label_value_length_limit: optional(limit),
  keep_dropped_targets: optional(limit),
  extra_scrape_metrics: optional(bool),
  metric_name_validation_scheme: optional(oneOf(['utf8', 'legacy'])),
  metric_name_escaping_scheme: optional(oneOf(['allow-utf-8', 'underscores', 'dots', 'values'])),
  scrape_native_histograms: optional(notYet),
  convert_classic_histograms_to_nhcb: optional(notYet),
  always_scrape_classic_histograms: optional(notYet),
};

type RawInherited = Decoded<typeof inheritedFields>;
/** What scrape configs take from `global`. */
export type InheritedConfig = typeof defaultInherited;

/** Of `global`: what is not given has its default, and 0 is "no limit". */
export function globalInherited(raw: RawInherited, place: Place): InheritedConfig | Failed {
  const of = <T>(value: T | undefined, fallback: T): T => value ?? fallback;
  return withNames(raw, place, defaultInherited, {
    bodySizeLimit: of(raw.body_size_limit, defaultInherited.bodySizeLimit),
    ...limits(raw, defaultInherited, of),
  });
}

/** Of a scrape config: what is not given, and a limit of 0, is taken from `global`. */
export function scrapeInherited(raw: RawInherited, place: Place, global: InheritedConfig): InheritedConfig | Failed {
  return withNames(raw, place, global, {
    bodySizeLimit: raw.body_size_limit || global.bodySizeLimit,
    ...limits(raw, global, (value, fallback) => value || fallback),
  });
}

type Limits = Omit<InheritedConfig, 'metricNameValidationScheme' | 'metricNameEscapingScheme'>;

function limits(
  raw: RawInherited,
  from: InheritedConfig,
  of: (value: number | undefined, fallback: number) => number,
): Omit<Limits, 'bodySizeLimit'> {
  return {
    sampleLimit: of(raw.sample_limit, from.sampleLimit),
    targetLimit: of(raw.target_limit, from.targetLimit),
    labelLimit: of(raw.label_limit, from.labelLimit),
    labelNameLengthLimit: of(raw.label_name_length_limit, from.labelNameLengthLimit),
    labelValueLengthLimit: of(raw.label_value_length_limit, from.labelValueLengthLimit),
    keepDroppedTargets: of(raw.keep_dropped_targets, from.keepDroppedTargets),
    extraScrapeMetrics: raw.extra_scrape_metrics ?? from.extraScrapeMetrics,
    scrapeProtocols: raw.scrape_protocols ?? from.scrapeProtocols,
  };
}

/** The escaping follows the validation given beside it, so that `legacy` alone does not ask for UTF-8 names. */
function withNames(raw: RawInherited, place: Place, from: InheritedConfig, rest: Limits): InheritedConfig | Failed {
  const validation: ScrapeConfig['metricNameValidationScheme'] = raw.metric_name_validation_scheme ?? from.metricNameValidationScheme;
  const implied =
    raw.metric_name_validation_scheme === undefined
      ? from.metricNameEscapingScheme
      : validation === 'legacy'
        ? 'underscores'
        : 'allow-utf-8';
  const escaping = raw.metric_name_escaping_scheme ?? implied;
  if (validation === 'legacy' && escaping === 'allow-utf-8')
    return fail(
      placeOf(place, 'metric_name_escaping_scheme'),
      'expected underscores, dots or values with the validation scheme legacy, got allow-utf-8',
    );
  return { ...rest, metricNameValidationScheme: validation, metricNameEscapingScheme: escaping };
}
