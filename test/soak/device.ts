import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WrittenSeries } from '../../contract/decode-remote-write.ts';
import type { Cleanup } from '../e2e/harness/cleanup.ts';
import { compare, type Outcome } from '../e2e/harness/delivered.ts';
import { freePort } from '../e2e/harness/program.ts';
import { numberedSeries, ScriptedTarget } from '../e2e/harness/scripted-target.ts';
import { AgentUnderTest, deviceToken, type EdgeUnderTest, staticJob, targetLabels } from '../e2e/harness/stack.ts';
import { Cable } from './cable.ts';

const JOB = 'soak';
const SERIES = 60;
/** A scrape that the target has handed out but the agent, killed so soon after, may not have written down. */
const UNREAD_MS = 500;

/** One device: a target, a real agent, and its cable to the edge; with the ledger of what the target handed out. */
export class SoakDevice {
  readonly name: string;
  readonly target: ScriptedTarget;
  readonly agent: AgentUnderTest;
  readonly cable: Cable;
  readonly inspectorPort: number;
  readonly #flag: string;
  readonly #ends: number[] = [];
  readonly #starts: number[] = [];
  /** Scrapes that the agent says a limit took from its log, in lives that have ended. */
  #evictedBefore = 0;
  kills = 0;

  private constructor(name: string, parts: Pick<SoakDevice, 'target' | 'agent' | 'cable' | 'inspectorPort'>, flag: string) {
    this.name = name;
    this.target = parts.target;
    this.agent = parts.agent;
    this.cable = parts.cable;
    this.inspectorPort = parts.inspectorPort;
    this.#flag = flag;
  }

  static async start(name: string, edge: EdgeUnderTest, cleanup: Cleanup): Promise<SoakDevice> {
    const cable = await Cable.start(edge.port);
    cleanup.add(() => cable.stop());
    // Every fifth scrape lacks some series, so that markers travel; every 37th fails.
    const target = await ScriptedTarget.start((number) =>
      number % 37 === 0 ? undefined : numberedSeries(number, number % 5 === 0 ? SERIES / 2 : SERIES),
    );
    cleanup.add(() => target.stop());
    const flag = join(await cleanup.folder(`${name}-disk`), 'full');
    const inspectorPort = await freePort();
    const agent = await AgentUnderTest.prepare(cleanup, {
      name,
      scrapeConfigs: staticJob(JOB, target.address),
      edgeUrl: cable.url,
      token: await deviceToken(name, { expiresMs: Date.now() + 30 * 86_400_000 }),
      environment: {
        SOAK_DISK_FULL: flag,
        NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort} --import=${new URL('./disk-full.ts', import.meta.url).href}`,
      },
    });
    await agent.start();
    return new SoakDevice(name, { target, agent, cable, inspectorPort }, flag);
  }

  async kill(): Promise<void> {
    this.#evictedBefore += await this.#evicted();
    await this.agent.kill9();
    this.#ends.push(Date.now());
    this.kills++;
  }

  async startAgain(): Promise<void> {
    this.#starts.push(Date.now());
    await this.agent.start();
  }

  fillDisk(): Promise<void> {
    return writeFile(this.#flag, '');
  }

  freeDisk(): Promise<void> {
    return rm(this.#flag, { force: true });
  }

  /** What would be lost with the process: its disk has failed, and it has not gone back to it yet. */
  async isInMemory(): Promise<boolean> {
    return (await this.#metric('agent_lite_log_in_memory')) > 0;
  }

  /** What the target has handed out so far. */
  get handedOut(): number {
    return this.target.handedOut.length;
  }

  /** How many of the scrapes so far have arrived: a quick count for the plot, by the newest `up`. */
  arrived(delivered: readonly WrittenSeries[]): number {
    const up = delivered.find(({ labels }) => has(labels, '__name__', 'up') && has(labels, 'instance', this.target.address));
    return up?.samples.length ?? 0;
  }

  /** The account up to scrape `count`, exact. Scrapes may be missing that ran into a kill, or that the agent counts as evicted. */
  async account(delivered: readonly WrittenSeries[], count: number): Promise<Outcome & { readonly evicted: number }> {
    const evicted = this.#evictedBefore + (await this.#evicted());
    let evictable = evicted;
    const outcome = compare({
      scraped: this.target.handedOut.slice(0, count),
      delivered,
      labels: targetLabels(JOB, this.target.address, this.name),
      restartsMs: this.#starts,
      mayBeMissing: ({ askedMs }) => this.#ends.some((end) => askedMs <= end && end - askedMs < UNREAD_MS) || evictable-- > 0,
    });
    return { ...outcome, evicted };
  }

  #evicted(): Promise<number> {
    return this.#metric('agent_lite_log_evicted_records_total');
  }

  async #metric(name: string): Promise<number> {
    const text = await this.agent.metrics();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
}

const has = (labels: WrittenSeries['labels'], name: string, value: string): boolean => labels.some(([n, v]) => n === name && v === value);
