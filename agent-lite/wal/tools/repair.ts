import { CURSORS_FILE, Cursors } from '../cursors.ts';
import { firstPosition, Reservation } from '../positions.ts';
import type { SegmentStore } from '../store.ts';
import { copyName, inAside, isKept } from './copies.ts';
import { type FoundLog, findLog, type Place, type ToolOptions } from './find.ts';
import { walkLog } from './walk.ts';

export interface Repair {
  readonly place: Place;
  /** What was done, for people. */
  readonly done: string;
}

/**
 * Keeps a copy of each damaged part in set-aside/ and mends what is in the way: a torn end is cut off, a file that is no
 * segment moved, a small file made again. Damaged records and headers stay where they are, since readers go around them:
 * the positions and chains of the others are what the edge knows them by. Each copy is durable before
 * anything is changed, so this can be broken off and run again.
 *
 * Rejects with `LogLockedError` while an agent runs on the log, and with `StoreError`.
 */
export async function repairLog(options: ToolOptions): Promise<readonly Repair[]> {
  // Before the lock, which would make the folders of a log that is not there.
  await findLog(options);
  await options.store.lock();
  try {
    const found = await findLog(options);
    const places = [...found.places];
    for await (const item of walkLog(found, options)) if (item.kind === 'damage') places.push(item.place);
    const repairs: Repair[] = [];
    for (const place of places) {
      if (isKept(place, found.setAside) && place.kind !== 'torn' && place.kind !== 'file') continue;
      repairs.push({ place, done: await mend(place, found, options.store) });
    }
    return repairs;
  } finally {
    await options.store.unlock();
    await options.store.close();
  }
}

async function mend(place: Place, found: FoundLog, store: SegmentStore): Promise<string> {
  const name = place.file.replace(/^wal\//, '');
  if (place.kind === 'file' && place.file !== name) {
    await store.create('set-aside', name, await store.read('wal', name, 0, place.bytes), true);
    await store.remove('wal', name);
    return `moved to ${inAside(name)}`;
  }
  const copy = copyName(place);
  const small = place.kind === 'file' ? await store.readFile(name) : undefined;
  const damaged = small ?? (place.bytes === 0 ? new Uint8Array(0) : await readable(store, name, place));
  await store.create('set-aside', copy, damaged, true);
  const kept = place.bytes === 0 ? `noted as ${inAside(copy)}` : `copied to ${inAside(copy)}`;
  switch (place.kind) {
    case 'torn':
      await store.truncate(name, place.offset);
      return `${kept}, cut off`;
    case 'file':
      return name === CURSORS_FILE ? `${kept}, ${await resetCursors(found, store)}` : `${kept}, ${await reservePositions(found, store)}`;
    default:
      return kept;
  }
}

/** A part that the medium does not give back is kept as zeros. */
async function readable(store: SegmentStore, name: string, { offset, bytes }: Place): Promise<Uint8Array> {
  const copy = new Uint8Array(bytes);
  const PIECE = 4096;
  for (let at = 0; at < bytes; at += PIECE)
    copy.set(await store.read('wal', name, offset + at, Math.min(PIECE, bytes - at)).catch(() => new Uint8Array(0)), at);
  return copy;
}

async function resetCursors({ segments }: FoundLog, store: SegmentStore): Promise<string> {
  await store.replaceFile(CURSORS_FILE, new Cursors().encode(segments.at(-1)?.logId), true);
  return 'made anew: everything in the log is offered again, and the edge says what it has';
}

async function reservePositions({ segments, cursors }: FoundLog, store: SegmentStore): Promise<string> {
  const newest = segments.at(-1);
  if (newest === undefined) return 'left to the next start';
  const known = Math.max(newest.last, cursors.furthest().position);
  // As an opening that cannot read it goes on: behind everything that may have been used.
  await new Reservation().write(store, newest.logId, firstPosition(known, undefined) - 1);
  return 'made anew';
}
