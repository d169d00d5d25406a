import type { VerdictCause } from '../model.ts';
import type { LaneCursor } from './ledger.ts';
import type { Unit } from './unit.ts';

/** Devices of which the first held fragments are remembered, and how many of each. */
const MAX_DEVICES = 64;
const EACH = 2;

/** Units that the receiver refused completely: by their fault or by its own, which is not clear before it takes anything. */
export class Held {
  readonly cause: VerdictCause;
  /** By device, in the order in which they are held. */
  readonly #heads = new Map<string, LaneCursor[]>();
  #turn = 0;

  constructor({ status, words }: VerdictCause) {
    this.cause = { status, words };
  }

  add({ fragments }: Unit): void {
    for (const { device, at } of fragments) {
      const known = this.#heads.get(device);
      if (known !== undefined && known.length < EACH) known.push(at);
      else if (known === undefined && this.#heads.size < MAX_DEVICES) this.#heads.set(device, [at]);
    }
  }

  /**
   * What is tried next: the first fragments of the first device and of another one each time, since the first may be poisonous and
   * the receiver well. Of one device the older fragment goes first, so that none comes too late by it.
   */
  next(): readonly LaneCursor[] {
    const [first = [], ...others] = this.#heads.values();
    return [...first, ...(others[this.#turn++ % Math.max(1, others.length)] ?? [])];
  }
}
