import { crc32c } from '../../contract/crc32c.ts';
import type { ObjectStore, OutgoingFragment } from '../model.ts';
import type { LaneCursor, Ledger, StoredObject } from './ledger.ts';
import type { ObjectCache } from './object-cache.ts';
import { decodeIndex, type FragmentEntry } from './object-format.ts';

/** What one POST carries: consecutive fragments of one lane, out of one or more objects. */
export interface Unit {
  readonly fragments: readonly UnitFragment[];
  readonly samples: number;
  /** Cursor after it. */
  readonly end: LaneCursor;
}
export interface UnitFragment extends OutgoingFragment {
  readonly device: string;
  readonly seq: number;
}

export interface UnitLimits {
  readonly rawBytes: number;
  readonly samples: number;
  /** Bounds how many POSTs a search among them can take. */
  readonly fragments: number;
}

export type UnitResult =
  | { readonly kind: 'unit'; readonly unit: Unit }
  /** Nothing for this lane before `end`. */
  | { readonly kind: 'empty'; readonly end: LaneCursor }
  /** The bucket does not have the object, or not these bytes. `end`: the cursor after what cannot be read. */
  | {
      readonly kind: 'unreadable';
      readonly object: StoredObject;
      readonly why: string;
      readonly samples: number;
      readonly end: LaneCursor;
    };

const END: LaneCursor = { seq: Number.POSITIVE_INFINITY, fragment: 0 };

/** Objects whose rows are read at a time. */
const ROWS = 32;

export class UnitReader {
  readonly #lane: number;
  readonly #ledger: Ledger;
  readonly #store: ObjectStore;
  readonly #cache: ObjectCache;

  constructor(lane: number, ledger: Ledger, store: ObjectStore, cache: ObjectCache) {
    this.#lane = lane;
    this.#ledger = ledger;
    this.#store = store;
    this.#cache = cache;
  }

  /**
   * Reads the fragments from `cursor` on that fit one POST, at least one. Fragments of commits up to `suspectSeq` may have
   * been sent before; they are not mixed with others. Stops before `before`. Rejects where the store does.
   */
  async read(cursor: LaneCursor, limits: UnitLimits, suspectSeq: number, before: LaneCursor = END): Promise<UnitResult> {
    const fragments: UnitFragment[] = [];
    let raw = 0;
    let samples = 0;
    let at = cursor;
    for (;;) {
      const objects = this.#ledger.objectsFrom(at.seq, ROWS).filter(({ seq }) => seq <= before.seq);
      for (const object of objects) {
        const all = decodeIndex(object.borders).filter(({ lane }) => lane === this.#lane);
        const mine = object.seq === before.seq ? all.slice(0, before.fragment) : all;
        const suspect = object.seq <= suspectSeq;
        const from = object.seq === at.seq ? at.fragment : 0;
        let to = from;
        if (fragments.length === 0 || fragments[0]?.suspect === suspect) {
          for (let next = mine[to]; next !== undefined; next = mine[++to]) {
            const count = fragments.length + to - from;
            const tooMuch = raw + next.rawBytes > limits.rawBytes || samples + next.samples > limits.samples || count >= limits.fragments;
            if (count > 0 && tooMuch) break;
            raw += next.rawBytes;
            samples += next.samples;
          }
        }
        const taken = mine.slice(from, to);
        if (taken.length > 0) {
          const blocks = await this.#blocks(object, taken).catch((error: unknown) => {
            // What was read so far can go; the store is asked again for the rest.
            if (fragments.length > 0) return String(error);
            throw error;
          });
          if (typeof blocks === 'string') {
            if (fragments.length > 0) return { kind: 'unit', unit: { fragments, samples: samplesOf(fragments), end: at } };
            return { kind: 'unreadable', object, why: blocks, samples: samplesOf(taken), end: { seq: object.seq, fragment: to } };
          }
          taken.forEach((entry, i) => {
            fragments.push({ ...facts(entry), block: blocks[i] as Uint8Array, seq: object.seq, suspect });
          });
        }
        if (to < mine.length) return { kind: 'unit', unit: { fragments, samples, end: { seq: object.seq, fragment: to } } };
        at = object.seq === before.seq ? before : { seq: object.seq + 1, fragment: 0 };
      }
      if (objects.length < ROWS) break;
    }
    if (fragments.length === 0) return { kind: 'empty', end: at };
    return { kind: 'unit', unit: { fragments, samples, end: at } };
  }

  async exists(key: string): Promise<boolean> {
    return (await this.#store.head(key)) !== undefined;
  }

  /** The blocks of neighbouring entries by one read, or what is wrong with them. */
  async #blocks(object: StoredObject, entries: readonly FragmentEntry[]): Promise<readonly Uint8Array[] | string> {
    const first = entries[0] as FragmentEntry;
    const last = entries.at(-1) as FragmentEntry;
    const length = last.offset + last.length - first.offset;
    const cached = this.#cache.get(object.seq)?.subarray(first.offset, first.offset + length);
    const bytes = cached ?? (await this.#store.get(object.key, { offset: first.offset, length }));
    if (bytes === undefined) return 'the object is missing';
    if (bytes.length !== length) return `expected ${length} bytes at offset ${first.offset}, got ${bytes.length}`;
    const blocks: Uint8Array[] = [];
    for (const entry of entries) {
      const at = entry.offset - first.offset;
      const block = bytes.subarray(at, at + entry.length);
      if (cached === undefined && crc32c(block) !== entry.crc)
        return `wrong checksum of the ${entry.length} bytes at offset ${entry.offset}`;
      blocks.push(block);
    }
    return blocks;
  }
}

const facts = ({ device, rawBytes, samples, series, minMs, maxMs }: FragmentEntry) => ({ device, rawBytes, samples, series, minMs, maxMs });

const samplesOf = (fragments: readonly { readonly samples: number }[]): number => fragments.reduce((sum, { samples }) => sum + samples, 0);
