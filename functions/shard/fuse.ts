/** Units looked at, and the share of failures among them that blows the fuse. */
const WINDOW = 20;
const SHARE = 0.5;

/**
 * Tells a receiver that refuses some data from one that is wrongly set up: when of most of the last units it took nothing at
 * all, it is the receiver. Then data are kept instead of becoming dead letters one after the other.
 */
export class Fuse {
  #last: boolean[] = [];

  record(passed: boolean): void {
    this.#last.push(passed);
    if (this.#last.length > WINDOW) this.#last.shift();
  }

  reset(): void {
    this.#last = [];
  }

  get blown(): boolean {
    return this.#last.filter((passed) => !passed).length > WINDOW * SHARE;
  }
}
