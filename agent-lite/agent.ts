import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { labelsToRecord } from '../contract/labels.ts';
import { compileRelabel, relabel } from '../contract/relabel.ts';
import { VERSION } from '../contract/version.ts';
import type { AgentConfig, HttpClientConfig, ScrapeConfig, SecretSource, TargetGroup } from './config/types.ts';
import { type Discovery, mergedDiscovery, staticDiscovery } from './discovery/discovery.ts';
import { fileDiscovery } from './discovery/file.ts';
import { nodeFiles } from './discovery/files-node.ts';
import { createHttpClient } from './http/client.ts';
import type { Clock, HttpClient, Logger } from './model.ts';
import { columnCompression, deflate, sha256 } from './platform/bytes.ts';
import { createTextFile } from './platform/text-file.ts';
import { createPusher } from './push/pusher.ts';
import { createScrapeManager, type OwnTarget, type ScrapeJob } from './scrape/manager.ts';
import { addProcessMetrics } from './telemetry/process.ts';
import { createRegistry } from './telemetry/registry.ts';
import { FileStore } from './wal/file-store.ts';
import { openLog } from './wal/log.ts';
import { MemoryStore } from './wal/memory-store.ts';
import { defaultLogOptions, type Log, type LogOptions } from './wal/options.ts';
import { StoreError } from './wal/store.ts';
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
}

export interface Agent {
  /** The port of the status page. */
  readonly port: number;
  status(): AgentStatus;
  /** Takes over `scrape_configs`; what else changed is only logged, it needs a restart. */
  reload(config: AgentConfig): void;
  /** Stops scraping, pushes what it can within {@link FINAL_PUSH_MS}, closes the log. */
  stop(): Promise<void>;
}

/** Of the last push at the end; what is left waits in the log. */
const FINAL_PUSH_MS = 10_000;

/**
 * The agent at a glance: discovery finds targets, scraping appends to the log, the pusher sends the log to the edge and moves
 * its cursor. None of the parts knows another; they meet here. Rejects where the log's folder is in use by another agent, or
 * the address of the status page cannot be listened on.
 */
export async function startAgent({ config, options, clock, logger, env }: AgentSetup): Promise<Agent> {
  const startedMs = clock.boot();
  const host = hostname();
  const metrics = createRegistry();
  addProcessMetrics(metrics, VERSION, clock);
  const component = (name: string): Logger => ({ log: (level, text, fields) => logger.log(level, text, { component: name, ...fields }) });
  const httpClient = (http: HttpClientConfig): HttpClient => createHttpClient(http, { readFile, clock, environment: env });

  const { log, unreadable } = await openLogOrMemory({
    store: new FileStore(options.storagePath),
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

  const scraping = createScrapeManager({
    clock,
    logger: component('scrape'),
    metrics,
    sha256,
    version: VERSION,
    // Differs between devices with equal images, and stays over restarts.
    offsetSeed: log.logId,
    compileRelabel(configs) {
      const rules = compileRelabel(configs);
      return (labels) => relabel(rules, labels);
    },
    httpClientFor: (scrape) => httpClient(scrape.http),
    append: async (scrape) => void (await log.append(scrape)),
  });
  const ownMetrics: OwnTarget = {
    job: 'agent-lite',
    instance: host,
    intervalMs: config.global.scrapeIntervalMs,
    exposition: () => metrics.expose('pushed'),
  };

  const edgeHttp = httpClient(config.edgePush.http);
  const pusher = createPusher({
    reader: log,
    http: edgeHttp,
    url: config.edgePush.url,
    pushIntervalMs: config.edgePush.pushIntervalMs,
    remoteTimeoutMs: config.edgePush.remoteTimeoutMs,
    externalLabels: config.global.externalLabels,
    clock,
    clockStore: createTextFile(join(options.storagePath, 'clock.json')),
    logger: component('push'),
    metrics,
    version: VERSION,
    deflate,
    tokenVersion: () => fileVersion(config.edgePush.http.authorization?.credentials),
  });

  let ready = false;
  function status(): AgentStatus {
    const { mode, reason, counters, ...sizes } = log.status();
    return {
      version: VERSION,
      hostname: host,
      uptimeMs: clock.boot() - startedMs,
      nowMs: clock.now(),
      ready,
      edge: pusher.status(),
      log: {
        path: options.storagePath,
        bytes: sizes.bytes,
        limitBytes: sizes.limitBytes,
        mode: unreadable === undefined ? mode : 'memory',
        error: unreadable ?? reason,
        syncPolicy: sizes.sync,
        syncIntervalMs: options.walSyncIntervalMs,
        unsyncedBytes: sizes.unsyncedBytes,
        evictedRecords: counters.evicted,
        damagedPlaces: counters.damaged,
        setAsideBytes: sizes.setAsideBytes,
      },
      targets: scraping.targets().map(({ job, labels, url, ...last }) => ({
        job,
        labels: labelsToRecord(labels),
        url,
        health: last.health,
        lastScrapeAgeMs: last.lastScrapeBootMs === undefined ? undefined : clock.boot() - last.lastScrapeBootMs,
        durationMs: last.durationMs,
        samples: last.samples,
        error: last.error,
      })),
      refusedTargets: scraping.refused(),
    };
  }
  metrics.onCollect(() => {
    const { edge, log: store, targets } = status();
    metrics.set('agent_lite_targets_up', targets.filter(({ health }) => health === 'up').length);
    metrics.set('agent_lite_log_in_memory', store.mode === 'memory' ? 1 : 0);
    metrics.set('agent_lite_log_limit_bytes', store.limitBytes);
    metrics.set('agent_lite_push_backlog_seconds', (edge.backlogAgeMs ?? 0) / 1000);
  });

  const web = await startWeb({ ...options.listen, status, metrics: () => metrics.expose('all') }).catch(async (cause: unknown) => {
    await log.close();
    throw new Error(`--web.listen-address=${options.listen.host}:${options.listen.port}: cannot listen there, choose another address`, {
      cause,
    });
  });

  /** Ends the discovery of the configuration before. */
  let discovering = new AbortController();
  function discover(configs: readonly ScrapeConfig[]): void {
    discovering.abort();
    discovering = new AbortController();
    const tools = { files: nodeFiles, clock, logger: component('discovery') };
    const jobs = configs.map((job): [ScrapeConfig, Discovery] => [
      job,
      mergedDiscovery([staticDiscovery(job.staticConfigs), ...job.fileSdConfigs.map((files) => fileDiscovery(files, tools))]),
    ]);
    discoverJobs(jobs, (found) => scraping.apply(found, [ownMetrics]), discovering.signal);
  }

  discover(config.scrapeConfigs);
  pusher.start();
  ready = true;
  logger.log('info', 'agent-lite is running', {
    version: VERSION,
    web: `http://${options.listen.host || host}:${web.port}/`,
    edge: config.edgePush.url,
  });

  return {
    port: web.port,
    status,
    reload(next) {
      discover(next.scrapeConfigs);
      const restart =
        JSON.stringify([next.edgePush, next.global.externalLabels]) !== JSON.stringify([config.edgePush, config.global.externalLabels]);
      logger.log('info', 'Configuration reloaded', { scrape_configs: next.scrapeConfigs.length });
      if (restart) logger.log('warn', 'edge_push or external_labels changed: restart agent-lite to apply that');
    },
    async stop() {
      ready = false;
      discovering.abort();
      await scraping.stop();
      await pusher.stop(FINAL_PUSH_MS);
      edgeHttp.close();
      await log.close();
      await web.close();
      const { backlogRecords } = pusher.status();
      logger.log('info', 'agent-lite has stopped', { waiting_scrapes: backlogRecords });
    },
  };
}

/**
 * A folder that cannot even be read must not stop a device from measuring: its scrapes wait in memory until they are pushed,
 * and the next start tries the folder again. `unreadable` says why. Rejects where another agent has the folder.
 */
async function openLogOrMemory(options: LogOptions): Promise<{ readonly log: Log; readonly unreadable: string | undefined }> {
  try {
    return { log: await openLog(options), unreadable: undefined };
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    options.logger.log('error', 'The log cannot be read, samples wait in memory only; repair its folder, then restart', { err: cause });
    const { limitBytes, memoryLimitBytes } = defaultLogOptions;
    const log = await openLog({
      ...options,
      store: new MemoryStore(),
      limitBytes: Math.min(options.limitBytes ?? limitBytes, memoryLimitBytes),
    });
    return { log, unreadable: cause.message };
  }
}

/** Differs when a secret's file was written anew; empty for a secret that is no file. */
async function fileVersion(secret: SecretSource | undefined): Promise<string> {
  if (secret?.kind !== 'file') return '';
  const { mtimeMs, size, ino } = await stat(secret.path);
  return `${mtimeMs}/${size}/${ino}`;
}

/** Tells the targets of all jobs together, first when every discovery has been heard: until then the ones before stay. */
function discoverJobs(jobs: readonly [ScrapeConfig, Discovery][], apply: (jobs: readonly ScrapeJob[]) => void, signal: AbortSignal): void {
  const found = new Map<ScrapeConfig, readonly TargetGroup[]>();
  const tell = (): void => {
    if (!signal.aborted && found.size === jobs.length) apply(jobs.map(([config]) => ({ config, groups: found.get(config) ?? [] })));
  };
  if (jobs.length === 0) tell();
  for (const [config, discovery] of jobs) {
    const update = (groups: readonly TargetGroup[]): void => {
      found.set(config, groups);
      tell();
    };
    // Does not reject: discovery logs what it cannot read.
    void discovery.start(update, signal);
  }
}
