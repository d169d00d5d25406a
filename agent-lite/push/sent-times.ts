import { type Labels, labelsKey } from '../../contract/labels.ts';

/** Targets remembered; of more, the one not sent for longest is forgotten. */
const TARGETS_KEPT = 10_000;

/** The last time the edge has acknowledged of each target, in one stream. A receiver refuses what is not after it. Lives with the process. */
export class SentTimes {
  readonly #times = new Map<string, number>();

  get(targetKey: string): number | undefined {
    return this.#times.get(targetKey);
  }

  set(times: ReadonlyMap<string, number>): void {
    for (const [key, ms] of times) this.#put(key, ms);
  }

  raise(target: Labels, ms: number): void {
    const key = labelsKey(target);
    this.#put(key, Math.max(ms, this.#times.get(key) ?? ms));
  }

  /** Goes on from what another stream has sent. */
  copy(other: SentTimes): void {
    for (const [key, ms] of other.#times) this.#put(key, ms);
  }

  /** After the cursor went back: what is sent again carries the same times again. */
  clear(): void {
    this.#times.clear();
  }

  #put(key: string, ms: number): void {
    this.#times.delete(key);
    this.#times.set(key, ms);
    for (const oldest of this.#times.keys()) {
      if (this.#times.size <= TARGETS_KEPT) break;
      this.#times.delete(oldest);
    }
  }
}
