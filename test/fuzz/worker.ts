import { parentPort, workerData } from 'node:worker_threads';
import { type FuzzResult, fuzz } from './run.ts';
import { fuzzTargets } from './targets.ts';

export interface FuzzJob {
  readonly target: string;
  readonly seed: number;
  readonly ms: number;
  readonly kept: readonly Uint8Array[];
  /** Number of the input under way, its length; then the input itself, for whoever finds that it never ends. */
  readonly shared: SharedArrayBuffer;
}
export type FuzzReport = FuzzResult;

const job = workerData as FuzzJob;
const head = new Int32Array(job.shared, 0, 2);
const body = new Uint8Array(job.shared, 8);
const target = fuzzTargets.find(({ name }) => name === job.target);
if (target === undefined) throw new Error(`fuzz: no target ${job.target}`);
const untilMs = performance.now() + job.ms;
const result = await fuzz(target, {
  seed: job.seed,
  kept: job.kept,
  goesOn: () => performance.now() < untilMs,
  onInput(input) {
    body.set(input.subarray(0, body.length));
    Atomics.store(head, 1, Math.min(input.length, body.length));
    Atomics.add(head, 0, 1);
  },
});
parentPort?.postMessage(result satisfies FuzzReport);
