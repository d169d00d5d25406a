/**
 * Bytes that the requests of one isolate may hold at once across their waits. An isolate has 128 MB for everything in it;
 * a request that finds the budget spent is told to come back before its body is read.
 */
export class MemoryBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get used(): number {
    return this.#used;
  }

  /** Starts with nothing. Must be released, whatever happens. */
  open(): Reservation {
    let held = 0;
    return {
      grow: (bytes) => {
        if (held + bytes > this.#limit) return 'never';
        if (this.#used + bytes > this.#limit) return 'busy';
        this.#used += bytes;
        held += bytes;
        return 'taken';
      },
      release: () => {
        this.#used -= held;
        held = 0;
      },
    };
  }
}

export interface Reservation {
  /** `busy`: not now, others hold it; `never`: the request alone is larger than the budget. Then nothing more is taken. */
  grow(bytes: number): 'taken' | 'busy' | 'never';
  release(): void;
}
