import type { Clock, OutgoingFragment, Outlet, ReceiverClock, Verdict } from '../model.ts';

/** A device waits for the answer, ms. */
const PATIENCE_MS = 2_000;
/** Between two questions while there is no answer, ms. */
const PAUSE_MS = 30_000;
/** A snappy block of no bytes, thus a `WriteRequest` of nothing, which every receiver takes. */
const NOTHING: OutgoingFragment = { block: Uint8Array.of(0), rawBytes: 0, samples: 0, series: 0, minMs: 0, maxMs: 0, suspect: false };

/** How far the receiver's clock is from ours. Lives as long as the instance: the next one may have another clock. */
export class ReceiverOffset {
  readonly #clock: Clock;
  readonly #outlet: (observe: (verdict: Verdict) => void) => Outlet;
  #ms: number | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, outlet: (observe: (verdict: Verdict) => void) => Outlet) {
    this.#clock = clock;
    this.#outlet = outlet;
  }

  /** The receiver's clock minus ours, ms; undefined until it has told. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** Only from answers about data: an error page may be a proxy's, and so may its `Date`. */
  learn({ kind, clockOffsetMs }: Verdict): void {
    if (clockOffsetMs !== undefined && kind !== 'retry' && kind !== 'stop') this.#ms = clockOffsetMs;
  }

  time(): ReceiverClock {
    return this.#ms === undefined ? {} : { receiverMs: this.#clock.now() + this.#ms };
  }

  /** As {@link time}; where nothing is known yet, the receiver is sent nothing, for the sake of its answer. Never rejects. */
  async ask(): Promise<ReceiverClock> {
    const now = this.#clock.now();
    if (this.#ms === undefined && Math.abs(now - this.#askedMs) >= PAUSE_MS) {
      this.#askedMs = now;
      const answered = new AbortController();
      const answer = this.#outlet((verdict) => this.learn(verdict))
        .begin([NOTHING])
        .advance(1);
      await Promise.race([answer, this.#clock.sleep(PATIENCE_MS, answered.signal)]);
      answered.abort();
    }
    return this.time();
  }
}
