import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, type AgentOptions, startAgent } from '../../../agent-lite/agent.ts';
import { parseAgentConfig } from '../../../agent-lite/config/parse.ts';
import type { AgentConfig } from '../../../agent-lite/config/types.ts';
import { HttpError } from '../../../agent-lite/model.ts';
import { err, type Result } from '../../../contract/result.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeEdge } from '../../fakes/edge.ts';
import { FakeLogger } from '../../fakes/logger.ts';
import { type FakeTarget, startTarget } from '../../fakes/target.ts';

/** A whole agent with a target and an edge on loopback, a folder of its own, and a clock that only the test moves. */
export interface Rig {
  readonly dir: string;
  readonly clock: ManualClock;
  readonly logger: FakeLogger;
  readonly target: FakeTarget;
  readonly edge: FakeEdge;
  readonly edgeUrl: string;
  options(over?: Partial<AgentOptions>): AgentOptions;
  /** @param head YAML before `scrape_configs`; @param push further keys of `edge_push` */
  config(scrapeConfigs?: string, head?: string, push?: string): AgentConfig;
  /** What the next reload finds. */
  next: Result<AgentConfig, string>;
  /** Times that `/-/quit` was asked for. */
  quits: number;
  start(over?: Partial<AgentOptions>): Promise<Agent>;
  /** Moves the clock in small steps, letting I/O happen in between, until `done`. Throws after an hour of its time. */
  until(done: () => boolean): Promise<void>;
  /** Series that the edge has, as `name{job}`. */
  stored(): string[];
  close(): Promise<void>;
}

export async function createRig(): Promise<Rig> {
  const dir = await mkdtemp(join(tmpdir(), 'agent-lite-agent-'));
  const clock = new ManualClock();
  const logger = new FakeLogger();
  const target = await startTarget((_, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end('temperature 21.5\nhumidity{room="a"} 40\n');
  });
  const edge = new FakeEdge({ now: () => clock.now() });
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
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
      if (!(error instanceof HttpError)) throw error;
      request.socket.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const traffic = new Traffic(server, target.server);
  const edgeUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const rig: Rig = {
    dir,
    clock,
    logger,
    target,
    edge,
    edgeUrl,
    options: (over) => ({
      storagePath: join(dir, 'data'),
      retentionBytes: 64 * 2 ** 20,
      retentionMs: 0,
      walSync: 'interval',
      walSyncIntervalMs: 30_000,
      listen: { host: '127.0.0.1', port: 0 },
      enableLifecycle: true,
      ...over,
    }),
    next: err('nothing to load'),
    quits: 0,
    config(
      scrapeConfigs = `- job_name: room\n  static_configs: [{ targets: ["${target.address}"] }]`,
      head = 'global: { scrape_interval: 5s }',
      push = 'push_interval: 10s',
    ) {
      const text = `${head}\nscrape_configs:\n${scrapeConfigs}\nedge_push: { url: "${edgeUrl}", ${push}, authorization: { credentials: token } }\n`;
      const config = parseAgentConfig(text, { file: 'agent.yml', baseDir: dir, env: {} });
      if (!config.ok) throw new Error(JSON.stringify(config.error));
      return config.value;
    },
    start: (over) =>
      startAgent({
        ...{ config: rig.config(), options: rig.options(over), clock, logger, env: {} },
        loadConfig: async () => rig.next,
        quit: () => rig.quits++,
      }),
    async until(done) {
      for (let step = 0; !done(); step++) {
        if (step === 14_400) throw new Error(`an hour went by without it; the edge has ${rig.stored().join(' ')}\n${logger.text('error')}`);
        await clock.advance(250);
        await traffic.quiet();
      }
    },
    stored: () => [...edge.series.keys()].map(nameAndJob),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await target.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return rig;
}

/**
 * What goes on between the agent and its two servers, all of it in this process. The clock must stand still meanwhile: a busy
 * machine takes longer for a request than the steps of the clock, and the agent would miss ticks that no real one misses.
 */
class Traffic {
  #open = 0;
  #seen = 0;

  constructor(...servers: readonly Server[]) {
    for (const server of servers) {
      server.on('connection', () => this.#seen++);
      server.on('request', (_, response: ServerResponse) => {
        this.#seen++;
        this.#open++;
        response.on('close', () => this.#open--);
      });
    }
  }

  /** Resolves when nothing has moved for a few turns; a request that is meant to hang holds it up for a while only. */
  async quiet(): Promise<void> {
    for (let still = 0, turns = 0; still < 4 && turns < 100; turns++) {
      const before = this.#seen;
      await new Promise((resolve) => setTimeout(resolve, 1));
      const busy = this.#open > 0 || this.#seen !== before || process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
      still = busy ? 0 : still + 1;
    }
  }
}

/** From the key that the fake edge keeps series under: lengths and texts in turn. */
function nameAndJob(key: string): string {
  const labels = labelsOfKey(key);
  return `${labels['__name__']}{${labels['job']}}`;
}

export function labelsOfKey(key: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (let rest = key; rest !== ''; ) {
    const [name, afterName] = cut(rest);
    const [value, afterValue] = cut(afterName);
    labels[name] = value;
    rest = afterValue;
  }
  return labels;
}

function cut(text: string): [string, string] {
  const colon = text.indexOf(':');
  const end = colon + 1 + Number(text.slice(0, colon));
  return [text.slice(colon + 1, end), text.slice(end)];
}
