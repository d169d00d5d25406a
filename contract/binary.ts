/**
 * Little-endian byte writer and reader with LEB128 varints up to 2^53, the integers a JavaScript number holds exactly.
 * Every format of this project (series tables, columns, log records) is written and read through these two classes.
 */

const TWO_32 = 0x1_0000_0000;
const utf8Encoder = new TextEncoder();
/** `fatal`: bytes that are not UTF-8 are refused, never replaced. `ignoreBOM`: a leading U+FEFF is kept as data. */
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Thrown by {@link ByteReader} and by every decoder built on it: the input does not follow its format. */
export class FormatError extends Error {
  override name = 'FormatError';
}

/** The input may follow its format, but holds more than a limit allows: fewer scrapes or targets at once may pass. */
export class LimitError extends FormatError {
  override name = 'LimitError';
}

/** A growing buffer, which can be cleared and used again. */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity);
    this.#view = new DataView(this.#buffer.buffer);
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** An unsigned integer of at most 2^53 - 1, low half first. */
  u64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setUint32(at, value % TWO_32, true);
    this.#view.setUint32(at + 4, Math.floor(value / TWO_32), true);
  }

  /** An unsigned LEB128 varint; `value` is an integer of 0 to 2^53. */
  varint(value: number): void {
    if (value < 0x80) {
      this.u8(value);
      return;
    }
    let rest = value;
    while (rest >= TWO_32) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    let low = rest >>> 0;
    while (low >= 0x80) {
      this.u8((low & 0x7f) | 0x80);
      low >>>= 7;
    }
    this.u8(low);
  }

  /** A signed integer as a zigzag varint: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4. |value| is at most 2^52. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Length-prefixed bytes. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Length-prefixed UTF-8. */
  string(text: string): void {
    const start = this.#length;
    this.varint(text.length);
    const at = this.#reserve(text.length);
    const buffer = this.#buffer;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) {
        this.#length = start;
        this.block(utf8Encoder.encode(text));
        return;
      }
      buffer[at + i] = unit;
    }
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  /** What was written from `from` on, not a copy: only until something more is written. */
  view(from = 0): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(from, this.#length);
  }
}

/** Reads what {@link ByteWriter} wrote. Every read is checked against the end; a breach throws {@link FormatError}. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) {
      throw new FormatError(`offset ${at}: expected ${count} more bytes, got ${this.#bytes.length - at}`);
    }
    this.#at = at + count;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): number {
    const at = this.#take(8);
    const value = this.#view.getUint32(at + 4, true) * TWO_32 + this.#view.getUint32(at, true);
    if (value > Number.MAX_SAFE_INTEGER) throw new FormatError(`offset ${at}: expected an integer below 2^53`);
    return value;
  }

  varint(): number {
    const start = this.#at;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      const part = (byte & 0x7f) * scale;
      // 2^53 itself is allowed (it is the zigzag form of 2^52). Asked before adding: beyond it sums are rounded.
      if (part > 2 ** 53 - value) break;
      value += part;
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw new FormatError(`offset ${start}: varint is longer than it needs to be`);
        return value;
      }
      scale *= 0x80;
    }
    throw new FormatError(`offset ${start}: expected a varint of at most 2^53`);
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of the next `count` bytes, not a copy. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  block(limit = Number.MAX_SAFE_INTEGER): Uint8Array {
    const at = this.#at;
    const length = this.varint();
    if (length > limit) throw new FormatError(`offset ${at}: expected at most ${limit} bytes, got ${length}`);
    return this.raw(length);
  }

  string(limit = Number.MAX_SAFE_INTEGER): string {
    const at = this.#at;
    try {
      return utf8Decoder.decode(this.block(limit));
    } catch (cause) {
      if (cause instanceof FormatError) throw cause;
      throw new FormatError(`offset ${at}: expected UTF-8 text`, { cause });
    }
  }

  end(): void {
    if (this.remaining !== 0) {
      throw new FormatError(`offset ${this.#at}: expected the end, got ${this.remaining} more bytes`);
    }
  }
}
