import { blockBytes, type Fragment } from '../model.ts';

/**
 * After so long a reservation is taken back, ms. A request whose sender goes away may be ended by the platform in the middle
 * of a wait, without running what stands in its `finally`: its memory is free then, and nobody says so.
 */
export const RESERVATION_LIFETIME_MS = 120_000;

/**
 * Bytes that the requests of one isolate may hold at once across their waits. An isolate has 128 MB for everything in it;
 * a request that finds the budget spent is told to come back before its body is read.
 */
export class MemoryBudget {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #open = new Set<Held>();
  #used = 0;

  /** @param now wall clock, ms */
  constructor(limitBytes: number, now: () => number) {
    this.#limit = limitBytes;
    this.#now = now;
  }

  get used(): number {
    return this.#used;
  }

  /** Starts with nothing. Must be released, whatever happens. */
  open(): Reservation {
    const held: Held = { bytes: 0, sinceMs: this.#now() };
    this.#open.add(held);
    return {
      grow: (bytes) => {
        if (held.bytes + bytes > this.#limit) return 'never';
        if (this.#used + bytes > this.#limit) this.#reclaim();
        if (this.#used + bytes > this.#limit || !this.#open.has(held)) return 'busy';
        this.#used += bytes;
        held.bytes += bytes;
        return 'taken';
      },
      keep: (bytes) => {
        const freed = held.bytes - bytes;
        if (freed <= 0 || !this.#open.has(held)) return;
        this.#used -= freed;
        held.bytes = bytes;
      },
      release: () => this.#free(held),
    };
  }

  #free(held: Held): void {
    if (this.#open.delete(held)) this.#used -= held.bytes;
  }

  #reclaim(): void {
    const oldest = this.#now() - RESERVATION_LIFETIME_MS;
    for (const held of this.#open) if (held.sinceMs <= oldest) this.#free(held);
  }
}

interface Held {
  bytes: number;
  readonly sinceMs: number;
}

export interface Reservation {
  /** `busy`: not now, others hold it; `never`: the request alone is larger than the budget. Then nothing more is taken. */
  grow(bytes: number): 'taken' | 'busy' | 'never';
  /** Gives back all but so many bytes: what is left across a long wait. */
  keep(bytes: number): void;
  release(): void;
}

/** Of fragments that wait for their commit: theirs, and the copy that crosses to the shard. */
const COPIES = 2;

/** All that is held of a request while its shard commits, which takes a second or so. */
export const bytesUntilCommitted = (fragments: readonly Pick<Fragment, 'block'>[]): number => COPIES * blockBytes(fragments);
