import type { WrittenSeries } from '../../contract/decode-remote-write.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { startStrictReceiver, taken } from '../e2e/harness/ledger.ts';
import { freePort } from '../e2e/harness/program.ts';
import { EdgeUnderTest, quickRelayConfig } from '../e2e/harness/stack.ts';
import { sleep } from '../e2e/harness/wait.ts';
import { SoakDevice } from './device.ts';
import { makeFaults } from './faults.ts';
import { isWorker, retainedHeap } from './heap.ts';
import type { PlotData, PlottedFault } from './plot.ts';
import { type HeapSample, lookAt, type ProcessSample } from './samples.ts';
import { type Check, checkGrowth, checkHeap } from './verdict.ts';

export interface SoakOptions {
  readonly seconds: number;
  readonly agents: number;
  readonly seed: string;
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly checks: readonly Check[];
  readonly plot: PlotData;
}

/** In the first part everything dies now and then; in the second nothing does, so that growth can be seen. */
const SHARE_WITH_KILLS = 1 / 3;
const SAMPLE_EVERY_MS = 2_000;
const COLLECT_EVERY_MS = 10_000;
const SAY_EVERY_SECONDS = 15;
const SETTLE_DEADLINE_MS = 240_000;

/** Agents, edge and receiver through faults; everything that the targets handed out is looked for in the end. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const cleanup = new Cleanup();
  try {
    return await run(options, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function run({ seconds: untilSeconds, agents, seed, say }: SoakOptions, cleanup: Cleanup): Promise<SoakResult> {
  const strict = await startStrictReceiver(cleanup);
  const inspectorPort = await freePort();
  const edge = await EdgeUnderTest.start(cleanup, strict.url, quickRelayConfig, [`--inspect-port=${inspectorPort}`]);
  const devices: SoakDevice[] = [];
  for (let i = 1; i <= agents; i++) devices.push(await SoakDevice.start(`gw-${i}`, edge, cleanup));
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  const calmFromSeconds = untilSeconds * SHARE_WITH_KILLS;

  const watch = new Watch(devices, edge, () => taken(strict), seconds);
  const watching = setInterval(() => void watch.look(), SAMPLE_EVERY_MS);
  cleanup.add(async () => clearInterval(watching));
  const collecting = setInterval(() => void watch.lookAtHeaps(inspectorPort), COLLECT_EVERY_MS);
  cleanup.add(async () => clearInterval(collecting));
  const saying = setInterval(() => say(watch.line()), SAY_EVERY_SECONDS * 1000);
  cleanup.add(async () => clearInterval(saying));

  const faults = await makeFaults({ devices, edge, receiver: strict.receiver, seed, seconds, calmFromSeconds, untilSeconds });
  say(`${seconds().toFixed(0).padStart(5)} s: all is well again; looking for everything that was handed out`);
  const ledger = await settle(devices, () => taken(strict));
  clearInterval(watching);
  const names = [...watch.processes.keys()];
  const { silentlyDropped, requests } = strict.receiver;
  return {
    checks: [
      ...ledger,
      { name: 'receiver: nothing lost without an error', passed: silentlyDropped === 0, figures: `${silentlyDropped} samples` },
      {
        name: 'what went wrong',
        passed: undefined,
        figures: `${describeFaults(faults)}; the receiver answered ${requests.length} requests, ${requests.filter(({ status }) => status >= 400).length} of them by an error`,
      },
      // Of an agent that nobody kills, the whole time.
      ...[...watch.heaps].map(([name, samples]) => checkHeap(name, samples, name === devices[0]?.name ? 0 : calmFromSeconds)),
      ...names.flatMap((name) => checkGrowth(name, watch.processes.get(name) ?? [], calmFromSeconds)),
    ],
    plot: {
      title: `soak: ${agents} agents, ${(untilSeconds / 60).toFixed(1)} min, seed ${seed}`,
      seconds: seconds(),
      calmFromSeconds,
      processes: watch.processes,
      faults,
      behind: watch.behind,
    },
  };
}

/** Memory and file descriptors of each process, and how far the receiver is behind. */
class Watch {
  readonly processes = new Map<string, ProcessSample[]>();
  readonly heaps = new Map<string, HeapSample[]>();
  readonly behind: { readonly seconds: number; readonly scrapes: number }[] = [];
  readonly #devices: readonly SoakDevice[];
  readonly #edge: EdgeUnderTest;
  readonly #delivered: () => readonly WrittenSeries[];
  readonly #seconds: () => number;

  constructor(devices: readonly SoakDevice[], edge: EdgeUnderTest, delivered: () => readonly WrittenSeries[], seconds: () => number) {
    this.#devices = devices;
    this.#edge = edge;
    this.#delivered = delivered;
    this.#seconds = seconds;
  }

  async look(): Promise<void> {
    const delivered = this.#delivered();
    const scrapes = this.#devices.reduce((sum, device) => sum + Math.max(0, device.handedOut - device.arrived(delivered)), 0);
    this.behind.push({ seconds: this.#seconds(), scrapes });
    for (const { name, agent } of this.#devices) if (agent.program.running) await this.#add(name, agent.program.pid);
    if (!this.#edge.program.running) return;
    await this.#add('edge runner', this.#edge.program.pid);
    const workerd = await this.#edge.workerdPid().catch(() => undefined);
    if (workerd !== undefined) await this.#add('workerd', workerd);
  }

  async lookAtHeaps(edgeInspectorPort: number): Promise<void> {
    const workerd = this.#edge.program.running ? await this.#edge.workerdPid().catch(() => undefined) : undefined;
    const agents = this.#devices.filter(({ agent }) => agent.program.running);
    await Promise.all([
      workerd === undefined ? undefined : this.#addHeap('workerd', workerd, edgeInspectorPort, isWorker),
      ...agents.map(({ name, agent, inspectorPort }) => this.#addHeap(name, agent.program.pid, inspectorPort)),
    ]);
  }

  async #addHeap(name: string, pid: number, inspectorPort: number, counts?: (title: string) => boolean): Promise<void> {
    const bytes = await retainedHeap(inspectorPort, counts);
    if (bytes === undefined) return;
    const samples = this.heaps.get(name) ?? [];
    samples.push({ seconds: this.#seconds(), pid, bytes });
    this.heaps.set(name, samples);
  }

  line(): string {
    const memory = [...this.processes].map(([name, samples]) => `${name} ${((samples.at(-1)?.residentBytes ?? 0) / 1024 ** 2).toFixed(0)}`);
    const handedOut = this.#devices.reduce((sum, device) => sum + device.handedOut, 0);
    return `${this.#seconds().toFixed(0).padStart(5)} s: ${handedOut} scrapes handed out, ${this.behind.at(-1)?.scrapes ?? 0} behind; MiB: ${memory.join(', ')}`;
  }

  async #add(name: string, pid: number): Promise<void> {
    const sample = await lookAt(pid, this.#seconds());
    if (sample === undefined) return;
    const samples = this.processes.get(name) ?? [];
    samples.push(sample);
    this.processes.set(name, samples);
  }
}

/** Waits until all that was handed out by now has arrived; after the deadline what is missing is missing. */
async function settle(devices: readonly SoakDevice[], delivered: () => readonly WrittenSeries[]): Promise<readonly Check[]> {
  const counts = new Map(devices.map((device) => [device, device.handedOut]));
  const deadlineMs = performance.now() + SETTLE_DEADLINE_MS;
  // The last scrape's markers and report come with it; the one after says that it is over.
  await sleep(3000);
  for (;;) {
    const all = delivered();
    const outcomes = await Promise.all(
      devices.map(async (device) => [device, await device.account(all, counts.get(device) ?? 0)] as const),
    );
    if (outcomes.every(([, { faults }]) => faults.length === 0) || performance.now() > deadlineMs)
      return outcomes.map(([device, { scrapes, samples, markers, missingScrapes, evicted, faults }]) => ({
        name: `${device.name}: nothing lost, nothing wrong`,
        passed: faults.length === 0,
        figures:
          `${counts.get(device)} scrapes handed out, ${scrapes} delivered whole with ${samples} samples (${markers} markers), ` +
          `${missingScrapes} ran into one of ${device.kills} kills or were evicted (${evicted})${faults.map((fault) => `; ${fault}`).join('')}`,
      }));
    await sleep(1000);
  }
}

function describeFaults(faults: readonly PlottedFault[]): string {
  const kinds = faults.map(({ kind }) => kind.split(' ')[0] ?? '');
  return [...new Set(kinds)].map((kind) => `${kinds.filter((one) => one === kind).length} x ${kind}`).join(', ') || 'nothing';
}
