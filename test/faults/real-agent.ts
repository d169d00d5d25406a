import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { HttpError } from '../../agent-lite/model.ts';
import { labelsOfKey } from '../agent-lite/agent/rig.ts';
import { NODE, Program } from '../e2e/harness/program.ts';
import { numberedSeries, ScriptedTarget } from '../e2e/harness/scripted-target.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { FakeEdge } from '../fakes/edge.ts';
import { type Account, LossError } from './account.ts';
import { type ArrivedSeries, accountNumbered, type Death, NUMBERED_SERIES } from './numbered.ts';
import type { Shared } from './scenario.ts';

const SCRAPE_MS = 250;
/** The agent as a process of its own, between a target that numbers its scrapes and an edge that keeps what it is sent. */
export class RealAgent {
  readonly folder: string;
  readonly target: ScriptedTarget;
  readonly edge: FakeEdge;
  readonly #arguments: readonly string[];
  #program: Program | undefined;
  /** When it was being killed. */
  readonly #kills: Death[] = [];
  /** Of the target's scrapes, those that an account has been given of. */
  #accounted = 0;

  private constructor(folder: string, target: ScriptedTarget, edge: FakeEdge, args: readonly string[]) {
    this.folder = folder;
    this.target = target;
    this.edge = edge;
    this.#arguments = args;
  }

  static async prepare({ folder, after }: Shared): Promise<RealAgent> {
    const path = await folder();
    const target = await ScriptedTarget.start((number) => numberedSeries(number, NUMBERED_SERIES));
    after(() => target.stop());
    const edge = new FakeEdge({ now: Date.now });
    const { url, close } = await serve(edge);
    after(close);
    await mkdir(path, { recursive: true });
    const config = join(path, 'agent.yml');
    await writeFile(
      config,
      `global: { scrape_interval: ${SCRAPE_MS}ms, scrape_timeout: ${SCRAPE_MS}ms }
scrape_configs: [{ job_name: ledger, static_configs: [{ targets: ["${target.address}"] }] }]
edge_push: { url: "${url}", push_interval: 200ms, authorization: { credentials: token } }
`,
    );
    const flags = [`--config.file=${config}`, `--storage.agent.path=${join(path, 'data')}`, '--web.listen-address=127.0.0.1:0'];
    const agent = new RealAgent(path, target, edge, ['agent-lite/main.ts', ...flags]);
    after(() => agent.kill());
    return agent;
  }

  /** Another process on the same folder. */
  spawn(): Promise<Program> {
    return Program.start('agent', NODE, this.#arguments);
  }

  /** Resolves when there is a process; it has yet to start. */
  async start(): Promise<void> {
    this.#program = await this.spawn();
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error('the agent is not running');
    return this.#program;
  }

  async kill(): Promise<void> {
    const program = this.#program;
    if (program === undefined) return;
    this.#program = undefined;
    if (!program.running) throw new Error(`the agent ended by itself\n${program.describe()}`);
    const fromMs = Date.now();
    await program.kill9();
    this.#kills.push({ fromMs, toMs: Date.now() });
  }

  get kills(): number {
    return this.#kills.length;
  }

  /** Resolves when the target has handed out so many more. */
  async scrapes(count: number): Promise<void> {
    const before = this.target.handedOut.length;
    const describe = (): string => this.program.describe();
    await waitFor('scrapes', () => !this.program.running || this.target.handedOut.length >= before + count, 30_000, describe);
    if (!this.program.running) throw new Error(`the agent ended by itself\n${describe()}`);
  }

  /** Waits until everything handed out so far is at the edge, and gives the account of what no earlier one was given of. */
  async settle(timeoutMs = 20_000): Promise<Account> {
    await this.scrapes(2);
    // The newest may still be read.
    const to = this.target.handedOut.length - 1;
    for (const deadline = performance.now() + timeoutMs; ; await sleep(50)) {
      const { account, faults } = this.#compare(to);
      if (faults.length === 0) {
        this.#accounted = to;
        return account;
      }
      if (performance.now() < deadline && this.program.running) continue;
      throw new LossError(`${faults[0]} (${faults.length} in all)\n${this.program.describe()}`, account);
    }
  }

  #compare(to: number): ReturnType<typeof accountNumbered> {
    const arrived = [...this.edge.series].map(([key, samples]): ArrivedSeries => {
      const { __name__: name = '', series = '' } = labelsOfKey(key);
      return { name, series, samples: samples.map(({ ms, bits }) => ({ ms, bits: BigInt(`0x${bits}`) })) };
    });
    const { handedOut } = this.target;
    const { account, faults } = accountNumbered({ handedOut, from: this.#accounted, to, arrived, deaths: this.#kills });
    const { disorder } = this.edge;
    return { account, faults: disorder === 0 ? faults : [...faults, `${disorder} samples came out of order, or twice`] };
  }
}

async function serve(edge: FakeEdge): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = await edge.request({
        method: request.method as 'POST',
        url: `http://edge${request.url}`,
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks),
        timeoutMs: 0,
        maxBytes: 0,
      });
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch (error) {
      // A killed agent leaves its request behind.
      if (!(error instanceof HttpError) && !(error instanceof Error && 'code' in error)) throw error;
      request.socket.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, close };
}
