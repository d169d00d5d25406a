import type { Point, Position } from '../../contract/push.ts';
import { HEADER_BYTES } from './format.ts';
import { isEmpty, type Segment } from './segment.ts';

/** The segments of a log, oldest first; the last one is written to. */
export class Segments {
  #list: Segment[] = [];

  get size(): number {
    return this.#list.length;
  }

  bytes(): number {
    let bytes = 0;
    for (const segment of this.#list) bytes += segment.bytes;
    return bytes;
  }

  add(segment: Segment): void {
    this.#list.push(segment);
  }

  remove(segment: Segment): void {
    this.#list = this.#list.filter((other) => other !== segment);
  }

  has(segment: Segment): boolean {
    return this.#list.includes(segment);
  }

  newest(): Segment | undefined {
    return this.#list[this.#list.length - 1];
  }

  all(): readonly Segment[] {
    return this.#list;
  }

  /** All but the one that is written to. */
  closed(): readonly Segment[] {
    return this.#list.slice(0, -1);
  }

  /** The first segment with records behind `position`. */
  after(position: Position): Segment | undefined {
    return this.#list.find((segment) => segment.last > position && !isEmpty(segment));
  }

  holding(position: Position): Segment | undefined {
    return this.#list.find((segment) => segment.first <= position && position <= segment.last);
  }

  /** The chain at `position` where it is known without reading: at the borders of segments. */
  chainAtBorder(position: Position): string | undefined {
    for (const segment of this.#list) {
      if (segment.before?.position === position) return segment.before.chain;
      if (segment.last === position && !isEmpty(segment)) return segment.chain;
    }
    return undefined;
  }

  /**
   * Exact for whole segments; in a part of one the records that scrapes name, a few, may be counted as scrapes. Bytes and time
   * are interpolated between the entries of the segment's index, or over the whole segment where it has none.
   */
  backlog(after: Position): { records: number; bytes: number; oldestMs: number | undefined } {
    let records = 0;
    let bytes = 0;
    let oldestMs: number | undefined;
    for (const segment of this.#list) {
      if (segment.last <= after || isEmpty(segment)) continue;
      const rest = segment.first > after ? whole(segment) : part(segment, after);
      if (records === 0 && rest.records > 0) oldestMs = rest.oldestMs;
      records += rest.records;
      bytes += rest.bytes;
    }
    return { records, bytes, oldestMs };
  }
}

const whole = (segment: Segment) => ({ records: segment.records, bytes: segment.bytes - HEADER_BYTES, oldestMs: segment.oldestMs });

function part(segment: Segment, after: Position): { records: number; bytes: number; oldestMs: number } {
  const floor = segment.index?.floor(after + 1);
  const low = {
    position: floor?.position ?? segment.first,
    offset: floor?.offset ?? HEADER_BYTES,
    wallMs: floor?.wallMs ?? segment.oldestMs,
  };
  const end = { position: segment.last + 1, offset: segment.bytes, wallMs: segment.newestMs };
  const high = segment.index?.ceiling(after + 1) ?? end;
  const share = high.position > low.position ? (after + 1 - low.position) / (high.position - low.position) : 0;
  return {
    records: Math.min(segment.records, segment.last - after),
    bytes: Math.round(segment.bytes - low.offset - share * (high.offset - low.offset)),
    oldestMs: Math.round(low.wallMs + share * (high.wallMs - low.wallMs)),
  };
}

/**
 * Whether nothing is missing between the point a reader stands at and a segment that starts further on: positions are
 * jumped at every opening, so a distance alone means nothing. `chain` undefined: not known.
 */
export function goesOn(at: { position: Position; chain: string | undefined }, before: Point | undefined): boolean {
  if (before === undefined || before.position < at.position) return true;
  return before.position === at.position && (at.chain === undefined || at.chain === before.chain);
}
