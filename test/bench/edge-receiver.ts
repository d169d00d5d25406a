import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** A receiver in a thread of its own, which takes everything at once and counts samples. */
export class BenchReceiver {
  readonly url: string;
  readonly #thread: Worker;
  readonly #samples: Float64Array;

  private constructor(thread: Worker, port: number, samples: Float64Array) {
    this.#thread = thread;
    this.#samples = samples;
    this.url = `http://127.0.0.1:${port}/api/v1/write`;
  }

  static async start(): Promise<BenchReceiver> {
    const samples = new Float64Array(new SharedArrayBuffer(16));
    const thread = new Worker(new URL('./edge-receiver-thread.ts', import.meta.url), { workerData: samples });
    const [port] = (await once(thread, 'message')) as [number];
    return new BenchReceiver(thread, port, samples);
  }

  /** Taken so far. */
  get samples(): number {
    return this.#samples[0] as number;
  }

  /** Bodies as they came, compressed, so far. */
  get bytes(): number {
    return this.#samples[1] as number;
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}
