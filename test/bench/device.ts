import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../../infra/local/find-program.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { freePort, NODE, Program, ROOT } from '../e2e/harness/program.ts';
import { EdgeUnderTest } from '../e2e/harness/stack.ts';
import { waitFor } from '../e2e/harness/wait.ts';
import { benchLinks, type LinkFigures } from './device-links.ts';
import {
  AGENTS,
  type AgentName,
  buildBundle,
  missing,
  type RigOptions,
  startAgent,
  startAgentLite,
  startSink,
  type Use,
  watch,
} from './device-rig.ts';
import { type Machine, machine } from './measure.ts';

export interface DeviceOptions {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** The Node that runs agent-lite. */
  readonly node: string;
}

export const defaultDevice: DeviceOptions = { warmUpSeconds: 60, seconds: 300, node: process.env['BENCH_NODE'] ?? NODE };

export interface DeviceFigures extends Use {
  readonly agent: AgentName;
  readonly target: string;
  readonly linkBytesPerDay: number;
}
export interface FlashFigures {
  readonly policy: string;
  readonly writtenBytesPerDay: number;
}
export interface DeviceResult {
  readonly benchmark: 'device';
  readonly machine: Machine;
  readonly method: string;
  readonly left_out: readonly string[];
  readonly figures: readonly DeviceFigures[];
  readonly links: readonly LinkFigures[];
  readonly flash: readonly FlashFigures[];
}

const METHOD =
  'One real node_exporter, and one target of 200 series, every 15 s; pushes every 60 s. Memory and CPU, all agents at once, each process by ' +
  'itself in /proc. Then, all at once: over TLS 1.3 (one ECDSA certificate without a chain) to a front that keeps connections for 400 s, as ' +
  'Cloudflare does, through NATs that forget connections on which nothing was said for 30 s or 5 min and answer by a reset: bytes of both ' +
  'directions above TCP, handshakes included; TCP keepalive probes keep a connection in such a memory unless the NAT is deaf to them, and are told ' +
  'apart (104 bytes each, with the acknowledgement). And the write_bytes of /proc/PID/io, pages made dirty for the block device (not the journal ' +
  'of the file system), under each policy of --storage.agent.wal-sync. A day of link is the bytes of a push, times the pushes of a day; the ' +
  "peers' and flash: of the time watched.";

const DAY_SECONDS = 86_400;
const PUSH_SECONDS = 60;
const PUSHES_PER_DAY = DAY_SECONDS / PUSH_SECONDS;
const POLICIES = ['always', 'interval', 'never'];

export async function benchDevice(options: DeviceOptions): Promise<DeviceResult> {
  const cleanup = new Cleanup();
  const left_out: string[] = [];
  try {
    await buildBundle();
    const targets: { readonly name: string; readonly staticConfigs: string }[] = [];
    const exporter = await startExporter(cleanup);
    if (exporter === undefined) left_out.push('node_exporter left out: not installed (Debian: apt-get install prometheus-node-exporter)');
    else targets.push({ name: 'node_exporter', staticConfigs: `[{ targets: ["${exporter}"] }]` });
    const server = await Program.start('targets', NODE, [join(ROOT, 'test/bench/seed-targets.ts'), '200']);
    cleanup.add(() => server.stop());
    await server.prints(/listening on \d+\n/);
    const address = `127.0.0.1:${/listening on (\d+)/.exec(server.output)?.[1]}`;
    targets.push({ name: '200 series', staticConfigs: `[{ targets: ["${address}"], labels: { __metrics_path__: "/1" } }]` });

    const agents = AGENTS.filter((agent) => missing(agent) === undefined);
    left_out.push(...AGENTS.flatMap((agent) => missing(agent) ?? []));
    const figures = await Promise.all(
      targets.flatMap(({ name, staticConfigs }) =>
        agents.map(async (agent) => ({ agent, target: name, ...(await footprint(agent, rig(options, staticConfigs), options)) })),
      ),
    );
    const [target] = targets;
    const given = rig(options, target?.staticConfigs ?? '[]');
    const edge = await EdgeUnderTest.start(cleanup, `http://127.0.0.1:${await startSink(cleanup)}/`);
    const [links, flash] = await Promise.all([
      benchLinks(edge.port, given, { ...options, pushesPerDay: PUSHES_PER_DAY }),
      Promise.all(POLICIES.map((policy) => wear(policy, edge.port, given, options))),
    ]);
    return { benchmark: 'device', machine: machine(), method: METHOD, left_out, figures, links, flash };
  } finally {
    await cleanup.run();
  }
}

const rig = ({ node }: DeviceOptions, staticConfigs: string): RigOptions => ({
  node,
  staticConfigs,
  scrapeInterval: '15s',
  pushInterval: `${PUSH_SECONDS}s`,
  flags: [],
});

async function startExporter(cleanup: Cleanup): Promise<string | undefined> {
  const path = findProgram('prometheus-node-exporter') ?? findProgram('node_exporter');
  if (path === undefined) return undefined;
  const address = `127.0.0.1:${await freePort()}`;
  const program = await Program.start('node_exporter', path, [`--web.listen-address=${address}`, '--log.level=error']);
  cleanup.add(() => program.stop());
  await waitFor('node_exporter', async () => (await fetch(`http://${address}/metrics`)).ok);
  return address;
}

async function footprint(
  agent: AgentName,
  given: RigOptions,
  { warmUpSeconds, seconds }: DeviceOptions,
): Promise<Use & { readonly linkBytesPerDay: number }> {
  const cleanup = new Cleanup();
  try {
    const running = await startAgent(agent, cleanup, given);
    await watch(running, 0, warmUpSeconds);
    const use = await watch(running, 0, seconds);
    // Few enough pushes are watched that one more or less would be seen in the figure.
    const days = use.pushed === undefined ? use.seconds / DAY_SECONDS : use.pushed.requests / PUSHES_PER_DAY;
    return { ...use, linkBytesPerDay: use.socketBytes / days };
  } finally {
    await cleanup.run();
  }
}

async function wear(policy: string, edgePort: number, given: RigOptions, options: DeviceOptions): Promise<FlashFigures> {
  const cleanup = new Cleanup();
  try {
    const folder = await cleanup.folder('wear');
    const flags = [`--storage.agent.wal-sync=${policy}`];
    const agent = await startAgentLite(cleanup, folder, edgePort, { ...given, flags, device: `wear-${policy}` });
    await watch(agent, 0, options.warmUpSeconds);
    const before = await written(agent.pid);
    const { seconds } = await watch(agent, 0, options.seconds);
    return { policy, writtenBytesPerDay: (((await written(agent.pid)) - before) * DAY_SECONDS) / seconds };
  } finally {
    await cleanup.run();
  }
}

const written = async (pid: number): Promise<number> =>
  Number(/^write_bytes: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1] ?? Number.NaN);

export function describeDevice({ machine: on, method, left_out, figures, links, flash }: DeviceResult): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);
  return [
    'device',
    `  machine      ${on.cpu}, ${on.cores} cores, ${on.platform}, Node ${on.node}`,
    `  method       ${method}`,
    ...left_out.map((text) => `  ${text}`),
    ...figures.map(
      (f) =>
        `  ${f.target.padEnd(15)}${f.agent.padEnd(18)}RSS ${mb(f.averageRssBytes)} MB, peak ${mb(f.peakRssBytes)} MB, ${f.cores.toFixed(4)} cores, link ${mb(f.linkBytesPerDay)} MB a day`,
    ),
    ...links.map(
      (l) =>
        `  TLS, ${l.name.padEnd(28)}${mb(l.bytesPerDay)} MB a day, ${mb(l.probeBytesPerDay)} MB of probes, handshakes a day: ${l.fullHandshakesPerDay.toFixed(0)} full, ${l.resumedHandshakesPerDay.toFixed(0)} resumed (${l.pushes} pushes watched)`,
    ),
    ...flash.map((f) => `  sync ${f.policy.padEnd(14)}${mb(f.writtenBytesPerDay)} MB a day written`),
    '  goal: RSS of agent-lite with node_exporter at most 60 MB',
  ].join('\n');
}
