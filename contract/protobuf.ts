import { FormatError } from './binary.ts';

/**
 * Walks over the fields of a protobuf message without building objects of them: what is not asked for costs nothing, whatever a
 * sender puts in. https://protobuf.dev/programming-guides/encoding/
 */

export const VARINT = 0;
export const FIXED64 = 1;
/** Texts, bytes, nested messages, packed numbers. */
export const LENGTH = 2;
export const FIXED32 = 5;

const TWO_32 = 0x1_0000_0000;
const MAX_VARINT_BYTES = 10;

/** Every read is checked against the end. Throws {@link FormatError}. */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Number and wire type of the field that {@link next} found. */
  field = 0;
  wire = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** Goes to the next field, whose value must then be read or skipped. False at the end. */
  next(): boolean {
    if (this.#at === this.#bytes.length) return false;
    const tag = this.integer();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (!(this.field >= 1 && this.field < 2 ** 29)) throw this.#fault('expected a field number of 1 to 2^29 - 1');
    return true;
  }

  /** Passes over the value, and checks that it is one. */
  skip(): void {
    if (this.wire === VARINT) this.integer();
    else if (this.wire === FIXED64) this.#take(8);
    else if (this.wire === LENGTH) this.bytes();
    else if (this.wire === FIXED32) this.#take(4);
    else throw this.#fault(`unexpected wire type ${this.wire}`);
  }

  /** Refuses a field of another wire type. */
  expect(wire: number): void {
    if (this.wire !== wire) throw this.#fault(`field ${this.field}: expected wire type ${wire}, got ${this.wire}`);
  }

  /** A view of the length-prefixed bytes. */
  bytes(): Uint8Array {
    const at = this.pass();
    return this.#bytes.subarray(at, this.#at);
  }

  /** Passes over the length-prefixed bytes; returns where they start. They end at {@link position}. */
  pass(): number {
    this.expect(LENGTH);
    const length = this.integer();
    if (length < 0) throw this.#fault('expected a length');
    return this.#take(length);
  }

  double(): number {
    this.expect(FIXED64);
    const at = this.#take(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, 8).getFloat64(0, true);
  }

  /** An int64, as two's complement. Beyond 2^53 it is rounded. */
  integer(): number {
    const first = this.#bytes[this.#at] ?? 0x80;
    if (first < 0x80) {
      this.#at++;
      return first;
    }
    const second = this.#bytes[this.#at + 1] ?? 0x80;
    if (second < 0x80) {
      this.#at += 2;
      return (first & 0x7f) | (second << 7);
    }
    return this.#longInteger();
  }

  #longInteger(): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.#take(1)] as number;
      const part = byte & 0x7f;
      if (i < 4) low |= part << (7 * i);
      else if (i === 4) {
        low |= part << 28;
        high = part >>> 4;
      } else high |= part << (7 * i - 32);
      if (byte < 0x80) return high * TWO_32 + (low >>> 0);
    }
    throw this.#fault('expected a varint of at most ten bytes');
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw this.#fault(`expected ${count} more bytes, got ${this.#bytes.length - at}`);
    this.#at = at + count;
    return at;
  }

  #fault(what: string): FormatError {
    return new FormatError(`protobuf: offset ${this.#at}: ${what}`);
  }
}
