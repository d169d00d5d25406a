import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../agent-lite/model.ts';
import { type Batch, type BatchRules, collectBatch } from '../../../agent-lite/push/batch.ts';
import { transposed } from '../../../agent-lite/push/target-batches.ts';
import type { Cells } from '../../../contract/cells.ts';
import type { Exemplar } from '../../../contract/exemplar.ts';
import { wireLimits } from '../../../contract/limits.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { type Given, scrape, tableOf, target } from './scrapes.ts';

const clock = new ManualClock();
const one = await tableOf('x', 'y');
const two = await tableOf('x', 'z');
const chain = (position: number) => position.toString(16).padStart(16, '0');

type Step = (Given & { readonly at: number; readonly ms: number }) | { readonly gap: readonly [from: number, to: number] };
async function* entries(steps: readonly Step[]): AsyncGenerator<LogEntry> {
  for (const step of steps) {
    if ('gap' in step) yield { kind: 'gap', gap: { from: step.gap[0], to: step.gap[1], reason: 'damaged' } };
    else yield { kind: 'scrape', scrape: { ...scrape(clock, { ...step, wallMs: step.ms }), position: step.at, chain: chain(step.at) } };
  }
}
const rules: BatchRules = {
  maxCells: 1000,
  maxRecords: 1000,
  end: undefined,
  place: ({ wallMs }) => ({ ok: true, ms: wallMs }),
  lastTime: () => undefined,
  metadataDue: () => undefined,
  isAside: () => false,
};
const collect = (steps: readonly Step[], changes: Partial<BatchRules> = {}, base = 0) =>
  collectBatch(entries(steps), base, { ...rules, ...changes });
/** `instance table times`, e.g. `a one 1,2`. */
const shape = (batch: Batch | undefined): readonly string[] | undefined =>
  batch?.targets.map(({ labels, table, times }) => {
    const name = table === undefined ? 'none' : table === one.hash ? 'one' : 'two';
    return `${labels[0]?.[1]} ${name} ${times.join(',')}`;
  });
const b = target('b');

describe('a stream that ends', () => {
  const end = { position: 6, chain: chain(6) };
  const cases: readonly [
    name: string,
    steps: readonly Step[],
    to: number,
    gaps: readonly (readonly [number, number])[],
    records: number,
  ][] = [
    [
      'at a record',
      [
        { at: 5, ms: 5 },
        { at: 6, ms: 6 },
        { at: 7, ms: 7 },
      ],
      6,
      [],
      2,
    ],
    [
      'between records',
      [
        { at: 5, ms: 5 },
        { at: 9, ms: 9 },
      ],
      6,
      [],
      1,
    ],
    ['in a gap', [{ at: 3, ms: 3 }, { gap: [4, 8] }, { at: 9, ms: 9 }], 6, [[4, 6]], 1],
    ['in a gap that is all there is', [{ gap: [1, 8] }, { at: 9, ms: 9 }], 6, [[1, 6]], 0],
    ['before a gap', [{ at: 6, ms: 6 }, { gap: [7, 8] }, { at: 9, ms: 9 }], 6, [], 1],
    ['where the log has nothing of it any more', [{ at: 9, ms: 9 }], 6, [], 0],
  ];
  it.each(cases)('%s', async (_name, steps, to, gaps, records) => {
    const batch = await collect(steps, { end });
    expect(batch?.to).toEqual({ position: to, chain: chain(to) });
    expect(batch?.gaps.map((gap) => [gap.from, gap.to])).toEqual(gaps);
    expect(batch?.records).toBe(records);
    expect(batch?.more).toBe(false);
  });
  it('is not at its end while there is more of it', async () => {
    const batch = await collect(
      [
        { at: 5, ms: 5 },
        { at: 6, ms: 6 },
      ],
      { end, maxRecords: 1 },
    );
    expect(batch?.to.position).toBe(5);
    expect(batch?.more).toBe(true);
  });
});

describe('groups', () => {
  for (const [name, steps, wanted] of [
    ['nothing', [], undefined],
    ['only a gap', [{ gap: [1, 2] }], undefined],
    [
      'scrapes of one target',
      [
        { at: 1, ms: 1, table: one },
        { at: 2, ms: 2, table: one },
      ],
      ['a one 1,2'],
    ],
    [
      'two targets in turn',
      [
        { at: 1, ms: 1, table: one },
        { at: 2, ms: 2, table: one, target: b },
        { at: 3, ms: 3, table: one },
      ],
      ['a one 1,3', 'b one 2'],
    ],
    [
      'a table that changes and changes back: a new group each time',
      [
        { at: 1, ms: 1, table: one },
        { at: 2, ms: 2, table: two },
        { at: 3, ms: 3, table: one },
        { at: 4, ms: 4, table: one },
      ],
      ['a one 1', 'a two 2', 'a one 3,4'],
    ],
    [
      'failed scrapes before the first success',
      [
        { at: 1, ms: 1 },
        { at: 2, ms: 2 },
        { at: 3, ms: 3, table: one },
      ],
      ['a none 1,2', 'a one 3'],
    ],
  ] as readonly (readonly [string, readonly Step[], readonly string[] | undefined])[]) {
    it(name, async () => expect(shape(await collect(steps))).toEqual(wanted));
  }

  it('carry the tables that they name', async () => {
    const batch = await collect([
      { at: 1, ms: 1, table: one },
      { at: 2, ms: 2, table: two, target: b },
    ]);
    expect([...(batch?.tables.keys() ?? [])].sort()).toEqual([one.hash, two.hash].sort());
  });

  it('begin anew at the limit of scrapes per target', async () => {
    const steps = [1, 2, 3, 4, 5].map((at) => ({ at, ms: at, table: one }));
    expect(shape(await collect(steps, { limits: { ...wireLimits, scrapesPerTarget: 2 } }))).toEqual(['a one 1,2', 'a one 3,4', 'a one 5']);
  });
});

describe('limits', () => {
  const steps = [1, 2, 3].map((at) => ({ at, ms: at, table: one }));
  for (const [name, changes, taken, more] of [
    ['none reached', {}, 3, false],
    ['cells: two rows and five report rows a scrape', { maxCells: 14 }, 2, true],
    ['the first record is taken whatever its size', { maxCells: 1 }, 1, true],
    ['records', { maxRecords: 2 }, 2, true],
    ['cells of the wire', { limits: { ...wireLimits, cellsPerPush: 14 } }, 2, true],
    ['targets', { limits: { ...wireLimits, targetsPerPush: 1, scrapesPerTarget: 1 } }, 1, true],
  ] as const) {
    it(name, async () => {
      const batch = await collect(steps, changes);
      expect([batch?.records, batch?.more, batch?.to.position]).toEqual([taken, more, taken]);
    });
  }
  it('of gaps: the rest goes with the next push', async () => {
    const many = Array.from({ length: 1_500 }, (_, i): Step[] => [{ gap: [2 * i + 1, 2 * i + 1] }, { at: 2 * i + 2, ms: i }]).flat();
    const batch = await collect(many, { maxCells: 1e6, maxRecords: 1e6 });
    expect(batch?.gaps.length).toBeLessThanOrEqual(1_000);
    expect(batch?.more).toBe(true);
  });
  it('of label bytes, which are not cells', async () => {
    const long = Array.from({ length: 600 }, (_, i) => ({ at: i + 1, ms: 1, target: [['a', `${i}`.padEnd(16_000, 'x')]] as const }));
    expect((await collect(long, { maxCells: 1e6 }))?.targets.length).toBeLessThan(300);
  });
});

describe('gaps', () => {
  for (const [name, steps, base, wanted] of [
    [
      'before, between and behind records: the last waits',
      [{ gap: [1, 2] }, { at: 3, ms: 3 }, { gap: [4, 4] }, { at: 5, ms: 5 }, { gap: [6, 9] }],
      0,
      ['1-2', '4-4'],
    ],
    ['next to each other are one', [{ gap: [1, 2] }, { gap: [3, 4] }, { at: 5, ms: 5 }], 0, ['1-4']],
    ['begin behind the cursor', [{ gap: [1, 5] }, { at: 6, ms: 6 }], 3, ['4-5']],
    ['before the cursor are none', [{ gap: [1, 3] }, { at: 6, ms: 6 }], 3, []],
  ] as readonly (readonly [string, readonly Step[], number, readonly string[]])[]) {
    it(name, async () => {
      expect((await collect(steps, {}, base))?.gaps.map(({ from, to }) => `${from}-${to}`)).toEqual(wanted);
    });
  }
});

describe('times', () => {
  it('ascend for each target: what is at or behind the last is dropped and counted', async () => {
    const steps = [5, 5, 4, 6].map((ms, i) => ({ at: i + 1, ms, table: one }));
    const batch = await collect([...steps, { at: 9, ms: 1, table: one, target: b }]);
    expect(shape(batch)).toEqual(['a one 5,6', 'b one 1']);
    expect([batch?.dropped, batch?.records]).toEqual([2, 5]);
    expect([...(batch?.lastTimes.values() ?? [])]).toEqual([6, 1]);
  });
  it('go on from what was sent before', async () => {
    expect(
      shape(
        await collect(
          [1, 2, 3].map((ms) => ({ at: ms, ms, table: one })),
          { lastTime: () => 2 },
        ),
      ),
    ).toEqual(['a one 3']);
  });
  it('that are not known set a record aside, in ranges', async () => {
    const steps = [1, 2, 3, 4, 5].map((ms) => ({ at: ms, ms, table: one }));
    const batch = await collect(steps, { place: ({ wallMs }) => (wallMs === 4 ? { ok: true, ms: 4 } : { ok: false, reason: 'why' }) });
    expect(shape(batch)).toEqual(['a one 4']);
    expect(batch?.unplaceable).toEqual([
      { from: 1, to: 3, reason: 'why' },
      { from: 5, to: 5, reason: 'why' },
    ]);
    expect(batch?.gaps.map(({ from, to, reason }) => `${from}-${to} ${reason}`)).toEqual(['1-3 set_aside', '5-5 set_aside']);
    expect(batch?.to.position).toBe(5);
  });
});

/** One target's at a time: the next are in the same memory. */
const cellsOf = (batch: Batch | undefined): readonly (Cells | undefined)[] =>
  Array.from(transposed(batch?.targets ?? []), ({ cells }) => cells && structuredClone(cells));

describe('cells', () => {
  it('are turned from scrapes into rows, bits and states', async () => {
    const batch = await collect([
      { at: 1, ms: 1, table: one, value: 1.5 },
      { at: 2, ms: 2, table: one, value: 'stale' },
      { at: 3, ms: 3, table: one, value: 2.5 },
    ]);
    const [cells] = cellsOf(batch);
    expect([...(cells?.states ?? [])]).toEqual([1, 2, 1, 1, 2, 1]);
    expect([cells?.floats[0], cells?.floats[2], cells?.words[3], cells?.words[2]]).toEqual([1.5, 2.5, 0x7ff00000, 2]);
    expect(batch?.samples).toBe(6 + 15);
  });
  it('keep timestamps of their own; a scrape without one has its own time, corrected', async () => {
    const batch = await collect(
      [
        { at: 1, ms: 1, table: one },
        { at: 2, ms: 2, table: one, ownTime: 77 },
        { at: 3, ms: 3, table: one, value: 'stale', ownTime: 78 },
      ],
      { place: ({ wallMs }) => ({ ok: true, ms: wallMs + 1000 }) },
    );
    const [cells] = cellsOf(batch);
    expect([...(cells?.ownTimes?.get(0) ?? [])]).toEqual([1001, 77, 1003]);
    expect(cells?.ownTimes?.size).toBe(1);
  });
  it('of one target after the other are each their own, whatever was in their memory', async () => {
    const batch = await collect([
      { at: 1, ms: 1, table: one, value: 1.5, ownTime: 7 },
      { at: 2, ms: 2, table: one, value: 2.5, target: b },
      { at: 3, ms: 3, table: one, value: 'absent', target: target('c') },
    ]);
    const cells = cellsOf(batch);
    expect(cells.map((of) => [of?.floats[0], of?.states[0], of?.ownTimes?.size])).toEqual([
      [1.5, 1, 1],
      [2.5, 1, undefined],
      [0, 0, undefined],
    ]);
  });
  it('that do not match their table are an error of the log, not a wrong value', async () => {
    const wrong = {
      ...scrape(clock, { table: one }),
      position: 2,
      chain: chain(2),
      wallMs: 2,
      cells: scrape(clock, { table: await tableOf('x') }).cells,
    };
    async function* log(): AsyncGenerator<LogEntry> {
      yield* entries([{ at: 1, ms: 1, table: one }]);
      yield { kind: 'scrape', scrape: wrong };
    }
    await expect(collectBatch(log(), 0, rules)).rejects.toThrow(/record 2: its cells do not match its table/);
  });
});

describe('exemplars', () => {
  const exemplar = (row: number): Exemplar => ({ row, labels: [['a', 'b']], value: 1, ms: undefined });

  it('are ordered by row, then by scrape', async () => {
    const batch = await collect([
      { at: 1, ms: 1, table: one, exemplars: [exemplar(0), exemplar(1)] },
      { at: 2, ms: 2, table: one, exemplars: [exemplar(0), { ...exemplar(1), ms: 7 }] },
    ]);
    expect(batch?.targets[0]?.exemplars.map(({ row, scrape: of, ms }) => [row, of, ms])).toEqual([
      [0, 0, undefined],
      [0, 1, undefined],
      [1, 0, undefined],
      [1, 1, 7],
    ]);
  });

  it('limit how many scrapes a push takes', async () => {
    const many = Array.from({ length: 4_000 }, () => exemplar(0));
    const batch = await collect([1, 2, 3, 4].map((at) => ({ at, ms: at, table: one, exemplars: many })));
    expect([batch?.to.position, batch?.more]).toEqual([2, true]);
  });
});
