/** With more than this between our clock and the receiver's, ms, one of the two is wrong, and which is not known. */
const DISPUTE_MS = 300_000;
/** A device's clock this near to one of the two speaks for it, ms: round trips and what devices themselves put up with. */
const NEAR_MS = 120_000;
/** What a shard said of the receiver's clock is believed for so long, ms; that it did not know, for less. */
const KEPT_MS = { known: 600_000, unknown: 10_000 } as const;

/**
 * What the receiver's clock says, as an isolate knows it from its shards. An edge whose own clock is wrong would otherwise
 * ruin the times of every right device. Lives as long as the configuration.
 */
export class ReceiverTime {
  #offsetMs: number | undefined;
  #learntMs = Number.NEGATIVE_INFINITY;

  /** `receiverMs`: of this moment, `now` by our clock; undefined: the shard does not know. */
  learn(receiverMs: number | undefined, now: number): void {
    // Not to know is no reason to forget what another shard knew.
    if (receiverMs === undefined && this.#isFresh(now)) return;
    this.#learntMs = now;
    this.#offsetMs = receiverMs === undefined ? undefined : receiverMs - now;
  }

  /** The receiver's time now, ms, or undefined; asks where what is known is old. */
  async find(now: () => number, ask: () => Promise<number | undefined>): Promise<number | undefined> {
    if (!this.#isFresh(now())) this.learn(await ask(), now());
    return this.#offsetMs === undefined ? undefined : now() + this.#offsetMs;
  }

  /** Our clock and the receiver's are known to differ too much. */
  get disputed(): boolean {
    return Math.abs(this.#offsetMs ?? 0) > DISPUTE_MS;
  }

  /** Also where our own clock has jumped since. */
  #isFresh(now: number): boolean {
    return Math.abs(now - this.#learntMs) < (this.#offsetMs === undefined ? KEPT_MS.unknown : KEPT_MS.known);
  }
}

/**
 * The time to tell a device, ms: the edge's own, unless the receiver's is far from it; then that of the two which the device's
 * clock is near. Undefined: near neither, so nobody can say which of the three is right.
 */
export function agreedTime(ownMs: number, receiverMs: number | undefined, deviceMs: number): number | undefined {
  if (receiverMs === undefined || Math.abs(receiverMs - ownMs) <= DISPUTE_MS) return ownMs;
  return [receiverMs, ownMs].find((ms) => Math.abs(ms - deviceMs) <= NEAR_MS);
}

/**
 * The same for a sender that does not tell its time: the newest of its samples speaks for its clock. Where all of them lie before both
 * clocks they harm nobody, and the earlier one counts.
 *
 * @param newestMs looked for only where the clocks differ
 */
export function agreedTimeBySamples(ownMs: number, receiverMs: number | undefined, newestMs: () => number): number | undefined {
  if (receiverMs === undefined || Math.abs(receiverMs - ownMs) <= DISPUTE_MS) return ownMs;
  const newest = newestMs();
  const earlier = Math.min(ownMs, receiverMs);
  return agreedTime(ownMs, receiverMs, newest) ?? (newest < earlier ? earlier : undefined);
}
