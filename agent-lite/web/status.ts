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
  readonly edge: EdgeStatus;
  readonly log: LogStatus;
  readonly targets: readonly TargetStatus[];
  /** Discovered, but not scraped. */
  readonly refusedTargets: readonly RefusedTarget[];
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
  /** The edge's time minus ours; undefined until the edge has answered. */
  readonly clockOffsetMs: number | undefined;
  /** The times of samples are corrected by the offset. */
  readonly clockCorrected: boolean;
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
  const reasons = [...edgeReasons(status), ...targetReasons(status)];
  if (status.log.mode === 'memory')
    reasons.unshift(`The log cannot be written, samples wait in memory: ${status.log.error ?? 'unknown error'}`);
  if (!status.ready) return { state: 'starting', reasons };
  return { state: reasons.length === 0 ? 'ok' : 'degraded', reasons };
}

function edgeReasons({ edge, log }: AgentStatus): string[] {
  const reasons: string[] = [];
  const error = edge.error ?? 'unknown error';
  if (edge.state === 'unauthorized') reasons.push(`The edge refuses the token of this device; give it a new one. ${error}`);
  else if (edge.state === 'refused') reasons.push(`The edge takes nothing of this device. ${error}`);
  else if (edge.failures > FAILURES_TOLERATED) reasons.push(`The last ${edge.failures} pushes failed, samples wait in the log: ${error}`);
  if (log.limitBytes > 0 && log.bytes > log.limitBytes * NEARLY_FULL && edge.failures > 0)
    reasons.push('The log is nearly full: at the limit the oldest samples are deleted.');
  if (edge.clockOffsetMs !== undefined && Math.abs(edge.clockOffsetMs) > CLOCK_TOLERATED_MS)
    reasons.push(
      `The clock of this device is wrong by ${formatDuration(edge.clockOffsetMs)}${edge.clockCorrected ? '; times of samples are corrected' : ''}.`,
    );
  return reasons;
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
