import { NO_CHAIN, type Point } from '../../contract/push.ts';
import type { LogReader } from '../model.ts';

/**
 * After a conflict: what the edge has of this log is not what our cursor says. A lost acknowledgement, a clone of the card, a
 * restored backup, or a log that lost its tail in a power cut; the chains tell which records are the same ones.
 */
export type Reconciled =
  /** The edge's end of this log is a record of ours. */
  | { readonly kind: 'moved'; readonly from: Point; readonly to: Point }
  /** It is not: somebody else's records, or records we no longer have. From now on this log goes by a new name. */
  | { readonly kind: 'forked'; readonly from: Point; readonly to: Point }
  /** The edge refuses what follows its own end. Not ours to resolve. */
  | { readonly kind: 'stuck' };

/** @param points what the edge has stored of this log: its end, then earlier points, newest first */
export async function reconcile(reader: LogReader, receiver: string, points: readonly Point[]): Promise<Reconciled> {
  const cursor = reader.cursor(receiver);
  const [stored, ...earlier] = points;
  if (stored === undefined || samePoint(stored, cursor)) return { kind: 'stuck' };
  if (await holds(reader, stored)) {
    await reader.moveCursor(receiver, stored);
    return { kind: 'moved', from: cursor, to: stored };
  }
  // Everything up to the cursor was acknowledged; what the edge shares with us beyond it need not be sent again.
  let to = cursor;
  for (const point of earlier) {
    if (point.position <= cursor.position || !(await holds(reader, point))) continue;
    await reader.moveCursor(receiver, point);
    to = point;
    break;
  }
  await reader.fork();
  return { kind: 'forked', from: cursor, to };
}

async function holds(reader: LogReader, point: Point): Promise<boolean> {
  if (point.position === 0) return point.chain === NO_CHAIN;
  return (await reader.chainAt(point.position)) === point.chain;
}

const samePoint = (a: Point, b: Point): boolean => a.position === b.position && a.chain === b.chain;
