import { type ByteShare, SHARES } from './budget.ts';
import { Gate } from './gate.ts';

/** Bytes of just committed objects kept for the drain, so that in quiet times nothing is read back. Per shard. */
const MAX_BYTES = 8 * 1024 * 1024;
/**
 * Reads from the bucket at a time, of all lanes. The platform gives an event six connections; the others are for POSTs and for the
 * commit.
 */
const PARALLEL_READS = 4;

/** Recently committed objects by sequence, and what else the lanes of a shard have in common to read from. The oldest ones stay: they are needed first. */
export class ObjectCache {
  readonly gate = new Gate(PARALLEL_READS);
  readonly #memory: ByteShare;
  readonly #objects = new Map<number, Uint8Array>();
  #bytes = 0;

  constructor(memory: ByteShare) {
    this.#memory = memory;
  }

  /** Keeps it where there is room; says whether there was. */
  offer(seq: number, bytes: Uint8Array): boolean {
    if (this.#bytes + bytes.length > MAX_BYTES || !this.#memory.tryTake(bytes.length, SHARES.cache)) return false;
    this.#objects.set(seq, bytes);
    this.#bytes += bytes.length;
    return true;
  }

  get(seq: number): Uint8Array | undefined {
    return this.#objects.get(seq);
  }

  /** What {@link borrow} has for what is needed now, bytes. */
  get free(): number {
    return this.#memory.free(SHARES.read);
  }

  /** Memory for what is read, until it is given back by the function returned; undefined: there is none. `ahead`: not needed yet. */
  borrow(bytes: number, ahead: boolean): (() => void) | undefined {
    if (!this.#memory.tryTake(bytes, ahead ? SHARES.ahead : SHARES.read)) return undefined;
    let lent = bytes;
    return () => {
      this.#memory.give(lent);
      lent = 0;
    };
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
