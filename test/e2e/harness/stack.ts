import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signToken } from '../../../functions/auth/token.ts';
import { loadDeviceTokenKey } from '../../../infra/local/dev-vars.ts';
import { childPids } from '../../../infra/local/ports.ts';
import type { Cleanup } from './cleanup.ts';
import { freePort, NODE, Program, ROOT } from './program.ts';
import { waitFor } from './wait.ts';

export const TENANT = 'acme';
export const DEVICE = 'gw-1';
/** The label with the device's name. */
export const IDENTITY = 'device_id';
export const CLUSTER = 'cluster-02';

/** A device's token, signed with the key that the local edge uses. */
export async function deviceToken(
  device = DEVICE,
  changes: { readonly tenant?: string; readonly expiresMs?: number } = {},
): Promise<string> {
  const key = await loadDeviceTokenKey(join(ROOT, '.dev.vars'));
  return signToken(key, { tenant: TENANT, device, expiresMs: Date.now() + 3_600_000, ...changes });
}

/** A relay configuration that is quick to commit and to try again, for a receiver that rolls back and has no window. */
export const quickRelayConfig = `
receivers:
  - name: test
    url: http://127.0.0.1:1/
    kind: prometheus
    queue_config:
      max_backoff: 1s
shard:
  commit_interval: 100ms
tenants:
  ${TENANT}:
    min_push_interval: 100ms
`;

/** The edge as `npm run edge` runs it, on one port and one folder for all its lives. */
export class EdgeUnderTest {
  readonly url: string;
  readonly port: number;
  readonly #arguments: readonly string[];
  readonly #configFile: string;
  readonly #receiverUrl: string;
  #program: Program | undefined;

  private constructor(port: number, args: readonly string[], configFile: string, receiverUrl: string) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#arguments = args;
    this.#configFile = configFile;
    this.#receiverUrl = receiverUrl;
  }

  static async start(
    cleanup: Cleanup,
    receiverUrl: string,
    relayConfig = quickRelayConfig,
    flags: readonly string[] = [],
  ): Promise<EdgeUnderTest> {
    const folder = await cleanup.folder('edge');
    const file = join(folder, 'relay.yml');
    await writeFile(file, relayConfig);
    const port = await freePort();
    const args = [
      'infra/local/edge-command.ts',
      `--port=${port}`,
      `--persist=${join(folder, 'state')}`,
      `--relay-config=${file}`,
      ...flags,
    ];
    const edge = new EdgeUnderTest(port, args, file, receiverUrl);
    cleanup.add(() => edge.stop());
    await edge.start();
    return edge;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('the edge is not running');
    return this.#program;
  }

  async start(): Promise<void> {
    this.#program = await Program.start('edge', NODE, this.#arguments, { RECEIVER_URL: this.#receiverUrl });
    await this.#program.prints(`edge listening on ${this.url}`, 60_000);
  }

  /** For the next start. */
  configure(relayConfig: string): Promise<void> {
    return writeFile(this.#configFile, relayConfig);
  }

  async stop(): Promise<void> {
    await this.#program?.stop();
  }

  async workerdPid(): Promise<number> {
    return waitFor('workerd to run', async () => (await childPids(this.program.pid, 'workerd'))[0]);
  }

  /** SIGKILL to the process that does the work; its runner starts another on the same state. Resolves when that one answers. */
  async killWorkerd(): Promise<void> {
    const pid = await this.workerdPid();
    process.kill(pid, 'SIGKILL');
    await waitFor(
      'another workerd',
      async () => (await this.workerdPid()) !== pid,
      30_000,
      () => this.program.describe(),
    );
    await this.answers();
  }

  /** SIGKILL to everything; nothing starts again by itself. */
  async killAll(): Promise<void> {
    const pid = await this.workerdPid();
    await this.program.kill9();
    process.kill(pid, 'SIGKILL');
    await waitFor('workerd to be gone', async () => !(await isRunning(pid)));
  }

  async answers(): Promise<void> {
    await waitFor(
      'the edge to answer',
      async () => (await fetch(`${this.url}/-/ready`)).ok,
      30_000,
      () => this.program.describe(),
    );
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text();
  }
}

async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export interface AgentOptions {
  readonly name?: string;
  /** `scrape_configs`, as YAML. */
  readonly scrapeConfigs: string;
  /** Without it there is no `edge_push`. */
  readonly edgeUrl?: string;
  /** `remote_write`, as YAML. */
  readonly remoteWrite?: string;
  readonly scrapeInterval?: string;
  readonly pushInterval?: string;
  readonly token?: string;
  readonly flags?: readonly string[];
  /** The runtime and the script, where it is not the sources on Node 24. */
  readonly command?: readonly [node: string, script: string];
  readonly environment?: Readonly<Record<string, string>>;
}

/** agent-lite with its own folder, port and log for all its lives. */
export class AgentUnderTest {
  readonly folder: string;
  readonly logFolder: string;
  readonly url: string;
  readonly address: string;
  readonly #options: AgentOptions;
  #program: Program | undefined;

  private constructor(folder: string, port: number, options: AgentOptions) {
    this.folder = folder;
    this.logFolder = join(folder, 'data');
    this.address = `127.0.0.1:${port}`;
    this.url = `http://${this.address}`;
    this.#options = options;
  }

  /** Prepares folder, configuration and token, without starting it. */
  static async prepare(cleanup: Cleanup, options: AgentOptions): Promise<AgentUnderTest> {
    const folder = await cleanup.folder(options.name ?? 'agent');
    const agent = new AgentUnderTest(folder, await freePort(), options);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), options.token ?? (await deviceToken()));
    await writeFile(join(folder, 'agent.yml'), agentYaml(options));
    cleanup.add(() => agent.stop());
    return agent;
  }

  static async start(cleanup: Cleanup, options: AgentOptions): Promise<AgentUnderTest> {
    const agent = await AgentUnderTest.prepare(cleanup, options);
    await agent.start();
    return agent;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('the agent is not running');
    return this.#program;
  }

  async start(): Promise<void> {
    const [node, script] = this.#options.command ?? [NODE, 'agent-lite/main.ts'];
    const args = [
      script,
      `--config.file=${join(this.folder, 'agent.yml')}`,
      `--storage.agent.path=${this.logFolder}`,
      `--web.listen-address=${this.address}`,
      ...(this.#options.flags ?? []),
    ];
    this.#program = await Program.start(this.#options.name ?? 'agent', node, args, this.#options.environment);
    const { program } = this;
    await waitFor(
      'the agent to be ready',
      async () => {
        if (!program.running) throw new Error('it has ended');
        return (await fetch(`${this.url}/-/ready`)).ok;
      },
      30_000,
      () => program.describe(),
    );
  }

  /** SIGTERM; the exit code, which is 0 where it stopped as it should. */
  async stop(): Promise<number | NodeJS.Signals | undefined> {
    return this.#program?.stop(30_000);
  }

  async kill9(): Promise<void> {
    await this.program.kill9();
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.url}/metrics`)).text();
  }
}

function agentYaml(options: AgentOptions): string {
  return `
global:
  scrape_interval: ${options.scrapeInterval ?? '1s'}
  scrape_timeout: ${options.scrapeInterval ?? '1s'}
  external_labels:
    cluster: ${CLUSTER}
scrape_configs:
${options.scrapeConfigs}
${options.edgeUrl === undefined ? '' : edgePush(options.edgeUrl, options.pushInterval ?? '1s')}
${options.remoteWrite === undefined ? '' : `remote_write:\n${options.remoteWrite}`}
`;
}

const edgePush = (url: string, interval: string): string => `edge_push:
  url: ${url}
  authorization: { credentials_file: token }
  push_interval: ${interval}
`;

/** One scrape config with one target, as YAML. */
export const staticJob = (job: string, address: string): string =>
  `  - job_name: ${job}\n    static_configs: [{ targets: ["${address}"] }]\n`;

/** The labels that a target's series have at the receiver besides their own. */
export const targetLabels = (job: string, address: string, device = DEVICE): Record<string, string> => ({
  job,
  instance: address,
  cluster: CLUSTER,
  [IDENTITY]: device,
});
