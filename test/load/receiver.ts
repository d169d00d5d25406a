import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Counted } from './count.ts';

export interface ReceiverThreadData {
  readonly scrapeByMs: Int32Array<SharedArrayBuffer>;
  readonly firstMs: number;
}
export type ToReceiver = { readonly kind: 'count' } | { readonly kind: 'delay'; readonly delayMs: number };
export type FromReceiver = { readonly kind: 'listening'; readonly port: number } | { readonly kind: 'counted'; readonly counted: Counted };

/** A receiver in a thread of its own, that counts exactly what it took. */
export class CountingReceiver {
  readonly url: string;
  readonly #thread: Worker;

  private constructor(thread: Worker, port: number) {
    this.#thread = thread;
    this.url = `http://127.0.0.1:${port}/api/v1/write`;
  }

  static async start(data: ReceiverThreadData): Promise<CountingReceiver> {
    const thread = new Worker(new URL('./receiver-thread.ts', import.meta.url), { workerData: data });
    const [message] = (await once(thread, 'message')) as [FromReceiver];
    if (message.kind !== 'listening') throw new Error(`receiver: expected its port first, got ${message.kind}`);
    return new CountingReceiver(thread, message.port);
  }

  /** Every answer takes so long from now on. */
  delay(delayMs: number): void {
    this.#tell({ kind: 'delay', delayMs });
  }

  async count(): Promise<Counted> {
    const answered = once(this.#thread, 'message') as Promise<[FromReceiver]>;
    this.#tell({ kind: 'count' });
    const [message] = await answered;
    if (message.kind !== 'counted') throw new Error(`receiver: expected its count, got ${message.kind}`);
    return message.counted;
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }

  #tell(message: ToReceiver): void {
    this.#thread.postMessage(message);
  }
}
