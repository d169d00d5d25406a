import type { Chain, LogId, Point, Position } from '../../contract/push.ts';
import { HEADER_BYTES, NO_BOOT, recordSeed, type SegmentHeader, type Summary, segmentName } from './format.ts';
import type { SegmentStore } from './store.ts';

/** What the log remembers of one of its segments; about 200 bytes, plus the index while it is written or read. */
export interface Segment {
  readonly name: string;
  /** Where it lies; changes when a log that had to go on in memory returns to its disk. */
  store: SegmentStore;
  readonly logId: LogId;
  readonly seed: number;
  readonly first: Position;
  /** From its header; undefined where that is damaged. */
  readonly before: Point | undefined;
  /** `first - 1` while it has no records. */
  last: Position;
  /** Of `last`. */
  chain: Chain | undefined;
  /** Header and whole records. */
  bytes: number;
  /** Scrape records. */
  records: number;
  oldestMs: number;
  newestMs: number;
  newestBootMs: number;
  newestBootId: string;
  index: SegmentIndex | undefined;
  /** Offsets of damage that has been counted: it is met again each time it is read. Bounded by {@link MAX_DAMAGE_NOTED}. */
  readonly damageAt: Set<number>;
  /** Blocks that cannot be read, and since when (boot clock, ms). */
  readonly failingSince: Map<number, number>;
}

/** Of one segment. More damage than this is no longer told apart, and not counted. */
export const MAX_DAMAGE_NOTED = 1000;

export function newSegment(store: SegmentStore, header: Pick<SegmentHeader, 'logId' | 'first'> & { before: Point | undefined }): Segment {
  return {
    name: segmentName(header.first),
    store,
    logId: header.logId,
    seed: recordSeed(header.logId),
    first: header.first,
    before: header.before,
    last: header.first - 1,
    chain: header.before?.chain,
    bytes: HEADER_BYTES,
    records: 0,
    oldestMs: 0,
    newestMs: 0,
    newestBootMs: 0,
    newestBootId: NO_BOOT,
    index: undefined,
    damageAt: new Set(),
    failingSince: new Map(),
  };
}

export const isEmpty = (segment: Segment): boolean => segment.last < segment.first;

export function summarize(segment: Segment): Summary {
  const { first, last, bytes, records, oldestMs, newestMs, newestBootMs, newestBootId } = segment;
  return { first, last, bytes, records, oldestMs, newestMs, newestBootMs, newestBootId };
}

/** Notes a scrape record's times. */
export function countScrape(segment: Segment, wallMs: number, bootMs: number, bootId: string): void {
  if (segment.records === 0) segment.oldestMs = wallMs;
  segment.records++;
  segment.newestMs = wallMs;
  segment.newestBootMs = bootMs;
  segment.newestBootId = bootId;
}

/** One entry for about this many bytes: 32 bytes of memory for each 4 kB, so 128 kB for the largest segment. */
const INDEX_STEP_BYTES = 4096;

/** Where to find positions in a segment, as far as it has been walked; built by the writer, or by whoever reads it first. */
export class SegmentIndex {
  readonly #positions: number[] = [];
  readonly #offsets: number[] = [];
  readonly #times: number[] = [];
  /** Everything before this offset has been walked. */
  walkedTo = HEADER_BYTES;

  /** `wallMs`: of this scrape record or of the nearest one. Called in order; a frame that was seen before is passed over. */
  add(position: Position, offset: number, bytes: number, wallMs: number): void {
    if (offset < this.walkedTo) return;
    const last = this.#offsets[this.#offsets.length - 1];
    if (last === undefined || offset - last >= INDEX_STEP_BYTES) {
      this.#positions.push(position);
      this.#offsets.push(offset);
      this.#times.push(wallMs);
    }
    this.walkedTo = offset + bytes;
  }

  /** The last noted frame at or before `position`; where there is none, the first of the segment. */
  floor(position: Position): { position: Position | undefined; offset: number; wallMs: number | undefined } {
    const i = this.#floor(position);
    return { position: this.#positions[i], offset: this.#offsets[i] ?? HEADER_BYTES, wallMs: this.#times[i] };
  }

  /** The first noted frame behind `position`. */
  ceiling(position: Position): { position: Position; offset: number; wallMs: number } | undefined {
    const i = this.#floor(position) + 1;
    const found = this.#positions[i];
    return found === undefined ? undefined : { position: found, offset: this.#offsets[i] as number, wallMs: this.#times[i] as number };
  }

  #floor(position: Position): number {
    let low = -1;
    let high = this.#positions.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#positions[middle] as number) <= position) low = middle;
      else high = middle;
    }
    return low;
  }
}
