import { ABSENT, type Cells, STALE } from '../../../contract/cells.ts';
import { isLegacyLabelName, isLegacyMetricName, type Labels, labelValue, METRIC_NAME } from '../../../contract/labels.ts';
import type { FamilyMetadata } from '../../../contract/metadata.ts';
import { REPORT_ROWS } from '../../../contract/report-series.ts';
import { type Row, rebuild } from '../../../contract/series-table.ts';
import type { LoggedScrape } from '../../model.ts';
import { readAside } from './aside.ts';
import { findLog, type Place, type ToolOptions } from './find.ts';
import { walkLog } from './walk.ts';

export interface DumpOptions extends ToolOptions {
  /** Of samples, ms, both included. */
  readonly from: number;
  readonly to: number;
  /** The records that were set aside instead of those of the log. */
  readonly aside: boolean;
}

/**
 * The samples as text exposition with timestamps (format 0.0.4), in the order of the log, a scrape at a time. The text format
 * has no staleness marker: one is told as a comment `# STALE series timestamp`. Ends of damage are told as comments too.
 */
export async function* dumpLog(options: DumpOptions): AsyncGenerator<string, void, undefined> {
  const writer = new TextWriter(options.from, options.to);
  const found = await findLog(options);
  if (options.aside) {
    for (const entry of found.setAside) {
      const file = await readAside(entry, options);
      for (const scrape of file?.scrapes ?? []) yield writer.scrape(scrape);
      for (const place of file?.places ?? []) yield damageLine(place);
    }
    return;
  }
  for (const place of found.places) yield damageLine(place);
  for await (const item of walkLog(found, options)) {
    if (item.kind === 'damage') yield damageLine(item.place);
    if (item.kind === 'record' && item.scrape !== undefined) yield writer.scrape(item.scrape);
  }
}

const damageLine = ({ file, offset, bytes, reason }: Place): string =>
  `# DAMAGED ${file} offset ${offset}, ${bytes} bytes: ${oneLine(reason)}\n`;
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

class TextWriter {
  readonly #from: number;
  readonly #to: number;
  /** Families whose `# TYPE` has been told; it stands before their first sample, once. */
  readonly #told = new Set<string>();

  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  scrape({ target, table, cells, report, wallMs, metadata }: LoggedScrape): string {
    const lines: string[] = [];
    if (cells !== undefined && table !== undefined) this.#rows(lines, table.rows, target, cells, wallMs);
    this.#rows(lines, REPORT_ROWS, target, report, wallMs);
    if (lines.length === 0) return '';
    return `${this.#families(metadata ?? [])}${lines.join('\n')}\n`;
  }

  #rows(lines: string[], rows: readonly Row[], target: Labels, cells: Cells, wallMs: number): void {
    for (const [row, residual] of rows.entries()) {
      const state = cells.states[row];
      const time = (state === STALE ? undefined : cells.ownTimes?.get(row)?.[0]) ?? wallMs;
      if (state === ABSENT || time < this.#from || time > this.#to) continue;
      const series = seriesText(rebuild(residual, target));
      lines.push(state === STALE ? `# STALE ${series} ${time}` : `${series} ${valueText(cells.floats[row] as number)} ${time}`);
    }
  }

  #families(families: readonly FamilyMetadata[]): string {
    let text = '';
    for (const { family, type, help } of families) {
      if (this.#told.has(family)) continue;
      this.#told.add(family);
      const name = isLegacyMetricName(family) ? family : quote(family);
      if (help !== '') text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;
      text += `# TYPE ${name} ${type === 'unknown' ? 'untyped' : type}\n`;
    }
    return text;
  }
}

/** Names that only Prometheus 3 takes stand in quotes, as its text format has them. */
function seriesText(labels: Labels): string {
  const name = labelValue(labels, METRIC_NAME);
  const plain = isLegacyMetricName(name);
  const pairs = labels
    .filter(([label]) => label !== METRIC_NAME)
    .map(([label, value]) => `${isLegacyLabelName(label) ? label : quote(label)}=${quote(value)}`);
  if (!plain && name !== '') pairs.unshift(quote(name));
  return `${plain ? name : ''}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`}`;
}

const quote = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

/** The shortest text that reads back as the same 64 bits, but for the payload of a NaN. */
function valueText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
