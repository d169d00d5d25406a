import type { Identity } from '../model.ts';

/** Nobody waits longer on an isolate's word, ms; also should its clock be set back. The shard is asked again then. */
const MAX_WAIT_MS = 300_000;
/** Devices remembered. One forgotten costs the shard a question. */
const MAX_DEVICES = 10_000;

export interface Wait {
  readonly retryAfterMs: number;
  readonly reason: string;
}

/**
 * Devices that their shard has told to wait. Until then their requests are answered before a byte of them is read: who does not wait
 * costs next to nothing. Lives as long as the isolate.
 */
export class Waits {
  readonly #devices = new Map<string, { readonly untilMs: number; readonly reason: string }>();

  hold(identity: Identity, { retryAfterMs, reason }: Wait, nowMs: number): void {
    const key = keyOf(identity);
    this.#devices.delete(key);
    this.#devices.set(key, { untilMs: nowMs + Math.min(MAX_WAIT_MS, retryAfterMs), reason });
    for (const oldest of this.#devices.keys()) {
      if (this.#devices.size <= MAX_DEVICES) break;
      this.#devices.delete(oldest);
    }
  }

  find(identity: Identity, nowMs: number): Wait | undefined {
    const key = keyOf(identity);
    const wait = this.#devices.get(key);
    if (wait === undefined) return undefined;
    const retryAfterMs = wait.untilMs - nowMs;
    if (retryAfterMs > 0 && retryAfterMs <= MAX_WAIT_MS) return { retryAfterMs, reason: wait.reason };
    this.#devices.delete(key);
    return undefined;
  }
}

const keyOf = ({ tenant, device }: Identity): string => `${tenant}/${device}`;
