import { join } from 'node:path';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { NODE, Program, ROOT } from '../e2e/harness/program.ts';
import { AGENTS, type AgentName, buildBundle, missing, startAgent, type Use, watch } from './device-rig.ts';
import { type Machine, machine } from './measure.ts';

export interface SeedOptions {
  readonly targets: number;
  readonly series: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly agents: readonly AgentName[];
  /** The Node that runs agent-lite. */
  readonly node: string;
  readonly nodeFlags?: readonly string[];
}

/** Both are multiples of the push interval. */
export const defaultSeed: SeedOptions = {
  targets: 100,
  series: 1000,
  warmUpSeconds: 120,
  seconds: 480,
  agents: AGENTS,
  node: process.env['BENCH_NODE'] ?? NODE,
};

export interface SeedFigures extends Use {
  readonly agent: AgentName;
  /** Exposed by the targets. */
  readonly samples: number;
  readonly logBytesPerSample: number | undefined;
  readonly socketBytesPerSample: number;
}

export interface SeedResult {
  readonly benchmark: 'seed';
  readonly machine: Machine;
  readonly method: string;
  readonly left_out: readonly string[];
  readonly figures: readonly SeedFigures[];
}

const METHOD =
  'The same targets for one agent after the other, with real 15 s between scrapes; 70 % of the series constant, 20 % counters of whole ' +
  'numbers, 10 % floats of six decimals. agent-lite is the bundle with the flags of its systemd unit, pushes every 60 s to an edge in ' +
  'workerd (whose CPU is not counted), and has a log of 64 MiB in segments of 2 MiB; its peers have their defaults and a receiver that takes ' +
  'everything. CPU (user and system) and memory from /proc, CPU after the warm-up, peak memory from the start on. Log: growth of the ' +
  'files. Socket: bytes of both directions above TCP, by samples that the targets exposed (agent-lite: that it sent in that time).';

export async function benchSeed(options: SeedOptions): Promise<SeedResult> {
  const cleanup = new Cleanup();
  try {
    const targets = await Program.start('targets', NODE, [join(ROOT, 'test/bench/seed-targets.ts'), String(options.series)]);
    cleanup.add(() => targets.stop());
    await targets.prints(/listening on \d+\n/);
    const url = `127.0.0.1:${/listening on (\d+)/.exec(targets.output)?.[1]}`;
    const left_out: string[] = [];
    const figures: SeedFigures[] = [];
    if (options.agents.includes('agent-lite')) await buildBundle();
    for (const agent of options.agents) {
      const why = missing(agent);
      if (why === undefined) figures.push(await measure(agent, url, options));
      else left_out.push(why);
    }
    return { benchmark: 'seed', machine: machine(), method: METHOD, left_out, figures };
  } finally {
    await cleanup.run();
  }
}

async function measure(agent: AgentName, address: string, options: SeedOptions): Promise<SeedFigures> {
  const cleanup = new Cleanup();
  const count = async (): Promise<number> => Number(await (await fetch(`http://${address}/count`)).text());
  try {
    const list = Array.from(
      { length: options.targets },
      (_, i) => `{ targets: ["${address}"], labels: { instance: "gateway-${i + 1}", __metrics_path__: "/${i + 1}" } }`,
    );
    const running = await startAgent(agent, cleanup, {
      node: options.node,
      ...(options.nodeFlags === undefined ? {} : { nodeFlags: options.nodeFlags }),
      staticConfigs: `[${list.join(', ')}]`,
      scrapeInterval: '15s',
      pushInterval: '60s',
      flags: ['--storage.agent.retention.size=64MiB'],
    });
    const warm = await watch(running, 0, options.warmUpSeconds);
    const before = await count();
    const use = await watch(running, 0, options.seconds);
    const samples = ((await count()) - before) * options.series;
    const logged = agent === 'vmagent' ? undefined : use.logBytes / samples;
    return {
      ...use,
      agent,
      samples,
      peakRssBytes: Math.max(warm.peakRssBytes, use.peakRssBytes),
      logBytesPerSample: logged,
      socketBytesPerSample: use.socketBytes / (use.pushed?.samples ?? samples),
    };
  } finally {
    await cleanup.run();
  }
}

export function describeSeed({ machine: on, method, left_out, figures }: SeedResult): string {
  const own = figures.find(({ agent }) => agent === 'agent-lite');
  const line = (f: SeedFigures): string =>
    `  ${f.agent.padEnd(18)}${f.cores.toFixed(4)} cores, RSS ${mb(f.averageRssBytes)} MB, peak ${mb(f.peakRssBytes)} MB, log ${
      f.logBytesPerSample === undefined
        ? 'only while the receiver is down'
        : `${f.logBytesPerSample.toFixed(2)} B/sample (${f.logSegments} files)`
    }, socket ${f.socketBytesPerSample.toFixed(2)} B/sample`;
  const ratio = (f: SeedFigures, of: SeedFigures): string =>
    `  agent-lite / ${f.agent}: CPU ${(of.cores / f.cores).toFixed(2)}, peak RSS ${(of.peakRssBytes / f.peakRssBytes).toFixed(2)}, socket ${(
      of.socketBytesPerSample / f.socketBytesPerSample
    ).toFixed(3)}`;
  return [
    'seed',
    `  machine      ${on.cpu}, ${on.cores} cores, ${on.platform}, Node ${on.node}`,
    `  method       ${method}`,
    ...left_out.map((text) => `  ${text}`),
    ...figures.map(line),
    ...(own === undefined ? [] : figures.filter((f) => f !== own).map((f) => ratio(f, own))),
    '  goals: CPU at most 1.0 of vmagent and 0.4 of Prometheus Agent; peak RSS 90 MB and 0.35 of Prometheus Agent; socket 1.3; log 1.4',
  ].join('\n');
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
