import { setTimeout as sleep } from 'node:timers/promises';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { childPids } from './ports.ts';
import { bundleWorker } from './worker-bundle.ts';
import { readWorkerConfig } from './worker-config.ts';

/**
 * Runs the Worker of functions/ in Cloudflare's open runtime on this machine. The one file that knows Miniflare, whose
 * options still change between releases; the form used here is its older, documented one.
 */
export interface EdgeOptions {
  /** The repository, with wrangler.toml: bindings, variables, compatibility date and flags are read from it. */
  readonly root: string;
  readonly port: number;
  /** Durable Objects and objects of the bucket are kept here. */
  readonly persist: string;
  /** On top of wrangler.toml's variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** For DevTools and others that speak their protocol: `http://127.0.0.1:PORT/json` lists what can be looked into. */
  readonly inspectorPort?: number;
  /** A line for people: what the runtime and the Worker print, and restarts. */
  readonly log: (line: string) => void;
}

export interface Edge {
  readonly url: string;
  /** The process that does the work; undefined where the system does not tell. Changes when it is restarted. */
  workerdPid(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** The platform runs crons; Miniflare does not, so the runner does it. `* * * * *` is the watchdog of functions/index.ts. */
const CRON_INTERVAL_MS = 60_000;

export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const config = readWorkerConfig(options.root);
  const script = await bundleWorker(options.root);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const before = new Map(signals.map((signal) => [signal, new Set(process.listeners(signal))]));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: config.name,
      modules: true,
      script,
      host: '127.0.0.1',
      port: options.port,
      compatibilityDate: config.compatibilityDate,
      compatibilityFlags: [...config.compatibilityFlags],
      bindings: { ...config.variables, ...options.variables },
      durableObjects: Object.fromEntries(
        Object.entries(config.durableObjects).map(([name, className]) => [name, { className, useSQLite: true }]),
      ),
      r2Buckets: { ...config.buckets },
      resourcePersistencePath: options.persist,
      // Otherwise the request's `cf` data are fetched from Cloudflare at start.
      cf: false,
      telemetry: { enabled: false },
      ...(options.inspectorPort === undefined ? {} : { inspectorPort: options.inspectorPort }),
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: ({ message }) => options.log(message),
      // Miniflare starts a new workerd on the same port and folder when one dies, as the platform does.
      unsafeHandleRuntimeRestart: async () => {
        options.log(`the Workers runtime had died and was restarted on the same state${await describePid()}`);
        void watchdog();
      },
    }),
  );
  // Miniflare's own handlers end the process at once; here the runner decides, so that it can stop in order.
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) if (!before.get(signal)?.has(listener)) process.off(signal, listener);
  }

  const workerdPid = async (): Promise<number | undefined> => (await childPids(process.pid, 'workerd'))[0];
  const describePid = async (): Promise<string> => {
    const pid = await workerdPid();
    return pid === undefined ? '' : ` (workerd pid ${pid})`;
  };
  let stopped = false;
  const watchdog = async (): Promise<void> => {
    try {
      const worker = await miniflare.getWorker();
      await worker.scheduled({ cron: config.crons[0] ?? '* * * * *' });
    } catch (error) {
      if (!stopped) options.log(`cron: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  try {
    await miniflare.ready;
  } catch (cause) {
    await miniflare.dispose().catch(() => {});
    throw cause;
  }
  // A process that starts counts as a minute passed: backlog left by the one before is woken now.
  void watchdog();
  const cron = setInterval(() => void watchdog(), CRON_INTERVAL_MS);
  return {
    url: `http://127.0.0.1:${options.port}`,
    workerdPid,
    async stop() {
      if (stopped) return;
      stopped = true;
      clearInterval(cron);
      // Dispose kills workerd; if it hangs the process's exit hook does the same.
      await Promise.race([miniflare.dispose(), sleep(5_000, undefined, { ref: false })]);
    },
  };
}
