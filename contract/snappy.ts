import { compress, uncompress } from 'snappyjs';
import { ByteReader, ByteWriter, FormatError } from './binary.ts';

/** Snappy's block format (not the framed one), which remote write uses. */

export const snappyCompress = (bytes: Uint8Array): Uint8Array => compress(bytes);

/** Refuses a block that declares more than `maxLength` bytes before any memory is taken. Throws {@link FormatError}. */
export function snappyUncompress(block: Uint8Array, maxLength: number): Uint8Array {
  try {
    return uncompress(block, maxLength);
  } catch (cause) {
    throw new FormatError(`snappy: expected a block of at most ${maxLength} bytes`, { cause });
  }
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
