import type { SnappyCopies } from '../../../contract/snappy.ts';
import type { BlockWriter } from '../block-writer.ts';

const MAX_OFFSET = 0xffff;
/** Shorter copies spare nothing. */
const LEAST_COPY = 4;
/** A request is divided into pieces of so many bytes, a power of 2, so that a place is found without a search. */
const PIECE_BITS = 7;

/**
 * Writes parts of a request to a block with the copies that its sender's compressor found: the search for what repeats was done there. A
 * copy is kept as far as what it copies from was written too, and is near enough where it stands now.
 */
export class KeptCopies {
  readonly #bytes: Uint8Array;
  readonly #copies: SnappyCopies;
  /** The first copy that may reach behind what was written last. */
  #next = 0;
  /** Parts that were written, in their order: where in the request, and where in the block. */
  #parts = 0;
  #froms = new Int32Array(256);
  #tos = new Int32Array(256);
  #places = new Int32Array(256);
  /** What stands before each in the block, see {@link write}. */
  #leads = new Int32Array(256);
  /** Those before were written to other blocks. */
  #base = 0;
  /** By piece of the request: the first part that ends behind its start; made up to the last part's end. */
  readonly #firstParts: Int32Array;
  #pieces = 0;

  constructor(bytes: Uint8Array, copies: SnappyCopies) {
    this.#bytes = bytes;
    this.#copies = copies;
    this.#firstParts = new Int32Array((bytes.length >>> PIECE_BITS) + 1);
  }

  /** The block has ended: nothing can be copied from it any more. */
  forget(): void {
    this.#base = this.#parts;
  }

  /**
   * How far back something stands that is not of the request and will stand before the part that begins at `from`; 0: that is not known.
   * Where the part begins with a copy of the beginning of another, what stands before that one makes one copy of the two.
   *
   * @param lead what it is, see {@link write}
   */
  distance(out: BlockWriter, from: number, lead: number, length: number): number {
    const { count, starts, ends, offsets } = this.#copies;
    let next = this.#next;
    while (next < count && (ends[next] as number) <= from) next++;
    this.#next = next;
    if (next === count || (starts[next] as number) > from) return 0;
    const source = from - (offsets[next] as number);
    if (source >>> PIECE_BITS >= this.#pieces) return 0;
    let part = this.#firstParts[source >>> PIECE_BITS] as number;
    while (part < this.#parts && (this.#tos[part] as number) <= source) part++;
    if (part < this.#base || part === this.#parts || this.#froms[part] !== source || this.#leads[part] !== lead) return 0;
    const distance = out.rawLength + length - (this.#places[part] as number);
    return distance <= MAX_OFFSET ? distance : 0;
  }

  /**
   * Writes `[from, to)` of the request. Parts must come in the request's order.
   *
   * @param lead what was written before it: parts of one number have the same bytes before them
   */
  write(out: BlockWriter, from: number, to: number, lead: number): void {
    if (from === to) return;
    this.#note(from, to, out.rawLength, lead);
    const { count, starts, ends, offsets } = this.#copies;
    let next = this.#next;
    while (next < count && (ends[next] as number) <= from) next++;
    let at = from;
    for (; next < count; next++) {
      const start = starts[next] as number;
      if (start >= to) break;
      if (start > at) {
        out.bytes(this.#bytes, at, start);
        at = start;
      }
      const end = Math.min(to, ends[next] as number);
      this.#copy(out, at, end, offsets[next] as number);
      at = end;
      // The rest of it is for the next part.
      if (end === to) break;
    }
    this.#next = next;
    if (at < to) out.bytes(this.#bytes, at, to);
  }

  /** Writes `[from, to)`, which stands `offset` earlier in the request too, by copies of what was written of that. */
  #copy(out: BlockWriter, from: number, to: number, offset: number): void {
    let at = from;
    let part = this.#firstParts[(from - offset) >>> PIECE_BITS] as number;
    while (at < to) {
      const source = at - offset;
      while ((this.#tos[part] as number) <= source) part++;
      // There is one: what is being written is the last part, and the source lies before its end.
      const before = (this.#froms[part] as number) - source;
      if (before > 0) {
        const end = Math.min(to, at + before);
        out.bytes(this.#bytes, at, end);
        at = end;
        continue;
      }
      const length = Math.min(to - at, (this.#tos[part] as number) - source);
      const distance = out.rawLength - (this.#places[part] as number) + before;
      const reached = part >= this.#base && distance <= MAX_OFFSET;
      if (reached && (length >= LEAST_COPY || out.copies(distance))) out.copy(distance, length);
      else out.bytes(this.#bytes, at, at + length);
      at += length;
    }
  }

  #note(from: number, to: number, place: number, lead: number): void {
    if (this.#parts === this.#froms.length) this.#grow();
    const part = this.#parts++;
    this.#froms[part] = from;
    this.#tos[part] = to;
    this.#places[part] = place;
    this.#leads[part] = lead;
    for (; this.#pieces << PIECE_BITS < to; this.#pieces++) this.#firstParts[this.#pieces] = part;
  }

  #grow(): void {
    const grown = (array: Int32Array): Int32Array<ArrayBuffer> => {
      const larger = new Int32Array(2 * array.length);
      larger.set(array);
      return larger;
    };
    this.#froms = grown(this.#froms);
    this.#tos = grown(this.#tos);
    this.#places = grown(this.#places);
    this.#leads = grown(this.#leads);
  }
}
