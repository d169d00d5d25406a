import { ByteWriter, FormatError } from '../../contract/binary.ts';
import { NO_CHAIN, type Position } from '../../contract/push.ts';
import { encodeHeader, SET_ASIDE_SEGMENT } from './format.ts';
import { copyFrame, type Frame } from './frame.ts';
import { decodeScrapeHead, encodeNoteRecord, isScrape } from './record.ts';
import type { Segment } from './segment.ts';
import type { Entry, SegmentStore } from './store.ts';

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

/** Which set-aside files there are, and in which store; in the order of their positions. */
export class SetAsideFiles {
  readonly #files = new Map<string, { readonly bytes: number; store: SegmentStore }>();

  get count(): number {
    return this.#files.size;
  }

  async load(store: SegmentStore): Promise<void> {
    const entries = [...(await store.list('set-aside'))].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) this.add(entry, store);
  }

  add({ name, bytes }: Entry, store: SegmentStore): void {
    this.#files.delete(name);
    this.#files.set(name, { bytes, store });
  }

  bytes(store: SegmentStore | undefined): number {
    let bytes = 0;
    for (const file of this.#files.values()) if (file.store === store) bytes += file.bytes;
    return bytes;
  }

  /** Forgets it, and says which. */
  takeOldest(store: SegmentStore): Entry | undefined {
    for (const [name, file] of this.#files) {
      if (file.store !== store) continue;
      this.#files.delete(name);
      return { name, bytes: file.bytes };
    }
    return undefined;
  }

  async copy(from: SegmentStore, to: SegmentStore): Promise<void> {
    for (const [name, file] of this.#files)
      if (file.store === from) await to.create('set-aside', name, await from.read('set-aside', name, 0, file.bytes), true);
  }

  moved(from: SegmentStore, to: SegmentStore): void {
    for (const file of this.#files.values()) if (file.store === from) file.store = to;
  }
}
