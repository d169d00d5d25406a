import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { childPids } from '../../infra/local/ports.ts';
import { freePort } from '../e2e/harness/program.ts';

export interface BareWorker {
  readonly url: URL;
  /** Of its workerd. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** Runs one script in the runtime that the edge runs in, and nothing else. `BUCKET`: a simulated bucket in `folder`, where that is given. */
export async function startBareWorker(script: string, folder?: string): Promise<BareWorker> {
  const before = new Set(await childPids(process.pid, 'workerd'));
  const port = await freePort();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script,
      host: '127.0.0.1',
      port,
      compatibilityDate: '2026-01-01',
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.ERROR),
      ...(folder === undefined ? {} : { r2Buckets: { BUCKET: 'bench' }, resourcePersistencePath: folder }),
    }),
  );
  try {
    await miniflare.ready;
    const pid = (await childPids(process.pid, 'workerd')).find((one) => !before.has(one));
    if (pid === undefined) throw new Error('workerd: the system does not tell its pid');
    return { url: new URL(`http://127.0.0.1:${port}/`), pid, stop: () => miniflare.dispose() };
  } catch (cause) {
    await miniflare.dispose();
    throw cause;
  }
}
