import type { Clock } from './model.ts';

/** The life of something that sends the log until it is stopped, and then has a moment to send the rest. */
export class Loop {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #giveUp = new AbortController();
  #running: Promise<void> | undefined;

  /** @param name for the error of starting it twice */
  constructor(name: string, clock: Clock) {
    this.#name = name;
    this.#clock = clock;
  }

  get started(): boolean {
    return this.#running !== undefined;
  }

  /** Aborted once it is to end: no more waiting. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborted once its time is over: what is under way ends now. */
  get giveUp(): AbortSignal {
    return this.#giveUp.signal;
  }

  /** @param run resolves soon after {@link giveUp} at the latest, and never rejects */
  start(run: () => Promise<void>): void {
    if (this.#running !== undefined) throw new Error(`${this.#name}: already started`);
    this.#running = run();
  }

  /** Resolves when it has ended. */
  async stop(deadlineMs: number): Promise<void> {
    if (this.#running === undefined) return;
    this.#stopping.abort();
    const done = new AbortController();
    const deadline = this.#clock.sleep(deadlineMs, done.signal).then(() => this.#giveUp.abort());
    await this.#running;
    done.abort();
    await deadline;
  }
}

/** How long ago, and in how long, by the boot clock; for people. */
export const agesOf = (clock: Pick<Clock, 'boot'>, lastSuccessBootMs: number | undefined, nextTryBootMs: number | undefined) => ({
  lastSuccessAgeMs: lastSuccessBootMs === undefined ? undefined : clock.boot() - lastSuccessBootMs,
  nextTryInMs: nextTryBootMs === undefined ? undefined : Math.max(0, nextTryBootMs - clock.boot()),
});
