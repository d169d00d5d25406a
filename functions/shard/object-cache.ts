import type { ByteShare } from './budget.ts';

/** Bytes of just committed objects kept for the drain, so that in quiet times nothing is read back. Per shard. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Recently committed objects by sequence. The oldest ones stay: they are needed first. */
export class ObjectCache {
  readonly #memory: ByteShare;
  readonly #objects = new Map<number, Uint8Array>();
  #bytes = 0;

  constructor(memory: ByteShare) {
    this.#memory = memory;
  }

  /** Keeps it where there is room; says whether there was. */
  offer(seq: number, bytes: Uint8Array): boolean {
    if (this.#bytes + bytes.length > MAX_BYTES || !this.#memory.tryTake(bytes.length)) return false;
    this.#objects.set(seq, bytes);
    this.#bytes += bytes.length;
    return true;
  }

  get(seq: number): Uint8Array | undefined {
    return this.#objects.get(seq);
  }

  /** Forgets objects before `seq`. */
  dropBefore(seq: number): void {
    for (const [held, bytes] of this.#objects) {
      if (held >= seq) continue;
      this.#objects.delete(held);
      this.#bytes -= bytes.length;
      this.#memory.give(bytes.length);
    }
  }
}
