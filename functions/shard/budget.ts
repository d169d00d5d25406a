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
    const share = { bytes: 0 };
    this.#shares.set(owner, share);
    return {
      tryTake: (bytes) => {
        if (this.used + bytes > this.limit) return false;
        share.bytes += bytes;
        return true;
      },
      give: (bytes) => {
        share.bytes -= bytes;
      },
    };
  }
}

export interface ByteShare {
  tryTake(bytes: number): boolean;
  give(bytes: number): void;
}

/** A third of an isolate's 128 MB: the rest is for what arrives, for POST bodies and for the code. */
const ISOLATE_BYTES = 40 * 1024 * 1024;

/**
 * Shared by all shards of an isolate, because its 128 MB are. The one mutable value at module level: a shard has no other way
 * to see its neighbours.
 */
export const isolateBudget = new ByteBudget(ISOLATE_BYTES);
