import type { ByteWriter } from '../../contract/binary.ts';
import { nextChain } from '../../contract/chain.ts';
import { crc32c } from '../../contract/crc32c.ts';
import type { Chain, Position } from '../../contract/push.ts';
import { toHex } from '../../contract/series-table.ts';
import { chainBytes, LAST_TYPE, TABLE } from './format.ts';

/**
 * Frames: how records lie in a segment.
 *
 * `u32 length of the body | u64 position | 8 bytes chain | u32 CRC32C | body`, where the body is `u8 type` and the payload,
 * and the CRC is over everything but itself, started from the log's seed.
 */
export interface Frame {
  /** Of its first byte in the segment. */
  readonly offset: number;
  readonly position: Position;
  readonly chain: Chain;
  readonly crc: number;
  /** Type and payload; a view that is valid until the scanner moves on. */
  readonly body: Uint8Array;
}

/** Before the body. */
export const FRAME_HEAD_BYTES = 24;
const CRC_AT = 20;
const LEAST_FRAME_BYTES = FRAME_HEAD_BYTES + 1;
/** A table of the largest size with a scrape of it stays far below. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;
const TWO_32 = 0x1_0000_0000;

export const frameBytes = (frame: Frame): number => FRAME_HEAD_BYTES + frame.body.length;

/** Appends one frame to `writer` and says what it is called. */
export function writeFrame(
  writer: ByteWriter,
  position: Position,
  before: Chain,
  body: Uint8Array,
  seed: number,
): { chain: Chain; crc: number } {
  const chain = nextChain(before, body);
  return { chain, crc: copyFrame(writer, position, chain, body, seed) };
}

/** The same for a record that exists and keeps its chain. */
export function copyFrame(writer: ByteWriter, position: Position, chain: Chain, body: Uint8Array, seed: number): number {
  if (body.length > MAX_BODY_BYTES) throw new RangeError(`log record: expected at most ${MAX_BODY_BYTES} bytes, got ${body.length}`);
  const start = writer.length;
  writer.u32(body.length);
  writer.u64(position);
  writer.raw(chainBytes(chain));
  const crc = crc32c(body, crc32c(writer.view(start), seed));
  writer.u32(crc);
  writer.raw(body);
  return crc;
}

export type ReadRange = (offset: number, length: number) => Promise<Uint8Array>;

/** What a scanner finds: a record, or a stretch of bytes that holds none. */
export type Found = { readonly frame: Frame; readonly damage?: never } | { readonly frame?: never; readonly damage: Damage };
export interface Damage {
  readonly offset: number;
  readonly bytes: number;
  /** No record follows in the segment: the torn end of the last write, or damage up to the end. */
  readonly trailing: boolean;
}

export interface ScanOptions {
  readonly read: ReadRange;
  readonly seed: number;
  /** Where to begin: the border of a frame. */
  readonly offset: number;
  /** Where the segment ends. */
  readonly end: number;
  /** The position before the first frame. */
  readonly last: Position;
  /** Positions rise by one; otherwise (set-aside files) they only rise. */
  readonly contiguous: boolean;
  /** Bytes to read at a time. */
  readonly chunkBytes?: number;
}

/** Walks the frames of a segment in order, holding one chunk. Behind damage it searches for the next whole frame. */
export class FrameScanner {
  readonly #options: ScanOptions;
  readonly #chunkBytes: number;
  #offset: number;
  #last: Position;
  #chunk: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#chunk.buffer);
  #chunkAt = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#chunkBytes = options.chunkBytes ?? 64 * 1024;
    this.#offset = options.offset;
    this.#last = options.last;
  }

  /** The border behind the last frame or damage. */
  get offset(): number {
    return this.#offset;
  }

  /** Undefined at the end. Rejects where the store cannot be read. */
  async next(): Promise<Found | undefined> {
    const start = this.#offset;
    if (start >= this.#options.end) return undefined;
    const limit = this.#options.contiguous ? this.#last + 1 : Number.MAX_SAFE_INTEGER;
    const frame = await this.#frameAt(start, limit);
    if (frame !== undefined) {
      this.#offset = start + frameBytes(frame);
      this.#last = frame.position;
      return { frame };
    }
    this.#offset = await this.#resync(start);
    return { damage: { offset: start, bytes: this.#offset - start, trailing: this.#offset >= this.#options.end } };
  }

  /** The offset of the next whole frame after `start`, or the end. */
  async #resync(start: number): Promise<number> {
    const { end, contiguous } = this.#options;
    for (let offset = start + 1; offset + LEAST_FRAME_BYTES <= end; offset++) {
      // Each record that the damage swallowed took at least LEAST_FRAME_BYTES, which bounds how far positions can have gone:
      // chance, or bytes that a target chose, hardly ever get past this to the checksum.
      const skipped = Math.floor((offset - start) / LEAST_FRAME_BYTES);
      const limit = contiguous ? this.#last + 1 + skipped : Number.MAX_SAFE_INTEGER;
      if (!this.#inChunk(offset, LEAST_FRAME_BYTES)) await this.#load(offset, LEAST_FRAME_BYTES);
      const frame = this.#plausible(offset, limit) ? await this.#frameAt(offset, limit) : undefined;
      if (frame === undefined) continue;
      this.#last = frame.position - 1;
      return offset;
    }
    return end;
  }

  /** Looks only at the chunk, without the checksum. */
  #plausible(offset: number, limit: Position): boolean {
    const at = offset - this.#chunkAt;
    if (at + LEAST_FRAME_BYTES > this.#chunk.length) return false;
    const length = this.#view.getUint32(at, true);
    if (length < 1 || length > MAX_BODY_BYTES || offset + FRAME_HEAD_BYTES + length > this.#options.end) return false;
    const position = this.#view.getUint32(at + 8, true) * TWO_32 + this.#view.getUint32(at + 4, true);
    if (position <= this.#last || position > limit) return false;
    const type = this.#chunk[at + FRAME_HEAD_BYTES] as number;
    return type >= TABLE && type <= LAST_TYPE;
  }

  async #frameAt(offset: number, limit: Position): Promise<Frame | undefined> {
    if (!this.#inChunk(offset, LEAST_FRAME_BYTES)) await this.#load(offset, LEAST_FRAME_BYTES);
    if (!this.#plausible(offset, limit)) return undefined;
    const length = FRAME_HEAD_BYTES + this.#view.getUint32(offset - this.#chunkAt, true);
    if (!this.#inChunk(offset, length)) await this.#load(offset, length);
    const at = offset - this.#chunkAt;
    if (at + length > this.#chunk.length) return undefined;
    const bytes = this.#chunk.subarray(at, at + length);
    const body = bytes.subarray(FRAME_HEAD_BYTES);
    const crc = this.#view.getUint32(at + CRC_AT, true);
    if (crc32c(body, crc32c(bytes.subarray(0, CRC_AT), this.#options.seed)) !== crc) return undefined;
    const position = this.#view.getUint32(at + 8, true) * TWO_32 + this.#view.getUint32(at + 4, true);
    return { offset, position, chain: toHex(bytes.subarray(12, CRC_AT)), crc, body };
  }

  #inChunk(offset: number, length: number): boolean {
    return offset >= this.#chunkAt && offset + length <= this.#chunkAt + this.#chunk.length;
  }

  async #load(offset: number, length: number): Promise<void> {
    const wanted = Math.min(Math.max(length, this.#chunkBytes), this.#options.end - offset);
    this.#chunk = await this.#options.read(offset, Math.max(0, wanted));
    this.#view = new DataView(this.#chunk.buffer, this.#chunk.byteOffset, this.#chunk.byteLength);
    this.#chunkAt = offset;
  }
}
