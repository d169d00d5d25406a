import { readFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { findProgram } from '../../infra/local/find-program.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { freePort, NODE, Program, ROOT } from '../e2e/harness/program.ts';
import { EdgeUnderTest } from '../e2e/harness/stack.ts';
import { waitFor } from '../e2e/harness/wait.ts';
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
}
export interface LinkFigures {
  readonly name: string;
  readonly bytesPerDay: number;
  readonly connectionsPerDay: number;
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
  'One real node_exporter, and one target of 200 series, every 15 s; pushes every 60 s. Memory and CPU, all agents at once, each process by itself in /proc. Then, all ' +
  'at once: over TLS 1.3 through a NAT that forgets connections idle for 30 s or 5 min (what is sent on them is answered by a reset), bytes ' +
  'of both directions above TCP, handshakes included; and the write_bytes of /proc/PID/io, pages made dirty for the block device (not the ' +
  'journal of the file system), under each policy of --storage.agent.wal-sync. Figures of a day are those of the time watched, multiplied.';

const DAY_SECONDS = 86_400;
const NATS = [
  { name: 'no NAT', idleMs: 0 },
  { name: 'NAT of 5 min', idleMs: 300_000 },
  { name: 'NAT of 30 s', idleMs: 30_000 },
];
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
    const [links, flash] = await Promise.all([
      Promise.all(NATS.map(({ name, idleMs }) => link(name, idleMs, given, options))),
      Promise.all(POLICIES.map((policy) => wear(policy, given, options))),
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
  pushInterval: '60s',
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

async function footprint(agent: AgentName, given: RigOptions, { warmUpSeconds, seconds }: DeviceOptions): Promise<Use> {
  const cleanup = new Cleanup();
  try {
    return await watch(await startAgent(agent, cleanup, given), warmUpSeconds, seconds);
  } finally {
    await cleanup.run();
  }
}

/** The tests' own certificate. */
const certificate = (name: string): string => join(ROOT, 'test/fixtures/scrape/tls', name);

async function link(name: string, idleMs: number, given: RigOptions, options: DeviceOptions): Promise<LinkFigures> {
  const cleanup = new Cleanup();
  try {
    const edge = await EdgeUnderTest.start(cleanup, `http://127.0.0.1:${await startSink(cleanup)}/`);
    const port = await startTls(cleanup, edge.port);
    const tls = `  tls_config: { ca_file: ${certificate('ca.pem')}, server_name: target.test }\n`;
    const agent = await startAgentLite(cleanup, await cleanup.folder('link'), port, { ...given, idleMs, scheme: 'https', tls });
    await watch(agent, 0, options.warmUpSeconds);
    const before = agent.proxy.connections;
    const { socketBytes, seconds } = await watch(agent, 0, options.seconds);
    const perDay = DAY_SECONDS / seconds;
    return { name, bytesPerDay: socketBytes * perDay, connectionsPerDay: (agent.proxy.connections - before) * perDay };
  } finally {
    await cleanup.run();
  }
}

/** Speaks TLS in front of a plain port. */
async function startTls(cleanup: Cleanup, upstream: number): Promise<number> {
  const [cert, key] = await Promise.all([readFile(certificate('server.pem')), readFile(certificate('server.key'))]);
  const server = createTlsServer({ cert, key }, (socket) => {
    const plain = connectPlain(upstream, '127.0.0.1');
    socket.pipe(plain).pipe(socket);
    for (const end of [socket, plain]) end.on('error', () => [socket, plain].map((one) => one.destroy()));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.add(() => new Promise((done) => server.close(done)));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function wear(policy: string, given: RigOptions, options: DeviceOptions): Promise<FlashFigures> {
  const cleanup = new Cleanup();
  try {
    const agent = await startAgent('agent-lite', cleanup, { ...given, flags: [`--storage.agent.wal-sync=${policy}`] });
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
        `  ${f.target.padEnd(15)}${f.agent.padEnd(18)}RSS ${mb(f.averageRssBytes)} MB, peak ${mb(f.peakRssBytes)} MB, ${f.cores.toFixed(4)} cores, link ${mb((f.socketBytes * DAY_SECONDS) / f.seconds)} MB a day`,
    ),
    ...links.map((l) => `  TLS, ${l.name.padEnd(14)}${mb(l.bytesPerDay)} MB a day, ${l.connectionsPerDay.toFixed(0)} connections a day`),
    ...flash.map((f) => `  sync ${f.policy.padEnd(14)}${mb(f.writtenBytesPerDay)} MB a day written`),
    '  goal: RSS of agent-lite with node_exporter at most 60 MB',
  ].join('\n');
}
