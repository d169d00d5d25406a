import { FormatError } from '../../contract/binary.ts';
import { type LogId, NO_CHAIN, type Point } from '../../contract/push.ts';
import type { Logger } from '../model.ts';
import {
  BOOT,
  decodeHeader,
  HEADER_BYTES,
  LOG_SEGMENT,
  NO_BOOT,
  OtherVersionError,
  parseSegmentName,
  recordSeed,
  type SegmentHeader,
} from './format.ts';
import { type Damage, type Frame, FrameScanner, frameBytes } from './frame.ts';
import { decodeBootRecord, decodeScrapeHead, isScrape } from './record.ts';
import { countScrape, isEmpty, newSegment, type Segment, SegmentIndex } from './segment.ts';
import { type Entry, type SegmentStore, StoreError } from './store.ts';

/** What opening finds. Memory and time: the newest segment is read, of the others only the header. */
export interface Opened {
  /** Segments with records, oldest first. */
  readonly segments: Segment[];
  /** Files that hold no record, to be removed once a new segment carries the log_id on. */
  readonly empty: string[];
  /** Files that are not segments of this log; they hold something, so they are to be kept aside. */
  readonly unreadable: Entry[];
  /** Of the newest segment that can be read. */
  readonly logId: LogId | undefined;
  /** The log's last record when that segment was begun: it may be all that is left. */
  readonly before: Point;
  /** Bytes cut from the newest segment: the last write before a crash. */
  readonly tornBytes: number;
}

export interface OpeningTools {
  readonly store: SegmentStore;
  readonly log: Logger['log'];
  /** The log_id that reserved positions last, if known. */
  readonly knownLogId: LogId | undefined;
  readonly damaged: (segment: Segment, offset: number, reason: string) => void;
}

interface Candidate {
  readonly entry: Entry;
  readonly first: number;
  readonly header: SegmentHeader | undefined;
  /** Of a format that this agent does not know: not even salvaged, since it may mean something else. */
  readonly otherVersion: boolean;
}

export async function readSegments(tools: OpeningTools): Promise<Opened> {
  const opened: Opening = { segments: [], empty: [], unreadable: [], logId: undefined, before: NOTHING_BEFORE, tornBytes: 0 };
  const candidates = await readHeaders(tools, opened);
  const logIds = salvageableLogIds(candidates, tools.knownLogId);

  let failure: StoreError | undefined;
  for (const [i, candidate] of candidates.entries()) {
    try {
      await openSegment(tools, opened, candidate, candidates[i + 1], logIds);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      failure = error;
      tools.log('error', 'a log segment cannot be read; it stays until the next start', {
        segment: candidate.entry.name,
        err: error.message,
      });
    }
  }
  // One bad file is skipped, and its readers are told of a gap. A disk of which nothing can be read is another matter.
  if (failure !== undefined && opened.segments.length === 0) throw failure;
  return opened;
}

/**
 * Under which a file without a usable header may be read. None while a segment of another format is there: the file may be one as well, and
 * its records, whose checksums do not name their format, would be taken by today's meaning of their bytes.
 */
function salvageableLogIds(candidates: readonly Candidate[], knownLogId: LogId | undefined): readonly LogId[] {
  if (candidates.some(({ otherVersion }) => otherVersion)) return [];
  return [...new Set([...candidates.flatMap(({ header }) => header?.logId ?? []), ...(knownLogId === undefined ? [] : [knownLogId])])];
}

const NOTHING_BEFORE: Point = { position: 0, chain: NO_CHAIN };

type Opening = { -readonly [K in keyof Opened]: Opened[K] };

async function openSegment(
  tools: OpeningTools,
  opened: Opening,
  candidate: Candidate,
  next: Candidate | undefined,
  logIds: readonly LogId[],
): Promise<void> {
  if (candidate.otherVersion) {
    setApart(tools, opened, candidate, 'a segment of another format version');
    return;
  }
  const onTail = { newest: next === undefined, cut: (bytes: number) => (opened.tornBytes += bytes) };
  const segment = summarized(tools, candidate, next) ?? (await scanned(tools, candidate, logIds, onTail));
  const before = opened.segments[opened.segments.length - 1];
  const hollow = segment !== undefined && next !== undefined && isEmpty(segment) && candidate.entry.bytes > HEADER_BYTES;
  if (segment === undefined || hollow || (before !== undefined && segment.first <= before.last)) {
    setApart(tools, opened, candidate);
    return;
  }
  opened.logId = segment.logId;
  opened.before = segment.before ?? opened.before;
  if (isEmpty(segment)) opened.empty.push(segment.name);
  else opened.segments.push(segment);
}

async function readHeaders({ store, log }: OpeningTools, opened: Opening): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  for (const entry of await store.list('wal')) {
    const first = parseSegmentName(entry.name);
    if (first === undefined) continue;
    if (entry.bytes < HEADER_BYTES) {
      candidates.push({ entry, first, header: undefined, otherVersion: false });
      continue;
    }
    let header: SegmentHeader | undefined;
    let otherVersion = false;
    try {
      header = decodeHeader(await store.read('wal', entry.name, 0, HEADER_BYTES));
      if (header.kind !== LOG_SEGMENT) throw new FormatError('segment header: expected a segment of the log, got a set-aside file');
      if (header.first !== first) throw new FormatError(`segment header: expected first position ${first}, got ${header.first}`);
    } catch (error) {
      if (!(error instanceof FormatError) && !(error instanceof StoreError)) throw error;
      header = undefined;
      otherVersion = error instanceof OtherVersionError;
      log('error', 'log segment without a usable header', { segment: entry.name, err: error.message });
    }
    candidates.push({ entry, first, header, otherVersion });
  }
  candidates.sort((a, b) => a.first - b.first);
  for (;;) {
    const newest = candidates[candidates.length - 1]?.entry;
    if (newest === undefined || newest.bytes >= HEADER_BYTES) return candidates;
    log('warn', 'removing a log segment whose making was cut off', { segment: newest.name, bytes: newest.bytes });
    opened.empty.push(newest.name);
    opened.tornBytes += newest.bytes;
    candidates.pop();
  }
}

/** Of a file that is no segment of this log any more nobody can say what it held. */
function setApart(tools: OpeningTools, opened: Opening, { entry, first }: Candidate, why = 'not a segment of this log'): void {
  tools.damaged(newSegment(tools.store, { logId: NO_LOG, first, before: undefined }), 0, why);
  opened.unreadable.push(entry);
}

const NO_LOG: LogId = '0'.repeat(32);

/** From the header of the segment behind it. */
function summarized({ store }: OpeningTools, { entry, first, header }: Candidate, next: Candidate | undefined): Segment | undefined {
  const summary = next?.header?.previous;
  if (header === undefined || summary === undefined || summary.first !== first) return undefined;
  const segment = newSegment(store, header);
  segment.last = summary.last;
  segment.chain = next?.header?.before.position === summary.last ? next.header.before.chain : undefined;
  segment.bytes = Math.min(entry.bytes, summary.bytes);
  segment.records = summary.records;
  segment.oldestMs = summary.oldestMs;
  segment.newestMs = summary.newestMs;
  segment.newestBootMs = summary.newestBootMs;
  segment.newestBootId = summary.newestBootId;
  return segment;
}

/** Reads a whole segment. Undefined where no record can be found under any of the log_ids and there is no header either. */
async function scanned(
  tools: OpeningTools,
  candidate: Candidate,
  logIds: readonly LogId[],
  last: { newest: boolean; cut: (bytes: number) => void },
): Promise<Segment | undefined> {
  const { header, entry, first } = candidate;
  if (header !== undefined) return scan(tools, newSegment(tools.store, header), entry.bytes, last);
  for (const logId of logIds) {
    const segment = newSegment(tools.store, { logId, first, before: undefined });
    if (!(await holdsRecord(segment, entry.bytes))) continue;
    tools.damaged(segment, 0, 'segment header');
    return scan(tools, segment, entry.bytes, last);
  }
  return undefined;
}

const scanner = (segment: Segment, end: number, onBadBlock: () => void): FrameScanner =>
  new FrameScanner({
    read: (offset, length) => readPieces(segment, offset, length, onBadBlock),
    seed: recordSeed(segment.logId),
    offset: HEADER_BYTES,
    end,
    last: segment.first - 1,
    contiguous: true,
    chunkBytes: 256 * 1024,
  });

const PIECE_BYTES = 4096;

/** Bad blocks read as zeros, which hold no record. Rejects where nothing at all can be read. */
export async function readPieces(
  { store, name }: Pick<Segment, 'store' | 'name'>,
  offset: number,
  length: number,
  onBadBlock: () => void,
): Promise<Uint8Array> {
  try {
    return await store.read('wal', name, offset, length);
  } catch (error) {
    if (!(error instanceof StoreError) || error.reason !== 'failed' || length <= PIECE_BYTES) throw error;
    const bytes = new Uint8Array(length);
    let good = 0;
    for (let at = 0; at < length; at += PIECE_BYTES) {
      try {
        bytes.set(await store.read('wal', name, offset + at, Math.min(PIECE_BYTES, length - at)), at);
        good++;
      } catch (bad) {
        if (!(bad instanceof StoreError)) throw bad;
      }
    }
    if (good === 0) throw error;
    onBadBlock();
    return bytes;
  }
}

async function holdsRecord(segment: Segment, end: number): Promise<boolean> {
  const walk = scanner(segment, end, () => undefined);
  for (let found = await walk.next(); found !== undefined; found = await walk.next()) if (found.frame !== undefined) return true;
  return false;
}

async function scan(
  tools: OpeningTools,
  segment: Segment,
  end: number,
  { newest, cut }: { newest: boolean; cut: (bytes: number) => void },
): Promise<Segment> {
  let whole = true;
  const walk = scanner(segment, end, () => (whole = false));
  const boots = new Map<number, string>();
  const index = new SegmentIndex();
  for (let found = await walk.next(); found !== undefined; found = await walk.next()) {
    if (found.damage !== undefined) {
      if (found.damage.trailing) {
        if (newest && whole) {
          await cutTail(tools, segment, found.damage);
          cut(found.damage.bytes);
        }
        break;
      }
      tools.damaged(segment, found.damage.offset, 'record');
      continue;
    }
    const { frame } = found;
    segment.last = frame.position;
    segment.chain = frame.chain;
    segment.bytes = frame.offset + frameBytes(frame);
    note(segment, frame, boots);
    index.add(frame.position, frame.offset, frameBytes(frame), segment.newestMs);
  }
  segment.index = index;
  return segment;
}

/** A record that is whole but senseless is left to whoever reads it. */
function note(segment: Segment, { position, body }: Frame, boots: Map<number, string>): void {
  try {
    if (body[0] === BOOT) boots.set(position, decodeBootRecord(body));
    if (!isScrape(body)) return;
    const { head } = decodeScrapeHead(position, body);
    countScrape(segment, head.wallMs, head.bootMs, boots.get(head.bootAt) ?? NO_BOOT);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}

/** Where the disk does not allow it the bytes stay, and are never read. */
async function cutTail({ store, log }: OpeningTools, segment: Segment, tail: Damage): Promise<void> {
  log('warn', 'cutting the torn end of the log', { segment: segment.name, offset: tail.offset, bytes: tail.bytes });
  try {
    await store.truncate(segment.name, tail.offset);
  } catch (error) {
    log('warn', 'the torn end of the log stays where it is', { segment: segment.name, err: String(error) });
  }
}
