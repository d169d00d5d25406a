import type { WrittenSeries } from '../../../contract/decode-remote-write.ts';
import { FakeReceiver } from '../../fakes/receiver.ts';
import type { Cleanup } from './cleanup.ts';
import { compare, type Outcome } from './delivered.ts';
import { DisturbingProxy } from './proxy.ts';
import { numberedSeries, ScriptedTarget } from './scripted-target.ts';
import { type AgentOptions, AgentUnderTest, EdgeUnderTest, staticJob, targetLabels } from './stack.ts';
import { sleep, waitFor } from './wait.ts';

/** A strict receiver over loopback: Prometheus' rules, no out-of-order window, the whole request refused at one bad sample. */
export interface StrictReceiver {
  readonly receiver: FakeReceiver;
  readonly url: string;
}

export async function startStrictReceiver(cleanup: Cleanup): Promise<StrictReceiver> {
  const receiver = new FakeReceiver({ kind: 'prometheus' });
  const { url, close } = await receiver.listen();
  cleanup.add(close);
  return { receiver, url };
}

/** What the receiver took, in the order in which it took it, of all tenants. */
export const taken = ({ receiver }: StrictReceiver): readonly WrittenSeries[] =>
  receiver.tenants.flatMap((name) =>
    [...receiver.tenant(name).series.values()].map(({ labels, samples }) => ({
      labels,
      samples: samples.map(({ ms, bits }) => ({ time: ms, bits })),
    })),
  );

/** Seeded, so that a failure can be seen again: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const JOB = 'ledger';
/** A scrape that the target has handed out but the agent, killed so soon after, may not have read. */
const UNREAD_MS = 300;

export interface LedgerOptions extends Partial<AgentOptions> {
  /** Runs after the agent's folder is there, before it starts. */
  readonly prepare?: (agent: AgentUnderTest) => Promise<void>;
}

/** Target, agent, disturbing proxy, edge and strict receiver, with the ledger of what the target gave out. */
export class LedgerStack {
  readonly target: ScriptedTarget;
  readonly agent: AgentUnderTest;
  readonly edge: EdgeUnderTest;
  readonly proxy: DisturbingProxy;
  readonly strict: StrictReceiver;
  /** Moments at which the agent was killed or stopped, and started. */
  readonly #ends: { readonly toldMs: number; readonly goneMs: number }[] = [];
  readonly #starts: number[] = [];
  /** Scrapes in these times may be missing: a test destroyed the only copy. */
  readonly #forgiven: (readonly [fromMs: number, toMs: number])[] = [];

  private constructor(parts: Pick<LedgerStack, 'target' | 'agent' | 'edge' | 'proxy' | 'strict'>) {
    this.target = parts.target;
    this.agent = parts.agent;
    this.edge = parts.edge;
    this.proxy = parts.proxy;
    this.strict = parts.strict;
  }

  static async start(cleanup: Cleanup, options: LedgerOptions = {}, series = 40): Promise<LedgerStack> {
    const strict = await startStrictReceiver(cleanup);
    return LedgerStack.beside({ strict, edge: await EdgeUnderTest.start(cleanup, strict.url) }, cleanup, options, series);
  }

  /** Another target, agent and proxy on the edge and receiver of `other`. */
  static async beside(
    { strict, edge }: Pick<LedgerStack, 'strict' | 'edge'>,
    cleanup: Cleanup,
    options: LedgerOptions = {},
    series = 40,
  ): Promise<LedgerStack> {
    const proxy = await DisturbingProxy.start(edge.url);
    cleanup.add(() => proxy.stop());
    // Every fifth scrape lacks some series: markers travel too.
    const target = await ScriptedTarget.start((number) => numberedSeries(number, number % 5 === 0 ? Math.floor(series / 2) : series));
    cleanup.add(() => target.stop());
    const agent = await AgentUnderTest.prepare(cleanup, { scrapeConfigs: staticJob(JOB, target.address), edgeUrl: proxy.url, ...options });
    await options.prepare?.(agent);
    await agent.start();
    return new LedgerStack({ target, agent, edge, proxy, strict });
  }

  /** All that the programs said and the receiver answered, for the message of a failed test. */
  describe(): string {
    const answers = this.strict.receiver.requests
      .slice(-120)
      .map(({ status, samples, words }) => `${status} ${samples} ${words.slice(0, 90)}`);
    return `${this.agent.program.describe()}\n${this.edge.program.describe()}\n${answers.join('\n')}`;
  }

  /** The next push reaches the edge, its answer does not reach the agent. Resolves when that has happened. */
  async loseOneAcknowledgement(): Promise<void> {
    const before = this.proxy.count('lose_answer');
    let lost = false;
    this.proxy.decide = (method) => {
      if (lost || method !== 'POST') return 'pass';
      lost = true;
      return 'lose_answer';
    };
    await waitFor(
      'an acknowledgement to be lost',
      () => this.proxy.count('lose_answer') > before,
      30_000,
      () => this.agent.program.describe(),
    );
    const exchange = this.proxy.exchanges.findLast(({ fate }) => fate === 'lose_answer');
    await waitFor(
      'the edge to have answered it',
      () => exchange?.status !== undefined,
      30_000,
      () => this.edge.program.describe(),
    );
    this.proxy.decide = () => 'pass';
  }

  /** The test destroys what was scraped since then, and not pushed: it may be missing, whole. */
  forgiveSince(fromMs: number): void {
    this.#forgiven.push([fromMs, Date.now()]);
  }

  async killAgent(): Promise<void> {
    await this.#end(() => this.agent.kill9());
  }

  /** SIGTERM; resolves with the exit code. */
  async stopAgent(): Promise<number | NodeJS.Signals | undefined> {
    return this.#end(() => this.agent.stop());
  }

  /** On a busy machine it may still ask the target for a while, and not read the answer. */
  async #end<T>(how: () => Promise<T>): Promise<T> {
    const toldMs = Date.now();
    try {
      return await how();
    } finally {
      this.#ends.push({ toldMs, goneMs: Date.now() });
    }
  }

  async startAgent(): Promise<void> {
    this.#starts.push(Date.now());
    await this.agent.start();
  }

  /** Resolves when the target has handed out `count` more scrapes. */
  async scrapes(count: number): Promise<void> {
    const before = this.target.handedOut.length;
    await waitFor(
      `${count} scrapes`,
      () => this.target.handedOut.length >= before + count,
      count * 1000 + 30_000,
      () => this.agent.program.describe(),
    );
  }

  /**
   * Waits until everything that the target has handed out so far has arrived, exactly, and compares. The agent goes on: what it
   * scrapes meanwhile is not looked at.
   */
  async settle(timeoutMs = 60_000): Promise<Outcome> {
    await this.scrapes(1);
    const scraped = [...this.target.handedOut];
    const look = (): Outcome =>
      compare({
        scraped,
        delivered: taken(this.strict),
        labels: targetLabels(JOB, this.target.address),
        restartsMs: this.#starts,
        mayBeMissing: ({ askedMs }) =>
          this.#ends.some(({ toldMs, goneMs }) => askedMs > toldMs - UNREAD_MS && askedMs <= goneMs) ||
          this.#forgiven.some(([from, to]) => askedMs > from && askedMs <= to),
      });
    let outcome = look();
    const deadline = performance.now() + timeoutMs;
    while (outcome.faults.length > 0 && performance.now() < deadline) {
      await sleep(200);
      outcome = look();
    }
    return outcome;
  }
}
