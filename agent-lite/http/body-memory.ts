/** A buffer larger than this is not kept, … */
const MOST_BYTES = 256 * 1024;
/** … and of more than so many bytes in all not the smallest. */
const MOST_KEPT_BYTES = 2 * 1024 * 1024;
/** Bodies grow by some digits from scrape to scrape. */
const STEP_BYTES = 16 * 1024;

/**
 * The buffers of answers that were read, for the next ones: what each scrape takes anew would wait for the garbage collector, some
 * megabytes of it. A few, as targets that are scraped at the same moment answer together.
 */
export class BodyMemory {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #freeBytes = 0;

  /**
   * At least so many bytes, the most there are, for some answers do not tell their length. As they were found: whoever takes them hands
   * out only what was written since.
   */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    const largest = this.#free.length - 1;
    if (largest >= 0 && (this.#free[largest] as Uint8Array).length >= bytes) return this.#remove(largest);
    return new Uint8Array(Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES).buffer);
  }

  /** Nobody reads or writes it any more. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.length === 0 || buffer.length > MOST_BYTES) return;
    // Ascending by size; the last of equals goes first, as it is the likeliest to be in the processor's cache.
    let at = this.#free.length;
    while (at > 0 && (this.#free[at - 1] as Uint8Array).length > buffer.length) at--;
    this.#free.splice(at, 0, buffer);
    this.#freeBytes += buffer.length;
    while (this.#freeBytes > MOST_KEPT_BYTES) this.#remove(0);
  }

  #remove(at: number): Uint8Array<ArrayBuffer> {
    const [buffer] = this.#free.splice(at, 1) as [Uint8Array<ArrayBuffer>];
    this.#freeBytes -= buffer.length;
    return buffer;
  }
}
