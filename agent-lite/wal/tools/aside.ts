import { FormatError } from '../../../contract/binary.ts';
import type { Position } from '../../../contract/push.ts';
import type { LoggedScrape } from '../../model.ts';
import { decodeHeader, HEADER_BYTES, NOTE, recordSeed, SET_ASIDE_SEGMENT } from '../format.ts';
import { type Frame, FrameScanner } from '../frame.ts';
import { decodeNoteRecord, isScrape } from '../record.ts';
import { newSegment } from '../segment.ts';
import type { Entry } from '../store.ts';
import { inAside, isCopyOfDamage } from './copies.ts';
import type { Place, ToolOptions } from './find.ts';
import { newDecoder } from './walk.ts';

/** A file in set-aside/ that the agent wrote: records that a receiver refused, or that could not be placed in time. */
export interface AsideFile {
  readonly file: string;
  readonly bytes: number;
  readonly reason: string | undefined;
  /** When it was set aside, ms; undefined where the file cannot be read. */
  readonly wallMs: number | undefined;
  readonly scrapes: readonly LoggedScrape[];
  readonly places: readonly Place[];
}

/** Holds one file in memory, which is at most a segment. Undefined: a copy of damage, which holds no records. */
export async function readAside({ name, bytes }: Entry, options: ToolOptions): Promise<AsideFile | undefined> {
  if (isCopyOfDamage(name)) return undefined;
  const file = inAside(name);
  const content = await options.store.read('set-aside', name, 0, bytes);
  const scrapes: LoggedScrape[] = [];
  const places: Place[] = [];
  const bad = (offset: number, size: number, reason: string): unknown =>
    places.push({ file, offset, bytes: size, kind: 'record', reason, positions: undefined });
  const asked = rangeOf(name);
  let note: { readonly reason: string; readonly wallMs: number } | undefined;
  try {
    const header = decodeHeader(content);
    if (header.kind !== SET_ASIDE_SEGMENT) throw new FormatError('a segment that was set aside whole');
    const frames = new Map<Position, Frame>();
    const scanner = new FrameScanner({
      read: async (offset, length) => content.subarray(offset, offset + length),
      seed: recordSeed(header.logId),
      offset: HEADER_BYTES,
      end: content.length,
      last: -1,
      contiguous: false,
    });
    for (let found = await scanner.next(); found !== undefined; found = await scanner.next()) {
      if (found.frame === undefined) bad(found.damage.offset, found.damage.bytes, 'no whole record');
      else frames.set(found.frame.position, found.frame);
    }
    const decoder = newDecoder({ find: async (_, position) => frames.get(position), recover: async () => undefined }, options);
    const segment = newSegment(options.store, header);
    for (const frame of frames.values()) {
      if (frame.body[0] === NOTE) note = decodeNoteRecord(frame.body);
      if (!isScrape(frame.body) || frame.position < asked.from || frame.position > asked.to) continue;
      try {
        scrapes.push(await decoder.decode(segment, frame));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        bad(frame.offset, frame.body.length, error.message);
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    bad(0, bytes, error.message);
  }
  return { file, bytes, reason: note?.reason, wallMs: note?.wallMs, scrapes, places };
}

/** Deltas bring the scrapes along that they are told against; the name says which were set aside. */
function rangeOf(name: string): { readonly from: Position; readonly to: Position } {
  const [, from, to] = /^(\d{16})-(\d{16})\.seg$/.exec(name) ?? [];
  return { from: Number(from ?? 0), to: Number(to ?? Number.MAX_SAFE_INTEGER) };
}
