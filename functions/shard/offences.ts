/** Offences of the last so many ms count. */
export const OFFENCE_WINDOW_MS = 600_000;
/** A device with too many of them is refused for this long at a time, ms. */
export const REFUSAL_MS = 300_000;

interface Offender {
  /** When, ms, oldest first; at most as many as are allowed. */
  times: readonly number[];
  /** What the last one was for: one push is one offence, in however many pieces it is refused. */
  reason: string;
  untilMs: number;
}

/**
 * Devices whose pushes cannot be read or whose samples the receiver refuses, again and again. Each such push costs a search among
 * its neighbours' data, so a device that does nothing else is made to wait.
 */
export class Offences {
  readonly #max: number;
  readonly #now: () => number;
  readonly #devices = new Map<string, Offender>();

  /** @param max 0: any number. `now`: wall clock, ms */
  constructor(max: number, now: () => number) {
    this.#max = max;
    this.#now = now;
  }

  /** Devices that are refused at this moment. */
  get refused(): number {
    let count = 0;
    for (const device of this.#devices.keys()) if (this.refusedMs(device) > 0) count++;
    return count;
  }

  /** How long the device is refused still, ms; 0: it is not. Never longer than one refusal, should the clock be set back. */
  refusedMs(device: string): number {
    const record = this.#devices.get(device);
    return record === undefined ? 0 : Math.min(REFUSAL_MS, Math.max(0, record.untilMs - this.#now()));
  }

  /** @param reason the same for what belongs to one push. Returns whether the device is refused from now on and was not before. */
  add(device: string, reason: string): boolean {
    if (this.#max === 0) return false;
    const now = this.#now();
    const record = this.#devices.get(device) ?? { times: [], reason: '', untilMs: 0 };
    if (record.reason === reason) return false;
    record.reason = reason;
    record.times = [...record.times.filter((ms) => Math.abs(now - ms) < OFFENCE_WINDOW_MS), now].slice(-this.#max);
    this.#devices.set(device, record);
    this.#forget(now);
    if (record.times.length < this.#max || this.refusedMs(device) > 0) return false;
    record.untilMs = now + REFUSAL_MS;
    return true;
  }

  #forget(now: number): void {
    for (const [device, { times, untilMs }] of this.#devices) {
      const last = times.at(-1) ?? 0;
      if (untilMs <= now && Math.abs(now - last) >= OFFENCE_WINDOW_MS) this.#devices.delete(device);
    }
  }
}
