import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import type { Comparison } from './delivered.ts';
import { freePort, Program } from './program.ts';
import { CLUSTER, deviceToken } from './stack.ts';

/** Senders that were there before agent-lite, and speak remote write to the edge. */
export interface StandardSender {
  /** Also its device. */
  readonly name: string;
  readonly program: string;
  /** What it does not do to the letter: see `Comparison`. */
  readonly loose?: Pick<Comparison, 'relativeError' | 'markerLagMs' | 'scrapeLagMs'>;
  /** Of the edge: both ways are the same. */
  readonly path: '/api/v1/write' | '/api/v1/receive';
  /** @param folder holds `scrape.yml`, which names the targets, and `token` */
  arguments(given: SenderGiven): readonly string[];
  /** What `scrape.yml` has beside the targets. */
  remoteWrite?(given: SenderGiven): string;
}

interface SenderGiven {
  readonly folder: string;
  readonly url: string;
  readonly device: string;
}

const prometheus = (
  name: string,
  path: StandardSender['path'],
  flags: (data: string) => readonly string[],
  credentials: string,
): StandardSender => ({
  name,
  program: 'prometheus',
  path,
  arguments: ({ folder }) => [`--config.file=${join(folder, 'scrape.yml')}`, '--log.level=warn', ...flags(join(folder, 'data'))],
  remoteWrite: ({ url }) => `remote_write:
  - url: ${url}
    ${credentials}
    queue_config: { batch_send_deadline: 500ms }
    metadata_config: { send_interval: 2s }
`,
});

const vmagent = (name: string, path: StandardSender['path'], credentials: (given: SenderGiven) => readonly string[]): StandardSender => ({
  name,
  program: 'vmagent',
  loose: { relativeError: 1e-14, markerLagMs: 500, scrapeLagMs: 150 },
  path,
  arguments: (given) => [
    `-promscrape.config=${join(given.folder, 'scrape.yml')}`,
    `-remoteWrite.url=${given.url}`,
    `-remoteWrite.tmpDataPath=${join(given.folder, 'data')}`,
    // One queue keeps the order, which Prometheus and Thanos behind the edge ask for.
    '-remoteWrite.queues=1',
    '-remoteWrite.flushInterval=500ms',
    '-loggerLevel=WARN',
    ...credentials(given),
  ],
});

export const standardSenders: readonly StandardSender[] = [
  prometheus('prometheus', '/api/v1/write', (data) => [`--storage.tsdb.path=${data}`], 'authorization: { credentials_file: token }'),
  prometheus(
    'prometheus-agent',
    '/api/v1/receive',
    (data) => ['--enable-feature=agent', `--storage.agent.path=${data}`],
    'basic_auth: { username: prometheus-agent, password_file: token }',
  ),
  vmagent('vmagent', '/api/v1/write', ({ folder }) => [`-remoteWrite.bearerTokenFile=${join(folder, 'token')}`]),
  vmagent('vmagent-basic', '/api/v1/write', ({ folder, device }) => [
    `-remoteWrite.basicAuth.username=${device}`,
    `-remoteWrite.basicAuth.passwordFile=${join(folder, 'token')}`,
  ]),
];

/** Series that a sender has of its own about each scrape, beyond those that all have. */
export const OWN_REPORTS: ReadonlySet<string> = new Set(['scrape_timeout_seconds', 'scrape_response_size_bytes']);

export interface SenderOptions {
  /** Full path of {@link StandardSender.program}. */
  readonly path: string;
  readonly edgeUrl: string;
  readonly tenant: string;
  /** `scrape_configs`, as YAML. */
  readonly scrapeConfigs: string;
  /** Also the timeout; 1s. */
  readonly scrapeInterval?: string;
}

/** Runs it until the cleanup. */
export async function startSender(cleanup: Cleanup, sender: StandardSender, options: SenderOptions): Promise<Program> {
  const { name, path } = sender;
  const folder = await cleanup.folder(name);
  const given: SenderGiven = { folder, url: `${options.edgeUrl}${path}`, device: name };
  await writeFile(join(folder, 'token'), await deviceToken(name, { tenant: options.tenant }));
  const interval = options.scrapeInterval ?? '1s';
  const global = `global: { scrape_interval: ${interval}, scrape_timeout: ${interval}, external_labels: { cluster: ${CLUSTER} } }\n`;
  await writeFile(join(folder, 'scrape.yml'), `${global}scrape_configs:\n${options.scrapeConfigs}${sender.remoteWrite?.(given) ?? ''}`);
  const listen = `127.0.0.1:${await freePort()}`;
  const program = await Program.start(name, options.path, [
    ...sender.arguments(given),
    sender.program === 'vmagent' ? `-httpListenAddr=${listen}` : `--web.listen-address=${listen}`,
  ]);
  cleanup.add(() => program.stop());
  return program;
}
