import { Agent } from 'node:http';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { TABLE_PATH } from '../../contract/push.ts';
import { childPids } from '../../infra/local/ports.ts';
import type { Cleanup } from '../e2e/harness/cleanup.ts';
import { freePort, Program } from '../e2e/harness/program.ts';
import { deviceToken, type EdgeUnderTest, TENANT } from '../e2e/harness/stack.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { deflate } from '../fakes/pushes.ts';
import { post } from '../load/device.ts';
import type { BenchReceiver } from './edge-receiver.ts';
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

export interface NoopResult {
  readonly requestsPerSecond: number;
  /** Processor time of a request in workerd. */
  readonly cpuMicroseconds: number;
}

const NOOP = `export default {
  async fetch(request) {
    await request.arrayBuffer();
    return new Response(null, { status: 204 });
  },
};`;

/** A Worker that reads the body and does nothing else: what this machine could do at most. */
export async function benchNoop(requests: number, connections: number, body: Uint8Array): Promise<NoopResult> {
  const before = new Set(await childPids(process.pid, 'workerd'));
  const port = await freePort();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: NOOP,
      host: '127.0.0.1',
      port,
      compatibilityDate: '2026-01-01',
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.ERROR),
    }),
  );
  try {
    await miniflare.ready;
    const pid = (await childPids(process.pid, 'workerd')).find((one) => !before.has(one));
    if (pid === undefined) throw new Error('workerd: the system does not tell its pid');
    const url = new URL(`http://127.0.0.1:${port}/`);
    const run = async (count: number): Promise<void> => {
      let left = count;
      await Promise.all(
        Array.from({ length: connections }, async () => {
          const agent = new Agent({ keepAlive: true, maxSockets: 1 });
          for (; left > 0; ) {
            left--;
            await post(url, agent, {}, body);
          }
          agent.destroy();
        }),
      );
    };
    await run(requests / 4);
    const [startMs, start] = [performance.now(), await processUse(pid)];
    await run(requests);
    const seconds = (performance.now() - startMs) / 1000;
    const end = await processUse(pid);
    return { requestsPerSecond: requests / seconds, cpuMicroseconds: (end.cpuMicroseconds - start.cpuMicroseconds) / requests };
  } finally {
    await miniflare.dispose();
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
