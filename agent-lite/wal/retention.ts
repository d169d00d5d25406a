import type { Position } from '../../contract/push.ts';
import type { Cursors } from './cursors.ts';
import type { Journal } from './journal.ts';
import { isExpired, recordsBehind } from './limits.ts';
import type { Settings } from './options.ts';
import type { Segment } from './segment.ts';
import type { Segments } from './segments.ts';
import type { SetAsideFiles } from './set-aside.ts';
import type { Area, SegmentStore } from './store.ts';

/** More segments than this only come from thousands of restarts without a push; each costs memory, so the oldest goes. */
const MAX_SEGMENTS = 8192;
const MAX_EVICTED_NOTED = 16;

/** What is removed from the log: what every receiver has, what is too old, and what there is no room for. */
export class Retention {
  readonly #settings: Settings;
  readonly #journal: Journal;
  readonly #cursors: Cursors;
  readonly #segments: Segments;
  readonly #aside: SetAsideFiles;
  readonly #evicted: { readonly from: Position; readonly to: Position }[] = [];

  constructor(settings: Settings, journal: Journal, cursors: Cursors, segments: Segments, aside: SetAsideFiles) {
    this.#settings = settings;
    this.#journal = journal;
    this.#cursors = cursors;
    this.#segments = segments;
    this.#aside = aside;
  }

  /** Whether a limit removed some of these positions, as far back as that is remembered. */
  wasEvicted(from: Position, to: Position): boolean {
    return this.#evicted.some((range) => range.from <= to && from <= range.to);
  }

  /** Closed segments that every receiver has acknowledged. */
  acknowledged(): readonly Segment[] {
    const slowest = this.#cursors.slowest();
    return slowest === undefined ? [] : this.#segments.closed().filter((segment) => segment.last <= slowest);
  }

  /** Of the segments and set-aside files of one store. */
  async makeRoom(store: SegmentStore, limitBytes: number, more: number): Promise<void> {
    while (this.#bytesOn(store) + more > limitBytes || this.#segments.size > MAX_SEGMENTS) {
      if (!(await this.evictOldest(store, 'retention size'))) break;
    }
  }

  #bytesOn(store: SegmentStore): number {
    let bytes = this.#aside.bytes(store);
    for (const segment of this.#segments.all()) if (segment.store === store) bytes += segment.bytes;
    return bytes;
  }

  async removeExpired(): Promise<void> {
    for (const segment of this.#segments.closed())
      if (isExpired(segment, this.#settings.maxAgeMs, this.#settings.clock)) await this.#evict(segment, 'retention time');
  }

  /** False where nothing is left to remove. Set-aside files go first, since what they hold has been refused once already. */
  async evictOldest(store: SegmentStore, why: string): Promise<boolean> {
    const aside = this.#aside.takeOldest(store);
    if (aside !== undefined) {
      this.#journal.setAsideEvicted(aside.name, aside.bytes);
      return this.removeFile(store, 'set-aside', aside.name);
    }
    const oldest = this.#segments.closed().find((segment) => segment.store === store);
    return oldest !== undefined && this.#evict(oldest, why);
  }

  async #evict(segment: Segment, why: string): Promise<boolean> {
    this.#segments.remove(segment);
    this.#evicted.push({ from: segment.first, to: segment.last });
    if (this.#evicted.length > MAX_EVICTED_NOTED) this.#evicted.shift();
    this.#journal.evicted(segment, why, recordsBehind(segment, this.#cursors));
    return this.removeFile(segment.store, 'wal', segment.name);
  }

  async removeFile(store: SegmentStore, area: Area, name: string): Promise<boolean> {
    try {
      await store.remove(area, name);
      return true;
    } catch (error) {
      this.#journal.log('warn', 'cannot remove a file of the log', { file: name, err: String(error) });
      return false;
    }
  }
}
