import { describe, expect, it } from 'vitest';
import type { StreamCursor } from '../../../agent-lite/model.ts';
import { Cursors } from '../../../agent-lite/wal/cursors.ts';
import { parseSegmentName } from '../../../agent-lite/wal/format.ts';
import { encodeSmallFile } from '../../../agent-lite/wal/small-file.ts';
import type { Point } from '../../../contract/push.ts';
import { UnreliableStore } from '../../fakes/unreliable-store.ts';
import { logWorld, numbered, readAll, tableOf, targetOf } from '../../fakes/wal.ts';

const at = (position: number): Point => ({ position, chain: position.toString(16).padStart(16, '0') });
const entry = (position: number) => ({ receiver: 'edge', ...at(position) });
const text = (cursors: Cursors): string => new TextDecoder().decode(cursors.encode()).split('\n')[0] ?? '';
function load(...entries: readonly unknown[]): Cursors | undefined {
  const cursors = new Cursors();
  return cursors.load(encodeSmallFile({ format: 1, cursors: entries })) ? cursors : undefined;
}

/** A backlog that ends at 9, another that ends at 20 and waits, and what goes on with the log. */
const three: readonly StreamCursor[] = [
  { stream: 3, at: at(4), end: at(9) },
  { stream: 4, at: at(12), end: at(20) },
  { stream: 5, at: at(26), end: undefined },
];

describe('cursors.json', () => {
  it('of receivers that take everything in order is as it was before there were streams', () => {
    const cursors = new Cursors();
    cursors.set('edge', [{ stream: 0, at: at(7), end: undefined }]);
    expect(text(cursors)).toBe('{"format":1,"cursors":[{"receiver":"edge","position":7,"chain":"0000000000000007"}]}');
    expect(load(entry(7))?.get('edge')).toEqual([{ stream: 0, at: at(7), end: undefined }]);
  });

  it('holds every stream; what knows none of them goes on from the slowest', () => {
    const cursors = new Cursors();
    cursors.set('edge', three);
    cursors.set('other', [{ stream: 0, at: at(6), end: undefined }]);
    expect(JSON.parse(text(cursors)).cursors[0]).toMatchObject({ receiver: 'edge', ...at(4) });
    const again = new Cursors();
    expect(again.load(cursors.encode())).toBe(true);
    expect(again.get('edge')).toEqual(three);
    expect(again.slowestPoint('edge')).toEqual(at(4));
    expect(again.slowest()).toBe(4);
    expect(again.furthest()).toEqual(at(26));
    expect([...again.points()].map(({ position }) => position)).toEqual([4, 9, 12, 20, 26, 6]);
  });

  const streams = (...list: readonly unknown[]) => ({ ...entry(4), streams: list });
  const bad: readonly [name: string, entry: unknown][] = [
    ['no streams', streams()],
    ['a stream that is no object', streams(5)],
    ['a number that is none', streams({ stream: -1, ...at(4) })],
    ['a chain that is none', streams({ stream: 0, position: 4, chain: 'x' })],
    ['an end that is no point', streams({ stream: 0, ...at(4), end: 9 }, { stream: 1, ...at(9) })],
    ['an end behind the cursor', streams({ stream: 0, ...at(9), end: at(4) }, { stream: 1, ...at(9) })],
    ['a last stream with an end', streams({ stream: 0, ...at(4), end: at(9) })],
    ['an earlier one without', streams({ stream: 0, ...at(4) }, { stream: 1, ...at(9) })],
    ['numbers that do not ascend', streams({ stream: 1, ...at(4), end: at(9) }, { stream: 1, ...at(9) })],
  ];
  it.each(bad)('with %s cannot be read: everything is sent again', (_name, value) => {
    expect(load(value)).toBeUndefined();
  });
});

describe('the streams of a receiver in the log', () => {
  const target = targetOf('x:1');

  async function fixture() {
    const world = logWorld();
    const table = await tableOf('a', 'b');
    const store = new UnreliableStore();
    const options = { segmentBytes: 2_048, limitBytes: 1 << 20 };
    const log = await world.open(store, options);
    await log.retainCursors(['edge']);
    for (let i = 0; i < 400; i++) {
      await world.clock.advance(1000);
      await log.append(numbered(i, world.clock, target, table));
    }
    const points = (await readAll(log)).scrapes.map(({ position, chain }): Point => ({ position, chain }));
    const point = (n: number): Point => points[n] ?? at(0);
    const oldest = async (): Promise<number> =>
      Math.min(...(await store.now.list('wal')).map(({ name }) => parseSegmentName(name) ?? Number.POSITIVE_INFINITY));
    return { world, store, log, point, oldest, options };
  }

  it('outlive the process, and keep the segments that any of them still needs', async () => {
    const { world, store, log, point, oldest, options } = await fixture();
    const streams: readonly StreamCursor[] = [
      { stream: 0, at: point(50), end: point(300) },
      { stream: 1, at: point(390), end: undefined },
    ];
    await log.moveStreams('edge', streams);
    expect(await oldest()).toBeLessThanOrEqual(point(51).position);
    expect(log.cursor('edge')).toEqual(point(50));
    const again = await world.open(await store.kill(), options);
    expect(again.streams('edge')).toEqual(streams);
    expect((await readAll(again, point(50).position)).scrapes).toHaveLength(349);
    await again.moveStreams('edge', [{ stream: 1, at: point(390), end: undefined }]);
    expect(await oldest()).toBeGreaterThan(point(300).position);
    expect((await readAll(again, point(390).position)).scrapes).toHaveLength(9);
  });

  it('count what a limit takes by what each still owed', async () => {
    const { world, store, log, point } = await fixture();
    await log.moveStreams('edge', [
      { stream: 0, at: point(10), end: point(20) },
      { stream: 1, at: point(380), end: undefined },
    ]);
    // A log that may hold less: the oldest segments go at opening.
    const small = await world.open(await store.kill(), { segmentBytes: 2_048, limitBytes: 64 * 1024, maxAgeMs: 1_000 });
    await world.clock.advance(3_600_000);
    await small.append(numbered(1000, world.clock, target, await tableOf('a', 'b')));
    // 11 to 20, and 381 to 399; supporting records may count too.
    expect(small.status().counters.evicted).toBeGreaterThanOrEqual(29);
    expect(small.status().counters.evicted).toBeLessThan(60);
  });

  const refused: readonly [name: string, streams: (p: (n: number) => Point) => readonly StreamCursor[], words: string][] = [
    ['none', () => [], 'at least one'],
    ['a point beyond the head', () => [{ stream: 0, at: at(99_999), end: undefined }], 'at most position'],
    ['a point of another log', (p) => [{ stream: 0, at: { ...p(5), chain: 'ffffffffffffffff' }, end: undefined }], 'expected chain'],
    [
      'an end of another log',
      (p) => [
        { stream: 0, at: p(5), end: { ...p(9), chain: 'ffffffffffffffff' } },
        { stream: 1, at: p(9), end: undefined },
      ],
      'expected chain',
    ],
  ];
  it.each(refused)('are not %s', async (_name, streams, words) => {
    const { log, point } = await fixture();
    await expect(log.moveStreams('edge', streams(point))).rejects.toThrow(words);
    expect(log.streams('edge')).toHaveLength(1);
  });
});
