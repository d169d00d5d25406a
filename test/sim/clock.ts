import type { Clock } from '../../functions/model.ts';
import { ManualClock } from '../fakes/clock.ts';

interface Sleeper {
  readonly atMs: number;
  /** Equal times wake in the order in which they were asked for. */
  readonly order: number;
  wake: (() => void) | undefined;
}

/** A virtual clock for very many sleepers: a heap, where {@link ManualClock} keeps a sorted list. */
export class SimClock implements Clock {
  readonly #heap: Sleeper[] = [];
  readonly #random: ManualClock;
  #now: number;
  #asked = 0;

  constructor(now: number, seed: number) {
    this.#now = now;
    this.#random = new ManualClock({ seed });
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.#random.random();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = { atMs: this.#now + Math.max(0, Math.round(ms)), order: this.#asked++, wake: resolve };
      this.#push(sleeper);
      const abort = (): void => {
        // It stays in the heap and is passed over at its time.
        sleeper.wake = undefined;
        resolve();
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Moves to `untilMs`, waking sleepers at their time; what each wakes runs, as far as it does not sleep, before the next. */
  async runUntil(untilMs: number): Promise<void> {
    await microtasks();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      this.#now = next.atMs;
      if (next.wake === undefined) continue;
      next.wake();
      await microtasks();
    }
    this.#now = untilMs;
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent] as Sleeper, sleeper)) break;
      heap[at] = heap[parent] as Sleeper;
      at = parent;
    }
    heap[at] = sleeper;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Sleeper;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Sleeper, heap[child] as Sleeper)) child++;
      if (before(last, heap[child] as Sleeper)) break;
      heap[at] = heap[child] as Sleeper;
      at = child;
    }
    heap[at] = last;
  }
}

const before = (a: Sleeper, b: Sleeper): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** All of them: a macrotask runs after the last. Nothing in a simulation waits for real I/O. */
const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
