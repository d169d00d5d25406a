import { describe, expect, it } from 'vitest';
import type { Point } from '../../../contract/push.ts';
import { type Decision, decide, LOGS_PER_DEVICE, POINTS_KEPT, Positions } from '../../../functions/shard/positions.ts';

const at = (position: number, chain = `c${position}`): Point => ({ position, chain });

describe('decide', () => {
  const cases: readonly [name: string, stored: Point | undefined, base: Point, to: Point, want: Decision['kind']][] = [
    ['a log nobody knows', undefined, at(0), at(5), 'follows'],
    ['a log nobody knows, from the middle', undefined, at(100), at(105), 'follows'],
    ['an empty push of a log nobody knows', undefined, at(7), at(7), 'repeated'],
    ['the next batch', at(5), at(5), at(9), 'follows'],
    ['the same batch again', at(5), at(0), at(5), 'repeated'],
    ['the same records, cut differently', at(5), at(3), at(5), 'repeated'],
    ['an empty push', at(5), at(5), at(5), 'repeated'],
    ['a batch that repeats a part', at(5), at(3), at(9), 'conflict'],
    ['a gap that nobody declared', at(5), at(7), at(9), 'conflict'],
    ['an older cursor', at(105), at(50), at(60), 'conflict'],
    ['the right position with another content', at(5), at(5, 'other'), at(9), 'conflict'],
    ['a repeat with another content', at(5), at(0), at(5, 'other'), 'conflict'],
    ['a base beyond its end', at(5), at(5), at(4), 'conflict'],
    ['a wiped log with the same name', at(5000), at(0), at(3), 'conflict'],
  ];
  it.each(cases)('%s', (_name, stored, base, to, want) => {
    const got = decide(stored, base, to);
    expect(got.kind).toBe(want);
    if (got.kind === 'conflict') expect(got.stored).toEqual(stored);
  });
});

describe('Positions', () => {
  const log = (i: number): string => i.toString(16).padStart(32, '0');
  const commit = (positions: Positions, device: string, logId: string, position: number, atMs = 0): void =>
    positions.record({ device, logId, stream: 0, stored: at(position), atMs });

  it('remembers the last points of a log, newest first', () => {
    const positions = new Positions();
    for (let i = 1; i <= 40; i++) commit(positions, 'gw', log(1), i);
    const points = positions.points('gw', log(1), 0);
    expect(points).toHaveLength(POINTS_KEPT);
    expect(points[0]).toEqual(at(40));
    expect(points.at(-1)).toEqual(at(40 - POINTS_KEPT + 1));
  });

  it('keeps streams apart', () => {
    const positions = new Positions();
    commit(positions, 'gw', log(1), 5);
    expect(positions.stored('gw', log(1), 1)).toBeUndefined();
  });

  it('forgets the log that was idle for longest', () => {
    const positions = new Positions();
    for (let i = 0; i < LOGS_PER_DEVICE; i++) commit(positions, 'gw', log(i), 1);
    commit(positions, 'gw', log(0), 2);
    commit(positions, 'gw', log(1000), 1);
    expect(positions.forgotten).toBe(1);
    expect(positions.stored('gw', log(0), 0)).toEqual(at(2));
    expect(positions.stored('gw', log(1), 0)).toBeUndefined();
  });

  it('remembers the newest streams of a log, each for itself, and forgets those long finished', () => {
    const positions = new Positions();
    const record = (stream: number, position: number, name = log(1)) =>
      positions.record({ device: 'gw', logId: name, stream, stored: at(position), atMs: 1 });
    record(0, 1, log(2));
    for (let stream = 0; stream < 10; stream++) record(stream, 100 + stream);
    record(7, 500);
    const known = (name: string) => [...Array(10).keys()].filter((stream) => positions.stored('gw', name, stream) !== undefined);
    expect(known(log(1))).toEqual([6, 7, 8, 9]);
    expect(positions.stored('gw', log(1), 7)).toEqual(at(500));
    expect(positions.stored('gw', log(1), 8)).toEqual(at(108));
    expect(known(log(2))).toEqual([0]);
    expect(positions.forgotten).toBe(0);
  });

  it('sees two logs that are active under one device', () => {
    const positions = new Positions();
    commit(positions, 'one', log(1), 1, 1000);
    commit(positions, 'two', log(2), 1, 1000);
    commit(positions, 'two', log(3), 1, 2000);
    expect(positions.activity(3000)).toEqual({ activeLogs: 3, devicesWithSeveral: 1 });
    expect(positions.activity(3_601_500)).toEqual({ activeLogs: 1, devicesWithSeveral: 0 });
  });

  it('comes back from a snapshot', () => {
    const positions = new Positions();
    for (let i = 1; i <= 20; i++) commit(positions, '__proto__', log(1), i, i);
    commit(positions, 'gw', log(2), 3, 9);
    const restored = new Positions();
    restored.restore(JSON.parse(JSON.stringify(positions.snapshot(() => true))));
    for (const [device, name] of [
      ['__proto__', log(1)],
      ['gw', log(2)],
    ] as const) {
      expect(restored.points(device, name, 0)).toEqual(positions.points(device, name, 0));
    }
    expect(restored.activity(10)).toEqual(positions.activity(10));
  });
});
