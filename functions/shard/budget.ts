/**
 * Bytes that may be held at a time, with a share for each owner. Taking beyond the limit is refused, never queued.
 * An owner that opens its share again starts at nothing: what its earlier self held is gone with it.
 */
export class ByteBudget {
  readonly limit: number;
  readonly #shares = new Map<string, { bytes: number }>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    let used = 0;
    for (const { bytes } of this.#shares.values()) used += bytes;
    return used;
  }

  open(owner: string): ByteShare {
    // A share of its own: an instance that is gone may still give back what nobody counts any more.
    const own = { bytes: 0 };
    this.#shares.set(owner, own);
    return {
      tryTake: (bytes, share = SHARES.read) => {
        if (this.used + bytes > this.limit * share) return false;
        own.bytes += bytes;
        return true;
      },
      free: (share = SHARES.read) => Math.max(0, this.limit * share - this.used),
      give: (bytes) => {
        own.bytes -= bytes;
      },
    };
  }
}

/**
 * How far the budget may be filled for what. What one can do without yields first, and the way out always has room, or what waits
 * for it would stay for ever: so no shard is starved by the backlog of its neighbours.
 */
export const SHARES = { cache: 0.5, ahead: 0.7, commit: 0.9, read: 1 } as const;

export interface ByteShare {
  /** `share`: of the whole budget, that may be in use then; one of {@link SHARES}. Default all of it. */
  tryTake(bytes: number, share?: number): boolean;
  /** How much could be taken. */
  free(share?: number): number;
  give(bytes: number): void;
}

/** A third of an isolate's 128 MB: the rest is for what arrives, for POST bodies and for the code. */
const ISOLATE_BYTES = 40 * 1024 * 1024;

/**
 * Shared by all shards of an isolate, because its 128 MB are. The one mutable value at module level: a shard has no other way
 * to see its neighbours.
 */
export const isolateBudget = new ByteBudget(ISOLATE_BYTES);
