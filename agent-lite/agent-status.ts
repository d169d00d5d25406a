import { labelsToRecord } from '../contract/labels.ts';
import { VERSION } from '../contract/version.ts';
import type { Clock } from './model.ts';
import type { OpenedLog } from './open-log.ts';
import type { Receivers } from './receivers.ts';
import type { ScrapeManager } from './scrape/manager.ts';
import type { AgentStatus, LogStatus, TargetStatus } from './web/status.ts';

export interface StatusSources {
  readonly hostname: string;
  readonly clock: Clock;
  /** Boot clock. */
  readonly startedMs: number;
  readonly ready: boolean;
  /** Why the last reload failed. */
  readonly reloadError: string | undefined;
  readonly receivers: Receivers;
  readonly opened: OpenedLog;
  readonly storagePath: string;
  readonly walSyncIntervalMs: number;
  readonly scraping: ScrapeManager;
}

/** What the status page shows, put together from the parts. */
export function agentStatus(sources: StatusSources): AgentStatus {
  const { clock, receivers, scraping, startedMs, hostname, ready, reloadError } = sources;
  return {
    version: VERSION,
    hostname,
    uptimeMs: clock.boot() - startedMs,
    nowMs: clock.now(),
    ready,
    reloadError,
    edge: receivers.edge(),
    remoteWrite: receivers.remoteWrite(),
    log: logStatus(sources),
    targets: targetStatus(scraping, clock),
    refusedTargets: scraping.refused(),
    droppedTargets: scraping.dropped().targets.map(({ job, labels }) => ({ job, labels: labelsToRecord(labels) })),
    droppedTargetCount: scraping.dropped().count,
  };
}

function logStatus({ opened: { log, unreadable }, storagePath, walSyncIntervalMs }: StatusSources): LogStatus {
  const { mode, reason, counters, ...sizes } = log.status();
  return {
    path: storagePath,
    bytes: sizes.bytes,
    limitBytes: sizes.limitBytes,
    mode: unreadable === undefined ? mode : 'memory',
    error: unreadable ?? reason,
    syncPolicy: sizes.sync,
    syncIntervalMs: walSyncIntervalMs,
    unsyncedBytes: sizes.unsyncedBytes,
    evictedRecords: counters.evicted,
    damagedPlaces: counters.damaged,
    setAsideBytes: sizes.setAsideBytes,
  };
}

const targetStatus = (scraping: ScrapeManager, clock: Clock): readonly TargetStatus[] =>
  scraping.targets().map(({ job, labels, url, health, durationMs, samples, error, lastScrapeBootMs }) => ({
    ...{ job, url, health, durationMs, samples, error },
    labels: labelsToRecord(labels),
    lastScrapeAgeMs: lastScrapeBootMs === undefined ? undefined : clock.boot() - lastScrapeBootMs,
  }));
