import { ByteReader, ByteWriter, FormatError } from '../../contract/binary.ts';
import { crc32c } from '../../contract/crc32c.ts';
import type { Chain, LogId, Point, Position } from '../../contract/push.ts';
import { fromHex, toHex } from '../../contract/series-table.ts';

/** The constants and the segment header of the log's files. FORMAT.md describes them byte by byte. */

export const FORMAT_VERSION = 2;
const MAGIC = Uint8Array.from('agentwal', (character) => character.charCodeAt(0));
export const HEADER_BYTES = 136;

/** Record types. Numbers are never given a new meaning. */
export const TABLE = 1;
export const TARGET = 2;
export const BOOT = 3;
export const SCRAPE_KEY = 4;
export const SCRAPE_DELTA = 5;
/** Only in set-aside files: why and when the records were set aside. */
export const NOTE = 6;
export const METADATA = 7;
export const LAST_TYPE = METADATA;

/** A segment of the log: positions rise by one. */
export const LOG_SEGMENT = 0;
/** Copies of records outside the log: positions rise, with gaps. */
export const SET_ASIDE_SEGMENT = 1;

/** What is known of a closed segment without reading it; the header of the segment after it carries it. */
export interface Summary {
  readonly first: Position;
  readonly last: Position;
  /** Header and whole records; what lies beyond is the rest of a write that failed. */
  readonly bytes: number;
  /** Scrape records. */
  readonly records: number;
  /** Wall times of the first and the last scrape record, ms; 0 where there is none. */
  readonly oldestMs: number;
  readonly newestMs: number;
  /** Boot clock of the last scrape record, ms, and its boot. */
  readonly newestBootMs: number;
  readonly newestBootId: string;
}

export interface SegmentHeader {
  readonly kind: typeof LOG_SEGMENT | typeof SET_ASIDE_SEGMENT;
  readonly logId: LogId;
  readonly first: Position;
  /** The point this segment goes on from: nothing between it and `first` was ever written. */
  readonly before: Point;
  readonly createdMs: number;
  /** The segment before, where there is one. */
  readonly previous: Summary | undefined;
}

export const NO_BOOT = '0'.repeat(32);

export function encodeHeader(header: SegmentHeader): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(HEADER_BYTES);
  const { previous } = header;
  writer.raw(MAGIC);
  writer.u8(FORMAT_VERSION);
  writer.u8(header.kind);
  writer.u8(0);
  writer.u8(0);
  writer.raw(fromHex(header.logId));
  writer.u64(header.first);
  writer.u64(header.before.position);
  writer.raw(fromHex(header.before.chain));
  writer.u64(clampMs(header.createdMs));
  writer.u64(previous?.first ?? 0);
  writer.u64(previous?.last ?? 0);
  writer.u64(previous?.bytes ?? 0);
  writer.u64(previous?.records ?? 0);
  writer.u64(clampMs(previous?.oldestMs ?? 0));
  writer.u64(clampMs(previous?.newestMs ?? 0));
  writer.u64(clampMs(previous?.newestBootMs ?? 0));
  writer.raw(fromHex(previous?.newestBootId ?? NO_BOOT));
  const bytes = writer.bytes();
  writer.u32(crc32c(bytes));
  return writer.bytes();
}

/** Times in headers only serve estimates and limits, so one before 1970 may become 0. */
const clampMs = (ms: number): number => Math.max(0, Math.round(ms));

/** A sound header of a version that this agent does not know: its records must not be read by today's meaning of their bytes. */
export class OtherVersionError extends FormatError {
  override name = 'OtherVersionError';
}

/** Throws {@link FormatError} where the bytes are not a header, {@link OtherVersionError} where it is one of another version. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader {
  if (bytes.length < HEADER_BYTES) throw new FormatError(`segment header: expected ${HEADER_BYTES} bytes, got ${bytes.length}`);
  const reader = new ByteReader(bytes.subarray(0, HEADER_BYTES));
  if (toHex(reader.raw(MAGIC.length)) !== toHex(MAGIC)) throw new FormatError('segment header: not a file of this log');
  if (new ByteReader(bytes, HEADER_BYTES - 4).u32() !== crc32c(bytes.subarray(0, HEADER_BYTES - 4)))
    throw new FormatError('segment header: checksum does not match');
  const version = reader.u8();
  if (version !== FORMAT_VERSION)
    throw new OtherVersionError(`segment header: expected format ${FORMAT_VERSION}, got ${version}; it was written by another version`);
  const kind = reader.u8();
  reader.raw(2);
  return {
    kind: kind === LOG_SEGMENT ? LOG_SEGMENT : SET_ASIDE_SEGMENT,
    logId: toHex(reader.raw(16)),
    first: reader.u64(),
    before: { position: reader.u64(), chain: toHex(reader.raw(8)) },
    createdMs: reader.u64(),
    previous: decodeSummary(reader),
  };
}

function decodeSummary(reader: ByteReader): Summary | undefined {
  const summary = {
    first: reader.u64(),
    last: reader.u64(),
    bytes: reader.u64(),
    records: reader.u64(),
    oldestMs: reader.u64(),
    newestMs: reader.u64(),
    newestBootMs: reader.u64(),
    newestBootId: toHex(reader.raw(16)),
  };
  return summary.first === 0 ? undefined : summary;
}

/**
 * What the checksum of each record of a log starts from. A stray block of another log, or bytes that a target made look
 * like a record, does not pass for one: the log_id is random and nobody exposes it.
 */
export const recordSeed = (logId: LogId): number => crc32c(fromHex(logId));

/** 16 digits hold every position up to 2^53, so names sort as positions do. */
export const segmentName = (first: Position): string => `${digits(first)}.seg`;
export const setAsideName = (from: Position, to: Position): string => `${digits(from)}-${digits(to)}.seg`;
const digits = (position: Position): string => String(position).padStart(16, '0');

/** The first position, or undefined where the name is not a segment's. */
export function parseSegmentName(name: string): Position | undefined {
  if (!/^\d{16}\.seg$/.test(name)) return undefined;
  const first = Number(name.slice(0, 16));
  return Number.isSafeInteger(first) && first > 0 ? first : undefined;
}

export const chainBytes = (chain: Chain): Uint8Array => fromHex(chain);
