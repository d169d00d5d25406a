/** Series by name with labels in Prometheus' text form, e.g. `relay_x_total{code="200"}`, as shards tell them. */
export type SeriesValues = Readonly<Record<string, number>>;

/** Collects series and prints them in Prometheus' text format, version 0.0.4: one block for each family. */
export class TextFormat {
  readonly #blocks = new Map<string, string[]>();

  /** @param labels put before those of each series; empty: none. Buckets of one histogram must come in ascending order. */
  add(values: SeriesValues, labels = ''): void {
    const histograms = new Set(Object.keys(values).flatMap((series) => /^(\w+)_bucket\{/.exec(series)?.[1] ?? []));
    for (const [series, value] of Object.entries(values)) {
      const brace = series.indexOf('{');
      const metric = brace === -1 ? series : series.slice(0, brace);
      const own = brace === -1 ? '' : series.slice(brace + 1, -1);
      const all = [labels, own].filter((text) => text !== '').join(',');
      const family = metric.replace(/_(?:bucket|sum|count)$/, '');
      if (histograms.has(family)) this.#line(family, 'histogram', metric, all, value);
      else this.#line(metric, metric.endsWith('_total') ? 'counter' : 'gauge', metric, all, value);
    }
  }

  gauge(name: string, value: number): void {
    this.#line(name, 'gauge', name, '', value);
  }

  #line(family: string, type: string, metric: string, labels: string, value: number): void {
    const lines = this.#blocks.get(family) ?? [`# TYPE ${family} ${type}`];
    lines.push(`${metric}${labels === '' ? '' : `{${labels}}`} ${value}`);
    this.#blocks.set(family, lines);
  }

  toString(): string {
    const families = [...this.#blocks].sort(([a], [b]) => (a < b ? -1 : 1));
    return families.map(([, lines]) => `${lines.join('\n')}\n`).join('');
  }
}
