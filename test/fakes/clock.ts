import type { Clock, Signal } from '../../agent-lite/model.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

export interface ManualClockOptions {
  /** Wall clock at the start, ms. */
  readonly now?: number;
  /** Boot clock at the start, ms. */
  readonly boot?: number;
  readonly bootId?: string;
  /** Seed of {@link ManualClock.random}. */
  readonly seed?: number;
}

/**
 * A clock that stands still until a test moves it. Sleepers wait on the boot clock, so a step of the wall clock
 * ({@link stepWall}) wakes nobody, as on a real machine.
 */
export class ManualClock implements Clock {
  #wall: number;
  #boot: number;
  #bootId: string;
  #random: number;
  #sleepers: Sleeper[] = [];

  constructor(options: ManualClockOptions = {}) {
    this.#wall = options.now ?? 1_700_000_000_000;
    this.#boot = options.boot ?? 100_000;
    this.#bootId = options.bootId ?? '00112233445566778899aabbccddeeff';
    this.#random = options.seed ?? 1;
  }

  get bootId(): string {
    return this.#bootId;
  }

  now(): number {
    return this.#wall;
  }

  boot(): number {
    return this.#boot;
  }

  /** Mulberry32: the same numbers for the same seed. */
  random(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  sleep(ms: number, signal?: Signal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        due: this.#boot + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        sleeper.wake();
      };
      signal?.addEventListener('abort', abort, { once: true });
      // Equal dues wake in the order in which they were asked for: insert after all that are not later.
      const at = this.#sleepers.findIndex((other) => other.due > sleeper.due);
      this.#sleepers.splice(at === -1 ? this.#sleepers.length : at, 0, sleeper);
    });
  }

  /** How many are asleep. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Ms until the next sleeper wakes; undefined: nobody sleeps. */
  get untilNext(): number | undefined {
    const next = this.#sleepers[0];
    return next === undefined ? undefined : Math.max(0, next.due - this.#boot);
  }

  /** Moves both clocks, waking sleepers at their time and in order; what each wakes runs (microtasks) before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#boot + ms;
    await settle();
    for (let next = this.#sleepers[0]; next !== undefined && next.due <= end; next = this.#sleepers[0]) {
      this.#sleepers.shift();
      this.#move(Math.max(this.#boot, next.due));
      next.wake();
      await settle();
    }
    this.#move(end);
    await settle();
  }

  /** Sets the wall clock forward or back, as NTP or a user does; the boot clock goes on. */
  stepWall(ms: number): void {
    this.#wall += ms;
  }

  /** The machine sleeps, and both clocks count it: who was due meanwhile wakes late, when it is over. */
  async sleepThrough(ms: number): Promise<void> {
    this.#move(this.#boot + ms);
    await this.advance(0);
  }

  /** The machine starts again: the boot clock restarts and the boot id changes. The wall clock stays. */
  reboot(bootId: string, boot = 0): void {
    for (const sleeper of this.#sleepers.splice(0)) sleeper.wake();
    this.#bootId = bootId;
    this.#boot = boot;
  }

  #move(boot: number): void {
    this.#wall += boot - this.#boot;
    this.#boot = boot;
  }
}

/** Lets every pending microtask run, and what those start, as long as none of it waits for real I/O. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
