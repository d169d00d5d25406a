/** The newest exemplar of a series that was kept. */
export interface LastExemplar {
  readonly key: string;
  readonly value: number;
  /** Ms. */
  readonly timeMs: number;
  /** Whether that time came with it. */
  readonly explicit: boolean;
}

/** A series of one target: a row of its {@link SeriesColumns}. The row of one that is forgotten is given to another. */
export type SeriesId = number;
/** What relabelling drops. */
export const NO_SERIES: SeriesId = -1;

/**
 * What is remembered of the series of one target, in columns: an object for each would take three times the memory. Scrapes are
 * numbered from 1, good and failed ones. Columns are replaced as they grow, so nobody keeps one.
 */
export class SeriesColumns {
  /** Index in the present table; -1: not in it. */
  tableRow = new Int32Array(0);
  /** The scrape in which it last came up at all. */
  mark = new Int32Array(0);
  /** The last scrape, the one under way included, that has a sample of it to be stored. */
  queuedAt = new Int32Array(0);
  /** The last good scrape that stored a sample of it. */
  storedAt = new Int32Array(0);
  /** The last scrape for which it counts as exposed with staleness tracking: it gets a marker when it vanishes. */
  trackedAt = new Int32Array(0);
  /** Time of its last sample or marker, ms. */
  lastMs = new Float64Array(0);
  /** 1: that time came with the sample. */
  explicit = new Uint8Array(0);
  /** How many texts of the index stand for it. */
  texts = new Int32Array(0);
  /** Few series have any. */
  readonly exemplars = new Map<SeriesId, LastExemplar>();
  readonly #free: SeriesId[] = [];
  #used = 0;

  add(): SeriesId {
    const id = this.#free.pop() ?? this.#used++;
    if (id >= this.mark.length) this.#resize(Math.max(16, Math.ceil(this.#used * 1.25)));
    this.tableRow[id] = -1;
    this.lastMs[id] = Number.NEGATIVE_INFINITY;
    for (const column of [this.mark, this.queuedAt, this.storedAt, this.trackedAt, this.explicit, this.texts]) column[id] = 0;
    return id;
  }

  /** Nothing stands for it any more. */
  remove(id: SeriesId): void {
    this.exemplars.delete(id);
    this.#free.push(id);
  }

  #resize(length: number): void {
    const ints = (column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => resized(new Int32Array(length), column);
    this.tableRow = ints(this.tableRow);
    this.mark = ints(this.mark);
    this.queuedAt = ints(this.queuedAt);
    this.storedAt = ints(this.storedAt);
    this.trackedAt = ints(this.trackedAt);
    this.texts = ints(this.texts);
    this.lastMs = resized(new Float64Array(length), this.lastMs);
    this.explicit = resized(new Uint8Array(length), this.explicit);
  }
}

function resized<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from);
  return to;
}
