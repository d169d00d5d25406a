import {
  formatLabels,
  isLegacyLabelName,
  isLegacyMetricName,
  isValidName,
  type Labels,
  METRIC_NAME,
  utf8Length,
} from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { ExpositionError } from './exposition.ts';
import { hasMetricName } from './target-labels.ts';

/** What a job demands of the labels of its series; 0: no limit. scrape/scrape.go `verifyLabelLimits`. */
export interface LabelRules {
  /** Names must be `[a-zA-Z_][a-zA-Z0-9_]*`, that of the metric with colons (`metric_name_validation_scheme: legacy`). */
  readonly legacyNames: boolean;
  /** Labels of a series, metric name and target labels included. */
  readonly labelLimit: number;
  /** Bytes. */
  readonly labelNameLengthLimit: number;
  /** Bytes. */
  readonly labelValueLengthLimit: number;
}

export const NO_LABEL_RULES: LabelRules = { legacyNames: false, labelLimit: 0, labelNameLengthLimit: 0, labelValueLengthLimit: 0 };

/** Checks final labels against the job's limits and what the wire carries: one series beyond refuses the scrape. */
export function checkSeries(labels: Labels, rules: LabelRules, wire: WireLimits): void {
  if (!hasMetricName(labels)) throw refusal(labels, 'a metric name (__name__) after metric_relabel_configs, got none');
  for (const [name, value] of labels) checkNames(labels, name, value, rules.legacyNames);
  if (rules.labelLimit > 0 && labels.length > rules.labelLimit)
    throw refusal(labels, `at most ${rules.labelLimit} labels (label_limit), got ${labels.length}`);
  if (labels.length > wire.labelsPerSeries) throw tooManyLabels(labels, labels.length, wire);
  const nameBytes = smaller(rules.labelNameLengthLimit, wire.labelNameBytes);
  const valueBytes = smaller(rules.labelValueLengthLimit, wire.labelValueBytes);
  for (const [name, value] of labels) {
    // Most are far too short to need counting: a UTF-16 unit takes at most three bytes.
    if (name.length * 3 > nameBytes && utf8Length(name) > nameBytes) {
      const which = nameBytes === rules.labelNameLengthLimit ? ' (label_name_length_limit)' : '';
      throw refusal(labels, `label names of at most ${nameBytes} bytes${which}, got ${utf8Length(name)} in ${shown(name)}`);
    }
    if (value.length * 3 > valueBytes && utf8Length(value) > valueBytes) {
      const which = valueBytes === rules.labelValueLengthLimit ? ' (label_value_length_limit)' : '';
      throw refusal(labels, `label values of at most ${valueBytes} bytes${which}, got ${utf8Length(value)} in ${shown(name)}`);
    }
  }
}

export const tooManyLabels = (labels: Labels, count: number, wire: WireLimits): ExpositionError =>
  refusal(labels, `at most ${wire.labelsPerSeries} labels, got ${count}`);

function checkNames(labels: Labels, name: string, value: string, legacy: boolean): void {
  if (!isValidName(name)) throw refusal(labels, 'label names that are not empty, got an empty one');
  if (!legacy) return;
  if (!isLegacyLabelName(name)) throw refusal(labels, `label names of letters, digits and "_" (legacy), got ${shown(name)}`);
  if (name === METRIC_NAME && !isLegacyMetricName(value))
    throw refusal(labels, `a metric name of letters, digits, "_" and ":" (legacy), got ${shown(value)}`);
}

const smaller = (limit: number, wire: number): number => (limit > 0 && limit < wire ? limit : wire);
const shown = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);

function refusal(labels: Labels, expected: string): ExpositionError {
  const series = formatLabels(labels);
  return new ExpositionError(0, `series ${series.length > 200 ? `${series.slice(0, 200)}...` : series}: expected ${expected}`);
}
