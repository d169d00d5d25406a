import { type Label, type Labels, labelValue, sortLabels, utf8Length } from '../../contract/labels.ts';
import { type WireLimits, wireLimits } from '../../contract/limits.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';
import { formatDuration, parseDuration } from '../../contract/yaml/units.ts';
import type { ScrapeConfig, TargetGroup } from '../config/types.ts';
import { publicLabels } from './target-labels.ts';

/** Runs relabel rules over a label set; `undefined`: dropped. */
export type Relabel = (labels: Labels) => Labels | undefined;
export type CompileRelabel = (configs: readonly RelabelConfig[]) => Relabel;

/** Where to scrape, and the labels that every series from there gets. */
export interface Target {
  readonly job: string;
  /** Public labels only, sorted. */
  readonly labels: Labels;
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** A discovered address that cannot be scraped. */
export interface RefusedTarget {
  readonly job: string;
  readonly address: string;
  readonly reason: string;
}

export interface ResolvedTargets {
  readonly targets: readonly Target[];
  readonly refused: readonly RefusedTarget[];
  /** Dropped by relabel_configs; of `targets` as many as `keep_dropped_targets` keeps. */
  readonly dropped: DroppedTargets;
  /** More than `target_limit`: why none of them is scraped. */
  readonly overLimit: string | undefined;
}

export interface DroppedTarget {
  readonly job: string;
  /** What discovery found, before the rules. */
  readonly labels: Labels;
}
export interface DroppedTargets {
  readonly count: number;
  readonly targets: readonly DroppedTarget[];
}

/** Turns what discovery found into targets; scrape/target.go `PopulateLabels`. */
export function resolveTargets(
  config: ScrapeConfig,
  groups: readonly TargetGroup[],
  relabel: Relabel,
  limits: WireLimits = wireLimits,
): ResolvedTargets {
  const targets: Target[] = [];
  const refused: RefusedTarget[] = [];
  const dropped: DroppedTarget[] = [];
  let count = 0;
  for (const group of groups) {
    for (const address of group.targets) {
      const discovered = discoveredLabels(config, group, address);
      const labels = relabel(discovered);
      if (labels === undefined || labels.length === 0) {
        count++;
        const { keepDroppedTargets: kept } = config;
        if (kept === 0 || dropped.length < kept)
          dropped.push({
            job: config.jobName,
            labels: discovered.map(([name, value]) => [name, name === '__address__' ? hideUser(value) : value]),
          });
        continue;
      }
      const target = resolveTarget(config, labels, limits);
      if (typeof target === 'string') refused.push({ job: config.jobName, address: hideUser(address), reason: target });
      else targets.push(target);
    }
  }
  return { targets, refused, dropped: { count, targets: dropped }, overLimit: targetLimitError(config, targets) };
}

/** Why no target of the job is scraped: then all are down (scrape/scrape.go `refreshTargetLimitErr`). */
function targetLimitError({ targetLimit }: ScrapeConfig, targets: readonly Target[]): string | undefined {
  if (targetLimit === 0) return undefined;
  const count = new Set(targets.map(({ labels, url }) => JSON.stringify([labels, url]))).size;
  return count > targetLimit
    ? `target_limit: expected at most ${targetLimit} targets of the job, got ${count}; none is scraped`
    : undefined;
}

/** What relabel_configs see. A label of the group beats the job's setting, the target's own address beats the group. */
export function discoveredLabels(config: ScrapeConfig, group: TargetGroup, address: string): Labels {
  const pairs: Label[] = [
    ['job', config.jobName],
    ['__scrape_interval__', formatDuration(config.scrapeIntervalMs)],
    ['__scrape_timeout__', formatDuration(config.scrapeTimeoutMs)],
    ['__metrics_path__', config.metricsPath],
    ['__scheme__', config.scheme],
  ];
  for (const [name, values] of Object.entries(config.params)) if (values[0] !== undefined) pairs.push([`__param_${name}`, values[0]]);
  for (const label of group.labels) if (label[1] !== '') pairs.push(label);
  pairs.push(['__address__', address]);
  return sortLabels(pairs);
}

/** The target, or why there is none. */
function resolveTarget(config: ScrapeConfig, labels: Labels, limits: WireLimits): Target | string {
  const address = labelValue(labels, '__address__');
  if (address === '') return '__address__: expected host:port, got nothing after relabel_configs';
  const intervalText = labelValue(labels, '__scrape_interval__');
  const timeoutText = labelValue(labels, '__scrape_timeout__');
  const intervalMs = parseDuration(intervalText);
  const timeoutMs = parseDuration(timeoutText);
  if (intervalMs === undefined || intervalMs === 0)
    return `__scrape_interval__: expected a duration above 0, got ${JSON.stringify(intervalText)}`;
  if (timeoutMs === undefined || timeoutMs === 0)
    return `__scrape_timeout__: expected a duration above 0, got ${JSON.stringify(timeoutText)}`;
  if (timeoutMs > intervalMs) return `__scrape_timeout__: expected at most the scrape interval ${intervalText}, got ${timeoutText}`;
  const url = targetUrl(config, labels, address);
  if (!url.ok) return url.reason;
  const named = publicLabels(labels);
  const withInstance = labelValue(named, 'instance') === '' ? sortLabels([...named, ['instance', address]]) : named;
  const fault = labelsFault(withInstance, limits);
  if (fault !== undefined) return fault;
  return { job: labelValue(withInstance, 'job'), labels: withInstance, url: url.value, intervalMs, timeoutMs };
}

/** Why these cannot be the labels of a target. */
export function labelsFault(labels: Labels, limits: WireLimits = wireLimits): string | undefined {
  if (labels.length > limits.labelsPerSeries) return `labels: expected at most ${limits.labelsPerSeries}, got ${labels.length}`;
  for (const [name, value] of labels) {
    if (utf8Length(name) > limits.labelNameBytes || utf8Length(value) > limits.labelValueBytes)
      return `label ${JSON.stringify(name.slice(0, 100))}: expected at most ${limits.labelNameBytes} bytes of name and ${limits.labelValueBytes} of value`;
  }
  return undefined;
}

function targetUrl(
  config: ScrapeConfig,
  labels: Labels,
  address: string,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly reason: string } {
  const scheme = labelValue(labels, '__scheme__');
  if (scheme !== 'http' && scheme !== 'https')
    return { ok: false, reason: `__scheme__: expected http or https, got ${JSON.stringify(scheme)}` };
  // A slash would smuggle in a path; credentials belong into basic_auth, where they are not shown.
  if (/[/@?#\\\s]/.test(address)) return { ok: false, reason: `__address__: expected host:port, got ${JSON.stringify(hideUser(address))}` };
  const base = `${scheme}://${address}`;
  if (!URL.canParse(base)) return { ok: false, reason: `__address__: expected host:port, got ${JSON.stringify(address)}` };
  const url = new URL(base);
  const path = labelValue(labels, '__metrics_path__');
  url.pathname = path.startsWith('/') ? path : `/${path}`;
  const params = new Map<string, string[]>();
  for (const [name, values] of Object.entries(config.params)) params.set(name, [...values]);
  for (const [name, value] of labels) {
    if (!name.startsWith('__param_')) continue;
    const key = name.slice('__param_'.length);
    params.set(key, [value, ...(params.get(key) ?? []).slice(1)]);
  }
  for (const [name, values] of [...params].sort((a, b) => (a[0] < b[0] ? -1 : 1))) {
    for (const value of values) url.searchParams.append(name, value);
  }
  return { ok: true, value: url.href };
}

/** Of an address or URL that carries a user and a password by mistake. */
const hideUser = (text: string): string => text.replace(/^[^\s]*@/, '...@');
