import { type Labels, labelValue } from '../../contract/labels.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';
import { defaultScrape } from '../config/defaults.ts';
import type { ScrapeConfig } from '../config/types.ts';
import type { ScrapeJob } from '../scrape/manager.ts';
import { labelsFault, type ResolvedTargets, type Target } from '../scrape/target.ts';
import { publicLabels } from '../scrape/target-labels.ts';
import { defaultBrowserOptions, type FunctionTarget, labelsOf, positive, type TargetOptions } from './options.ts';

/** Prometheus' default rule; the one in the contract would bring the regular expressions with it. A test holds them equal. */
export const DEFAULT_RULE: RelabelConfig = {
  sourceLabels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
  action: 'replace',
};

export interface PageTargets {
  readonly jobs: readonly ScrapeJob[];
  /** One for each job. */
  readonly targets: readonly Target[];
  /** Nothing discovers or relabels the targets of a page: each is what its options say. */
  readonly resolve: (job: ScrapeJob) => ResolvedTargets;
  /** Functions by the URL under which scraping knows them. */
  readonly functions: ReadonlyMap<string, FunctionTarget>;
}

/** No name under `.invalid` ever resolves (RFC 2606). */
const IN_PAGE = 'http://in-page.invalid';

/**
 * Each target is a scrape_config of its own, so limits, timeouts and rules are those of any other agent. Throws TypeError where an option makes no sense.
 * @param base the page's address, for relative URLs and as the instance of functions
 */
export function pageTargets(targets: readonly TargetOptions[], base: string): PageTargets {
  const functions = new Map<string, FunctionTarget>();
  const byConfig = new Map<ScrapeConfig, Target>();
  targets.forEach((target, i) => {
    const place = `targets[${i}]`;
    const inPage = 'metrics' in target;
    const url = inPage ? new URL(`${IN_PAGE}/${i}`) : targetUrl(place, target.url, base);
    if (inPage) functions.set(url.href, target);
    const instance = target.instance ?? (inPage ? hostOf(base) : url.host);
    const config = scrapeConfig(place, target);
    const labels = targetLabels(place, target, instance);
    const { scrapeIntervalMs: intervalMs, scrapeTimeoutMs: timeoutMs } = config;
    byConfig.set(config, { job: labelValue(labels, 'job'), labels, url: url.href, intervalMs, timeoutMs });
  });
  return {
    jobs: [...byConfig.keys()].map((config) => ({ config, groups: [] })),
    targets: [...byConfig.values()],
    resolve: ({ config }) => resolved(byConfig.get(config)),
    functions,
  };
}

export const hasRules = (targets: readonly TargetOptions[]): boolean =>
  targets.some(({ metricRelabelConfigs = [] }) => metricRelabelConfigs.length > 0);

function resolved(target: Target | undefined): ResolvedTargets {
  const reason = target && labelsFault(target.labels);
  return {
    targets: target === undefined || reason !== undefined ? [] : [target],
    refused: target === undefined || reason === undefined ? [] : [{ job: target.job, address: target.url, reason }],
    dropped: { count: 0, targets: [] },
    overLimit: undefined,
  };
}

/** As in a scrape_config: a label of the target beats the job's setting. */
const targetLabels = (place: string, { job, labels = {} }: TargetOptions, instance: string): Labels =>
  publicLabels(labelsOf(`${place}.labels`, { job, ...labels, instance }));

function scrapeConfig(place: string, target: TargetOptions): ScrapeConfig {
  if (typeof target.job !== 'string' || target.job === '')
    throw new TypeError(`${place}.job: expected a name, got ${JSON.stringify(target.job)}`);
  const interval = positive(`${place}.scrapeIntervalMs`, target.scrapeIntervalMs ?? defaultBrowserOptions.scrapeIntervalMs);
  const timeout = positive(`${place}.scrapeTimeoutMs`, target.scrapeTimeoutMs ?? Math.min(defaultBrowserOptions.scrapeTimeoutMs, interval));
  if (timeout > interval) throw new TypeError(`${place}.scrapeTimeoutMs: expected at most the interval ${interval}, got ${timeout}`);
  return {
    ...defaultScrape,
    jobName: target.job,
    scrapeIntervalMs: interval,
    scrapeTimeoutMs: timeout,
    sampleLimit: target.sampleLimit ?? 0,
    honorLabels: target.honorLabels ?? false,
    metricRelabelConfigs: (target.metricRelabelConfigs ?? []).map((rule) => ({ ...DEFAULT_RULE, ...rule })),
  };
}

function targetUrl(place: string, text: string, base: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new TypeError(`${place}.url: expected an address with http or https, got ${JSON.stringify(text)}`);
  if (url.username !== '' || url.password !== '') throw new TypeError(`${place}.url: expected no user and password, which browsers refuse`);
  url.hash = '';
  return url;
}

/** Pages of applications (`file:`) have none. */
const hostOf = (base: string): string => (URL.canParse(base) && new URL(base).host) || 'page';
