import { Agent } from 'node:http';
import { processUse } from '../bench/process-cpu.ts';
import { startBareWorker } from './bare-worker.ts';
import { post } from './device.ts';

export interface NoopResult {
  readonly requestsPerSecond: number;
  /** Processor time of a request in workerd. */
  readonly cpuMicroseconds: number;
}

const SCRIPT = `export default {
  async fetch(request) {
    await request.arrayBuffer();
    return new Response(null, { status: 204 });
  },
};`;
const WARM_UP_REQUESTS = 500;

/** A Worker that reads the body and does nothing else: what this machine could do at most. `body` is sent for so long. */
export async function measureNoop(connections: number, seconds: number, body: Uint8Array): Promise<NoopResult> {
  const worker = await startBareWorker(SCRIPT);
  const run = async (goesOn: (answers: number) => boolean): Promise<number> => {
    let answers = 0;
    await Promise.all(
      Array.from({ length: connections }, async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        while (goesOn(answers)) {
          const { status } = await post(worker.url, agent, {}, body);
          if (status !== 204) throw new Error(`the no-op Worker answered ${status}`);
          answers++;
        }
        agent.destroy();
      }),
    );
    return answers;
  };
  try {
    await run((answers) => answers < WARM_UP_REQUESTS);
    const [startMs, before] = [performance.now(), await processUse(worker.pid)];
    const answers = await run(() => performance.now() - startMs < seconds * 1000);
    const took = (performance.now() - startMs) / 1000;
    const after = await processUse(worker.pid);
    return { requestsPerSecond: answers / took, cpuMicroseconds: (after.cpuMicroseconds - before.cpuMicroseconds) / answers };
  } finally {
    await worker.stop();
  }
}
