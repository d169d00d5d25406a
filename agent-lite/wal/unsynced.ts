import type { Segment } from './segment.ts';
import type { Segments } from './segments.ts';
import { type SegmentStore, StoreError } from './store.ts';

/** Segments with records that a power cut would take, and from which offset on. */
export class Unsynced {
  readonly #segments: Segments;
  readonly #from = new Map<Segment, number>();

  constructor(segments: Segments) {
    this.#segments = segments;
  }

  get size(): number {
    return this.#from.size;
  }

  /** Of segments that are still there. */
  get bytes(): number {
    let bytes = 0;
    for (const [segment, from] of this.#from) if (this.#segments.has(segment)) bytes += segment.bytes - from;
    return bytes;
  }

  segments(): readonly Segment[] {
    return [...this.#from.keys()];
  }

  /** Records are about to be appended at the segment's end. */
  note(segment: Segment): void {
    if (!this.#from.has(segment)) this.#from.set(segment, segment.bytes);
  }

  delete(segment: Segment): void {
    this.#from.delete(segment);
  }

  clear(): void {
    this.#from.clear();
  }

  /** Syncs those on `store`. A file that is gone is told to whoever reads it. */
  async syncOn(store: SegmentStore): Promise<void> {
    for (const segment of this.#from.keys()) {
      if (segment.store !== store || !this.#segments.has(segment)) continue;
      try {
        await store.sync(segment.name);
      } catch (error) {
        if (!(error instanceof StoreError) || error.reason !== 'missing') throw error;
      }
    }
  }
}
