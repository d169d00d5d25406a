import { createHash, randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { columnCompression } from '../../agent-lite/platform/bytes.ts';
import { createClock } from '../../agent-lite/platform/clock.ts';
import { parserFor } from '../../agent-lite/scrape/formats.ts';
import { reportCells } from '../../agent-lite/scrape/report.ts';
import { NO_LABEL_RULES } from '../../agent-lite/scrape/series-check.ts';
import { TargetSeries } from '../../agent-lite/scrape/series-state.ts';
import { FileStore } from '../../agent-lite/wal/file-store.ts';
import { openLog } from '../../agent-lite/wal/log.ts';
import { labelsFromRecord } from '../../contract/labels.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { NODE, Program, ROOT } from '../e2e/harness/program.ts';
import { EdgeUnderTest } from '../e2e/harness/stack.ts';
import { sleep } from '../e2e/harness/wait.ts';
import { buildBundle, metricOf, type RigOptions, type RunningAgent, startAgentLite, startSink } from './device-rig.ts';
import { type Machine, machine } from './measure.ts';
import { processUse } from './process-cpu.ts';
import { expose } from './seed-targets.ts';

export interface BacklogOptions {
  readonly hours: number;
  readonly series: number;
  readonly idleSeconds: number;
  /** The Node that runs agent-lite. */
  readonly node: string;
}

export const defaultBacklog: BacklogOptions = { hours: 24, series: 1000, idleSeconds: 90, node: process.env['BENCH_NODE'] ?? NODE };

export interface BacklogResult {
  readonly benchmark: 'backlog';
  readonly machine: Machine;
  readonly method: string;
  readonly hours: number;
  readonly scrapes: number;
  readonly logBytes: number;
  readonly drainSeconds: number;
  readonly cpuSeconds: number;
  readonly requests: number;
  readonly socketBytes: number;
  readonly samples: number;
  /** Peak of the same agent on the same target without a backlog. */
  readonly idlePeakBytes: number;
  readonly drainPeakBytes: number;
}

const METHOD =
  'A log as the agent writes it, of one target, a scrape every 15 s; then the agent is started on it, beside its regular work, with an edge in ' +
  'workerd. Drained: nothing of it waits. The pauses of catching up (as long as each request) are in the time. Idle: the peak of the same ' +
  'agent with an empty log.';
const INTERVAL_MS = 15_000;

export async function benchBacklog(options: BacklogOptions): Promise<BacklogResult> {
  const cleanup = new Cleanup();
  try {
    await buildBundle();
    const server = await Program.start('targets', NODE, [join(ROOT, 'test/bench/seed-targets.ts'), String(options.series)]);
    cleanup.add(() => server.stop());
    await server.prints(/listening on \d+\n/);
    const address = `127.0.0.1:${/listening on (\d+)/.exec(server.output)?.[1]}`;
    const given: RigOptions = {
      node: options.node,
      staticConfigs: `[{ targets: ["${address}"], labels: { __metrics_path__: "/1" } }]`,
      scrapeInterval: '15s',
      pushInterval: '15s',
      flags: [],
    };
    const idlePeakBytes = await idle(given, options.idleSeconds);

    const folder = await cleanup.folder('backlog');
    const { scrapes, logBytes } = await fillLog(join(folder, 'data'), options);
    const edge = await EdgeUnderTest.start(cleanup, `http://127.0.0.1:${await startSink(cleanup)}/`);
    const startMs = performance.now();
    const agent = await startAgentLite(cleanup, folder, edge.port, given);
    await drained(agent);
    const drainSeconds = (performance.now() - startMs) / 1000;
    const use = await processUse(agent.pid);
    const text = await agent.metrics();
    return {
      ...{ benchmark: 'backlog', machine: machine(), method: METHOD, hours: options.hours, scrapes, logBytes, drainSeconds, idlePeakBytes },
      cpuSeconds: use.cpuMicroseconds / 1e6,
      requests: metricOf(text, 'agent_lite_push_requests_total'),
      samples: metricOf(text, 'agent_lite_push_samples_total'),
      socketBytes: agent.proxy.bytes,
      drainPeakBytes: use.peakResidentBytes,
    };
  } finally {
    await cleanup.run();
  }
}

async function idle(given: RigOptions, seconds: number): Promise<number> {
  const cleanup = new Cleanup();
  try {
    const edge = await EdgeUnderTest.start(cleanup, `http://127.0.0.1:${await startSink(cleanup)}/`);
    const agent = await startAgentLite(cleanup, await cleanup.folder('idle'), edge.port, given);
    await sleep(seconds * 1000);
    return (await processUse(agent.pid)).peakResidentBytes;
  } finally {
    await cleanup.run();
  }
}

async function drained(agent: RunningAgent): Promise<void> {
  const deadline = performance.now() + 1_800_000;
  while (performance.now() < deadline) {
    const text = await agent.metrics();
    if (metricOf(text, 'agent_lite_push_samples_total') > 0 && metricOf(text, 'agent_lite_push_backlog_records') <= 2) return;
    await sleep(250);
  }
  throw new Error(`the log was not drained within half an hour\n${agent.describe()}`);
}

/** Writes the log of a device that scraped and could not push. */
async function fillLog(path: string, { hours, series: count }: BacklogOptions): Promise<{ scrapes: number; logBytes: number }> {
  const clock = createClock();
  const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
  const quiet = { logger: { log: () => {} }, metrics: { add: () => {}, set: () => {} } };
  const log = await openLog({
    store: new FileStore(path),
    clock,
    ...quiet,
    sha256,
    randomBytes,
    compression: columnCompression,
    sync: 'never',
  });
  await log.retainCursors(['edge']);
  const target = labelsFromRecord({ job: 'bench', instance: 'backlog' });
  const rules = { honorLabels: false, honorTimestamps: true, trackTimestampsStaleness: false, sampleLimit: 0, ...NO_LABEL_RULES };
  const state = new TargetSeries(target, { ...rules, relabel: (labels) => labels }, sha256);
  const parser = parserFor('text/plain', undefined);
  const scrapes = Math.round((hours * 3_600_000) / INTERVAL_MS);
  for (let i = 0; i < scrapes; i++) {
    const ageMs = (scrapes - i) * INTERVAL_MS;
    const wallMs = Math.round(clock.now() - ageMs);
    const { table, cells, counts, metadata } = await state.ingest(new TextEncoder().encode(expose(count, 1, i)), () => parser, wallMs);
    const report = reportCells(true, 20, counts);
    const times = { wallMs, bootMs: Math.round(clock.boot() - ageMs), bootId: clock.bootId };
    await log.append({ target, table, cells, report, ...times, exemplars: [], metadata });
  }
  await log.close();
  let logBytes = 0;
  for (const name of await readdir(join(path, 'wal'))) logBytes += (await stat(join(path, 'wal', name))).size;
  return { scrapes, logBytes };
}

export function describeBacklog(r: BacklogResult): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const { cpu, cores, node, platform } = r.machine;
  return [
    'backlog',
    `  machine      ${cpu}, ${cores} cores, ${platform}, Node ${node}`,
    `  method       ${r.method}`,
    `  log          ${r.hours} h, ${r.scrapes} scrapes, ${mb(r.logBytes)} MB`,
    `  drain        ${r.drainSeconds.toFixed(1)} s, ${r.cpuSeconds.toFixed(1)} s of CPU, ${r.requests} requests, ${mb(r.socketBytes)} MB, ${r.samples} samples, ${(r.socketBytes / r.samples).toFixed(2)} bytes a sample`,
    `  memory       peak ${mb(r.drainPeakBytes)} MB, idle ${mb(r.idlePeakBytes)} MB: ${mb(r.drainPeakBytes - r.idlePeakBytes)} MB above idle; goal: 20`,
  ].join('\n');
}
