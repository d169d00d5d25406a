import { NO_CHAIN, type Point } from '../../contract/push.ts';
import type { LogReader, StreamCursor } from '../model.ts';

/**
 * After a conflict: what the edge has of this stream is not what our cursor says. A lost acknowledgement, a clone of the card, a
 * restored backup, or a log that lost its tail in a power cut; the chains tell which records are the same ones.
 */
export type Reconciled =
  /** The edge's end of this stream is a record of ours. */
  | { readonly kind: 'moved'; readonly to: Point }
  /** It is not: somebody else's records, or records we no longer have. From now on this log goes by a new name. */
  | { readonly kind: 'forked'; readonly to: Point }
  /** The edge refuses what follows its own end. Not ours to resolve. */
  | { readonly kind: 'stuck' };

/**
 * @param points what the edge has stored of this stream: its end, then earlier points, newest first
 * @param move moves the stream's cursor
 */
export async function reconcile(
  reader: LogReader,
  { at, end }: StreamCursor,
  points: readonly Point[],
  move: (to: Point) => Promise<void>,
): Promise<Reconciled> {
  const [stored, ...earlier] = points;
  if (stored === undefined || samePoint(stored, at)) return { kind: 'stuck' };
  // A stream that went on beyond our end of it has at least what it was to have.
  const within = (point: Point): Point => (end !== undefined && point.position > end.position ? end : point);
  if (await holds(reader, stored)) {
    const to = within(stored);
    await move(to);
    return { kind: 'moved', to };
  }
  // Everything up to the cursor was acknowledged; what the edge shares with us beyond it need not be sent again.
  let to = at;
  for (const point of earlier) {
    if (point.position <= at.position || !(await holds(reader, point))) continue;
    to = within(point);
    await move(to);
    break;
  }
  await reader.fork();
  return { kind: 'forked', to };
}

async function holds(reader: LogReader, point: Point): Promise<boolean> {
  if (point.position === 0) return point.chain === NO_CHAIN;
  return (await reader.chainAt(point.position)) === point.chain;
}

const samePoint = (a: Point, b: Point): boolean => a.position === b.position && a.chain === b.chain;
