import { type Label, type Labels, labelsKey, sortLabels } from '../../contract/labels.ts';
import type { ScrapeConfig, TargetGroup } from '../config/types.ts';
import type { HttpClient } from '../model.ts';
import { fetchHttp, fetchNothing, fetchOwn, type HeadersOf } from './fetch.ts';
import { type LoopContext, type LoopSpec, type LoopStatus, TargetLoop } from './loop.ts';
import { momentsFor } from './schedule.ts';
import { NO_LABEL_RULES } from './series-check.ts';
import { SharedShapes } from './shared-shapes.ts';
import type { CompileRelabel, DroppedTargets, RefusedTarget, ResolvedTargets, Target } from './target.ts';

/** One scrape_config and what discovery found for it. */
export interface ScrapeJob {
  readonly config: ScrapeConfig;
  readonly groups: readonly TargetGroup[];
}

/** A target inside this process: the agent's own metrics. Scraped, logged and pushed as any other. */
export interface OwnTarget {
  readonly job: string;
  readonly instance: string;
  /** Further labels. */
  readonly labels?: Labels;
  readonly intervalMs: number;
  /** Text format 0.0.4. The function of the first apply stays in use as long as the rest is unchanged. */
  readonly exposition: () => string;
}

/** Samples of an {@link OwnTarget}: with the five report series a device costs at most 25 series of its own. */
export const OWN_SAMPLE_LIMIT = 20;

export interface ScrapeManagerOptions extends LoopContext {
  readonly headersOf: HeadersOf;
  /** What the job's targets are; `resolveTargets`, where discovery found them. */
  readonly resolve: (job: ScrapeJob) => ResolvedTargets;
  /** Of `metric_relabel_configs`. */
  readonly compileRelabel: CompileRelabel;
  /** A new client for these settings; the manager closes it when no job has them any more. */
  readonly httpClientFor: (config: ScrapeConfig) => HttpClient;
}

export interface TargetStatus extends LoopStatus {
  readonly job: string;
  readonly labels: Labels;
  /** Without credentials. */
  readonly url: string;
  readonly intervalMs: number;
}

export interface ScrapeManager {
  /**
   * Makes these the targets. Unchanged ones go on undisturbed; new ones start; those that are gone get staleness markers in
   * the background, unless their job is gone, too. Never waits for a scrape.
   */
  apply(jobs: readonly ScrapeJob[], own?: readonly OwnTarget[]): void;
  targets(): readonly TargetStatus[];
  /** Discovered addresses that are not scraped, and why. */
  refused(): readonly RefusedTarget[];
  /** What relabel_configs dropped. */
  dropped(): DroppedTargets;
  /** Stops all scraping without staleness markers, as Prometheus does at its end. Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

interface Wanted extends LoopSpec {
  /** Equal for specs that scrape alike. */
  readonly identity: string;
  readonly jobName: string;
}

interface Running {
  readonly loop: TargetLoop;
  wanted: Wanted | undefined;
  /** Of the last one wanted. */
  jobName: string;
  readonly done: Promise<void>;
}

export function createScrapeManager(options: ScrapeManagerOptions): ScrapeManager {
  /** By the target's labels: two targets with equal labels would write the same series. */
  const running = new Map<string, Running>();
  /** Loops that were told to end at once and have not yet. */
  const ending = new Set<Promise<void>>();
  const clients = new Map<string, HttpClient>();
  const shared = new SharedShapes();
  let refused: readonly RefusedTarget[] = [];
  let dropped: DroppedTargets = { count: 0, targets: [] };
  let stopped = false;

  function start(key: string, wanted: Wanted, moments: number): void {
    const loop = new TargetLoop(options, wanted, moments, shared);
    const entry: Running = {
      loop,
      wanted,
      jobName: wanted.jobName,
      done: loop.run().then(() => {
        if (running.get(key) === entry) running.delete(key);
        ending.delete(entry.done);
      }),
    };
    running.set(key, entry);
  }

  return {
    apply(jobs, own = []) {
      if (stopped) return;
      const used = new Set<string>();
      const jobNames = new Set(jobs.map(({ config }) => config.jobName));
      const found = wantedTargets(options, jobs, own, (config) => {
        const key = JSON.stringify(config.http);
        used.add(key);
        const client = clients.get(key) ?? options.httpClientFor(config);
        clients.set(key, client);
        return client;
      });
      const told = new Set(refused.map((target) => JSON.stringify(target)));
      refused = found.refused;
      dropped = found.dropped;
      for (const target of refused) {
        if (told.has(JSON.stringify(target))) continue;
        options.logger.log('warn', 'Target is not scraped', { job: target.job, target: target.address, reason: target.reason });
      }
      for (const [key, entry] of running) {
        if (entry.loop.finished) {
          running.delete(key);
          continue;
        }
        const wanted = found.wanted.get(key);
        if (wanted === undefined && !jobNames.has(entry.jobName)) {
          // As in Prometheus, which ends the whole pool of a job that a reload removes before its targets could write markers.
          running.delete(key);
          ending.add(entry.done);
          entry.loop.kill();
          continue;
        }
        if (wanted?.identity === entry.wanted?.identity) continue;
        entry.wanted = wanted;
        entry.jobName = wanted?.jobName ?? entry.jobName;
        entry.loop.set(wanted);
      }
      const moments = momentsFor(found.wanted.size);
      for (const [key, wanted] of found.wanted) if (!running.has(key)) start(key, wanted, moments);
      for (const [key, client] of clients) {
        if (used.has(key)) continue;
        client.close();
        clients.delete(key);
      }
      options.metrics.set('agent_lite_targets', found.wanted.size);
      options.metrics.set('agent_lite_targets_refused', refused.length);
    },
    targets() {
      const list: TargetStatus[] = [];
      for (const { loop, wanted } of running.values()) {
        if (wanted === undefined) continue;
        const { job, labels, url, intervalMs } = wanted.target;
        list.push({ job, labels, url, intervalMs, ...loop.status });
      }
      return list;
    },
    refused: () => refused,
    dropped: () => dropped,
    async stop() {
      stopped = true;
      const all = [...running.values()];
      for (const { loop } of all) loop.kill();
      await Promise.all([...ending, ...all.map(({ done }) => done)]);
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

interface Found {
  readonly wanted: ReadonlyMap<string, Wanted>;
  readonly refused: readonly RefusedTarget[];
  readonly dropped: DroppedTargets;
}

function wantedTargets(
  options: ScrapeManagerOptions,
  jobs: readonly ScrapeJob[],
  own: readonly OwnTarget[],
  clientFor: (config: ScrapeConfig) => HttpClient,
): Found {
  const wanted = new Map<string, Wanted>();
  const refused: RefusedTarget[] = [];
  const dropped: DroppedTargets[] = [];
  const add = (spec: Wanted): void => {
    const key = labelsKey(spec.target.labels);
    const other = wanted.get(key);
    if (other === undefined) {
      wanted.set(key, spec);
    } else if (other.target.url !== spec.target.url) {
      const reason = `its labels equal those of ${other.target.url} (job ${other.target.job}); give one of them another label`;
      refused.push({ job: spec.target.job, address: spec.target.url, reason });
    }
  };
  const addJob = (job: ScrapeJob): void => {
    const { config } = job;
    const resolved = options.resolve(job);
    refused.push(...resolved.refused);
    dropped.push(resolved.dropped);
    const rules = jobRules(config, options.compileRelabel);
    const client = clientFor(config);
    const { overLimit } = resolved;
    if (overLimit !== undefined) options.metrics.add('agent_lite_target_limit_exceeded_total');
    for (const target of resolved.targets) {
      const fetch = overLimit === undefined ? fetchHttp(target, config, client, options.headersOf) : fetchNothing(overLimit);
      const extra = config.extraScrapeMetrics ? { timeoutMs: target.timeoutMs, sampleLimit: config.sampleLimit } : undefined;
      const { sampleLimit, bodySizeLimit, enableCompression, http, scrapeProtocols, fallbackScrapeProtocol, metricNameEscapingScheme } =
        config;
      const asked = [
        sampleLimit,
        bodySizeLimit,
        enableCompression,
        http,
        scrapeProtocols,
        fallbackScrapeProtocol,
        metricNameEscapingScheme,
      ];
      const identity = JSON.stringify([target, rules.rulesKey, extra, overLimit, asked]);
      add({ target, fetch, ...rules, extra, identity, jobName: config.jobName });
    }
  };
  for (const job of jobs) {
    try {
      addJob(job);
    } catch (error) {
      // E.g. a proxy of the environment that is no URL. The other jobs go on.
      const reason = error instanceof Error ? error.message : String(error);
      refused.push({ job: job.config.jobName, address: 'all targets of the job', reason });
    }
  }
  for (const target of own) add(ownSpec(target));
  const all = { count: dropped.reduce((sum, { count }) => sum + count, 0), targets: dropped.flatMap(({ targets }) => targets) };
  return { wanted, refused, dropped: all };
}

function jobRules(config: ScrapeConfig, compileRelabel: CompileRelabel): Pick<LoopSpec, 'rules' | 'rulesKey'> {
  const { honorLabels, honorTimestamps, trackTimestampsStaleness, sampleLimit, metricRelabelConfigs } = config;
  const { labelLimit, labelNameLengthLimit, labelValueLengthLimit, metricNameValidationScheme } = config;
  const legacyNames = metricNameValidationScheme === 'legacy';
  const labelRules = { legacyNames, labelLimit, labelNameLengthLimit, labelValueLengthLimit };
  const plain = { honorLabels, honorTimestamps, trackTimestampsStaleness, ...labelRules };
  return {
    rules: { ...plain, sampleLimit, relabel: compileRelabel(metricRelabelConfigs) },
    rulesKey: JSON.stringify([plain, metricRelabelConfigs]),
  };
}

function ownSpec(own: OwnTarget): Wanted {
  const pairs: Label[] = [...(own.labels ?? []), ['job', own.job], ['instance', own.instance]];
  const target: Target = {
    job: own.job,
    labels: sortLabels(pairs),
    url: 'agent:/metrics',
    intervalMs: own.intervalMs,
    timeoutMs: own.intervalMs,
  };
  const rules = {
    honorLabels: false,
    honorTimestamps: false,
    trackTimestampsStaleness: false,
    sampleLimit: OWN_SAMPLE_LIMIT,
    relabel: (labels: Labels) => labels,
    ...NO_LABEL_RULES,
  };
  return {
    target,
    fetch: fetchOwn(own.exposition),
    rules,
    rulesKey: 'own',
    extra: undefined,
    identity: JSON.stringify(['own', target]),
    jobName: own.job,
  };
}
