import { execFile } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../../infra/local/find-program.ts';
import type { Cleanup } from '../e2e/harness/cleanup.ts';
import { freePort, NODE, Program, ROOT } from '../e2e/harness/program.ts';
import { deviceToken, EdgeUnderTest } from '../e2e/harness/stack.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { CountingProxy, type Nat } from './counting-proxy.ts';
import { type ProcessUse, processUse } from './process-cpu.ts';

/** Agents under the eyes of a benchmark: how each is started, and what it uses. */

const run = promisify(execFile);
const BUNDLE = join(ROOT, 'dist/agent-lite.mjs');

export type AgentName = 'agent-lite' | 'prometheus-agent' | 'vmagent';
export const AGENTS: readonly AgentName[] = ['agent-lite', 'prometheus-agent', 'vmagent'];

export interface RigOptions {
  /** The Node that runs the bundle; a device's may be older than that of the benchmark. */
  readonly node: string;
  /** `static_configs` of one job, as YAML in flow style. */
  readonly staticConfigs: string;
  readonly scrapeInterval: string;
  readonly pushInterval: string;
  readonly flags: readonly string[];
  /** Instead of those of infra/systemd/agent-lite.service. */
  readonly nodeFlags?: readonly string[];
}

/** An agent that runs, scrapes, and sends through a proxy that counts. */
export interface RunningAgent {
  readonly pid: number;
  /** What it printed, for an error. */
  readonly describe: () => string;
  readonly logFolder: string;
  readonly proxy: CountingProxy;
  readonly metrics: () => Promise<string>;
  /** The agent sends so seldom that the moment of looking matters: what it has sent is counted by its own metrics. */
  readonly pushesSeldom: boolean;
}

/** Why an agent cannot take part; undefined: it can. */
export function missing(agent: AgentName): string | undefined {
  if (agent === 'agent-lite') return undefined;
  const [program, packageName] = agent === 'vmagent' ? ['vmagent', 'victoria-metrics'] : ['prometheus', 'prometheus'];
  return findProgram(program) === undefined
    ? `${agent} left out: ${program} is not installed (Debian: apt-get install ${packageName})`
    : undefined;
}

/** Makes the file that devices run. */
export const buildBundle = async (): Promise<void> => void (await run(NODE, ['infra/build.ts'], { cwd: ROOT }));

/** What systemd gives Node, so that a figure here is one there. */
export async function deployment(): Promise<{ readonly flags: readonly string[]; readonly environment: Record<string, string> }> {
  const unit = await readFile(join(ROOT, 'infra/systemd/agent-lite.service'), 'utf8');
  const command = /^ExecStart=\S*node((?: --[^ ]+)*) /m.exec(unit)?.[1] ?? '';
  const variables = [...unit.matchAll(/^Environment=(\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]);
  return { flags: command.split(' ').filter((flag) => flag !== ''), environment: Object.fromEntries(variables) };
}

/** Starts one of them. Its peers write to a receiver that takes everything. */
export async function startAgent(agent: AgentName, cleanup: Cleanup, options: RigOptions): Promise<RunningAgent> {
  const folder = await cleanup.folder(agent);
  const sink = await startSink(cleanup);
  if (agent === 'agent-lite') {
    const edge = await EdgeUnderTest.start(cleanup, `http://127.0.0.1:${sink}/api/v1/write`);
    return startAgentLite(cleanup, folder, edge.port, options);
  }
  const proxy = await startProxy(cleanup, sink);
  const url = `http://127.0.0.1:${proxy.port}/api/v1/write`;
  const scrape = join(folder, 'scrape.yml');
  const logFolder = join(folder, 'data');
  await writeFile(scrape, scrapeYaml(options) + (agent === 'prometheus-agent' ? `remote_write: [{ url: "${url}" }]\n` : ''));
  const address = `127.0.0.1:${await freePort()}`;
  const program =
    agent === 'vmagent'
      ? await Program.start(agent, 'vmagent', [
          `-promscrape.config=${scrape}`,
          `-remoteWrite.url=${url}`,
          `-remoteWrite.tmpDataPath=${logFolder}`,
          `-httpListenAddr=${address}`,
          '-loggerLevel=WARN',
        ])
      : await Program.start(agent, 'prometheus', [
          '--enable-feature=agent',
          `--config.file=${scrape}`,
          `--storage.agent.path=${logFolder}`,
          `--web.listen-address=${address}`,
          '--log.level=warn',
        ]);
  cleanup.add(() => program.stop(30_000));
  return {
    pid: program.pid,
    describe: () => program.describe(),
    logFolder,
    proxy,
    pushesSeldom: false,
    metrics: async () => (await fetch(`http://${address}/metrics`)).text(),
  };
}

/** agent-lite as a device runs it, with an edge that is there already. */
export async function startAgentLite(
  cleanup: Cleanup,
  folder: string,
  edgePort: number,
  options: RigOptions & { readonly nat?: Nat; readonly scheme?: string; readonly tls?: string; readonly device?: string },
): Promise<RunningAgent> {
  const proxy = await startProxy(cleanup, edgePort, options.nat);
  await writeFile(join(folder, 'token'), await deviceToken(options.device));
  await writeFile(
    join(folder, 'agent.yml'),
    `${scrapeYaml(options)}edge_push:
  url: ${options.scheme ?? 'http'}://127.0.0.1:${proxy.port}
  authorization: { credentials_file: token }
  push_interval: ${options.pushInterval}
${options.tls ?? ''}`,
  );
  const url = `http://127.0.0.1:${await freePort()}`;
  const logFolder = join(folder, 'data');
  const deployed = await deployment();
  const args = [
    ...(options.nodeFlags ?? deployed.flags),
    BUNDLE,
    `--config.file=${join(folder, 'agent.yml')}`,
    `--storage.agent.path=${logFolder}`,
    `--web.listen-address=${new URL(url).host}`,
    ...options.flags,
  ];
  const program = await Program.start('agent-lite', options.node, args, deployed.environment);
  cleanup.add(() => program.stop(30_000));
  await waitFor(
    'agent-lite to be ready',
    async () => (await fetch(`${url}/-/ready`)).ok,
    30_000,
    () => program.describe(),
  );
  const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
  return { pid: program.pid, describe: () => program.describe(), logFolder: join(logFolder, 'wal'), proxy, metrics, pushesSeldom: true };
}

/** The sum over all labels. */
export function metricOf(text: string, name: string): number {
  let sum = 0;
  for (const [, value] of text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))) sum += Number(value);
  return sum;
}

const scrapeYaml = ({ scrapeInterval, staticConfigs }: RigOptions): string => `global:
  scrape_interval: ${scrapeInterval}
  external_labels: { cluster: bench }
scrape_configs:
  - job_name: bench
    static_configs: ${staticConfigs}
`;

async function startProxy(cleanup: Cleanup, port: number, nat?: Nat): Promise<CountingProxy> {
  const proxy = await CountingProxy.start(port, nat);
  cleanup.add(() => proxy.stop());
  return proxy;
}

/** A receiver that takes everything and keeps nothing. */
export async function startSink(cleanup: Cleanup): Promise<number> {
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.add(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

export interface Use {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly cores: number;
  readonly averageRssBytes: number;
  readonly peakRssBytes: number;
  readonly logBytes: number;
  readonly logSegments: number;
  readonly socketBytes: number;
  /** What these bytes were for; undefined of an agent that sends all the time. */
  readonly pushed: { readonly samples: number; readonly requests: number } | undefined;
}

/** Watches an agent for `seconds`, after `warmUpSeconds` whose memory counts for the peak. */
export async function watch(agent: RunningAgent, warmUpSeconds: number, seconds: number): Promise<Use> {
  const log = new FolderGrowth(agent.logFolder);
  await log.watch(warmUpSeconds);
  const traffic = await trafficOf(agent);
  const before = await useOf(agent);
  const at = { log: log.bytes, ms: performance.now() };
  let resident = 0;
  for (let i = 0; i < seconds; i++) {
    await log.watch(1);
    resident += (await useOf(agent)).residentBytes;
  }
  const after = await useOf(agent);
  const elapsed = (performance.now() - at.ms) / 1000;
  const cpuSeconds = (after.cpuMicroseconds - before.cpuMicroseconds) / 1e6;
  const { socket, pushed } = await trafficOf(agent);
  return {
    seconds: elapsed,
    cpuSeconds,
    cores: cpuSeconds / elapsed,
    averageRssBytes: resident / seconds,
    peakRssBytes: after.peakResidentBytes,
    logBytes: log.bytes - at.log,
    logSegments: log.files,
    socketBytes: socket - traffic.socket,
    pushed: pushed && {
      samples: pushed.samples - (traffic.pushed?.samples ?? 0),
      requests: pushed.requests - (traffic.pushed?.requests ?? 0),
    },
  };
}

/** A push's bytes pass before they are acknowledged and counted: it is over when nothing passes for so long, ms. */
const PUSH_OVER_MS = 3_000;
const LOOKS = 10;

/** Bytes so far, and what they were for. */
export async function trafficOf({
  proxy,
  metrics,
  pushesSeldom,
}: RunningAgent): Promise<{ readonly socket: number; readonly pushed: Use['pushed'] }> {
  if (!pushesSeldom) return { socket: proxy.bytes, pushed: undefined };
  for (let look = 0; look < LOOKS; look++) {
    const socket = proxy.bytes;
    await sleep(PUSH_OVER_MS);
    const text = await metrics();
    if (proxy.bytes !== socket) continue;
    const samples = metricOf(text, 'agent_lite_push_samples_total');
    return { socket, pushed: { samples, requests: metricOf(text, 'agent_lite_push_requests_total') } };
  }
  throw new Error('the agent pushes without a pause: its bytes cannot be told by samples');
}

async function useOf(agent: RunningAgent): Promise<ProcessUse> {
  try {
    return await processUse(agent.pid);
  } catch (cause) {
    throw new Error(`the agent has ended\n${agent.describe()}`, { cause });
  }
}

/** Bytes written into a folder whose files only grow until they are deleted. */
class FolderGrowth {
  readonly #folder: string;
  readonly #sizes = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  get bytes(): number {
    let bytes = 0;
    for (const size of this.#sizes.values()) bytes += size;
    return bytes;
  }

  get files(): number {
    return this.#sizes.size;
  }

  async watch(seconds: number): Promise<void> {
    await this.#look();
    for (let i = 0; i < seconds; i++) {
      await sleep(1000);
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    for (const entry of await readdir(this.#folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) continue;
      const size = (await stat(path).catch(() => undefined))?.size ?? 0;
      this.#sizes.set(path, Math.max(size, this.#sizes.get(path) ?? 0));
    }
  }
}
