import { describe, expect, it } from 'vitest';
import { plot } from './plot.ts';
import type { ProcessSample } from './samples.ts';
import { checkGrowth, checkHeap } from './verdict.ts';

const MIB = 1024 ** 2;
/** A look each 2 s from 0 to 1000 s. */
const samples = (of: (seconds: number) => Partial<ProcessSample>): readonly ProcessSample[] =>
  Array.from({ length: 501 }, (_, i) => ({ seconds: 2 * i, pid: 7, residentBytes: 100 * MIB, fileDescriptors: 30, ...of(2 * i) }));
const words = (list: readonly ProcessSample[]) => checkGrowth('agent', list, 300).map(({ passed }) => passed);

describe('growth', () => {
  it('is none where memory only goes up and down', () => {
    expect(words(samples((seconds) => ({ residentBytes: (100 + (seconds % 60) / 2) * MIB })))).toEqual([true, true]);
  });

  it('of memory is found, and of file descriptors', () => {
    expect(words(samples((seconds) => ({ residentBytes: (100 + seconds / 15) * MIB })))).toEqual([false, true]);
    expect(words(samples((seconds) => ({ fileDescriptors: 30 + Math.floor(seconds / 20) })))).toEqual([true, false]);
  });

  it('before the last life, and in the time with kills, does not count', () => {
    expect(words(samples((seconds) => ({ residentBytes: Math.min(100, 50 + seconds / 6) * MIB })))).toEqual([true, true]);
    expect(words(samples((seconds) => (seconds < 310 ? { pid: 6, residentBytes: 900 * MIB } : {})))).toEqual([true, true]);
  });

  it('is not judged in a short run', () => {
    expect(words(samples((seconds) => ({ residentBytes: seconds * MIB })).filter(({ seconds }) => seconds < 700))).toEqual([
      undefined,
      undefined,
    ]);
    expect(checkGrowth('agent', [], 0).map(({ passed }) => passed)).toEqual([undefined]);
  });
});

describe('retained heap', () => {
  const heap = (of: (seconds: number) => number) => Array.from({ length: 181 }, (_, i) => ({ seconds: 10 * i, pid: 7, bytes: of(10 * i) }));
  const passed = (of: (seconds: number) => number, from = 0) => checkHeap('agent', heap(of), from).passed;

  it('may fill its caches at first, and go up and down', () => {
    expect(passed((seconds) => Math.min(20, 10 + seconds / 50) * MIB + (seconds % 50) * 10_000)).toBe(true);
  });

  it('that grows by 5 MiB an hour is a leak', () => {
    expect(passed((seconds) => 20 * MIB + (seconds / 3600) * 5 * MIB)).toBe(false);
  });

  it('is judged in the last life, and not over a short time', () => {
    expect(passed((seconds) => 20 * MIB + seconds * 10_000, 900)).toBe(undefined);
    expect(checkHeap('agent', [...heap((s) => s * MIB), { seconds: 1820, pid: 8, bytes: 1 }], 0).passed).toBe(undefined);
  });
});

it('the plot has a curve for each life of each process, and a bar for each fault', () => {
  const svg = plot({
    title: 'a < b',
    seconds: 600,
    calmFromSeconds: 300,
    processes: new Map([['agent', samples((seconds) => ({ pid: seconds < 100 ? 1 : 2 }))]]),
    faults: [{ kind: 'receiver', fromSeconds: 10, toSeconds: 20 }],
    behind: [
      { seconds: 0, scrapes: 0 },
      { seconds: 600, scrapes: 5 },
    ],
  });
  expect(svg.match(/<polyline/g)).toHaveLength(5);
  expect(svg.match(/fill="#c33"/g)).toHaveLength(1);
  expect(svg).toContain('a &lt; b');
  expect(svg).not.toContain('NaN');
});
