import { ByteWriter, FormatError } from '../../contract/binary.ts';
import { NO_CHAIN, type Position } from '../../contract/push.ts';
import { encodeHeader, SET_ASIDE_SEGMENT } from './format.ts';
import { copyFrame, type Frame } from './frame.ts';
import { decodeScrapeHead, encodeNoteRecord, isScrape } from './record.ts';
import type { Segment } from './segment.ts';

/**
 * The bytes of a set-aside file: a segment that can be read alone, with the records `from..to` of one segment as they are,
 * every record that they name, and in front (at position 0) a note of when and why. Undefined where no scrape is in range.
 */
export async function copyRecords(
  segment: Segment,
  from: Position,
  to: Position,
  note: { readonly reason: string; readonly nowMs: number },
  find: (segment: Segment, position: Position) => Promise<Frame | undefined>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const wanted = new Map<Position, Frame>();
  const take = async (position: Position): Promise<void> => {
    if (wanted.has(position)) return;
    const frame = await find(segment, position);
    if (frame === undefined) return;
    wanted.set(position, { ...frame, body: frame.body.slice() });
    for (const named of isScrape(frame.body) ? namedBy(frame) : []) await take(named);
  };
  let scrapes = 0;
  for (let position = Math.max(from, segment.first); position <= Math.min(to, segment.last); position++) {
    const frame = await find(segment, position);
    if (frame === undefined || !isScrape(frame.body)) continue;
    scrapes++;
    await take(position);
  }
  if (scrapes === 0) return undefined;

  const writer = new ByteWriter(64 * 1024);
  const before = { position: 0, chain: NO_CHAIN };
  writer.raw(
    encodeHeader({ kind: SET_ASIDE_SEGMENT, logId: segment.logId, first: from, before, createdMs: note.nowMs, previous: undefined }),
  );
  copyFrame(writer, 0, NO_CHAIN, encodeNoteRecord(note.reason, note.nowMs), segment.seed);
  for (const frame of [...wanted.values()].sort((a, b) => a.position - b.position))
    copyFrame(writer, frame.position, frame.chain, frame.body, segment.seed);
  return writer.bytes();
}

function namedBy(frame: Frame): readonly Position[] {
  try {
    const { targetAt, bootAt, tableAt, metadataAt, base } = decodeScrapeHead(frame.position, frame.body).head;
    return [targetAt, bootAt, tableAt, metadataAt, base?.position].filter((position) => position !== undefined);
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}
