import { TABLE_PATH } from '../../contract/push.ts';
import type { Cleanup } from '../e2e/harness/cleanup.ts';
import { freePort, Program } from '../e2e/harness/program.ts';
import { deviceToken, type EdgeUnderTest, TENANT } from '../e2e/harness/stack.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { deflate } from '../fakes/pushes.ts';
import { startBareWorker } from '../load/bare-worker.ts';
import type { BenchReceiver } from './edge-receiver.ts';
import { median } from './measure.ts';
import { type ProcessUse, processUse } from './process-cpu.ts';

/** A receiver with a window, so that there may be several shards and lanes. Every connection waits for its commit: so they are frequent. */
export const RELAY_CONFIG = `
receivers:
  - name: bench
    url: http://127.0.0.1:1/
    kind: prometheus
    out_of_order_time_window: 2h
shard:
  shards: 2
  lanes: 4
  commit_interval: 200ms
tenants:
  ${TENANT}:
    min_push_interval: 1ms
`;

export interface Used {
  readonly samples: number;
  readonly cpuMicroseconds: number;
}
export const perSample = ({ samples, cpuMicroseconds }: Used): number => cpuMicroseconds / samples;

/** Processor time of a process from before `work` until the receiver has what it sends. */
export async function usedFor(
  pid: () => Promise<number>,
  receiver: BenchReceiver,
  samples: number,
  work: () => Promise<unknown>,
): Promise<Used> {
  const wanted = receiver.samples + samples;
  const before = await processUse(await pid());
  await work();
  await waitFor('the receiver to have all', async () => receiver.samples >= wanted, 300_000);
  // Timers and the collector of what is left.
  await sleep(1_000);
  const after = await processUse(await pid());
  if (receiver.samples > wanted) throw new Error(`receiver: expected ${wanted} samples, got ${receiver.samples}`);
  return { samples, cpuMicroseconds: after.cpuMicroseconds - before.cpuMicroseconds };
}

export const edgeUse = async (edge: EdgeUnderTest): Promise<ProcessUse> => processUse(await edge.workerdPid());

export async function putTable(
  edge: EdgeUnderTest,
  table: { readonly hash: string; readonly bytes: Uint8Array<ArrayBuffer> },
): Promise<void> {
  const headers = { authorization: `Bearer ${await deviceToken()}` };
  const answer = await fetch(`${edge.url}${TABLE_PATH}${table.hash}`, { method: 'PUT', headers, body: deflate(table.bytes) });
  if (!answer.ok) throw new Error(`series table: expected 200 or 201, got ${answer.status}`);
}

const PUT = `export default {
  async fetch(request, { BUCKET }) {
    const { count, bytes } = await request.json();
    const object = new Uint8Array(bytes);
    const keys = Array.from({ length: count }, (_, i) => 'object-' + i + '-' + Date.now());
    for (const key of keys) await BUCKET.put(key, object);
    await BUCKET.delete(keys);
    return new Response(null, { status: 204 });
  },
};`;
const PUTS = { count: 20, bytes: 1_000_000 };

/**
 * Processor time of a byte that is put into the simulated bucket and deleted with its object, microseconds: a Worker in the same process on this machine, a service of
 * its own in production.
 */
export async function benchBucket(cleanup: Cleanup): Promise<number> {
  const worker = await startBareWorker(PUT, await cleanup.folder('bucket'));
  try {
    const used: number[] = [];
    for (let round = 0; round < 4; round++) {
      const before = await processUse(worker.pid);
      const answer = await fetch(worker.url, { method: 'POST', body: JSON.stringify(PUTS) });
      if (answer.status !== 204) throw new Error(`bucket: expected 204, got ${answer.status}`);
      used.push((await processUse(worker.pid)).cpuMicroseconds - before.cpuMicroseconds);
    }
    return median(used.slice(1)) / PUTS.count / PUTS.bytes;
  } finally {
    await worker.stop();
  }
}

/** vmagent as a relay: takes remote write, sends it on to the receiver. */
export async function startVmagent(
  cleanup: Cleanup,
  path: string,
  receiver: BenchReceiver,
): Promise<{ readonly url: string; readonly pid: number }> {
  const folder = await cleanup.folder('vmagent');
  const address = `127.0.0.1:${await freePort()}`;
  const program = await Program.start('vmagent', path, [
    `-remoteWrite.url=${receiver.url}`,
    `-remoteWrite.tmpDataPath=${folder}`,
    // What the edge does too: the sender's name goes along as a label.
    '-remoteWrite.label=device_id=gw-1',
    `-httpListenAddr=${address}`,
    '-loggerLevel=WARN',
  ]);
  cleanup.add(() => program.stop());
  await waitFor(
    'vmagent to be ready',
    async () => (await fetch(`http://${address}/health`)).ok,
    30_000,
    () => program.describe(),
  );
  return { url: `http://${address}/api/v1/write`, pid: program.pid };
}
