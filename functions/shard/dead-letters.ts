import { ByteReader, ByteWriter, FormatError } from '../../contract/binary.ts';
import type { Clock, ObjectStore, RefusedPart } from '../model.ts';
import { deadKey, deadKeyBound, deadPrefix, type ShardName } from './keys.ts';

/** Says what a dead letter holds, and why. JSON in the object; fields are only ever added. */
export interface DeadLetterHeader {
  readonly reason: RefusedPart['reason'];
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

const MAX_HEADER_BYTES = 1024 * 1024;

/** A header's length as a varint, the header, then a snappy block of a `WriteRequest` that can be sent again as it is. */
export function encodeDeadLetter(header: DeadLetterHeader, block: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(block.length + 1024);
  writer.string(JSON.stringify(header));
  writer.raw(block);
  return writer.bytes();
}

/** Throws {@link FormatError}. */
export function decodeDeadLetter(bytes: Uint8Array): { readonly header: DeadLetterHeader; readonly block: Uint8Array } {
  const reader = new ByteReader(bytes);
  const text = reader.string(MAX_HEADER_BYTES);
  try {
    return { header: JSON.parse(text) as DeadLetterHeader, block: reader.raw(reader.remaining) };
  } catch (cause) {
    throw new FormatError('dead letter: expected a JSON header', { cause });
  }
}

export class DeadLetters {
  readonly #name: ShardName;
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #receiver: string;
  #written = 0;

  constructor(name: ShardName, store: ObjectStore, clock: Clock, receiver: string) {
    this.#name = name;
    this.#store = store;
    this.#clock = clock;
    this.#receiver = receiver;
  }

  /** Durable when it resolves. Rejects where that is unknown: then write it again; a letter too many does no harm. */
  async write(part: RefusedPart, devices: readonly string[], seq: number): Promise<void> {
    const writtenMs = this.#clock.now();
    const { reason, status, words, minMs, maxMs, samples, block } = part;
    const header = {
      reason,
      status,
      words,
      receiver: this.#receiver,
      tenant: this.#name.tenant,
      devices,
      minMs,
      maxMs,
      samples,
      writtenMs,
    };
    const bytes = encodeDeadLetter(header, block);
    const key = deadKey(this.#name, writtenMs, seq, this.#written++);
    if ((await this.#store.create(key, bytes)) !== 'created') throw new Error(`${key}: taken; another instance of this shard is at work`);
  }

  /** Deletes letters of the tenant that were written before `beforeMs`; returns how many, at most `limit`. */
  async deleteBefore(beforeMs: number, limit: number): Promise<number> {
    const keys = await this.#store.list(deadPrefix(this.#name.tenant), { limit });
    const bound = deadKeyBound(this.#name.tenant, beforeMs);
    const old = keys.filter((key) => key < bound);
    if (old.length > 0) await this.#store.delete(old);
    return old.length;
  }
}
