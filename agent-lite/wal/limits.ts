import type { Position } from '../../contract/push.ts';
import type { Clock } from '../model.ts';
import type { Cursors } from './cursors.ts';
import { type Settings, segmentBytesFor } from './options.ts';
import type { Segment } from './segment.ts';

/** Wall times before this are those of a clock that was never set; nothing is deleted by such a time. */
const EARLIEST_WALL_MS = Date.UTC(2020, 0, 1);

/**
 * Whether a segment's newest scrape is older than `maxAgeMs`. Within one boot the boot clock tells, which no correction of
 * the wall clock can falsify. Of other boots only wall times are left; where they make no sense, the segment stays.
 */
export function isExpired(segment: Segment, maxAgeMs: number, clock: Clock): boolean {
  if (maxAgeMs === 0 || segment.records === 0) return false;
  if (segment.newestBootId === clock.bootId) return clock.boot() - segment.newestBootMs > maxAgeMs;
  if (segment.newestMs < EARLIEST_WALL_MS) return false;
  return clock.now() - segment.newestMs > maxAgeMs;
}

/** With an age limit a segment is closed after this share of it, since only closed segments can go. */
const AGE_SHARE = 16;
const LEAST_ROTATION_MS = 60_000;

/** Whether a new segment must begin before `more` bytes are written. `sinceMs`: when the active one began (boot clock). */
export function isFull(active: Segment, more: number, sinceMs: number, settings: Settings, inMemory: boolean): boolean {
  if (active.records === 0) return false;
  const { maxAgeMs, memoryLimitBytes, segmentBytes, clock } = settings;
  if (active.bytes + more > (inMemory ? segmentBytesFor(memoryLimitBytes) : segmentBytes)) return true;
  return maxAgeMs > 0 && clock.boot() - sinceMs > Math.max(maxAgeMs / AGE_SHARE, LEAST_ROTATION_MS);
}

/** Scrape records of a segment that each receiver has not acknowledged; '' stands for all where none is known. */
export function recordsBehind(segment: Segment, cursors: Cursors): Map<string, number> {
  if (cursors.size === 0) return new Map([['', segment.records]]);
  const lost = new Map<string, number>();
  for (const [receiver, streams] of cursors.entries()) {
    let records = 0;
    for (const { at, end } of streams) {
      records += unacknowledged(segment, at.position) - (end === undefined ? 0 : unacknowledged(segment, end.position));
    }
    if (records > 0) lost.set(receiver, records);
  }
  return lost;
}

/** Within a segment positions count supporting records too, of which there are few: at most these many too many. */
function unacknowledged(segment: Segment, acknowledged: Position): number {
  if (acknowledged < segment.first) return segment.records;
  return Math.max(0, Math.min(segment.records, segment.last - acknowledged));
}
