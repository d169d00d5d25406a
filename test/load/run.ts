import { TABLE_PATH } from '../../contract/push.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { freePort } from '../e2e/harness/program.ts';
import { deviceToken, EdgeUnderTest, TENANT } from '../e2e/harness/stack.ts';
import { sleep } from '../e2e/harness/wait.ts';
import { deflate } from '../fakes/pushes.ts';
import { retainedHeap } from '../soak/heap.ts';
import type { Counted } from './count.ts';
import { Heard, LoadDevice } from './device.ts';
import { type MemorySample, residentBytes } from './memory.ts';
import { measureNoop } from './noop.ts';
import { processorSeconds } from './processor-time.ts';
import { LoadPushes, PUSH_HEADERS } from './pushes.ts';
import { CountingReceiver } from './receiver.ts';

export interface LoadOptions {
  readonly connections: number;
  /** Of the first part, in which the edge must keep up. */
  readonly seconds: number;
  /** Of the second part, in which the receiver is too slow for what is pushed; 0 leaves it out. */
  readonly overloadSeconds: number;
  /** Of the third part, which looks whether all is well again. */
  readonly recoverySeconds: number;
  readonly noopSeconds: number;
  readonly series: number;
  readonly scrapes: number;
  /** What the shard may hold, as in relay.yml. The overload must fill it. */
  readonly shardBuffer: string;
}

export const defaultLoad: LoadOptions = {
  connections: 64,
  seconds: 300,
  overloadSeconds: 60,
  recoverySeconds: 30,
  noopSeconds: 10,
  series: 1000,
  scrapes: 4,
  shardBuffer: '512MB',
};

export interface Part {
  readonly seconds: number;
  readonly heard: Heard;
  /** Of workerd. */
  readonly processorSeconds: number | undefined;
}

export interface LoadResult {
  readonly options: LoadOptions;
  readonly samplesPerPush: number;
  /** Requests per second of a Worker that does nothing. */
  readonly noopPerSecond: number;
  readonly steady: Part;
  /** How long the receiver lacked something after the last push of the part, seconds; undefined: at the deadline it still did. */
  readonly steadyDrainSeconds: number | undefined;
  readonly memory: readonly MemorySample[];
  readonly overload: Part | undefined;
  readonly recovery: Part | undefined;
  readonly drainSeconds: number | undefined;
  readonly counted: Counted;
  /** Device -> pushes acknowledged in all. */
  readonly acknowledged: Readonly<Record<string, number>>;
  /** Series of one device at the receiver, `up` and its like included. */
  readonly seriesPerDevice: number;
}

/** The defaults, but for what the shard may buffer, which is soon full where the receiver is slow. */
const relayConfig = ({ shardBuffer }: LoadOptions): string => `
receivers:
  - name: counting
    url: http://127.0.0.1:1/
    kind: prometheus
    queue_config: { max_backoff: 1s }
shard:
  max_buffer_size: ${shardBuffer}
tenants:
  ${TENANT}:
    min_push_interval: 1ms
`;
/** Less than remote_timeout: every request is taken in the end, once. */
const SLOW_RECEIVER_MS = 20_000;
/** On a slow machine it takes longer until the buffer is full. */
const MOST_EXTRA_SECONDS = 300;
const DRAIN_DEADLINE_MS = 120_000;

/** The load test: see {@link LoadOptions}. `say` gets a line now and then. */
export async function runLoad(options: LoadOptions, say: (line: string) => void): Promise<LoadResult> {
  const cleanup = new Cleanup();
  try {
    return await measure(options, cleanup, say);
  } finally {
    await cleanup.run();
  }
}

async function measure(options: LoadOptions, cleanup: Cleanup, say: (line: string) => void): Promise<LoadResult> {
  const { connections, seconds, overloadSeconds, recoverySeconds } = options;
  const allSeconds = options.noopSeconds + seconds + overloadSeconds + recoverySeconds;
  const pushes = await LoadPushes.build(options.series, options.scrapes, Date.now(), (allSeconds + 1200) * 1000);
  say(`a no-op Worker, ${options.noopSeconds} s`);
  const { requestsPerSecond: noopPerSecond } = await measureNoop(connections, options.noopSeconds, pushes.body(1, Date.now()));
  say(`  ${noopPerSecond.toFixed(0)} requests/s of ${pushes.body(1, Date.now()).length} bytes`);

  const receiver = await CountingReceiver.start(pushes);
  cleanup.add(() => receiver.stop());
  const inspectorPort = await freePort();
  const edge = await EdgeUnderTest.start(cleanup, receiver.url, relayConfig(options), [`--inspect-port=${inspectorPort}`]);
  await putTable(edge, pushes);
  const devices = await Promise.all(
    Array.from({ length: connections }, async (_, i) => {
      const name = `load-${i}`;
      return new LoadDevice(name, edge.url, await deviceToken(name), pushes);
    }),
  );
  cleanup.add(async () => {
    for (const device of devices) device.close();
  });

  const memory: MemorySample[] = [];
  const startMs = performance.now();
  const pid = await edge.workerdPid();
  const sampleMemory = async (): Promise<void> => {
    // What only waits to be collected is no growth.
    await retainedHeap(inspectorPort);
    const bytes = await residentBytes(pid);
    if (bytes !== undefined) memory.push({ seconds: (performance.now() - startMs) / 1000, bytes });
  };
  const part = async (name: string, leastSeconds: number, mayEnd: (heard: Heard) => boolean = () => true): Promise<Part> => {
    const heard = new Heard();
    const beganMs = performance.now();
    const before = await processorSeconds(pid);
    const elapsed = (): number => (performance.now() - beganMs) / 1000;
    let goesOn = true;
    say(`${name}: ${devices.length} connections, ${leastSeconds} s`);
    const running = Promise.all(devices.map((device) => device.run(() => goesOn, heard)));
    for (let next = 10; goesOn; next += 10) {
      const pauseSeconds = (elapsed() < leastSeconds ? Math.min(next, leastSeconds) : next) - elapsed();
      await sleep(Math.max(0, pauseSeconds * 1000));
      await sampleMemory();
      say(progress(elapsed(), heard, memory));
      goesOn = elapsed() < leastSeconds || (!mayEnd(heard) && elapsed() < leastSeconds + MOST_EXTRA_SECONDS);
    }
    const seconds = elapsed();
    await running;
    const after = await processorSeconds(pid);
    return { seconds, heard, processorSeconds: before === undefined || after === undefined ? undefined : after - before };
  };
  const seriesPerDevice = options.series + REPORT_NAMES.length;
  const acknowledged = (): Record<string, number> => Object.fromEntries(devices.map(({ name, acknowledged }) => [name, acknowledged]));
  /** Seconds until the receiver has all that was acknowledged; undefined: not in time. */
  const drained = async (): Promise<number | undefined> => {
    const fromMs = performance.now();
    while (performance.now() - fromMs < DRAIN_DEADLINE_MS) {
      const { complete } = await receiver.count();
      if (missing(complete, acknowledged(), options.scrapes, seriesPerDevice).length === 0) return (performance.now() - fromMs) / 1000;
      await sleep(250);
    }
    return undefined;
  };

  const steady = await part('steady load', seconds);
  const steadyMemory = [...memory];
  const steadyDrainSeconds = await drained();
  receiver.delay(SLOW_RECEIVER_MS);
  const slow = `over its rate (the receiver takes ${SLOW_RECEIVER_MS} ms for each request)`;
  const overload = overloadSeconds > 0 ? await part(slow, overloadSeconds, ({ asksToWait }) => asksToWait > connections) : undefined;
  receiver.delay(0);
  const drainSeconds = await drained();
  const recovery = overloadSeconds > 0 && recoverySeconds > 0 ? await part('after it', recoverySeconds) : undefined;
  if (recovery !== undefined) await drained();
  const counted = await receiver.count();
  const { samplesPerPush } = pushes;
  const measured = { options, samplesPerPush, noopPerSecond, steady, steadyDrainSeconds, memory: steadyMemory, overload, recovery };
  return { ...measured, drainSeconds, counted, acknowledged: acknowledged(), seriesPerDevice };
}

/** Devices of which the receiver lacks something, in words. Exact: each series must have every scrape from the first to the last. */
export function missing(
  complete: Counted['complete'],
  acknowledged: Readonly<Record<string, number>>,
  scrapesPerPush: number,
  seriesPerDevice: number,
): readonly string[] {
  return Object.entries(acknowledged).flatMap(([device, pushes]) => {
    const wanted = pushes * scrapesPerPush;
    if (wanted === 0) return [];
    const whole = Object.entries(complete[device] ?? {}).reduce(
      (sum, [scrapes, series]) => (Number(scrapes) >= wanted ? sum + series : sum),
      0,
    );
    return whole === seriesPerDevice ? [] : [`${device}: of ${seriesPerDevice} series ${whole} have all ${wanted} samples`];
  });
}

async function putTable(edge: EdgeUnderTest, { table }: LoadPushes): Promise<void> {
  const headers = { ...PUSH_HEADERS, authorization: `Bearer ${await deviceToken()}` };
  const answer = await fetch(`${edge.url}${TABLE_PATH}${table.hash}`, { method: 'PUT', headers, body: deflate(table.bytes) });
  if (!answer.ok) throw new Error(`series table: expected 201, got ${answer.status}`);
}

function progress(seconds: number, { stored, waits, errorCount }: Heard, memory: readonly MemorySample[]): string {
  const asked = [...waits].map(([status, count]) => `, ${count} x ${status}`).join('');
  const resident = ((memory.at(-1)?.bytes ?? 0) / 1024 ** 2).toFixed(0);
  return `  ${seconds.toFixed(0).padStart(4)} s: ${stored} pushes (${(stored / seconds).toFixed(0)}/s)${asked}, ${errorCount} errors, workerd ${resident} MiB`;
}
