import { PUSH_PATH } from '../../contract/push.ts';
import { findProgram } from '../../infra/local/find-program.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { deviceToken, EdgeUnderTest } from '../e2e/harness/stack.ts';
import { measureNoop, type NoopResult } from '../load/noop.ts';
import { type BenchDevice, Firmware, pushAll, SAMPLES_PER_PUSH, WRITE_SAMPLES, writeAll, writeBody } from './edge-load.ts';
import { BenchReceiver } from './edge-receiver.ts';
import { benchBucket, edgeUse, perSample, putTable, RELAY_CONFIG, startVmagent, usedFor } from './edge-stack.ts';
import { type Machine, machine, median } from './measure.ts';

export interface EdgeOptions {
  readonly devices: number;
  readonly firmwares: number;
  /** Each a push of every device. */
  readonly rounds: number;
  readonly connections: number;
  /** Standard senders, each with one request on its way, and the requests of each. */
  readonly senders: number;
  readonly requestsPerSender: number;
}
export const defaultEdgeBench: EdgeOptions = {
  devices: 2000,
  firmwares: 10,
  rounds: 3,
  connections: 64,
  senders: 64,
  requestsPerSender: 10,
};

export interface EdgeResult {
  readonly benchmark: 'edge';
  readonly machine: Machine;
  readonly method: string;
  readonly options: EdgeOptions;
  readonly noop: NoopResult;
  /** Processor time of a sample, microseconds, median of the rounds. */
  readonly push: number;
  /** The same without the bucket, which is a service of its own in production. */
  readonly pushWithoutBucket: number;
  /** The same for pushes that are stored already: the Worker and the call of its shard, without commit, bucket and drain. */
  readonly repeatedPush: number;
  /** The same of the first round after a start: no table, template or compiled code is there. */
  readonly coldPush: number;
  readonly pushesPerSecond: number;
  /** Of all rounds: pushes that were told to come again. What they cost is in the figures. */
  readonly pushesAgain: number;
  /** Pushes against requests that do nothing, a second. */
  readonly throughputRatio: number;
  /** Compressed bytes of a sample at the receiver. */
  readonly sentBytes: number;
  /** Processor time of a byte in the simulated bucket, microseconds. It is part of all figures of the edge. */
  readonly bucketByte: number;
  readonly write: number;
  /** Of all rounds: requests of remote write that were told to come again. */
  readonly writesAgain: number;
  /** Compressed bytes of a sample of remote write: as its sender sent it, and at the receiver. */
  readonly writeBytes: { readonly in: number; readonly out: number };
  /** Undefined where it is not installed. */
  readonly vmagent: number | undefined;
  readonly pushRatio: number | undefined;
  readonly writeRatio: number | undefined;
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
}

const NOOP_SECONDS = 3;

const METHOD =
  'workerd runs the whole edge: Worker, shards, the simulated bucket; processor time of its process from before the first request until the ' +
  'receiver has every sample, divided by samples. push: 1000 series with 10 labels x 4 scrapes, half of the values change; devices push in ' +
  'turn. Stored again: the same pushes once more, which the shard knows. Cold: the first round after a start. write: remote write 1.0 in ' +
  'and out, 2000 samples a request, one of each of the series of two such targets; each sender has its own. vmagent relays the same ' +
  'requests, with its defaults. The bucket is a part of workerd here; what it takes is measured apart, by putting and deleting objects of 1 MB. ' +
  'Requests also pass a Worker of the simulation, as the no-op does. ' +
  'Receiver and senders are other processes. noop: a Worker that reads the same push and answers.';

export async function benchEdge(options: EdgeOptions = defaultEdgeBench, say: (line: string) => void = () => {}): Promise<EdgeResult> {
  const cleanup = new Cleanup();
  try {
    return await measure(options, cleanup, say);
  } finally {
    await cleanup.run();
  }
}

async function measure(options: EdgeOptions, cleanup: Cleanup, say: (line: string) => void): Promise<EdgeResult> {
  const { connections, senders } = options;
  // Far enough in the past that no push lies in the future.
  const firstMs = Date.now() - 3_600_000;
  const firmwares = await Promise.all(Array.from({ length: options.firmwares }, (_, i) => Firmware.build(i, firstMs)));
  const body = (firmwares[0] as Firmware).body(1);
  const noop = await measureNoop(connections, NOOP_SECONDS, body);
  say(`noop: ${noop.cpuMicroseconds.toFixed(0)} us, ${noop.requestsPerSecond.toFixed(0)}/s`);

  const bucketByte = await benchBucket(cleanup);
  say(`the simulated bucket: ${(bucketByte * 1e6).toFixed(0)} us for each MB`);

  const receiver = await BenchReceiver.start();
  cleanup.add(() => receiver.stop());
  const edge = await EdgeUnderTest.start(cleanup, receiver.url, RELAY_CONFIG);
  for (const { table } of firmwares) await putTable(edge, table);
  const devices = await Promise.all(
    Array.from({ length: options.devices }, async (_, i): Promise<BenchDevice> => {
      const firmware = firmwares[i % firmwares.length] as Firmware;
      return { firmware, token: await deviceToken(`bench-${i}`), pushed: 0 };
    }),
  );
  const pid = () => edge.workerdPid();
  let seconds = 0;
  let pushesAgain = 0;
  let writesAgain = 0;
  const round = async (): Promise<number> => {
    const samples = devices.length * SAMPLES_PER_PUSH;
    const used = await usedFor(pid, receiver, samples, async () => {
      const pushed = await pushAll(`${edge.url}${PUSH_PATH}`, devices, connections);
      seconds = pushed.seconds;
      pushesAgain += pushed.again;
    });
    say(`push: ${perSample(used).toFixed(3)} us a sample, ${(devices.length / seconds).toFixed(0)} pushes/s`);
    return perSample(used);
  };
  const bodies = Array.from({ length: senders }, (_, sender) =>
    Array.from({ length: options.requestsPerSender }, (_unused, i) => writeBody(sender, firstMs + i * 15_000)),
  );
  const written = senders * options.requestsPerSender * WRITE_SAMPLES;
  const relay = async (name: string, round: number, url: string, of: () => Promise<number>): Promise<number> => {
    const all = await Promise.all(bodies.map(async (own, i) => ({ token: await deviceToken(`sender${round}-${i}`), bodies: own })));
    const used = perSample(
      await usedFor(of, receiver, written, async () => {
        const again = await writeAll(url, all);
        if (of === pid) writesAgain += again;
      }),
    );
    say(`${name}: ${used.toFixed(3)} us a sample`);
    return used;
  };
  const path = findProgram('vmagent');
  const program = path === undefined ? undefined : await startVmagent(cleanup, path, receiver);
  if (program === undefined) say('vmagent is not installed (Debian: apt-get install victoria-metrics)');

  const pushes: number[] = [];
  const rates: number[] = [];
  const writes: number[] = [];
  const vmagents: number[] = [];
  const sent = { push: 0, write: 0 };
  // In turn, since what else runs on the machine changes. The first round of each is its warm-up.
  for (let i = 0; i <= options.rounds; i++) {
    const start = receiver.bytes;
    const pushed = await round();
    const between = receiver.bytes;
    const write = await relay('write', i, `${edge.url}/api/v1/write`, pid);
    sent.push = between - start;
    sent.write = receiver.bytes - between;
    const vmagent = program === undefined ? undefined : await relay('vmagent', i, program.url, async () => program.pid);
    if (i === 0) continue;
    pushes.push(pushed);
    rates.push(devices.length / seconds);
    writes.push(write);
    if (vmagent !== undefined) vmagents.push(vmagent);
  }
  const { residentBytes, peakResidentBytes } = await edgeUse(edge);
  const repeats: number[] = [];
  for (let i = 0; i < options.rounds; i++) {
    for (const device of devices) device.pushed--;
    const before = await edgeUse(edge);
    await pushAll(`${edge.url}${PUSH_PATH}`, devices, connections);
    repeats.push(((await edgeUse(edge)).cpuMicroseconds - before.cpuMicroseconds) / (devices.length * SAMPLES_PER_PUSH));
    say(`the same again: ${repeats.at(-1)?.toFixed(3)} us a sample`);
  }
  await edge.stop();
  await edge.start();
  const coldPush = await round();

  const write = median(writes);
  const vmagent = vmagents.length > 0 ? median(vmagents) : undefined;
  const sentBytes = sent.push / (devices.length * SAMPLES_PER_PUSH);
  const writeBytes = { in: bodies.flat().reduce((sum, { length }) => sum + length, 0) / written, out: sent.write / written };
  const push = median(pushes);
  const pushWithoutBucket = push - sentBytes * bucketByte;
  return {
    benchmark: 'edge',
    machine: machine(),
    method: METHOD,
    options,
    noop,
    push,
    pushWithoutBucket,
    pushesAgain,
    repeatedPush: median(repeats),
    coldPush,
    pushesPerSecond: median(rates),
    throughputRatio: median(rates) / noop.requestsPerSecond,
    sentBytes,
    bucketByte,
    write,
    writesAgain,
    writeBytes,
    vmagent,
    pushRatio: vmagent === undefined ? undefined : push / vmagent,
    writeRatio: vmagent === undefined ? undefined : write / vmagent,
    residentBytes,
    peakResidentBytes,
  };
}

export function describeEdge(result: EdgeResult): string {
  const { cpu, cores, node, platform } = result.machine;
  const { devices, firmwares, rounds, connections, senders, requestsPerSender } = result.options;
  const us = (value: number): string => `${value.toFixed(2)} us a sample`;
  const beside = (ratio: number | undefined): string => (ratio === undefined ? '' : `; ${ratio.toFixed(2)} times vmagent's`);
  const bucket = (all: number, bytes: number): string => {
    const [without, ratio] = [all - bytes * result.bucketByte, (all - bytes * result.bucketByte) / (result.vmagent ?? Number.NaN)];
    const times = Number.isNaN(ratio) ? '' : `, ${ratio.toFixed(2)} times`;
    return `; without the simulated bucket ${without.toFixed(2)}${times}`;
  };
  const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
  return [
    `edge: ${devices} devices with ${firmwares} tables, ${SAMPLES_PER_PUSH} samples a push; ${senders} senders, ${requestsPerSender} requests of ${WRITE_SAMPLES} samples each`,
    `  machine      ${cpu}, ${cores} cores, ${platform}, Node ${node}`,
    `  method       ${result.method}`,
    `               medians of ${rounds} rounds, in turn`,
    `  push         ${us(result.push)}${beside(result.pushRatio)}${bucket(result.push, result.sentBytes)}; goals: 0.6 us, 0.3 times`,
    `  stored again ${us(result.repeatedPush)}: the Worker without commit, bucket and drain`,
    `  cold isolate ${us(result.coldPush)}`,
    `  write        ${us(result.write)}${beside(result.writeRatio)}${bucket(result.write, result.writeBytes.out)}; goal: 1.0 times; ${result.writesAgain} were told to come again`,
    `  vmagent      ${result.vmagent === undefined ? 'is not installed (Debian: apt-get install victoria-metrics)' : us(result.vmagent)}`,
    `  no-op        ${result.noop.cpuMicroseconds.toFixed(0)} us a request, ${result.noop.requestsPerSecond.toFixed(0)} a second`,
    `  throughput   ${result.pushesPerSecond.toFixed(0)} pushes a second with ${connections} connections, ${result.throughputRatio.toFixed(3)} times the no-op's; ${result.pushesAgain} were told to come again`,
    `  sent         ${result.sentBytes.toFixed(1)} bytes a sample of a push; of remote write ${result.writeBytes.out.toFixed(1)}, of ${result.writeBytes.in.toFixed(1)} that came`,
    `  memory       ${mebibytes(result.residentBytes)} resident after ${rounds + 1} rounds, ${mebibytes(result.peakResidentBytes)} at most`,
  ].join('\n');
}
