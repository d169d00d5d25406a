import { formatDuration } from './format.ts';

/** What the status page and `/api/v1/status` show. Ages and durations are ms; `undefined`: not known or never happened. */
export interface AgentStatus {
  readonly version: string;
  readonly hostname: string;
  readonly uptimeMs: number;
  /** The device's wall clock, ms since 1970. */
  readonly nowMs: number;
  /** The log is open and the loops run; false while starting and while stopping. */
  readonly ready: boolean;
  /** Why the configuration was not taken over when that was last asked for. */
  readonly reloadError: string | undefined;
  /** Undefined without `edge_push`. */
  readonly edge: EdgeStatus | undefined;
  readonly remoteWrite: readonly RemoteWriteStatus[];
  readonly log: LogStatus;
  readonly targets: readonly TargetStatus[];
  /** Discovered, but not scraped. */
  readonly refusedTargets: readonly RefusedTarget[];
  /** Dropped by relabel_configs, as many as `keep_dropped_targets` keeps, with the labels before. */
  readonly droppedTargets: readonly DroppedTarget[];
  /** All that were dropped. */
  readonly droppedTargetCount: number;
}

export interface EdgeStatus {
  /** `unauthorized`: the token is refused. `refused`: the edge takes nothing of this device. Others are daily life. */
  readonly state: string;
  readonly url: string;
  readonly lastSuccessAgeMs: number | undefined;
  readonly nextTryInMs: number | undefined;
  /** Failures in a row. */
  readonly failures: number;
  /** Of the last push, where it failed. */
  readonly error: string | undefined;
  readonly pushIntervalMs: number;
  readonly backlogRecords: number;
  readonly backlogBytes: number;
  /** Age of the oldest record the edge has not acknowledged. */
  readonly backlogAgeMs: number | undefined;
  /** Of the backlog, those that are sent behind fresh samples. */
  readonly behindRecords: number;
  /** The edge's time minus ours; undefined until the edge has answered. */
  readonly clockOffsetMs: number | undefined;
  /** The times of samples are corrected by the offset. */
  readonly clockCorrected: boolean;
  /** Series that the last push left out, because the edge drops them. */
  readonly leftOutSeries: number;
}

/** A receiver of plain remote write. */
export interface RemoteWriteStatus {
  readonly name: string;
  readonly url: string;
  readonly state: string;
  readonly shards: number;
  readonly lastSuccessAgeMs: number | undefined;
  readonly nextTryInMs: number | undefined;
  /** In a row. */
  readonly failures: number;
  /** Of the last request, where it failed. */
  readonly error: string | undefined;
  readonly backlogRecords: number;
  readonly backlogBytes: number;
  readonly backlogAgeMs: number | undefined;
}

export interface LogStatus {
  readonly path: string;
  readonly bytes: number;
  readonly limitBytes: number;
  /** `memory`: the medium failed and scrapes wait in memory. */
  readonly mode: 'file' | 'memory';
  /** Why it is in memory. */
  readonly error: string | undefined;
  readonly syncPolicy: 'always' | 'interval' | 'never';
  readonly syncIntervalMs: number;
  /** Written, but a power cut would take it. */
  readonly unsyncedBytes: number;
  /** Scrapes deleted at a limit before the edge had them. */
  readonly evictedRecords: number;
  readonly damagedPlaces: number;
  /** Records that could not be sent, kept for a person to look at. */
  readonly setAsideBytes: number;
}

export interface TargetStatus {
  readonly job: string;
  /** `job` and `instance` among them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly url: string;
  readonly health: 'up' | 'down' | 'unknown';
  readonly lastScrapeAgeMs: number | undefined;
  readonly durationMs: number | undefined;
  readonly samples: number | undefined;
  readonly error: string | undefined;
}

export interface RefusedTarget {
  readonly job: string;
  readonly address: string;
  readonly reason: string;
}

export interface DroppedTarget {
  readonly job: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Verdict {
  readonly state: 'ok' | 'degraded' | 'starting';
  /** What is wrong, most pressing first; each a sentence a person on site can act on. */
  readonly reasons: readonly string[];
}

/** Pushes may fail this often before the link counts as down: one lost request is daily life on a mobile link. */
const FAILURES_TOLERATED = 2;
const CLOCK_TOLERATED_MS = 60_000;
const NEARLY_FULL = 0.9;

/** The one word at the top of the page. */
export function judge(status: AgentStatus): Verdict {
  const reasons = [...edgeReasons(status), ...remoteWriteReasons(status), ...logReasons(status), ...targetReasons(status)];
  if (status.reloadError !== undefined) reasons.unshift(`The configuration was not reloaded, the one before stays: ${status.reloadError}`);
  if (status.log.mode === 'memory')
    reasons.unshift(`The log cannot be written, samples wait in memory: ${status.log.error ?? 'unknown error'}`);
  if (!status.ready) return { state: 'starting', reasons };
  return { state: reasons.length === 0 ? 'ok' : 'degraded', reasons };
}

function edgeReasons({ edge }: AgentStatus): string[] {
  const reasons: string[] = [];
  if (edge === undefined) return reasons;
  const error = edge.error ?? 'unknown error';
  if (edge.state === 'unauthorized') reasons.push(`The edge refuses the token of this device; give it a new one. ${error}`);
  else if (edge.state === 'refused') reasons.push(`The edge takes nothing of this device. ${error}`);
  else if (edge.failures > FAILURES_TOLERATED) reasons.push(`The last ${edge.failures} pushes failed, samples wait in the log: ${error}`);
  if (edge.clockOffsetMs !== undefined && Math.abs(edge.clockOffsetMs) > CLOCK_TOLERATED_MS)
    reasons.push(
      `The clock of this device is wrong by ${formatDuration(edge.clockOffsetMs)}${edge.clockCorrected ? '; times of samples are corrected' : ''}.`,
    );
  return reasons;
}

const remoteWriteReasons = ({ remoteWrite }: AgentStatus): string[] =>
  remoteWrite
    .filter(({ failures }) => failures > FAILURES_TOLERATED)
    .map(
      ({ name, failures, error }) =>
        `The last ${failures} requests to ${name} failed, samples wait in the log: ${error ?? 'unknown error'}`,
    );

function logReasons({ log, edge, remoteWrite }: AgentStatus): string[] {
  const failing = [edge, ...remoteWrite].some((receiver) => receiver !== undefined && receiver.failures > 0);
  const full = log.limitBytes > 0 && log.bytes > log.limitBytes * NEARLY_FULL;
  return failing && full ? ['The log is nearly full: at the limit the oldest samples are deleted.'] : [];
}

function targetReasons({ targets, refusedTargets }: AgentStatus): string[] {
  const reasons: string[] = [];
  const down = targets.filter((target) => target.health === 'down').length;
  if (down > 0) reasons.push(`${down} of ${targets.length} targets ${down === 1 ? 'is' : 'are'} down.`);
  if (refusedTargets.length > 0)
    reasons.push(
      `${refusedTargets.length} discovered ${refusedTargets.length === 1 ? 'address' : 'addresses'} cannot be scraped, see below.`,
    );
  if (targets.length === 0) reasons.push('No targets: nothing is scraped. See scrape_configs in the configuration.');
  return reasons;
}
