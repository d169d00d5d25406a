import { type LogId, MAX_STREAMS, type Point } from '../../contract/push.ts';
import type { DevicePositions, HandOverResult } from '../model.ts';

/** Earlier commit points that a conflict answer can name. */
export const POINTS_KEPT = 16;
/** Streams of log_ids remembered per device; one beyond and the one idle for longest is forgotten. */
export const LOGS_PER_DEVICE = 64;
/** Two log_ids of a device that were both written to within this time, ms: one token on two devices, or a cloned card. */
export const ACTIVE_LOG_MS = 3_600_000;

export type Decision =
  /** Store it: it follows on, or nothing is known of this log. */
  | { readonly kind: 'follows' }
  /** Already stored through this very record. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'conflict'; readonly stored: Point };

/**
 * Whether records `base..to` of a log follow what is stored of it. Compares chains, not only positions: a position can mean
 * other records on a swapped card, a cloned device or a log that lost its tail.
 */
export function decide(stored: Point | undefined, base: Point, to: Point): Decision {
  if (stored === undefined) return to.position > base.position ? { kind: 'follows' } : { kind: 'repeated' };
  // Before `follows`: an empty push has both ends at what is stored.
  if (samePoint(to, stored)) return { kind: 'repeated' };
  if (samePoint(base, stored) && to.position > base.position) return { kind: 'follows' };
  return { kind: 'conflict', stored };
}

const samePoint = (a: Point, b: Point): boolean => a.position === b.position && a.chain === b.chain;

/** How far one log of one device is stored. */
export interface LogPosition {
  readonly device: string;
  readonly logId: LogId;
  readonly stream: number;
  readonly stored: Point;
  /** Wall clock of the commit, ms. */
  readonly atMs: number;
}

interface KnownLog {
  stored: Point;
  /** Points before `stored`, newest first, as `position:chain` with blanks between. One string costs a tenth of objects. */
  earlier: string;
  atMs: number;
}

/** As kept in the ledger: per device and `logId/stream`: position, chain, time, earlier points. */
export type PositionsSnapshot = Record<string, Record<string, readonly [position: number, chain: string, atMs: number, earlier: string]>>;

/** Every device's positions, in memory. The ledger holds the same: snapshots, and commits since. */
export class Positions {
  readonly #devices = new Map<string, Map<string, KnownLog>>();
  #forgotten = 0;

  get devices(): number {
    return this.#devices.size;
  }

  /** Streams of log_ids dropped because a device had more than {@link LOGS_PER_DEVICE}, since the object started. */
  get forgotten(): number {
    return this.#forgotten;
  }

  stored(device: string, logId: LogId, stream: number): Point | undefined {
    return this.#devices.get(device)?.get(logKey(logId, stream))?.stored;
  }

  /** What is stored and the points before it, newest first, at most {@link POINTS_KEPT}. */
  points(device: string, logId: LogId, stream: number): readonly Point[] {
    const log = this.#devices.get(device)?.get(logKey(logId, stream));
    if (log === undefined) return [];
    const earlier = log.earlier === '' ? [] : log.earlier.split(' ');
    return [log.stored, ...earlier.map(parsePoint)];
  }

  record(position: LogPosition): void {
    const { device, logId, stream, stored, atMs } = position;
    let logs = this.#devices.get(device);
    if (logs === undefined) {
      logs = new Map();
      this.#devices.set(device, logs);
    }
    const key = logKey(logId, stream);
    const before = logs.get(key);
    if (before === undefined && stream >= MAX_STREAMS) forgetStreams(logs, logId, stream - MAX_STREAMS);
    const earlier = before === undefined ? '' : firstPoints(`${before.stored.position}:${before.stored.chain} ${before.earlier}`);
    // Taken out and put in again, so that the map's order is the order of last use.
    logs.delete(key);
    logs.set(key, { stored, earlier, atMs });
    for (const oldest of logs.keys()) {
      if (logs.size <= LOGS_PER_DEVICE) break;
      logs.delete(oldest);
      this.#forgotten++;
    }
  }

  /** Devices after `after`, by name, at most `limit`; with the time of each one's last commit, ms. */
  list(after: string, limit: number): readonly (readonly [device: string, atMs: number])[] {
    const names = [...this.#devices.keys()].filter((device) => device > after).sort();
    return names.slice(0, limit).map((device) => [device, this.lastMs(device) ?? 0]);
  }

  /** Of its last commit; undefined where the device is not known. */
  lastMs(device: string): number | undefined {
    const logs = this.#devices.get(device);
    return logs === undefined ? undefined : Math.max(0, ...[...logs.values()].map(({ atMs }) => atMs));
  }

  /** log_ids written to since `now - ACTIVE_LOG_MS`, and devices that have two or more of them. */
  activity(now: number): { readonly activeLogs: number; readonly devicesWithSeveral: number } {
    let activeLogs = 0;
    let devicesWithSeveral = 0;
    for (const logs of this.#devices.values()) {
      const active = new Set<string>();
      for (const [key, log] of logs) if (now - log.atMs < ACTIVE_LOG_MS) active.add(key.slice(0, key.indexOf('/')));
      activeLogs += active.size;
      if (active.size > 1) devicesWithSeveral++;
    }
    return { activeLogs, devicesWithSeveral };
  }

  /** The positions of those devices for which `wanted` says so. */
  snapshot(wanted: (device: string) => boolean): PositionsSnapshot {
    const out: PositionsSnapshot = Object.create(null);
    for (const [device, logs] of this.#devices) {
      if (!wanted(device)) continue;
      out[device] = Object.fromEntries(
        [...logs].map(([key, log]) => [key, [log.stored.position, log.stored.chain, log.atMs, log.earlier] as const]),
      );
    }
    return out;
  }

  /** Devices after `after` that are `wanted`, in order of their names, until about `characters` are full. */
  page(wanted: (device: string) => boolean, after: string, characters: number): HandOverResult {
    const names = [...this.#devices.keys()].filter((device) => device > after && wanted(device)).sort();
    const devices: DevicePositions[] = [];
    let size = 0;
    for (const device of names) {
      if (size >= characters) return { devices, next: devices.at(-1)?.[0] ?? after };
      const logs = [...(this.#devices.get(device) ?? [])].map(
        ([key, { stored, earlier, atMs }]) => [key, stored.position, stored.chain, atMs, earlier] as const,
      );
      devices.push([device, logs]);
      size += logs.reduce((sum, [key, , chain, , earlier]) => sum + key.length + chain.length + earlier.length + 40, device.length);
    }
    return { devices };
  }

  /** Takes over what is known of devices elsewhere; what is known here is newer. */
  adopt(devices: readonly DevicePositions[]): void {
    for (const [device, logs] of devices) {
      if (this.#devices.has(device)) continue;
      const known = logs.map(([key, position, chain, atMs, earlier]): [string, KnownLog] => [
        key,
        { stored: { position, chain }, earlier, atMs },
      ]);
      this.#devices.set(device, new Map(known));
    }
  }

  restore(snapshot: PositionsSnapshot): void {
    for (const [device, logs] of Object.entries(snapshot)) {
      const known = Object.entries(logs).map(([key, [position, chain, atMs, earlier]]): [string, KnownLog] => [
        key,
        { stored: { position, chain }, earlier, atMs },
      ]);
      this.#devices.set(device, new Map(known));
    }
  }
}

const logKey = (logId: LogId, stream: number): string => `${logId}/${stream}`;

/** Streams are finished in order and few are open at once, so those far below the newest will never be heard of again. */
function forgetStreams(logs: Map<string, KnownLog>, logId: LogId, through: number): void {
  for (const key of [...logs.keys()]) {
    const slash = key.indexOf('/');
    if (key.slice(0, slash) === logId && Number(key.slice(slash + 1)) <= through) logs.delete(key);
  }
}

function firstPoints(points: string): string {
  const kept = points.trimEnd().split(' ');
  return kept.slice(0, POINTS_KEPT - 1).join(' ');
}

function parsePoint(text: string): Point {
  const colon = text.indexOf(':');
  return { position: Number(text.slice(0, colon)), chain: text.slice(colon + 1) };
}
