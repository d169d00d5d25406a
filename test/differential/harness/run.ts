import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { labelValue, METRIC_NAME } from '../../../contract/labels.ts';
import type { Cleanup } from '../../e2e/harness/cleanup.ts';
import { STALE_BITS } from '../../e2e/harness/delivered.ts';
import { freePort, Program } from '../../e2e/harness/program.ts';
import { AgentUnderTest, DEVICE, EdgeUnderTest, IDENTITY } from '../../e2e/harness/stack.ts';
import { sleep, waitFor } from '../../e2e/harness/wait.ts';
import type { Case, Outcome, Step } from './cases.ts';
import { configText, type RunningCase, type Shown, targetGroups, writeTargets } from './config-file.ts';
import { outcomeOf } from './outcome.ts';
import { Recorder } from './recorder.ts';
import { CaseTarget, type Scraper, scraperOf } from './targets.ts';

/** Scrapes before the first of `steps`. */
const SCRAPES_BEFORE_STEPS = 3;
/** Enough to see what the reload did, with the last two left out, which may be on their way. */
const SCRAPES_AFTER_RELOAD = 6;
/** After the last step: targets that are gone get their markers, or do not, and what is on its way arrives. */
const SETTLE_MS = 5000;
const DEADLINE_MS = 60_000;

/** One of the two programs, what it was told and what came of it. */
interface Side {
  readonly scraper: Scraper;
  readonly folder: string;
  readonly recorder: Recorder;
  /** Of remote_write beside the edge. */
  readonly direct?: Recorder;
  readonly program: () => Program;
  readonly cases: readonly RunningCase[];
  readonly writeConfig: (reloaded: boolean) => Promise<void>;
  readonly shown: Map<string, Shown>;
}

export interface Results {
  /** By name of the case; `undefined`: Prometheus is not there, or does not run this case. */
  readonly prometheus: ReadonlyMap<string, Outcome>;
  readonly agent: ReadonlyMap<string, Outcome>;
  /** What the same agent wrote by itself from the same log, past the edge. */
  readonly direct: ReadonlyMap<string, Outcome>;
  /** For messages. */
  readonly log: string;
}

/**
 * Runs all cases at once: one Prometheus agent with remote write to a recorder, one agent-lite that pushes to a real edge with
 * remote write to another recorder (and writes by itself to a third), both at the same targets with the same scrape_configs.
 */
export async function runCases(cleanup: Cleanup, cases: readonly Case[], prometheusPath: string | undefined): Promise<Results> {
  const running: RunningCase[] = [];
  for (const one of cases) {
    const targets: CaseTarget[] = [];
    for (let i = 0; i < one.targets; i++) targets.push(await CaseTarget.start(one));
    for (const target of targets) if (!one.closed) cleanup.add(() => target.stop());
    running.push({ one, targets });
  }
  const sides: Side[] = [];
  const discoveryUrl = await startDiscovery(cleanup, running, () => sides);
  const same = running.filter(({ one }) => one.expected === undefined);
  const starting = [startAgent(cleanup, running, discoveryUrl)];
  if (prometheusPath !== undefined) starting.push(startPrometheus(cleanup, prometheusPath, same, discoveryUrl));
  sides.push(...(await Promise.all(starting)));
  await Promise.all(sides.map(runSide));
  const results = (scraper: Scraper, way: 'recorder' | 'direct'): ReadonlyMap<string, Outcome> => {
    const side = sides.find((found) => found.scraper === scraper);
    const recorder = side?.[way];
    if (side === undefined || recorder === undefined) return new Map();
    if (recorder.faults.length > 0) throw new Error(`${scraper}: ${recorder.faults.join('; ')}`);
    return new Map(side.cases.map(({ one, targets }) => [one.name, outcomeOf(one, targets, recorder.of(one.name))]));
  };
  return {
    prometheus: results('prometheus', 'recorder'),
    agent: results('agent', 'recorder'),
    direct: results('agent', 'direct'),
    log: sides.map(({ program }) => program().describe()).join('\n'),
  };
}

async function startPrometheus(cleanup: Cleanup, path: string, cases: readonly RunningCase[], discoveryUrl: string): Promise<Side> {
  const folder = await cleanup.folder('differential-prometheus');
  const recorder = await Recorder.start();
  cleanup.add(() => recorder.stop());
  const file = join(folder, 'prometheus.yml');
  const remoteWrite = { remote_write: [{ url: recorder.url, queue_config: { batch_send_deadline: '200ms', max_shards: 1 } }] };
  const writeConfig = (reloaded: boolean) => writeFile(file, configText(cases, folder, discoveryUrl, remoteWrite, reloaded));
  for (const one of cases) writeTargets(one, folder, 'present');
  await writeConfig(false);
  const port = await freePort();
  const program = await Program.start('prometheus', path, [
    '--enable-feature=agent',
    `--config.file=${file}`,
    `--storage.agent.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ]);
  cleanup.add(() => program.stop());
  return { scraper: 'prometheus', folder, recorder, program: () => program, cases, writeConfig, shown: new Map() };
}

async function startAgent(cleanup: Cleanup, cases: readonly RunningCase[], discoveryUrl: string): Promise<Side> {
  const recorder = await Recorder.start([IDENTITY, DEVICE]);
  cleanup.add(() => recorder.stop());
  const direct = await Recorder.start();
  cleanup.add(() => direct.stop());
  const edge = await EdgeUnderTest.start(cleanup, recorder.url);
  const agent = await AgentUnderTest.prepare(cleanup, { name: 'differential-agent', scrapeConfigs: '', edgeUrl: edge.url });
  const remoteWrite = [{ url: direct.url, queue_config: { batch_send_deadline: '200ms' } }];
  const push = {
    remote_write: remoteWrite,
    edge_push: { url: edge.url, authorization: { credentials_file: 'token' }, push_interval: '1s' },
  };
  const { folder } = agent;
  const writeConfig = (reloaded: boolean) => writeFile(join(folder, 'agent.yml'), configText(cases, folder, discoveryUrl, push, reloaded));
  for (const one of cases) writeTargets(one, folder, 'present');
  await writeConfig(false);
  await agent.start();
  return { scraper: 'agent', folder, recorder, direct, program: () => agent.program, cases, writeConfig, shown: new Map() };
}

/** http_sd for both programs: each sees its own lists. */
async function startDiscovery(cleanup: Cleanup, cases: readonly RunningCase[], sides: () => readonly Side[]): Promise<string> {
  const server = createServer((request, response) => {
    const found = cases.find(({ one }) => `/${one.name}` === request.url);
    const side = sides().find(({ scraper }) => scraper === scraperOf(request));
    const groups = found === undefined ? [] : targetGroups(found, side?.shown.get(found.one.name) ?? 'present');
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(groups));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.add(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const scrapesAtReceiver = (side: Side, name: string): number => Math.max(0, ...ups(side, name).map(({ samples }) => samples.length));
const endedAtReceiver = (side: Side, name: string): boolean => ups(side, name).some(({ samples }) => samples.at(-1)?.bits === STALE_BITS);
const ups = (side: Side, name: string) => side.recorder.of(name).filter(({ labels }) => labelValue(labels, METRIC_NAME) === 'up');

/** Leads every case of one program through its steps. A wait that is in vain shows in the outcomes, which are then compared. */
async function runSide(side: Side): Promise<void> {
  const describe = (): string => side.program().describe();
  await waitFor(`${side.scraper} to scrape`, () => side.recorder.series.size > 0, DEADLINE_MS, describe);
  const steps = side.cases.filter(({ one }) => one.steps.some((step) => step !== 'reload'));
  const reloads = side.cases.filter(({ one }) => one.steps.includes('reload'));
  const patiently = (wait: Promise<unknown>): Promise<unknown> => wait.catch(() => undefined);
  await Promise.all([
    ...steps.map(async (running) => {
      const { name, steps } = running.one;
      await patiently(waitFor(name, () => scrapesAtReceiver(side, name) >= SCRAPES_BEFORE_STEPS, 30_000));
      for (const step of steps) await patiently(takeStep(side, running, step));
    }),
    ...side.cases
      .filter(({ one }) => one.steps.length === 0)
      .map(({ one }) => patiently(waitFor(one.name, () => scrapesAtReceiver(side, one.name) > one.scrapes.length, 30_000))),
  ]);
  // Not before: a Prometheus that reloads forgets which targets it had from a file, and then does not notice that they are gone.
  const before = new Map(reloads.map(({ one }) => [one.name, scrapesAtReceiver(side, one.name)]));
  if (reloads.length > 0) {
    await side.writeConfig(true);
    side.program().kill('SIGHUP');
  }
  await sleep(SETTLE_MS);
  const goOn = reloads.filter(({ one }) => one.reload !== undefined);
  const done = (): boolean =>
    goOn.every(({ one }) => scrapesAtReceiver(side, one.name) >= (before.get(one.name) ?? 0) + SCRAPES_AFTER_RELOAD);
  await patiently(waitFor('scrapes after the reload', done, 30_000));
}

async function takeStep(side: Side, running: RunningCase, step: Step): Promise<void> {
  if (step === 'reload') return;
  const { name } = running.one;
  const shown = ({ remove: 'gone', return: 'present', relabel: 'relabelled' } as const)[step];
  const begun = ups(side, name).length;
  side.shown.set(name, shown);
  writeTargets(running, side.folder, shown);
  if (step === 'relabel') await waitFor(`the new labels of ${name}`, () => ups(side, name).length > begun, 20_000);
  else await waitFor(`${step} of ${name}`, () => endedAtReceiver(side, name) === (step === 'remove'), 20_000);
}
