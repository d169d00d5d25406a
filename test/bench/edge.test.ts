import { expect, it } from 'vitest';
import { describeEdge, type EdgeResult } from './edge.ts';
import { Firmware, SAMPLES_PER_PUSH } from './edge-load.ts';
import { processUse } from './process-cpu.ts';

it('tells what it measured, with and without vmagent', () => {
  const result: EdgeResult = {
    benchmark: 'edge',
    machine: { cpu: 'c', cores: 2, memoryBytes: 1, node: 'v1', platform: 'p' },
    method: 'm',
    options: { devices: 2000, firmwares: 10, rounds: 3, connections: 64, senders: 4, requestsPerSender: 5 },
    noop: { requestsPerSecond: 1000, cpuMicroseconds: 100 },
    push: 0.5,
    pushWithoutBucket: 0.4,
    pushesAgain: 3,
    writesAgain: 4,
    repeatedPush: 0.25,
    coldPush: 0.75,
    pushesPerSecond: 100,
    throughputRatio: 0.1,
    sentBytes: 10,
    bucketByte: 0.01,
    write: 1,
    writeBytes: { in: 38, out: 40 },
    vmagent: 2,
    pushRatio: 0.25,
    writeRatio: 0.5,
    residentBytes: 2 ** 27,
    peakResidentBytes: 2 ** 28,
  };
  expect(describeEdge(result)).toMatch(
    /push +0\.50 us a sample; 0\.25 times vmagent's; without the simulated bucket 0\.40, 0\.20 times; goals/,
  );
  expect(describeEdge(result)).toMatch(/3 were told to come again/);
  expect(describeEdge(result)).toMatch(/4 were told to come again/);
  expect(describeEdge({ ...result, vmagent: undefined, pushRatio: undefined, writeRatio: undefined })).toMatch(/not installed/);
});

it('a firmware has as many samples a push as it says, and a push for each position', async () => {
  const firmware = await Firmware.build(1, 1_700_000_000_000);
  expect(firmware.table.bytes.length).toBeGreaterThan(1000);
  expect(SAMPLES_PER_PUSH).toBe(4020);
  expect(firmware.body(1)).toBe(firmware.body(1));
  expect(firmware.body(2)).not.toEqual(firmware.body(1));
});

it.runIf(process.platform === 'linux')('reads what a process uses', async () => {
  const use = await processUse(process.pid);
  expect(use.cpuMicroseconds).toBeGreaterThan(0);
  expect(use.peakResidentBytes).toBeGreaterThanOrEqual(use.residentBytes / 2);
});
