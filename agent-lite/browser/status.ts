import { labelsToRecord } from '../../contract/labels.ts';
import type { Clock } from '../model.ts';
import type { PusherStatus } from '../push/pusher.ts';
import type { LogStatus } from '../wal/options.ts';
import type { Role } from './events.ts';
import type { Session } from './session.ts';
import type { PageTargets } from './targets.ts';
import type { TokenStatus } from './token.ts';

/** Durations and ages are ms, sizes bytes; `undefined`: not known, or not while another tab is the leader. */
export interface BrowserAgentStatus {
  readonly version: string;
  readonly role: Role;
  /** Why it is `failed` or `standby`, where there is more to say. */
  readonly reason: string | undefined;
  readonly edge: PusherStatus | undefined;
  readonly token: TokenStatus | undefined;
  /** Whether the browser believes that it has a network. */
  readonly online: boolean;
  /** `mode: 'memory'`: what is appended now does not survive the page. `deletions`: times its database was deleted under it. */
  readonly log: (LogStatus & { readonly deletions: number }) | undefined;
  readonly storage: StorageStatus;
  readonly targets: readonly PageTargetStatus[];
  /** Not scraped, and why. */
  readonly refusedTargets: readonly { readonly job: string; readonly address: string; readonly reason: string }[];
}

export interface PageTargetStatus {
  readonly job: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `undefined`: a function of the page. */
  readonly url: string | undefined;
  /** `standby`: another tab leads, and this page's target is NOT scraped, nor are its series handed to that tab. */
  readonly health: 'up' | 'down' | 'unknown' | 'standby';
  readonly lastScrapeAgeMs: number | undefined;
  readonly durationMs: number | undefined;
  readonly samples: number | undefined;
  readonly error: string | undefined;
}

/** What the browser says of the origin's storage; of all that the origin stores, not of this log alone. */
export interface StorageStatus {
  /** The browser has promised not to evict it. */
  readonly persisted: boolean | undefined;
  readonly usageBytes: number | undefined;
  readonly quotaBytes: number | undefined;
}

export const UNKNOWN_STORAGE: StorageStatus = { persisted: undefined, usageBytes: undefined, quotaBytes: undefined };

/** Never rejects: no browser has to tell. */
export async function readStorage(storage: StorageManager): Promise<StorageStatus> {
  try {
    const [{ usage, quota }, persisted] = await Promise.all([storage.estimate(), storage.persisted()]);
    return { persisted, usageBytes: usage, quotaBytes: quota };
  } catch {
    return UNKNOWN_STORAGE;
  }
}

/** The targets of a page while another tab leads, so that whoever looks sees what is not collected. */
export const standbyStatus = ({ targets, functions }: PageTargets): readonly PageTargetStatus[] =>
  targets.map(({ job, labels, url }) => ({
    ...{ job, health: 'standby', labels: labelsToRecord(labels), url: functions.has(url) ? undefined : url },
    ...{ lastScrapeAgeMs: undefined, durationMs: undefined, samples: undefined, error: undefined },
  }));

export function targetStatus(session: Session, isFunction: (url: string) => boolean, clock: Clock): readonly PageTargetStatus[] {
  return session.scraping.targets().map(({ job, labels, url, health, durationMs, samples, error, lastScrapeBootMs }) => ({
    ...{ job, health, durationMs, samples, error },
    labels: labelsToRecord(labels),
    url: isFunction(url) ? undefined : url,
    lastScrapeAgeMs: lastScrapeBootMs === undefined ? undefined : clock.boot() - lastScrapeBootMs,
  }));
}
