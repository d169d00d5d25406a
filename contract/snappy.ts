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
  const end = block.length;
  let from = reader.position;
  let at = 0;
  while (from < end) {
    const tag = block[from++] as number;
    let count = (tag >>> 2) + 1;
    let offset = 0;
    if ((tag & 3) === 0) {
      // Up to 60 in the tag, else in the 1 to 4 bytes behind it; less one in both.
      const more = Math.max(0, count - 60);
      if (more > 0) {
        count = 1;
        for (let i = 0; i < more; i++) count += (block[from + i] ?? 0) * 0x100 ** i;
        from += more;
      }
      if (count > end - from) throw new FormatError(`snappy: a literal of ${count} bytes at byte ${at} ends early`);
      if (count > length - at) throw tooLong(length);
      if (count > SHORT) out.set(block.subarray(from, from + count), at);
      else for (let i = 0; i < count; i++) out[at + i] = block[from + i] as number;
      from += count;
      at += count;
      continue;
    }
    const size = (tag & 3) === 1 ? 1 : (tag & 3) === 2 ? 2 : 4;
    if (size > end - from) throw new FormatError(`snappy: a copy at byte ${at} ends early`);
    if (size === 1) {
      count = ((tag >>> 2) & 7) + 4;
      offset = ((tag >>> 5) << 8) | (block[from] as number);
    } else {
      offset = (block[from] as number) | ((block[from + 1] as number) << 8);
      if (size === 4) offset = (offset | ((block[from + 2] as number) << 16) | ((block[from + 3] as number) << 24)) >>> 0;
    }
    from += size;
    if (offset === 0 || offset > at) throw new FormatError(`snappy: a copy reaches ${offset} bytes back at byte ${at}`);
    if (count > length - at) throw tooLong(length);
    // Byte by byte where it is short, or overlaps itself: that is how a run is written.
    if (count > SHORT && offset >= count) out.copyWithin(at, at - offset, at - offset + count);
    else for (let i = 0; i < count; i++) out[at + i] = out[at + i - offset] as number;
    at += count;
  }
  if (at !== length) throw new FormatError(`snappy: expected ${length} bytes, got ${at}`);
  return out;
}

/** So many bytes cost less one by one than the platform's call. */
const SHORT = 40;
const tooLong = (length: number): FormatError => new FormatError(`snappy: expected ${length} bytes, got more`);

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
