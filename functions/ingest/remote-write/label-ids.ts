import type { SeriesHash } from '../series-hash.ts';
import { isEqual } from './plain-layout.ts';

/** Labels that are remembered, a power of 2; then the oldest are forgotten. */
const LABELS = 4096;
/** Twice as many places to look for them, a power of 2. */
const PLACES = 2 * LABELS;
/** Places tried for a label: who chooses labels that meet in one gains nothing but that they are hashed anew. */
const TRIES = 4;
const MAX_ID = 2 ** 28;
/** Of a label, in {@link LabelMemory.labels}. */
const LENGTH = 1;
const HASH = 2;
const LAST = 3;

/** Memory that one request after the other may use. Ids go on from one to the next, so nothing has to be cleared. */
export class LabelMemory {
  next = 1;
  /** By id, beside each other: where the label starts, its length and hash, and where it stood last (see {@link LabelIds.lastPlace}). */
  readonly labels = new Int32Array(4 * LABELS);
  /** By a quick hash: ids. */
  readonly ids = new Int32Array(PLACES);
}

/**
 * Numbers for the labels of a request: labels of one number are the same bytes. The same bytes may get another number where many labels
 * have come in between. So each is hashed and searched for once, and after that compared by a number.
 */
export class LabelIds {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #hash: SeriesHash;
  readonly #memory: LabelMemory;
  /** The first of this request. */
  readonly #first: number;

  constructor(bytes: Uint8Array, hash: SeriesHash, memory: LabelMemory) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#hash = hash;
    this.#memory = memory;
    if (memory.next > MAX_ID) {
      memory.next = 1;
      memory.ids.fill(0);
    }
    this.#first = memory.next;
  }

  /** The id of the label field at `[start, end)`, which is of at least four bytes. */
  of(start: number, end: number): number {
    const { ids, labels } = this.#memory;
    const view = this.#view;
    const length = end - start;
    const place = quickHash(view, start, end);
    const oldest = Math.max(this.#first, this.#memory.next - LABELS + 1);
    let free = place & (PLACES - 1);
    for (let i = 0; i < TRIES; i++) {
      const at = (place + i) & (PLACES - 1);
      const id = ids[at] as number;
      if (id < oldest) {
        free = at;
        break;
      }
      const slot = slotOf(id);
      if (labels[slot + LENGTH] === length && isEqual(view, labels[slot] as number, start, length)) return id;
    }
    const id = this.#memory.next++;
    const slot = slotOf(id);
    ids[free] = id;
    labels[slot] = start;
    labels[slot + LENGTH] = length;
    labels[slot + HASH] = this.#hash(this.#bytes, start, end);
    labels[slot + LAST] = -1;
    return id;
  }

  /** Of a label that was asked for just now. */
  hash(id: number): number {
    return this.#memory.labels[slotOf(id) + HASH] as number;
  }

  /** What was noted for the label last, or for another one, where many have come in between; -1: nothing. */
  lastPlace(id: number): number {
    return this.#memory.labels[slotOf(id) + LAST] as number;
  }

  note(id: number, place: number): void {
    this.#memory.labels[slotOf(id) + LAST] = place;
  }
}

const slotOf = (id: number): number => (id & (LABELS - 1)) << 2;

/** Of sixteen words at most: anything that tells labels apart most often will do. At least four bytes. */
function quickHash(view: DataView, start: number, end: number): number {
  const step = 4 + (((end - start) >> 6) << 2);
  let hash = Math.imul(view.getInt32(end - 4) + end - start, 0x9e37_79b1);
  for (let at = start; at + 4 <= end; at += step) hash = Math.imul(hash ^ (hash >>> 15) ^ view.getInt32(at), 0x85eb_ca77);
  return hash >>> 16;
}
