/** A buffer larger than this is not kept. */
const MOST_KEPT_BYTES = 256 * 1024;
/** Bodies grow by some digits from scrape to scrape. */
const STEP_BYTES = 16 * 1024;

/**
 * The buffer of an answer that was read, for the next one: a hundred targets are seldom scraped at the same moment, and what each
 * scrape takes anew would wait for the garbage collector, some megabytes of it.
 */
export class BodyMemory {
  #free: Uint8Array<ArrayBuffer> | undefined;

  /** At least so many bytes, as they were found: whoever takes them hands out only what was written since. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    const free = this.#free;
    if (free !== undefined && free.length >= bytes) {
      this.#free = undefined;
      return free;
    }
    return new Uint8Array(Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES).buffer);
  }

  /** Nobody reads or writes it any more. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.length <= MOST_KEPT_BYTES && buffer.length > (this.#free?.length ?? 0)) this.#free = buffer;
  }
}
