import { FormatError } from '../../contract/binary.ts';
import { type Chain, NO_CHAIN, type Point, type Position } from '../../contract/push.ts';
import type { Clock, LogEntry, LoggedGap } from '../model.ts';
import type { RecordSource, ScrapeDecoder } from './decoder.ts';
import { HEADER_BYTES } from './format.ts';
import { type Damage, type Frame, FrameScanner, frameBytes } from './frame.ts';
import { decodeScrapeHead, isScrape } from './record.ts';
import { recoverBody } from './recover.ts';
import { type Segment, SegmentIndex } from './segment.ts';
import { goesOn, type Segments } from './segments.ts';
import { StoreError } from './store.ts';

export interface ReaderTools {
  readonly segments: Segments;
  readonly clock: Clock;
  head(): Point;
  /** The chain of a cursor that stands at `position`. */
  cursorChain(position: Position): Chain | undefined;
  wasEvicted(from: Position, to: Position): boolean;
  damaged(segment: Segment, offset: number, reason: string): void;
  /** A segment's file is gone. Rejects where that may be because the whole disk is. */
  lost(segment: Segment): Promise<void>;
  readonly decoder: ScrapeDecoder;
}

interface Place {
  readonly position: Position;
  readonly chain: Chain | undefined;
}

/**
 * Entries behind `after` up to the present head. What cannot be delivered becomes a gap; what is merely a jump of positions
 * does not. Rejects with {@link StoreError} where the store cannot be read; trying again later is then right.
 */
export async function* readEntries(tools: ReaderTools, after: Position): AsyncGenerator<LogEntry, void, undefined> {
  const { segments } = tools;
  const end = tools.head().position;
  const gaps = new GapCollector();
  let at: Place = { position: after, chain: chainKnown(tools, after) };
  while (at.position < end) {
    const segment = segments.after(at.position);
    if (segment === undefined) break;
    // Without its header nobody knows what it follows, and what was lost is told rather once too often.
    if (segment.first > at.position + 1 && (segment.before === undefined || !goesOn(at, segment.before))) {
      yield* gaps.add({ from: at.position + 1, to: segment.first - 1, reason: reasonFor(tools, at.position, segment, segment.first - 1) });
    }
    try {
      yield* readSegment(tools, segment, at.position, end, gaps);
      at = { position: segment.last, chain: segment.chain };
    } catch (error) {
      if (!(error instanceof StoreError) || error.reason !== 'missing') throw error;
      // Evicted meanwhile, or gone: `at` stays, so that the next segment shows what is missing.
      if (segments.has(segment)) await tools.lost(segment);
      at = { position: Math.max(at.position, gaps.settled), chain: undefined };
    }
  }
  if (at.position < end) yield* gaps.add({ from: at.position + 1, to: end, reason: reasonFor(tools, at.position, undefined, end) });
  yield* gaps.flush();
}

function chainKnown(tools: ReaderTools, position: Position): Chain | undefined {
  if (position === 0) return NO_CHAIN;
  return tools.cursorChain(position) ?? tools.segments.chainAtBorder(position);
}

/** Segments missing at the front were evicted, by this process or one before it; one missing in between was not. */
function reasonFor(tools: ReaderTools, after: Position, next: Segment | undefined, to: Position): LoggedGap['reason'] {
  const oldest = tools.segments.after(0);
  return oldest === next || tools.wasEvicted(after + 1, to) ? 'evicted' : 'damaged';
}

async function* readSegment(tools: ReaderTools, segment: Segment, after: Position, end: Position, gaps: GapCollector) {
  segment.index ??= new SegmentIndex();
  const { index, store } = segment;
  const start = index.floor(after + 1);
  const scanner = frames(tools, segment, start.offset, (start.position ?? segment.first) - 1, 64 * 1024);
  const last = Math.min(segment.last, end);
  let settled = Math.max(after, segment.first - 1);
  let wallMs = start.wallMs ?? segment.oldestMs;
  gaps.settled = settled;
  while (settled < last) {
    const found = await scanner.next();
    if (found === undefined) break;
    if (found.damage !== undefined) {
      countDamage(tools, segment, found.damage);
      continue;
    }
    const { frame } = found;
    // Of a later segment, whose blocks were mixed up with this one's: it has its turn there.
    if (frame.position > last) break;
    if (isScrape(frame.body)) wallMs = timeOf(frame) ?? wallMs;
    index.add(frame.position, frame.offset, frameBytes(frame), wallMs);
    if (frame.position <= settled) continue;
    if (frame.position > settled + 1) yield* gaps.add({ from: settled + 1, to: frame.position - 1, reason: 'damaged' });
    settled = frame.position;
    if (isScrape(frame.body)) {
      const scrape = await decode(tools, segment, frame);
      if (scrape === undefined) {
        yield* gaps.add({ from: settled, to: settled, reason: 'damaged' });
      } else {
        yield* gaps.flush();
        yield { kind: 'scrape', scrape } satisfies LogEntry;
      }
    }
    gaps.settled = settled;
  }
  if (settled < last) {
    // The file is shorter than it was, or damaged up to its end.
    tools.damaged(segment, scanner.offset, 'end of segment');
    yield* gaps.add({ from: settled + 1, to: last, reason: 'damaged' });
  }
  if (segment !== tools.segments.newest() && last === segment.last && segment.store === store) {
    segment.index = undefined;
    tools.decoder.forget(segment);
  }
}

function countDamage(tools: ReaderTools, segment: Segment, damage: Damage): void {
  if (!damage.trailing) tools.damaged(segment, damage.offset, 'record');
}

function timeOf(frame: Frame): number | undefined {
  try {
    return decodeScrapeHead(frame.position, frame.body).head.wallMs;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

async function decode(tools: ReaderTools, segment: Segment, frame: Frame) {
  try {
    return await tools.decoder.decode(segment, frame);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    tools.damaged(segment, frame.offset, error.message);
    return undefined;
  }
}

/** One record by its position; undefined where it is damaged. */
export async function findFrame(tools: Pick<ReaderTools, 'clock'>, segment: Segment, position: Position): Promise<Frame | undefined> {
  if (position < segment.first || position > segment.last) return undefined;
  segment.index ??= new SegmentIndex();
  const start = segment.index.floor(position);
  let wallMs = start.wallMs ?? segment.oldestMs;
  const scanner = frames(tools, segment, start.offset, (start.position ?? segment.first) - 1, 8 * 1024);
  for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
    const { frame } = found;
    if (frame === undefined) continue;
    if (isScrape(frame.body)) wallMs = timeOf(frame) ?? wallMs;
    segment.index?.add(frame.position, frame.offset, frameBytes(frame), wallMs);
    if (frame.position === position) return frame;
    if (frame.position > position) return undefined;
  }
  return undefined;
}

/** What a {@link ScrapeDecoder} asks of a log's segments. */
export const recordsOf = (tools: Pick<ReaderTools, 'clock'>): RecordSource => ({
  find: (segment, position) => findFrame(tools, segment, position),
  recover: (segment, position, type) =>
    recoverBody(segment, position, type, (offset, length) => readRange(tools.clock, segment, offset, length)),
});

function frames(tools: Pick<ReaderTools, 'clock'>, segment: Segment, offset: number, last: Position, chunkBytes: number): FrameScanner {
  return new FrameScanner({
    read: (at, length) => readRange(tools.clock, segment, at, length),
    seed: segment.seed,
    offset,
    end: segment.bytes,
    last,
    contiguous: true,
    chunkBytes,
  });
}

const PIECE_BYTES = 4096;
/** How long a piece must have been unreadable, while the rest of its file can be read, before it is given up. */
const GIVE_UP_AFTER_MS = 600_000;

/**
 * A bad block must not stop the log for ever, but a disk that is away for a moment must not make its content "damaged": the
 * reader would go past it and the content would be deleted. So a failing read is an error at first, and only a piece that
 * goes on failing by itself reads as zeros, which no checksum accepts.
 */
async function readRange(clock: Clock, segment: Segment, offset: number, length: number): Promise<Uint8Array> {
  try {
    return await segment.store.read('wal', segment.name, offset, length);
  } catch (error) {
    if (!(error instanceof StoreError) || error.reason !== 'failed') throw error;
  }
  await segment.store.read('wal', segment.name, 0, HEADER_BYTES);
  const since = segment.failingSince;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += PIECE_BYTES) {
    const size = Math.min(PIECE_BYTES, length - at);
    const block = Math.floor((offset + at) / PIECE_BYTES);
    try {
      bytes.set(await segment.store.read('wal', segment.name, offset + at, size), at);
      since.delete(block);
    } catch (error) {
      const first = since.get(block) ?? clock.boot();
      since.set(block, first);
      if (clock.boot() - first < GIVE_UP_AFTER_MS) throw error;
    }
  }
  return bytes;
}

/** Joins gaps that follow each other, so that a damaged stretch is told once. */
class GapCollector {
  #gap: LoggedGap | undefined;
  /** Everything up to here has been told, as a record or as a gap. */
  settled: Position = 0;

  *add(gap: LoggedGap): Generator<LogEntry> {
    if (this.#gap !== undefined && this.#gap.reason === gap.reason) {
      this.#gap = { from: this.#gap.from, to: gap.to, reason: gap.reason };
      return;
    }
    yield* this.flush();
    this.#gap = gap;
  }

  *flush(): Generator<LogEntry> {
    if (this.#gap !== undefined) yield { kind: 'gap', gap: this.#gap };
    this.#gap = undefined;
  }
}
