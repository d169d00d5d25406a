import type { Position } from '../../../contract/push.ts';
import type { Sha256 } from '../../../contract/series-table.ts';
import type { Clock } from '../../model.ts';
import { CURSORS_FILE, Cursors } from '../cursors.ts';
import { HEADER_BYTES } from '../format.ts';
import { readSegments } from '../opening.ts';
import { decodeReserved, POSITIONS_FILE, type Reserved } from '../positions.ts';
import type { Compression } from '../record.ts';
import type { Segment } from '../segment.ts';
import type { Entry, SegmentStore } from '../store.ts';
import { ReadOnlyStore } from './read-only-store.ts';

/** What the tools need: the log's files, and how its records are inflated and hashed. */
export interface ToolOptions {
  readonly store: SegmentStore;
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly compression: Compression | undefined;
}

/** A place that holds nothing readable. */
export interface Place {
  /** Beside the folder of the log: `wal/0000000000000001.seg`, `cursors.json`. */
  readonly file: string;
  readonly offset: number;
  /** 0: something is missing here. */
  readonly bytes: number;
  /** `torn`: the end of the last write before a crash, which every opening cuts off. */
  readonly kind: 'record' | 'header' | 'torn' | 'missing' | 'file';
  readonly reason: string;
  /** Positions that cannot be read, where they are known. */
  readonly positions: { readonly from: Position; readonly to: Position } | undefined;
}

/** The files of a log, read as an agent that opens it reads them, but changing nothing. */
export interface FoundLog {
  readonly segments: readonly Segment[];
  /** Bytes of the files in wal/, by name. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Of the files, without the records inside the segments. */
  readonly places: readonly Place[];
  readonly cursors: Cursors;
  readonly reserved: Reserved | undefined;
  readonly setAside: readonly Entry[];
}

/** Rejects with `StoreError`, reason `missing` where there is no log. */
export async function findLog(options: ToolOptions): Promise<FoundLog> {
  const store = new ReadOnlyStore(options.store);
  const entries = await store.list('wal');
  const places: Place[] = [];
  const small = async (name: string, reads: (bytes: Uint8Array | undefined) => boolean): Promise<void> => {
    const bytes = await store.readFile(name);
    if (!reads(bytes))
      places.push({
        file: name,
        offset: 0,
        bytes: bytes?.length ?? 0,
        kind: 'file',
        reason: 'checksum does not match',
        positions: undefined,
      });
  };
  let reserved: Reserved | undefined;
  await small(POSITIONS_FILE, (bytes) => {
    reserved = decodeReserved(bytes);
    return reserved !== undefined || bytes === undefined;
  });
  const cursors = new Cursors();
  await small(CURSORS_FILE, (bytes) => cursors.load(bytes));

  const opened = await readSegments({
    store,
    log: () => undefined,
    knownLogId: reserved?.logId,
    // Records are looked at one by one later on.
    damaged: ({ name }, offset, reason) => {
      if (offset < HEADER_BYTES && reason === 'segment header')
        places.push({ ...inWal(name), offset, bytes: HEADER_BYTES, kind: 'header', reason: `${reason} is damaged` });
    },
  });
  const logIds = [...opened.segments.map(({ logId }) => logId), ...(opened.logId === undefined ? [] : [opened.logId])];
  if (logIds.length > 0 && !cursors.areOf(reserved === undefined ? logIds : [...logIds, reserved.logId])) {
    cursors.forget();
    const bytes = (await store.readFile(CURSORS_FILE))?.length ?? 0;
    places.push({ file: CURSORS_FILE, offset: 0, bytes, kind: 'file', reason: 'of another log', positions: undefined });
  }
  const newest = [...entries].sort((a, b) => (a.name < b.name ? 1 : -1))[0];
  if (opened.tornBytes > 0 && newest !== undefined)
    places.push({
      ...inWal(newest.name),
      offset: newest.bytes - opened.tornBytes,
      bytes: opened.tornBytes,
      kind: 'torn',
      reason: 'the last write before a crash is not whole',
    });
  for (const { name, bytes } of opened.unreadable)
    places.push({ ...inWal(name), offset: 0, bytes, kind: 'file', reason: 'not a segment of this log' });
  return {
    segments: opened.segments,
    sizes: new Map(entries.map(({ name, bytes }) => [name, bytes])),
    places,
    cursors,
    reserved,
    setAside: await listAside(store),
  };
}

export const inWal = (name: string) => ({ file: `wal/${name}`, positions: undefined });

/** A log that never set anything aside may have been copied without the folder. */
async function listAside(store: SegmentStore): Promise<readonly Entry[]> {
  try {
    return [...(await store.list('set-aside'))].sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}
