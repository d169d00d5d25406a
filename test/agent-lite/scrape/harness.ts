import { createHash } from 'node:crypto';
import { defaultScrape } from '../../../agent-lite/config/defaults.ts';
import type { ScrapeConfig } from '../../../agent-lite/config/types.ts';
import type { HttpClient, HttpRequest, HttpResponse, Metrics, Scrape } from '../../../agent-lite/model.ts';
import { scrapeHeaders } from '../../../agent-lite/scrape/fetch.ts';
import { createScrapeManager, type ScrapeManagerOptions } from '../../../agent-lite/scrape/manager.ts';
import { type CompileRelabel, resolveTargets } from '../../../agent-lite/scrape/target.ts';
import { STALE, VALUE } from '../../../contract/cells.ts';
import { formatLabels } from '../../../contract/labels.ts';
import { compileRelabel, relabel } from '../../../contract/relabel.ts';
import { REPORT_NAMES } from '../../../contract/report-series.ts';
import { rebuild } from '../../../contract/series-table.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';

/** A scrape manager on a manual clock, with targets that answer at once. */

const compileRules: CompileRelabel = (configs) => {
  const rules = compileRelabel(configs);
  return (labels) => relabel(rules, labels);
};

export const scrapeConfig = (over: Partial<ScrapeConfig> = {}): ScrapeConfig => ({
  ...defaultScrape,
  jobName: 'node',
  scrapeIntervalMs: 15_000,
  scrapeTimeoutMs: 10_000,
  bodySizeLimit: 0,
  ...over,
});

export class CountingMetrics implements Metrics {
  readonly values = new Map<string, number>();
  add(name: string, value = 1, labels: Readonly<Record<string, string>> = {}): void {
    const key = [name, ...Object.values(labels)].join(' ');
    this.values.set(key, (this.values.get(key) ?? 0) + value);
  }
  set(name: string, value: number): void {
    this.values.set(name, value);
  }
}

/** The samples of a scrape: report series by name, others as the target's residual; `stale` for markers. */
export function samplesOf(scrape: Scrape): Record<string, number | 'stale'> {
  const out: Record<string, number | 'stale'> = {};
  const put = (name: string, cells: Scrape['report'], i: number): void => {
    if (cells.states[i] === VALUE) out[name] = cells.floats[i] as number;
    else if (cells.states[i] === STALE) out[name] = 'stale';
  };
  REPORT_NAMES.forEach((name, i) => {
    put(name, scrape.report, i);
  });
  scrape.table?.rows.forEach((row, i) => {
    const own = rebuild(row, scrape.target).filter(([name, value]) => !scrape.target.some(([n, v]) => n === name && v === value));
    if (scrape.cells !== undefined) put(formatLabels(own), scrape.cells, i);
  });
  return out;
}

export type Responder = (request: HttpRequest) => Promise<HttpResponse> | HttpResponse;
export const text = (body: string): HttpResponse => ({
  status: 200,
  headers: { 'content-type': 'text/plain; version=0.0.4' },
  body: new TextEncoder().encode(body),
});

export function setup(over: Partial<ScrapeManagerOptions> = {}) {
  const clock = new ManualClock();
  const logger = new FakeLogger();
  const metrics = new CountingMetrics();
  const scrapes: Scrape[] = [];
  const clients: { closed: boolean }[] = [];
  const net: { respond: Responder; readonly requests: HttpRequest[] } = { respond: () => text('a 1\n'), requests: [] };
  const manager = createScrapeManager({
    clock,
    logger,
    metrics,
    sha256: (bytes) => createHash('sha256').update(bytes).digest(),
    offsetSeed: 'seed',
    headersOf: scrapeHeaders('1.2.3'),
    append: (scrape) => void scrapes.push({ ...scrape, cells: scrape.cells && structuredClone(scrape.cells) }),
    resolve: ({ config, groups }) => resolveTargets(config, groups, compileRules(config.relabelConfigs)),
    compileRelabel: compileRules,
    httpClientFor(): HttpClient {
      const client = { closed: false };
      clients.push(client);
      return {
        async request(request) {
          net.requests.push(request);
          return net.respond(request);
        },
        close() {
          client.closed = true;
        },
      };
    },
    ...over,
  });
  const apply = (targets: string[], config: Partial<ScrapeConfig> = {}): void =>
    manager.apply([{ config: scrapeConfig(config), groups: [{ targets, labels: [] }] }]);
  return { clock, logger, metrics, scrapes, clients, net, manager, apply };
}
