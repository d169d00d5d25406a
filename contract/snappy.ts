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

/** Copies are written in steps of a word, and the last one goes beyond. */
const SLACK = 16;
/** What a decoder keeps for the next block, bytes. Larger blocks get memory of their own. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** So many bytes cost less one by one than the platform's call. */
const SHORT = 40;

/**
 * Refuses a block that declares more than `maxLength` bytes before any memory is taken. Throws {@link FormatError}.
 *
 * Not the package's: that one fills up a block that ends early with zeros, and takes a copy element without its offset.
 */
export function snappyUncompress(block: Uint8Array, maxLength: number): Uint8Array<ArrayBuffer> {
  const reader = new ByteReader(block);
  const length = declaredLength(reader, maxLength);
  const out = new Uint8Array(length + SLACK);
  uncompress(block, reader.position, out, length);
  return out.subarray(0, length);
}

/**
 * Uncompresses one block after the other into the same memory: getting new memory, which comes cleared, costs half of what
 * uncompressing does.
 */
export class SnappyDecoder {
  #out = new Uint8Array(0);

  /** As {@link snappyUncompress}. What is returned is good until the next call: use it up before anything is waited for. */
  uncompress(block: Uint8Array, maxLength: number): Uint8Array {
    const reader = new ByteReader(block);
    const length = declaredLength(reader, maxLength);
    let out = this.#out;
    if (out.length < length + SLACK) {
      out = new Uint8Array(Math.max(length + SLACK, Math.min(KEPT_BYTES, 2 * length)));
      if (out.length <= KEPT_BYTES) this.#out = out;
    }
    uncompress(block, reader.position, out, length);
    return out.subarray(0, length);
  }
}

function declaredLength(reader: ByteReader, maxLength: number): number {
  const length = reader.varint();
  if (length > maxLength) throw new FormatError(`snappy: expected at most ${maxLength} bytes, got ${length}`);
  return length;
}

/** @param out of at least `length` and {@link SLACK} bytes, of which `length` are the content afterwards */
function uncompress(block: Uint8Array, start: number, out: Uint8Array, length: number): void {
  const view = new DataView(out.buffer, out.byteOffset, out.length);
  const input = new DataView(block.buffer, block.byteOffset, block.length);
  const place = { from: start, at: 0 };
  while (place.from < block.length) uncompressSome(block, input, out, view, length, place);
  if (place.at !== length) throw new FormatError(`snappy: expected ${length} bytes, got ${place.at}`);
}

/** Input of a call. V8 compiles what is called often; one long loop it would replace while it runs, and throw that away at its end. */
const STRIDE = 2048;

function uncompressSome(
  block: Uint8Array,
  input: DataView,
  out: Uint8Array,
  view: DataView,
  length: number,
  place: { from: number; at: number },
): void {
  const end = block.length;
  const until = Math.min(end, place.from + STRIDE);
  let { from, at } = place;
  while (from < until) {
    const tag = block[from++] as number;
    let count = (tag >>> 2) + 1;
    if ((tag & 3) === 0) {
      // Up to 60 in the tag, else in the 1 to 4 bytes behind it; less one in both.
      const more = Math.max(0, count - 60);
      if (more > 0) {
        count = 1;
        // Whole numbers of 32 bits throughout: with others all that counts here would be slower by half. A length beyond becomes negative.
        for (let i = 0; i < more; i++) count = (count + ((block[from + i] ?? 0) << (8 * i))) | 0;
        from += more;
      }
      if (count <= 0 || count > end - from) throw new FormatError(`snappy: a literal of ${count} bytes at byte ${at} ends early`);
      if (count > length - at) throw tooLong(length);
      if (count <= 16 && from + 16 <= end) {
        view.setBigInt64(at, input.getBigInt64(from));
        if (count > 8) view.setBigInt64(at + 8, input.getBigInt64(from + 8));
      } else if (count > SHORT) out.set(block.subarray(from, from + count), at);
      else for (let i = 0; i < count; i++) out[at + i] = block[from + i] as number;
      from += count;
      at += count;
      continue;
    }
    const size = (tag & 3) === 1 ? 1 : (tag & 3) === 2 ? 2 : 4;
    if (size > end - from) throw new FormatError(`snappy: a copy at byte ${at} ends early`);
    let offset = block[from] as number;
    if (size === 1) {
      count = ((tag >>> 2) & 7) + 4;
      offset |= (tag >>> 5) << 8;
    } else {
      offset |= (block[from + 1] as number) << 8;
      // Its highest bit makes it negative: no block is that long.
      if (size === 4) offset |= ((block[from + 2] as number) << 16) | ((block[from + 3] as number) << 24);
    }
    from += size;
    if (offset <= 0 || offset > at) throw new FormatError(`snappy: a copy reaches ${offset} bytes back at byte ${at}`);
    if (count > length - at) throw tooLong(length);
    const to = at + count;
    let source = at - offset;
    // A word at a time, and some bytes more that what follows writes over. Byte by byte where it overlaps itself: so runs are written.
    if (offset >= 8) {
      do {
        view.setBigInt64(at, view.getBigInt64(source));
        at += 8;
        source += 8;
      } while (at < to);
    } else {
      for (; at < to; at++, source++) out[at] = out[source] as number;
    }
    at = to;
  }
  place.from = from;
  place.at = at;
}

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
