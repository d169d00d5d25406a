import { Agent } from 'node:http';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { freePort } from '../e2e/harness/program.ts';
import { post } from './device.ts';

const SCRIPT = `export default {
  async fetch(request) {
    await request.arrayBuffer();
    return new Response(null, { status: 204 });
  },
};`;

/** Requests per second that a Worker takes here which reads the body and does nothing else: what this machine could do at most. */
export async function noopRate(connections: number, seconds: number, body: Uint8Array): Promise<number> {
  const port = await freePort();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: SCRIPT,
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
    const url = new URL(`http://127.0.0.1:${port}/`);
    const untilMs = performance.now() + seconds * 1000;
    let answers = 0;
    await Promise.all(
      Array.from({ length: connections }, async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        while (performance.now() < untilMs) {
          const { status } = await post(url, agent, {}, body);
          if (status !== 204) throw new Error(`the no-op Worker answered ${status}`);
          answers++;
        }
        agent.destroy();
      }),
    );
    return answers / seconds;
  } finally {
    await miniflare.dispose();
  }
}
