import { deadPrefix, encodeDeadLetter } from '../dead-letter.ts';
import type { Clock, ObjectStore, RefusedPart } from '../model.ts';
import { deadKey, deadKeyBound, type ShardName } from './keys.ts';

/** Hears of each letter once it is durable; `seq`: the commit of its first sample. */
export type OnDeadLetter = (reason: RefusedPart['reason'], devices: readonly string[], seq: number) => void;

export class DeadLetters {
  readonly #name: ShardName;
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #receiver: string;
  readonly #onWritten: OnDeadLetter;
  #written = 0;

  constructor(name: ShardName, store: ObjectStore, clock: Clock, receiver: string, onWritten: OnDeadLetter) {
    this.#name = name;
    this.#store = store;
    this.#clock = clock;
    this.#receiver = receiver;
    this.#onWritten = onWritten;
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
    this.#onWritten(reason, devices, seq);
  }
}

/** Deletes letters of the tenant that were written before `beforeMs`; returns how many, at most `limit`. */
export async function deleteDeadLettersBefore(store: ObjectStore, tenant: string, beforeMs: number, limit: number): Promise<number> {
  const keys = await store.list(deadPrefix(tenant), { limit });
  const bound = deadKeyBound(tenant, beforeMs);
  const old = keys.filter((key) => key < bound);
  if (old.length > 0) await store.delete(old);
  return old.length;
}
