/** A larger block gives its memory back. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Writes the elements of a snappy block where the writer knows by itself what repeats: no search, no table of hashes. Literals and
 * copies that follow each other are joined. https://github.com/google/snappy/blob/main/format_description.txt
 */
export class BlockWriter {
  #out = new Uint8Array(16 * 1024);
  #at = 0;
  /** Where the tag of the literal that is being written stands; -1: none is. */
  #tag = -1;
  /** Of the copy that has not been written yet. */
  #copied = 0;
  #offset = 0;
  #rawLength = 0;

  /** Bytes so far, before compression. */
  get rawLength(): number {
    return this.#rawLength;
  }

  /** Forgets what was written and not taken. Its memory stays, for the next one to write. */
  clear(): void {
    if (this.#out.length > KEPT_BYTES) this.#out = new Uint8Array(KEPT_BYTES);
    this.#at = 0;
    this.#tag = -1;
    this.#copied = 0;
    this.#rawLength = 0;
  }

  /** Room for this many bytes of literals and copies. To be called before any: they are not checked one by one. */
  reserve(bytes: number): void {
    // A tag for each 60 bytes of literals.
    const needed = this.#at + bytes + (bytes >> 4) + 64;
    if (needed <= this.#out.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#out.length * 2));
    grown.set(this.#out.subarray(0, this.#at));
    this.#out = grown;
  }

  byte(value: number): void {
    if (this.#tag < 0) this.#startLiteral();
    this.#out[this.#at++] = value;
    this.#rawLength++;
    if (this.#at - this.#tag > MAX_LITERAL) this.#endLiteral();
  }

  /** Bytes that stand in an array of wider numbers, up to `end` or the first that is none; returns where that is. */
  symbols(from: Uint16Array, start: number, end: number): number {
    let next = start;
    while (next < end && (from[next] as number) <= 0xff) {
      if (this.#tag < 0) this.#startLiteral();
      const out = this.#out;
      const first = next;
      let at = this.#at;
      const stop = Math.min(end, next + MAX_LITERAL + 1 - (at - this.#tag));
      for (; next < stop; next++) {
        const symbol = from[next] as number;
        if (symbol > 0xff) break;
        out[at++] = symbol;
      }
      this.#at = at;
      this.#rawLength += next - first;
      if (at - this.#tag > MAX_LITERAL) this.#endLiteral();
    }
    return next;
  }

  bytes(from: Uint8Array, start: number, end: number): void {
    for (let next = start; next < end; ) {
      if (this.#tag < 0) this.#startLiteral();
      const count = Math.min(end - next, MAX_LITERAL + 1 - (this.#at - this.#tag));
      const out = this.#out;
      let at = this.#at;
      for (let i = next; i < next + count; i++) out[at++] = from[i] as number;
      this.#at = at;
      next += count;
      this.#rawLength += count;
      if (at - this.#tag > MAX_LITERAL) this.#endLiteral();
    }
  }

  /** The bytes `first` to 3 of a word, the low one first. */
  word(value: number, first: number): void {
    for (let i = first; i < 4; i++) this.byte((value >>> (8 * i)) & 0xff);
  }

  /** @param offset how far back, 1 to 65535, and not further than the block's start */
  copy(offset: number, count: number): void {
    if (count === 0) return;
    this.#rawLength += count;
    if (this.#tag >= 0) this.#endLiteral();
    if (this.#copied > 0) {
      if (this.#offset === offset) {
        this.#copied += count;
        return;
      }
      this.#endCopy();
    }
    this.#offset = offset;
    this.#copied = count;
  }

  /** Takes the last `count` bytes from there instead, if they are a copy of their own. They must stand there, too. */
  redirect(offset: number, count: number): void {
    if (this.#copied === count) this.#offset = offset;
  }

  /** Whether a literal goes on here: a byte of it costs nothing more. */
  get inLiteral(): boolean {
    return this.#tag >= 0;
  }

  /** Whether a copy from there would go on with the one before, at no cost. */
  copies(offset: number): boolean {
    return this.#copied > 0 && this.#offset === offset;
  }

  /** Adds elements that are made already, of so many bytes before compression. */
  elements(elements: Uint8Array, rawLength: number): void {
    if (this.#tag >= 0) this.#endLiteral();
    this.#endCopy();
    this.reserve(elements.length);
    this.#out.set(elements, this.#at);
    this.#at += elements.length;
    this.#rawLength += rawLength;
  }

  /** The block, and starts another. */
  take(): Uint8Array<ArrayBuffer> {
    if (this.#tag >= 0) this.#endLiteral();
    this.#endCopy();
    const length: number[] = [];
    for (let rest = this.#rawLength; ; rest >>>= 7) {
      if (rest < 0x80) {
        length.push(rest);
        break;
      }
      length.push((rest & 0x7f) | 0x80);
    }
    const block = new Uint8Array(length.length + this.#at);
    block.set(length);
    block.set(this.#out.subarray(0, this.#at), length.length);
    this.#at = 0;
    this.#rawLength = 0;
    return block;
  }

  #startLiteral(): void {
    this.#endCopy();
    this.#tag = this.#at++;
  }

  #endLiteral(): void {
    this.#out[this.#tag] = (this.#at - this.#tag - 2) << 2;
    this.#tag = -1;
  }

  /** Elements of at most 64 bytes; 4 to 11 from within 2 kB take two bytes, others three. */
  #endCopy(): void {
    let count = this.#copied;
    if (count === 0) return;
    const offset = this.#offset;
    const out = this.#out;
    let at = this.#at;
    for (; count > 0; ) {
      if (count >= 4 && count < 12 && offset < 2048) {
        out[at++] = 1 | ((count - 4) << 2) | ((offset >>> 8) << 5);
        out[at++] = offset & 0xff;
        break;
      }
      const part = count > 64 ? (count < 68 ? 60 : 64) : count;
      out[at++] = 2 | ((part - 1) << 2);
      out[at++] = offset & 0xff;
      out[at++] = offset >>> 8;
      count -= part;
    }
    this.#at = at;
    this.#copied = 0;
  }
}

/** What a tag of one byte can hold. */
const MAX_LITERAL = 60;
