import type { Metrics } from '../model.ts';
import type { MetricSpec } from './pushed.ts';

/** The agent's own numbers, in memory. */
export interface Registry extends Metrics {
  /** Runs before each exposition, to set gauges that are only looked up when somebody asks. */
  onCollect(collect: () => void): void;
  /** Text format 0.0.4. `pushed`: only what travels to the receiver. */
  expose(which: 'all' | 'pushed'): string;
}

type Series = Map<string, number>;

/**
 * Label names must be those of the table. So must names, where others throw TypeError: a misspelt counter fails its first test
 * rather than counting into the void.
 * @param others what happens to names that are not in the table
 */
export function registryOf(table: Readonly<Record<string, MetricSpec>>, others: 'throw' | 'ignore'): Registry {
  const values = new Map<string, Series>();
  const collectors: (() => void)[] = [];
  for (const [name, spec] of Object.entries(table)) {
    const series: Series = new Map();
    for (const labels of spec.start ?? []) series.set(labelText(name, spec, labels), 0);
    if (spec.labels === undefined) series.set('', 0);
    values.set(name, series);
  }

  function seriesOf(
    name: string,
    type: MetricSpec['type'],
    labels: Readonly<Record<string, string>> | undefined,
  ): { series: Series; key: string } | undefined {
    const spec = Object.hasOwn(table, name) ? table[name] : undefined;
    const series = values.get(name);
    if (spec === undefined || series === undefined) {
      if (others === 'ignore') return undefined;
      throw new TypeError(`metric ${name}: not declared in telemetry/names.ts`);
    }
    if (spec.type !== type) throw new TypeError(`metric ${name}: is a ${spec.type}, used as a ${type}`);
    // Most have none, and are told with each scrape.
    return { series, key: labels === undefined ? '' : labelText(name, spec, labels) };
  }

  return {
    add(name, value = 1, labels) {
      const found = seriesOf(name, 'counter', labels);
      if (!(value >= 0)) throw new RangeError(`metric ${name}: expected a counter to grow, got ${value}`);
      found?.series.set(found.key, (found.series.get(found.key) ?? 0) + value);
    },
    set(name, value, labels) {
      const found = seriesOf(name, 'gauge', labels);
      found?.series.set(found.key, value);
    },
    onCollect(collect) {
      collectors.push(collect);
    },
    expose(which) {
      for (const collect of collectors) collect();
      let text = '';
      for (const [name, series] of values) {
        const spec = table[name] as MetricSpec;
        if (series.size === 0 || (which === 'pushed' && spec.pushed === undefined)) continue;
        text += `# HELP ${name} ${escapeHelp(spec.help)}\n# TYPE ${name} ${spec.type}\n`;
        // No more than promised: label values may turn up that nobody foresaw.
        const shown = which === 'pushed' ? [...series].slice(0, spec.pushed) : series;
        for (const [labels, value] of shown) text += `${name}${labels} ${numberText(value)}\n`;
      }
      return text;
    },
  };
}

/** In the declared order. A label that is not given is empty, which in Prometheus is the same as absent. */
function labelText(name: string, spec: MetricSpec, labels: Readonly<Record<string, string>>): string {
  const declared = spec.labels ?? [];
  for (const label of Object.keys(labels))
    if (!declared.includes(label)) throw new TypeError(`metric ${name}: expected the labels {${declared.join(', ')}}, got ${label}`);
  const given = declared.filter((label) => Object.hasOwn(labels, label) && labels[label] !== '');
  return given.length === 0 ? '' : `{${given.map((label) => `${label}="${escapeValue(labels[label] ?? '')}"`).join(',')}}`;
}

/** Exposition format: in label values `\`, `"` and newline are escaped, in help texts `\` and newline. */
const escapeValue = (text: string): string => text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
const escapeHelp = (text: string): string => text.replace(/[\\\n]/g, (c) => (c === '\n' ? '\\n' : '\\\\'));

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
