import { ByteReader, ByteWriter, FormatError } from '../contract/binary.ts';
import type { RefusedReason } from './model.ts';

/** What a dead letter is in the bucket (shard/SCHEMA.md): written by shards, read by the admin interface. */

/** Says what a dead letter holds, and why. JSON in the object; fields are only ever added. */
export interface DeadLetterHeader {
  readonly reason: RefusedReason;
  /** The receiver's status and words. */
  readonly status: number;
  readonly words: string;
  readonly receiver: string;
  readonly tenant: string;
  readonly devices: readonly string[];
  readonly minMs: number;
  readonly maxMs: number;
  readonly samples: number;
  readonly writtenMs: number;
}

/** Of all tenants. */
export const DEAD_PREFIX = 'v1/dead/';
export const deadPrefix = (tenant: string): string => `${DEAD_PREFIX}${tenant}/`;

const MAX_HEADER_BYTES = 1024 * 1024;

/** A header's length as a varint, the header, then a snappy block of a `WriteRequest` that can be sent again as it is. */
export function encodeDeadLetter(header: DeadLetterHeader, block: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(block.length + 1024);
  writer.string(JSON.stringify(header));
  writer.raw(block);
  return writer.bytes();
}

/** Throws {@link FormatError}. */
export function decodeDeadLetter(bytes: Uint8Array): { readonly header: DeadLetterHeader; readonly block: Uint8Array<ArrayBuffer> } {
  const reader = new ByteReader(bytes);
  const text = reader.string(MAX_HEADER_BYTES);
  try {
    return { header: JSON.parse(text) as DeadLetterHeader, block: new Uint8Array(reader.raw(reader.remaining)) };
  } catch (cause) {
    throw new FormatError('dead letter: expected a JSON header', { cause });
  }
}

/** Bytes at the start of a letter that its header takes, found from the first few. Throws {@link FormatError}. */
export function headerEnd(start: Uint8Array): number {
  const reader = new ByteReader(start);
  const length = reader.varint();
  if (length > MAX_HEADER_BYTES)
    throw new FormatError(`dead letter: expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${length}`);
  return start.length - reader.remaining + length;
}
