import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from '../../infra/local/child.ts';
import { startDevReceiver } from '../../infra/local/dev-receiver.ts';
import { findProgram } from '../../infra/local/find-program.ts';

/** What the edge forwards to. */
export interface Receiver {
  readonly name: string;
  readonly kind: 'prometheus' | 'thanos';
  readonly writeUrl: string;
  /** To look at what has arrived. */
  readonly pageUrl: string;
  /** Undefined: it is ready from the start. */
  readonly readyUrl: string | undefined;
  /** Resolves where it ends by itself, with its last words. */
  readonly ended: Promise<string> | undefined;
  stop(): Promise<void>;
  /** For the end of this process. */
  end(): void;
}

const STOP_DEADLINE_MS = 8_000;

/** A Prometheus that only receives, where one is installed; else the development receiver. State goes below `folder`. */
export async function startReceiver(port: number, folder: string): Promise<Receiver> {
  const program = findProgram('prometheus');
  if (program === undefined) {
    const receiver = await startDevReceiver(port);
    const { writeUrl, url: pageUrl } = receiver;
    return {
      ...{ name: 'development receiver; Prometheus is not installed', kind: 'thanos', writeUrl, pageUrl },
      ...{ readyUrl: undefined, ended: undefined, stop: () => receiver.stop(), end: () => undefined },
    };
  }
  const config = join(folder, 'prometheus.yml');
  await writeFile(config, 'global:\n  scrape_interval: 1m\n');
  const child = new Child(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--log.level=warn',
    ],
    {},
    join(folder, 'prometheus.log'),
    () => undefined,
    program,
  );
  const url = `http://127.0.0.1:${port}`;
  return {
    name: 'Prometheus',
    kind: 'prometheus',
    writeUrl: `${url}/api/v1/write`,
    pageUrl: `${url}/graph?g0.expr=${encodeURIComponent('{job=~"kiosk|machine"}')}&g0.tab=1`,
    readyUrl: `${url}/-/ready`,
    ended: child.ended.then((how) => `${how}\n${child.lastLines}`),
    stop: () => child.stop(STOP_DEADLINE_MS),
    end: () => child.end('SIGTERM'),
  };
}
