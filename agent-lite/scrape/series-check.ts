import { formatLabels, isValidName, type Labels } from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import { ExpositionError } from './exposition.ts';
import { hasMetricName, utf8Length } from './target-labels.ts';

/** Checks final labels against what the wire carries: one series beyond it refuses the scrape, as Prometheus' label limits do. */
export function checkSeries(labels: Labels, limits: WireLimits): void {
  const { labelsPerSeries, labelNameBytes, labelValueBytes } = limits;
  if (!hasMetricName(labels)) throw refusal(labels, 'a metric name (__name__) after metric_relabel_configs, got none');
  if (labels.length > labelsPerSeries) throw tooManyLabels(labels, labels.length, limits);
  for (const [name, value] of labels) {
    if (!isValidName(name)) throw refusal(labels, 'label names that are not empty, got an empty one');
    // Most are far too short to need counting: a UTF-16 unit takes at most three bytes.
    if (name.length * 3 > labelNameBytes && utf8Length(name) > labelNameBytes)
      throw refusal(labels, `label names of at most ${labelNameBytes} bytes, got ${utf8Length(name)}`);
    if (value.length * 3 > labelValueBytes && utf8Length(value) > labelValueBytes)
      throw refusal(labels, `label values of at most ${labelValueBytes} bytes, got ${utf8Length(value)} in ${JSON.stringify(name)}`);
  }
}

export const tooManyLabels = (labels: Labels, count: number, limits: WireLimits): ExpositionError =>
  refusal(labels, `at most ${limits.labelsPerSeries} labels, got ${count}`);

function refusal(labels: Labels, expected: string): ExpositionError {
  const series = formatLabels(labels);
  return new ExpositionError(0, `series ${series.length > 200 ? `${series.slice(0, 200)}...` : series}: expected ${expected}`);
}
