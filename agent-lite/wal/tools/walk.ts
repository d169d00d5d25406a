import { FormatError } from '../../../contract/binary.ts';
import type { Position } from '../../../contract/push.ts';
import type { LoggedScrape } from '../../model.ts';
import { MetadataCache } from '../attachments.ts';
import { type RecordSource, ScrapeDecoder, TableCache } from '../decoder.ts';
import { HEADER_BYTES } from '../format.ts';
import { type Frame, FrameScanner, frameBytes } from '../frame.ts';
import { readPieces } from '../opening.ts';
import { recordsOf } from '../reader.ts';
import { isScrape } from '../record.ts';
import { type Segment, SegmentIndex } from '../segment.ts';
import { goesOn } from '../segments.ts';
import { type FoundLog, inWal, type Place, type ToolOptions } from './find.ts';

/** What stands in a log, in order. */
export type Item =
  | { readonly kind: 'segment'; readonly segment: Segment }
  /** `scrape` undefined: a record that scrapes name. */
  | { readonly kind: 'record'; readonly frame: Frame; readonly scrape: LoggedScrape | undefined }
  | { readonly kind: 'damage'; readonly place: Place };

export function newDecoder(records: RecordSource, { sha256, compression }: ToolOptions): ScrapeDecoder {
  return new ScrapeDecoder(records, sha256, compression, { tables: new TableCache(), metadata: new MetadataCache() });
}

/** Every record of the log; memory: a chunk of a segment, and the tables in use. */
export async function* walkLog(found: FoundLog, options: ToolOptions): AsyncGenerator<Item, void, undefined> {
  const decoder = newDecoder(recordsOf(options), options);
  let at: { position: Position; chain: string | undefined } | undefined;
  for (const segment of found.segments) {
    yield { kind: 'segment', segment };
    if (at !== undefined && !goesOn(at, segment.before))
      yield damage({
        ...inWal(segment.name),
        ...{ offset: 0, bytes: 0, kind: 'missing', reason: 'the records before this segment are gone' },
        positions: { from: at.position + 1, to: segment.before?.position ?? segment.first - 1 },
      });
    const summarized = segment.index === undefined;
    yield* walkSegment(segment, decoder);
    // A segment that had to be read without the summary of the next one ends where reading ended.
    const unread = (found.sizes.get(segment.name) ?? 0) - segment.bytes;
    if (!summarized && unread > 0 && segment !== found.segments.at(-1))
      yield damage({
        ...inWal(segment.name),
        offset: segment.bytes,
        bytes: unread,
        kind: 'record',
        reason: 'no record to the end of the file',
      });
    at = { position: segment.last, chain: segment.chain };
    segment.index = undefined;
    decoder.forget(segment);
  }
}

const damage = (place: Place): Item => ({ kind: 'damage', place });

async function* walkSegment(segment: Segment, decoder: ScrapeDecoder): AsyncGenerator<Item, void, undefined> {
  segment.index ??= new SegmentIndex();
  let last = segment.first - 1;
  let hole: { readonly offset: number; readonly bytes: number } | undefined;
  const place = (offset: number, bytes: number, reason: string, from: Position, to: Position): Item =>
    damage({ ...inWal(segment.name), offset, bytes, kind: 'record', reason, positions: to < from ? undefined : { from, to } });
  const scanner = new FrameScanner({
    read: (offset, length) => readPieces(segment, offset, length, () => undefined),
    seed: segment.seed,
    offset: HEADER_BYTES,
    end: segment.bytes,
    last,
    contiguous: true,
  });
  for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
    if (found.damage !== undefined) {
      hole = found.damage;
      continue;
    }
    const { frame } = found;
    if (hole !== undefined) yield place(hole.offset, hole.bytes, 'no whole record', last + 1, frame.position - 1);
    hole = undefined;
    last = frame.position;
    segment.index?.add(frame.position, frame.offset, frameBytes(frame), 0);
    yield* one(segment, decoder, frame, (reason) => place(frame.offset, frameBytes(frame), reason, last, last));
  }
  if (hole !== undefined) yield place(hole.offset, hole.bytes, 'no whole record', last + 1, segment.last);
  else if (last < segment.last) yield place(scanner.offset, 0, 'the file ends before its last records', last + 1, segment.last);
}

async function* one(segment: Segment, decoder: ScrapeDecoder, frame: Frame, bad: (reason: string) => Item): AsyncGenerator<Item> {
  if (!isScrape(frame.body)) {
    yield { kind: 'record', frame, scrape: undefined };
    return;
  }
  let scrape: LoggedScrape;
  try {
    scrape = await decoder.decode(segment, frame);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    yield bad(error.message);
    return;
  }
  yield { kind: 'record', frame, scrape };
}
