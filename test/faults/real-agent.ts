import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { HttpError } from '../../agent-lite/model.ts';
import { labelsOfKey } from '../agent-lite/agent/rig.ts';
import { NODE, Program } from '../e2e/harness/program.ts';
import { type HandedOut, numberedSeries, ScriptedTarget } from '../e2e/harness/scripted-target.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { FakeEdge } from '../fakes/edge.ts';
import { type Account, LossError, NOTHING } from './account.ts';
import type { Shared } from './scenario.ts';

const SERIES = 20;
const SCRAPE_MS = 250;
/** An answer may be read for so long on a busy machine. */
const MOST_READING_MS = 4 * SCRAPE_MS;
/** A scrape's time lies before the target was asked, by no more than this. */
const MAX_LEAD_MS = 2500;

/** The agent as a process of its own, between a target that numbers its scrapes and an edge that keeps what it is sent. */
export class RealAgent {
  readonly folder: string;
  readonly target: ScriptedTarget;
  readonly edge: FakeEdge;
  readonly #arguments: readonly string[];
  #program: Program | undefined;
  /** When it was being killed. */
  readonly #kills: { readonly fromMs: number; readonly toMs: number }[] = [];
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
    const target = await ScriptedTarget.start((number) => numberedSeries(number, SERIES));
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
    const handed = this.target.handedOut.slice(0, -1);
    const from = this.#accounted;
    for (const deadline = performance.now() + timeoutMs; ; await sleep(50)) {
      const { account, faults } = this.#compare(handed, from);
      if (faults.length === 0) {
        this.#accounted = handed.length;
        return account;
      }
      if (performance.now() < deadline && this.program.running) continue;
      throw new LossError(`${faults[0]} (${faults.length} in all)\n${this.program.describe()}`, account);
    }
  }

  #compare(handed: readonly HandedOut[], from: number): { readonly account: Account; readonly faults: readonly string[] } {
    const faults: string[] = [];
    const found = new Set<string>();
    const failed: number[] = [];
    let duplicated = 0;
    for (const [key, samples] of this.edge.series) {
      const { __name__: name, series } = labelsOfKey(key);
      for (const { ms, bits } of samples) {
        const value = Buffer.from(bits, 'hex').readDoubleBE();
        if (name === 'up' && value === 0) failed.push(ms);
        // Markers have their time only, and none is due over a restart.
        if (name !== 'ledger_value' || bits === '7ff0000000000002') continue;
        const number = Math.floor(value / 1000);
        const of = this.target.handedOut[number - 1];
        const what = `ledger_value{series="${series}"} at ${new Date(ms).toISOString()}`;
        if (of === undefined || value !== number * 1000 + Number(series)) faults.push(`${what}: ${bits} was never scraped`);
        else if (ms > of.askedMs + 2 || of.askedMs - ms > MAX_LEAD_MS)
          faults.push(`${what}: asked at ${new Date(of.askedMs).toISOString()}`);
        const id = `${number}/${series}`;
        if (found.has(id)) duplicated++;
        found.add(id);
      }
    }
    if (this.edge.disorder > 0) faults.push(`${this.edge.disorder} samples came out of order, or twice`);
    const account = { ...NOTHING } as { -readonly [K in keyof Account]: number };
    account.duplicated = duplicated;
    for (const [i, { number, askedMs }] of handed.entries()) {
      if (i < from) continue;
      const missing = Array.from({ length: SERIES }, (_, series) => series).filter((series) => !found.has(`${number}/${series}`));
      // The agent says itself that it could not read this one.
      if (missing.length === SERIES && failed.some((ms) => ms <= askedMs + 2 && askedMs - ms <= MAX_LEAD_MS)) continue;
      account.scraped += SERIES;
      account.delivered += SERIES - missing.length;
      if (missing.length === 0) continue;
      // Of each life only the last: a scrape is logged before the next is made.
      const next = this.target.handedOut[i + 1]?.askedMs ?? Number.POSITIVE_INFINITY;
      const unread = this.#kills.some(({ fromMs, toMs }) => toMs >= askedMs && fromMs <= next && fromMs - askedMs < MOST_READING_MS);
      if (missing.length === SERIES && unread) {
        account.bounded += SERIES;
        continue;
      }
      account.lost += missing.length;
      faults.push(`ledger_value{series="${missing[0]}"} of ${new Date(askedMs).toISOString()}, scrape ${number}: not at the edge`);
    }
    return { account, faults };
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
