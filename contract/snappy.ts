import { compress } from 'snappyjs';
import { ByteReader, ByteWriter, FormatError } from './binary.ts';

/**
 * Snappy's block format (not the framed one), which remote write uses:
 * https://github.com/google/snappy/blob/main/format_description.txt
 */

export const snappyCompress = (bytes: Uint8Array): Uint8Array => compress(bytes);

/** A block without its length: what blocks consist of that are joined. */
export function snappyElements(bytes: Uint8Array): Uint8Array {
  const block = compress(bytes);
  let at = 0;
  while ((block[at++] as number) >= 0x80);
  return block.subarray(at);
}

/**
 * Refuses a block that declares more than `maxLength` bytes before any memory is taken. Throws {@link FormatError}.
 *
 * Not the package's: that one fills up a block that ends early with zeros, and takes a copy element without its offset.
 */
export function snappyUncompress(block: Uint8Array, maxLength: number): Uint8Array<ArrayBuffer> {
  const reader = new ByteReader(block);
  const length = reader.varint();
  if (length > maxLength) throw new FormatError(`snappy: expected at most ${maxLength} bytes, got ${length}`);
  const out = new Uint8Array(length);
  let at = 0;
  while (reader.remaining > 0) {
    const tag = reader.u8();
    if ((tag & 3) === 0) {
      const literal = reader.raw(literalLength(reader, tag >>> 2));
      if (literal.length > length - at) throw tooLong(length);
      out.set(literal, at);
      at += literal.length;
      continue;
    }
    const { offset, count } = copyElement(reader, tag);
    if (offset === 0 || offset > at) throw new FormatError(`snappy: a copy reaches ${offset} bytes back at byte ${at}`);
    if (count > length - at) throw tooLong(length);
    // Byte by byte where the copy overlaps itself: that is how a run is written.
    if (offset >= count) out.copyWithin(at, at - offset, at - offset + count);
    else for (let i = 0; i < count; i++) out[at + i] = out[at + i - offset] as number;
    at += count;
  }
  if (at !== length) throw new FormatError(`snappy: expected ${length} bytes, got ${at}`);
  return out;
}

const tooLong = (length: number): FormatError => new FormatError(`snappy: expected ${length} bytes, got more`);

/** Up to 60 in the tag, else in the 1 to 4 bytes behind it; less one in both. */
function literalLength(reader: ByteReader, code: number): number {
  if (code < 60) return code + 1;
  let value = 0;
  let scale = 1;
  for (let i = 60; i <= code; i++) {
    value += reader.u8() * scale;
    scale *= 0x100;
  }
  return value + 1;
}

function copyElement(reader: ByteReader, tag: number): { readonly offset: number; readonly count: number } {
  if ((tag & 3) === 1) return { count: ((tag >>> 2) & 7) + 4, offset: ((tag >>> 5) << 8) + reader.u8() };
  const count = (tag >>> 2) + 1;
  if ((tag & 3) === 3) return { count, offset: reader.u32() };
  const low = reader.u8();
  return { count, offset: low + (reader.u8() << 8) };
}

/**
 * Joins blocks into the block of their joined contents without uncompressing: a block is its length as a varint and then
 * elements that reach back only within the block, so the lengths add up and the elements follow each other.
 */
export function snappyConcat(blocks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  let size = 0;
  const bodies = blocks.map((block) => {
    const reader = new ByteReader(block);
    length += reader.varint();
    const body = reader.raw(reader.remaining);
    size += body.length;
    return body;
  });
  const writer = new ByteWriter(size + 8);
  writer.varint(length);
  for (const body of bodies) writer.raw(body);
  return writer.bytes();
}
