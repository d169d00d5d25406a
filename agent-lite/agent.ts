import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { compileRelabel, relabel } from '../contract/relabel.ts';
import { err, ok, type Result } from '../contract/result.ts';
import { VERSION } from '../contract/version.ts';
import { agentStatus } from './agent-status.ts';
import type { AgentConfig, HttpClientConfig } from './config/types.ts';
import { nodeFiles } from './discovery/files-node.ts';
import { createDiscovery } from './discovery/kinds.ts';
import { createDiscoveryManager } from './discovery/manager.ts';
import { createNodeResolver } from './discovery/resolver-node.ts';
import { createHttpClient } from './http/client.ts';
import type { Clock, HttpClient, Logger } from './model.ts';
import { openLogOrMemory } from './open-log.ts';
import { columnCompression, sha256 } from './platform/bytes.ts';
import { createReceivers } from './receivers.ts';
import { scrapeHeaders } from './scrape/fetch.ts';
import { createScrapeManager, type OwnTarget } from './scrape/manager.ts';
import { type CompileRelabel, resolveTargets } from './scrape/target.ts';
import { addProcessMetrics } from './telemetry/process.ts';
import { createRegistry } from './telemetry/registry.ts';
import { FileStore } from './wal/file-store.ts';
import { startWeb } from './web/server.ts';
import type { AgentStatus } from './web/status.ts';

/** Durations are ms, sizes bytes. */
export interface AgentOptions {
  /** Folder of the log; made where it is missing. */
  readonly storagePath: string;
  readonly retentionBytes: number;
  /** 0: no limit by age. */
  readonly retentionMs: number;
  readonly walSync: 'always' | 'interval' | 'never';
  readonly walSyncIntervalMs: number;
  readonly listen: ListenAddress;
  /** Whether `/-/reload` and `/-/quit` may be asked for. */
  readonly enableLifecycle: boolean;
}
export interface ListenAddress {
  /** Empty: every interface. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface AgentSetup {
  readonly config: AgentConfig;
  readonly options: AgentOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For `proxy_from_environment`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The configuration as it is now, checked as a whole, with the files it names; or what is wrong with it. */
  readonly loadConfig: () => Promise<Result<AgentConfig, string>>;
  /** Asked for by `/-/quit`. */
  readonly quit: () => void;
}

export interface Agent {
  /** The port of the status page. */
  readonly port: number;
  status(): AgentStatus;
  /** Takes over the configuration as it is now, all of it or, with the reason, nothing. Does not reject. */
  reload(): Promise<Result<undefined, string>>;
  /** Stops scraping, pushes what it can within {@link FINAL_PUSH_MS}, closes the log. */
  stop(): Promise<void>;
}

/** Of the last push at the end; what is left waits in the log. */
const FINAL_PUSH_MS = 10_000;

/**
 * The agent at a glance: discovery finds targets, scraping appends to the log, the receivers' senders read the log, each from
 * its own cursor. None of the parts knows another; they meet here. Rejects where the log's folder is in use by another agent,
 * or the address of the status page cannot be listened on.
 */
export async function startAgent({ config, options, clock, logger, env, loadConfig, quit }: AgentSetup): Promise<Agent> {
  const startedMs = clock.boot();
  const host = hostname();
  const metrics = createRegistry();
  addProcessMetrics(metrics, VERSION, clock);
  const component = (name: string): Logger => ({ log: (level, text, fields) => logger.log(level, text, { component: name, ...fields }) });
  const httpClient = (http: HttpClientConfig): HttpClient => createHttpClient(http, { readFile, clock, environment: env });

  const opened = await openLogOrMemory(new FileStore(options.storagePath, () => clock.boot()), 'repair its folder, then restart', {
    clock,
    logger: component('wal'),
    metrics,
    sha256,
    randomBytes,
    compression: columnCompression,
    limitBytes: options.retentionBytes,
    maxAgeMs: options.retentionMs,
    sync: options.walSync,
    syncIntervalMs: options.walSyncIntervalMs,
  });
  const { log } = opened;

  const scraping = createScrapeManager({
    clock,
    logger: component('scrape'),
    metrics,
    sha256,
    headersOf: scrapeHeaders(VERSION),
    // Differs between devices with equal images, and stays over restarts.
    offsetSeed: log.logId,
    resolve: ({ config, groups }) => resolveTargets(config, groups, compileRules(config.relabelConfigs)),
    compileRelabel: compileRules,
    httpClientFor: (scrape) => httpClient(scrape.http),
    append: async (scrape) => void (await log.append(scrape)),
  });

  let current = config;
  const ownMetrics = (): OwnTarget => ({
    job: 'agent-lite',
    instance: host,
    intervalMs: current.global.scrapeIntervalMs,
    exposition: () => metrics.expose('pushed'),
  });
  const discoveryTools = {
    files: nodeFiles,
    resolver: createNodeResolver(),
    httpClientFor: httpClient,
    clock,
    logger: component('discovery'),
    metrics,
    version: VERSION,
  };
  const discovery = createDiscoveryManager({
    discoveryFor: (sd) => createDiscovery(sd, discoveryTools),
    clock,
    logger: discoveryTools.logger,
    found: (jobs) => scraping.apply(jobs, [ownMetrics()]),
  });

  const receivers = createReceivers({ log, httpClient, clock, loggerOf: component, metrics, storagePath: options.storagePath });

  let ready = false;
  let reloadError: string | undefined;
  const { storagePath, walSyncIntervalMs } = options;
  const status = (): AgentStatus =>
    agentStatus({ hostname: host, clock, startedMs, ready, reloadError, receivers, opened, storagePath, walSyncIntervalMs, scraping });
  metrics.onCollect(() => {
    const { edge, remoteWrite, log: store, targets } = status();
    metrics.set('agent_lite_targets_up', targets.filter(({ health }) => health === 'up').length);
    metrics.set('agent_lite_log_in_memory', store.mode === 'memory' ? 1 : 0);
    metrics.set('agent_lite_log_limit_bytes', store.limitBytes);
    metrics.set('agent_lite_push_backlog_seconds', (edge?.backlogAgeMs ?? 0) / 1000);
    for (const { name, backlogAgeMs } of remoteWrite)
      metrics.set('agent_lite_remote_write_backlog_seconds', (backlogAgeMs ?? 0) / 1000, { remote_name: name });
  });

  /** Sending first: it is what may fail, and then nothing has changed. */
  async function apply(next: AgentConfig): Promise<void> {
    await receivers.apply(next);
    current = next;
    discovery.apply(next.scrapeConfigs);
    metrics.set('agent_lite_config_last_reload_successful', 1);
    metrics.set('agent_lite_config_last_reload_success_timestamp_seconds', clock.now() / 1000);
  }

  async function reload(): Promise<Result<undefined, string>> {
    try {
      const next = await loadConfig();
      if (next.ok) await apply(next.value);
      reloadError = next.ok ? undefined : next.error;
    } catch (cause) {
      reloadError = cause instanceof Error ? cause.message : String(cause);
    }
    if (reloadError === undefined) {
      component('config').log('info', 'Configuration reloaded', { scrape_configs: current.scrapeConfigs.length });
      return ok(undefined);
    }
    metrics.set('agent_lite_config_last_reload_successful', 0);
    component('config').log('error', 'Configuration not reloaded, the one before stays', { err: reloadError });
    return err(reloadError);
  }
  /** One after the other; the end waits for them. */
  let reloading: Promise<unknown> = Promise.resolve();
  let stopping = false;
  const reloadInTurn = (): Promise<Result<undefined, string>> => {
    const turn = reloading.then(() => (stopping ? err('the agent is stopping') : reload()));
    reloading = turn;
    return turn;
  };

  const web = await startWeb({
    ...options.listen,
    status,
    metrics: () => metrics.expose('all'),
    lifecycle: options.enableLifecycle ? { reload: reloadInTurn, quit } : undefined,
  }).catch(async (cause: unknown) => {
    await log.close();
    throw new Error(`--web.listen-address=${options.listen.host}:${options.listen.port}: cannot listen there, choose another address`, {
      cause,
    });
  });

  await apply(config).catch(async (cause: unknown) => {
    await web.close();
    await log.close();
    throw cause;
  });
  ready = true;
  logger.log('info', 'agent-lite is running', {
    version: VERSION,
    web: `http://${options.listen.host || host}:${web.port}/`,
    ...(config.edgePush === undefined ? {} : { edge: config.edgePush.url }),
    ...(config.remoteWrite.length === 0 ? {} : { remote_write: config.remoteWrite.map(({ name }) => name).join(',') }),
  });

  return {
    port: web.port,
    status,
    reload: reloadInTurn,
    async stop() {
      ready = false;
      stopping = true;
      await reloading;
      discovery.stop();
      await scraping.stop();
      await receivers.stop(FINAL_PUSH_MS);
      await log.close();
      await web.close();
      const { edge, remoteWrite } = status();
      const waiting = [edge, ...remoteWrite].map((receiver) => receiver?.backlogRecords ?? 0);
      logger.log('info', 'agent-lite has stopped', { waiting_scrapes: Math.max(0, ...waiting) });
    },
  };
}

const compileRules: CompileRelabel = (configs) => {
  const rules = compileRelabel(configs);
  return (labels) => relabel(rules, labels);
};
