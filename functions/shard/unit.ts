import { crc32c } from '../../contract/crc32c.ts';
import type { ObjectStore, OutgoingFragment } from '../model.ts';
import type { LaneCursor, Ledger, StoredObject } from './ledger.ts';
import type { ObjectCache } from './object-cache.ts';
import { decodeIndex, type FragmentEntry } from './object-format.ts';

/** What one POST carries: consecutive fragments of one lane, out of one or more objects. */
export interface Unit {
  readonly fragments: readonly UnitFragment[];
  readonly samples: number;
  /** Samples between `start` and `end` that are passed over for their age. */
  readonly tooOld: number;
  /** Cursor before it and after it. */
  readonly start: LaneCursor;
  readonly end: LaneCursor;
  /** Gives its memory back; to be called once it is not needed any more, and safe to call again. */
  readonly release: () => void;
}
export interface UnitFragment extends OutgoingFragment {
  readonly device: string;
  readonly seq: number;
  readonly at: LaneCursor;
}

export interface UnitLimits {
  readonly rawBytes: number;
  readonly samples: number;
  /** Bounds how many POSTs a search among them can take. */
  readonly fragments: number;
}

/**
 * One POST: well under the 32 MiB that Prometheus and Thanos take, and small enough for a receiver to store within the 5 s that
 * Thanos gives itself. One lane with a round trip of 200 ms sends so 200,000 samples/s.
 */
const POST_LIMITS: UnitLimits = { rawBytes: 4 * 1024 * 1024, samples: 50_000, fragments: 1000 };
/** max_samples_per_send bounds fragments; a POST carries as many samples as this many full ones. */
const SENDS_PER_POST = 25;

/** `maxSamplesPerSend`: of the receiver's queue_config. */
export const postLimits = (maxSamplesPerSend: number): UnitLimits => ({
  ...POST_LIMITS,
  samples: Math.min(POST_LIMITS.samples, maxSamplesPerSend * SENDS_PER_POST),
});

export type UnitResult =
  | { readonly kind: 'unit'; readonly unit: Unit }
  /** Nothing for this lane before `end` but samples that are passed over for their age. */
  | { readonly kind: 'empty'; readonly end: LaneCursor; readonly tooOld: number }
  /** The isolate's memory is spent on others; for a while. */
  | { readonly kind: 'no_memory' }
  /** The bucket does not have the object, or not these bytes. `end`: the cursor after what cannot be read. */
  | {
      readonly kind: 'unreadable';
      readonly object: StoredObject;
      readonly why: string;
      readonly samples: number;
      readonly end: LaneCursor;
    };

export interface ReadOptions {
  readonly limits: UnitLimits;
  /** What lies before it may have been sent before; it is not mixed with others. */
  readonly suspectBefore: LaneCursor;
  /** Nothing from here on. Default {@link END}. */
  readonly before?: LaneCursor;
  /** Not needed yet: takes only memory that nobody else is short of. */
  readonly ahead?: boolean;
}

/** Behind everything. */
export const END: LaneCursor = { seq: Number.POSITIVE_INFINITY, fragment: 0 };

/** Least first. */
export const compareCursors = (a: LaneCursor, b: LaneCursor): number => a.seq - b.seq || a.fragment - b.fragment;

/** Rows that are read at a time. */
const ROWS = 16;
/** A unit's blocks, and once more joined for the POST. */
const COPIES = 2;

/** Neighbouring fragments of one object. */
interface Span {
  readonly object: StoredObject;
  /** The lane's number of the first of them. */
  readonly from: number;
  readonly entries: readonly FragmentEntry[];
  /** Samples that are passed over just before it. */
  readonly tooOld: number;
  /** Cursor after it. */
  readonly end: LaneCursor;
}
interface Plan {
  readonly spans: readonly Span[];
  readonly start: LaneCursor;
  readonly end: LaneCursor;
  readonly suspect: boolean;
  /** Compressed. */
  readonly bytes: number;
  /** Samples that are passed over behind the last span. */
  readonly tooOld: number;
  /** Nothing that may come could be in it. */
  readonly full: boolean;
}

/** Plans what one POST of a lane carries by the ledger's rows alone, then fetches it from the bucket, several objects at a time. */
export class UnitReader {
  readonly #lane: number;
  readonly #ledger: Pick<Ledger, 'objectsFrom'>;
  readonly #store: ObjectStore;
  readonly #cache: ObjectCache;
  readonly #oldestMs: () => number;

  /** @param oldestMs fragments of which every sample is older are passed over */
  constructor(
    lane: number,
    ledger: Pick<Ledger, 'objectsFrom'>,
    store: ObjectStore,
    cache: ObjectCache,
    oldestMs: () => number = () => Number.NEGATIVE_INFINITY,
  ) {
    this.#oldestMs = oldestMs;
    this.#lane = lane;
    this.#ledger = ledger;
    this.#store = store;
    this.#cache = cache;
  }

  /** Reads the fragments from `cursor` on that fit one POST, at least one. Rejects where the store does. */
  async read(cursor: LaneCursor, options: ReadOptions): Promise<UnitResult> {
    const { limits, ahead = false } = options;
    // Where memory is short the unit is smaller, in the end a single fragment; ahead of its time it would only be a smaller POST.
    const plan = this.#plan(cursor, options, limits, ahead ? Number.POSITIVE_INFINITY : this.#cache.free / COPIES);
    if (plan.spans.length === 0) return { kind: 'empty', end: plan.end, tooOld: plan.tooOld };
    const release = this.#cache.borrow(plan.bytes * COPIES, ahead);
    if (release === undefined) return { kind: 'no_memory' };
    try {
      const result = await this.#fetch(plan, release);
      if (result.kind !== 'unit') release();
      return result;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Where a POST from `cursor` on ends that is as large as it may be. */
  endOfPost(cursor: LaneCursor, limits: UnitLimits): LaneCursor {
    return this.#plan(cursor, { suspectBefore: cursor }, limits, Number.POSITIVE_INFINITY).end;
  }

  /** Of the POST from `cursor` on: whether it has all it can have, and when its first fragment was committed, ms. */
  outlook(cursor: LaneCursor, options: ReadOptions): { readonly full: boolean; readonly atMs: number | undefined } {
    const { full, spans } = this.#plan(cursor, options, options.limits, Number.POSITIVE_INFINITY);
    return { full, atMs: spans[0]?.object.atMs };
  }

  async exists(key: string): Promise<boolean> {
    return (await this.#store.head(key)) !== undefined;
  }

  #plan(
    cursor: LaneCursor,
    { suspectBefore, before = END }: Pick<ReadOptions, 'suspectBefore' | 'before'>,
    limits: UnitLimits,
    maxBytes: number,
    tooOldBefore = 0,
  ): Plan {
    const spans: Span[] = [];
    const suspect = compareCursors(cursor, suspectBefore) < 0;
    const stop = suspect && compareCursors(suspectBefore, before) < 0 ? suspectBefore : before;
    let raw = 0;
    let samples = 0;
    let count = 0;
    let bytes = 0;
    let at = cursor;
    let tooOld = tooOldBefore;
    const oldestMs = this.#oldestMs();
    const plan = (end: LaneCursor, full: boolean): Plan => ({ spans, start: cursor, end, suspect, bytes, tooOld, full });
    const push = (object: StoredObject, mine: readonly FragmentEntry[], from: number, to: number, end: LaneCursor): void => {
      spans.push({ object, from, entries: mine.slice(from, to), tooOld, end });
      tooOld = 0;
    };
    for (;;) {
      const objects = this.#ledger.objectsFrom(at.seq, ROWS).filter(({ seq }) => seq <= stop.seq);
      for (const object of objects) {
        const mine = decodeIndex(object.borders).filter(({ lane }) => lane === this.#lane);
        let from = object.seq === at.seq ? at.fragment : 0;
        const most = object.seq === stop.seq ? Math.min(stop.fragment, mine.length) : mine.length;
        let to = from;
        for (let next = mine[to]; to < most && next !== undefined; next = mine[++to]) {
          if (next.samples > 0 && next.maxMs < oldestMs) {
            // Two reads of one object where something is passed over between them.
            if (to > from) push(object, mine, from, to, { seq: object.seq, fragment: to });
            tooOld += next.samples;
            from = to + 1;
            continue;
          }
          const tooMuch = raw + next.rawBytes > limits.rawBytes || samples + next.samples > limits.samples || count >= limits.fragments;
          if (count > 0 && (tooMuch || bytes + next.length > maxBytes)) break;
          raw += next.rawBytes;
          samples += next.samples;
          bytes += next.length;
          count++;
        }
        const done = to >= most;
        at = done ? (object.seq === stop.seq ? stop : { seq: object.seq + 1, fragment: 0 }) : { seq: object.seq, fragment: to };
        if (to > from) push(object, mine, from, to, at);
        if (!done) return plan(at, true);
      }
      if (objects.length >= ROWS) continue;
      // No suspects for this lane: what comes after them is not one.
      if (count === 0 && suspect && stop === suspectBefore) return this.#plan(stop, { suspectBefore, before }, limits, maxBytes, tooOld);
      return plan(at, suspect);
    }
  }

  /** What cannot be read ends the unit before it; where it comes first, it is the result. */
  async #fetch({ spans, start, suspect }: Plan, release: () => void): Promise<UnitResult> {
    const reads = await Promise.all(spans.map((span) => this.#blocks(span).catch((error: unknown) => ({ error }))));
    const fragments: UnitFragment[] = [];
    let end = start;
    let tooOld = 0;
    for (const [i, span] of spans.entries()) {
      const { object, entries } = span;
      const blocks = reads[i] ?? 'nothing was read';
      if (!Array.isArray(blocks)) {
        if (fragments.length > 0) break;
        if (typeof blocks === 'string') return { kind: 'unreadable', object, why: blocks, samples: samplesOf(entries), end: span.end };
        throw (blocks as { readonly error: unknown }).error;
      }
      for (const [j, entry] of entries.entries()) {
        fragments.push({
          ...facts(entry),
          block: blocks[j] as Uint8Array,
          seq: object.seq,
          at: { seq: object.seq, fragment: span.from + j },
          suspect,
        });
      }
      end = span.end;
      tooOld += span.tooOld;
    }
    return { kind: 'unit', unit: { fragments, samples: samplesOf(fragments), tooOld, start, end, release } };
  }

  /** The blocks of neighbouring entries by one read, or what is wrong with them. */
  async #blocks({ object, entries }: Span): Promise<readonly Uint8Array[] | string> {
    const first = entries[0] as FragmentEntry;
    const last = entries.at(-1) as FragmentEntry;
    const length = last.offset + last.length - first.offset;
    const range = { offset: first.offset, length };
    const cached = this.#cache.get(object.seq)?.subarray(first.offset, first.offset + length);
    const bytes = cached ?? (await this.#cache.gate.run(() => this.#store.get(object.key, range)));
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
