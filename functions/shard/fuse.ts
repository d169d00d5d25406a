/** Units looked at, and the share of failures among them that blows the fuse. */
const WINDOW = 20;
const SHARE = 0.5;

/**
 * Tells a receiver that refuses some data from one that is wrongly set up: when of most of the last units it took nothing at
 * all, it is the receiver. Then data are kept instead of becoming dead letters one after the other.
 */
export class Fuse {
  #last: { readonly passed: boolean; readonly devices: ReadonlySet<string> }[] = [];
  /** Failures since anything passed. */
  #streak = 0;

  record(passed: boolean, devices: ReadonlySet<string>): void {
    this.#streak = passed ? 0 : this.#streak + 1;
    // A device of which everything is refused says so once: it must not stop its neighbours.
    const known = (device: string): boolean => this.#last.some((unit) => !unit.passed && unit.devices.has(device));
    if (!passed && [...devices].every(known)) return;
    this.#last.push({ passed, devices });
    if (this.#last.length > WINDOW) this.#last.shift();
  }

  reset(): void {
    this.#last = [];
    this.#streak = 0;
  }

  get blown(): boolean {
    return Math.max(this.#streak, this.#last.filter(({ passed }) => !passed).length) > WINDOW * SHARE;
  }
}
