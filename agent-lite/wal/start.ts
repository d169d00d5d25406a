import { type LogId, NO_CHAIN, type Point, type Position } from '../../contract/push.ts';
import { toHex } from '../../contract/series-table.ts';
import { CURSORS_FILE, type Cursors } from './cursors.ts';
import type { Journal } from './journal.ts';
import { type Opened, readSegments } from './opening.ts';
import type { Settings } from './options.ts';
import { decodeReserved, firstPosition, POSITIONS_FILE } from './positions.ts';
import type { SegmentStore } from './store.ts';

/** What a log that is being opened goes on from. */
export interface Start extends Pick<Opened, 'segments' | 'empty' | 'unreadable'> {
  readonly logId: LogId;
  /** The last record there was, which may be gone: the new segment names it as the point before it. */
  readonly head: Point;
  /** Of the new segment, behind everything that may ever have been used. */
  readonly first: Position;
}

/**
 * Reads segments, cursors and reserved positions, and decides which of them to believe. Loads `cursors`; of the disk it only changes the
 * torn end of the newest segment. Rejects with `StoreError` where the disk cannot be read.
 */
export async function readStart(
  disk: SegmentStore,
  journal: Journal,
  cursors: Cursors,
  randomBytes: Settings['randomBytes'],
): Promise<Start> {
  const reserved = decodeReserved(await disk.readFile(POSITIONS_FILE));
  if (!cursors.load(await disk.readFile(CURSORS_FILE)))
    journal.log('warn', 'the cursors cannot be read: everything in the log is sent again', { file: CURSORS_FILE });
  const opened = await readSegments({
    store: disk,
    log: journal.log,
    knownLogId: reserved?.logId,
    damaged: (segment, offset, reason) => journal.damaged(segment, offset, reason),
  });
  journal.torn(opened.tornBytes);
  const { segments, empty, unreadable } = opened;
  const logId = opened.logId ?? toHex(randomBytes(16));
  forgetOtherLogs(cursors, journal, new Set([...segments.map((segment) => segment.logId), logId, ...(reserved ? [reserved.logId] : [])]));
  const head = headOf(opened, cursors, journal);
  return { segments, empty, unreadable, logId, head, first: firstPosition(head.position, reserved) };
}

/** A cursor further than this log would have what was never sent taken for acknowledged. */
function forgetOtherLogs(cursors: Cursors, journal: Journal, logIds: ReadonlySet<LogId>): void {
  if (cursors.areOf(logIds)) return;
  cursors.forget();
  journal.log('warn', 'the cursors are those of another log: everything in the log is sent again', { file: CURSORS_FILE });
}

/**
 * A cursor beyond the log names records that a power cut took after they were acknowledged, or nothing at all. The log goes on behind
 * it, but it is not believed: the edge knows the one, and would never miss what the other skips.
 */
function headOf({ segments, before }: Opened, cursors: Cursors, journal: Journal): Point {
  const newest = segments[segments.length - 1];
  let head: Point = { position: newest?.last ?? 0, chain: newest?.chain ?? NO_CHAIN };
  if (before.position > head.position) head = before;
  const furthest = cursors.furthest();
  const unsure = cursors.forgetBeyond(head.position);
  if (unsure.length > 0)
    journal.log('warn', 'cursors point beyond the log: everything in the log is sent again, unless the edge says that it has it', {
      receivers: unsure.join(','),
      position: furthest.position,
      log_end: head.position,
    });
  return furthest.position > head.position ? furthest : head;
}
