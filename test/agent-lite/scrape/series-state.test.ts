import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parserFor } from '../../../agent-lite/scrape/formats.ts';
import type { IngestResult, ScrapeCells, SeriesRules } from '../../../agent-lite/scrape/scrape-result.ts';
import { NO_LABEL_RULES } from '../../../agent-lite/scrape/series-check.ts';
import { TargetSeries } from '../../../agent-lite/scrape/series-state.ts';
import { STALE, VALUE } from '../../../contract/cells.ts';
import { formatLabels, type Labels, labelsFromRecord } from '../../../contract/labels.ts';
import { type WireLimits, wireLimits } from '../../../contract/limits.ts';
import { decodeTable, rebuild } from '../../../contract/series-table.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const text = (lines: string): Uint8Array => new TextEncoder().encode(lines);
const parser = () => parserFor('text/plain', undefined);

const RULES: SeriesRules = {
  honorLabels: false,
  honorTimestamps: true,
  trackTimestampsStaleness: false,
  sampleLimit: 0,
  ...NO_LABEL_RULES,
  relabel: (labels) => labels,
};
const TARGET = labelsFromRecord({ instance: 'host:9100', job: 'node' });
const T0 = 1_700_000_000_000;

function setup(rules: Partial<SeriesRules> = {}, limits: Partial<WireLimits> = {}, target: Labels = TARGET) {
  const state = new TargetSeries(target, { ...RULES, ...rules }, sha256, { ...wireLimits, ...limits });
  let scrape = 0;
  return {
    state,
    scrape: (lines: string): Promise<IngestResult> => state.ingest(text(lines), parser, T0 + 1000 * scrape++),
    fail: (): Promise<ScrapeCells> => state.fail(T0 + 1000 * scrape++),
  };
}

/** `name{labels without the target's}` -> value, 'stale', 'absent' or `value@time`. */
function shown({ table, cells }: ScrapeCells, target: Labels = TARGET): Record<string, number | string> {
  const out: Record<string, number | string> = {};
  if (table === undefined || cells === undefined) return out;
  expect(decodeTable(table.bytes)).toEqual(table.rows);
  table.rows.forEach((row, i) => {
    const own = rebuild(row, target).filter(([name, value]) => !target.some(([n, v]) => n === name && v === value));
    const time = cells.ownTimes?.get(i)?.[0];
    const value = cells.floats[i] as number;
    const state = cells.states[i];
    out[formatLabels(own)] =
      state === VALUE ? (time === undefined ? value : `${value}@${time - T0}`) : state === STALE ? 'stale' : 'absent';
  });
  return out;
}

describe('rows come and go', () => {
  it('keeps the table while the series stay the same', async () => {
    const { scrape } = setup();
    const first = await scrape('a 1\nb{c="d"} 2\n');
    const second = await scrape('a 3\nb{c="d"} 4\n');
    expect(shown(first)).toEqual({ a: 1, 'b{c="d"}': 2 });
    expect(shown(second)).toEqual({ a: 3, 'b{c="d"}': 4 });
    expect(second.table).toBe(first.table);
  });

  it('has one table whatever the order of the exposition', async () => {
    const first = await setup().scrape('a 1\nb 2\n');
    const second = await setup().scrape('b 2\na 1\n');
    expect(second.table?.hash).toBe(first.table?.hash);
  });

  it('marks a vanished series once, in the scrape in which it vanishes, and keeps its row', async () => {
    const { scrape } = setup();
    const rest = 'b 1\nc 1\nd 1\ne 1\n';
    const first = await scrape(`a 1\n${rest}`);
    const vanished = await scrape(rest);
    const after = await scrape(rest);
    const back = await scrape(`${rest}a 5\n`);
    expect(shown(vanished)).toMatchObject({ a: 'stale', b: 1 });
    expect(shown(after)).toMatchObject({ a: 'absent', b: 1 });
    expect(shown(back)).toMatchObject({ a: 5 });
    expect([vanished.table, after.table, back.table]).toEqual([first.table, first.table, first.table]);
    expect([first, vanished, after, back].map(({ counts }) => counts.added)).toEqual([5, 0, 0, 1]);
  });

  it('starts a smaller table one scrape after a quarter of the rows died', async () => {
    const { scrape } = setup();
    const first = await scrape('a 1\nb 1\nc 1\n');
    const vanished = await scrape('c 1\n');
    const smaller = await scrape('c 2\n');
    expect(vanished.table).toBe(first.table);
    expect(shown(vanished)).toEqual({ a: 'stale', b: 'stale', c: 1 });
    expect(shown(smaller)).toEqual({ c: 2 });
  });

  it('has the markers in the table that new series bring', async () => {
    const { scrape } = setup();
    await scrape('a 1\nb 1\n');
    const changed = await scrape('b 2\nc 3\n');
    expect(shown(changed)).toEqual({ a: 'stale', b: 2, c: 3 });
  });

  it('goes without a table until there is a series, and when all are gone', async () => {
    const { scrape, state } = setup();
    expect(await scrape('')).toMatchObject({ table: undefined, cells: undefined, error: undefined });
    await scrape('a 1\n');
    expect(shown(await scrape('# nothing\n'))).toEqual({ a: 'stale' });
    expect(await scrape('# nothing\n')).toMatchObject({ table: undefined, cells: undefined });
    expect(state.table).toBeUndefined();
  });

  it('finds series again after lines are put in between, and tells names that begin alike apart', async () => {
    const { scrape } = setup();
    await scrape('up 1\nupper 2\n');
    expect(shown(await scrape('upper 3\nup 4\nup{a="b"} 5\nup {a="c"} 6\n'))).toEqual({ upper: 3, up: 4, 'up{a="b"}': 5, 'up{a="c"}': 6 });
    expect(shown(await scrape('up{a="b"} 1\nup {a="c"} 2\nup 3\nupper 4\n'))).toEqual({ upper: 4, up: 3, 'up{a="b"}': 1, 'up{a="c"}': 2 });
  });

  it('tells a series under another TYPE apart', async () => {
    const { scrape } = setup();
    await scrape('# TYPE a histogram\na_bucket{le="1"} 1\n');
    expect(shown(await scrape('# TYPE a gauge\na_bucket{le="1"} 2\n'))).toEqual({ 'a_bucket{le="1.0"}': 'stale', 'a_bucket{le="1"}': 2 });
  });

  it('keeps the bits: -0, and one NaN for all NaNs', async () => {
    const { cells } = await setup().scrape('a -0\nb NaN\nc nan\n');
    expect([...(cells?.words ?? [])].map((word) => word.toString(16))).toEqual(['0', '80000000', '1', '7ff80000', '1', '7ff80000']);
  });
});

describe('failed scrapes', () => {
  const bad: [name: string, lines: string, message: string, seen?: readonly string[]][] = [
    ['bad text', 'a 1\nb x\n', 'line 2: expected a sample value, got "x"', ['a']],
    ['no metric name left', 'a 1\nnameless 1\n', 'expected a metric name (__name__) after metric_relabel_configs, got none', ['a']],
    ['too many samples', 'a 1\nb 1\nc 1\nd 1\n', 'sample_limit: expected at most 3 samples after relabelling, got 4', ['a', 'b']],
    ['an empty label name', 'a{""="x"} 1\n', 'expected label names that are not empty'],
    ['too many labels', `a{${Array.from({ length: 62 }, (_, i) => `l${i}="x"`).join()}} 1\n`, 'expected at most 64 labels, got 65'],
    ['too long a label value', `a{b="${'é'.repeat(9000)}"} 1\n`, 'expected label values of at most 16384 bytes, got 18000 in "b"'],
    ['too long a label name', `a{${'b'.repeat(1025)}="c"} 1\n`, 'expected label names of at most 1024 bytes, got 1025'],
  ];
  const rules: Partial<SeriesRules> = {
    sampleLimit: 3,
    relabel: (labels) => (labels.some(([, value]) => value === 'nameless') ? labels.filter(([name]) => name !== '__name__') : labels),
  };

  it.each(bad)(
    '%s: nothing is stored; series that did not come before the fault get markers once',
    async (_, lines, message, seen = []) => {
      const { scrape } = setup(rules);
      const first = await scrape('a 1\nb 1\n');
      const failed = await scrape(lines);
      const again = await scrape(lines);
      const good = await scrape('a 2\nb 2\n');
      expect(failed.error?.message).toContain(message);
      expect(shown(failed)).toEqual({ a: 'stale', b: 'stale', ...Object.fromEntries(seen.map((name) => [name, 'absent'])) });
      expect(shown(again)).toEqual({ a: 'absent', b: 'absent' });
      expect(shown(good)).toEqual({ a: 2, b: 2 });
      expect(good.table).toBe(first.table);
    },
  );

  it('counts up to the failure, and to the end past the sample limit, as Prometheus reports it', async () => {
    const { scrape } = setup(rules);
    expect((await scrape('a 1\nb x\nc 1\n')).counts).toMatchObject({ scraped: 1, postRelabel: 1, added: 1 });
    expect((await scrape('a 1\nb 1\nc 1\nd 1\ne 1\n')).counts).toMatchObject({ scraped: 5, postRelabel: 5, added: 3 });
  });

  it('without an exposition: markers for the last good scrape only', async () => {
    const { scrape, fail } = setup();
    expect(await fail()).toEqual({ table: undefined, cells: undefined, more: [], exemplars: [], metadata: undefined });
    await scrape('a 1\n');
    expect(shown(await fail())).toEqual({ a: 'stale' });
    expect(shown(await fail())).toEqual({ a: 'absent' });
    expect(shown(await scrape('a 2\nb 1\n'))).toEqual({ a: 2, b: 1 });
  });

  it('of the first scrape leaves no table', async () => {
    const { scrape } = setup();
    expect(await scrape('a 1\n<html>')).toMatchObject({ table: undefined, cells: undefined });
    expect(shown(await scrape('b 1\n'))).toEqual({ b: 1 });
  });

  it('content types are looked at only where there is a body', async () => {
    const { state } = setup();
    const none = () => parserFor(undefined, undefined);
    expect((await state.ingest(text(''), none, T0)).error).toBeUndefined();
    expect((await state.ingest(text('a 1'), none, T0 + 1)).error?.message).toContain('content type: expected text/plain');
  });

  it.each([
    ['rows', { tableRows: 2 }, 'a 1\nb 1\nc 1\n', 'expected at most 2 series of one target, got 3'],
    ['rows, the vanished ones included', { tableRows: 2 }, 'c 1\nd 1\n', 'expected at most 2 series of one target, got'],
    ['bytes', { tableBytes: 40 }, 'abcdefghijklmnopqrstuvwxyz 1\n', 'expected labels of at most 40 bytes for all series'],
  ])('limit of table %s', async (_, limits, lines, message) => {
    const { scrape } = setup({}, limits);
    expect((await scrape('a 1\nb 1\n')).error).toBeUndefined();
    expect((await scrape(lines)).error?.message).toContain(message);
    expect(shown(await scrape('a 1\nb 1\n'))).toEqual({ a: 1, b: 1 });
  });

  it('bounds the texts of series that relabelling drops', async () => {
    const { scrape } = setup({ relabel: () => undefined }, { tableRows: 2 });
    expect((await scrape('a 1\nb 1\nc 1\nd 1\n')).error).toBeUndefined();
    expect((await scrape('e 1\nf 1\ng 1\nh 1\ni 1\n')).error?.message).toContain('expected at most 4 different series');
  });
});

describe('equal series', () => {
  it('the first wins, the others are counted', async () => {
    const { scrape } = setup();
    for (let i = 0; i < 3; i++) {
      const result = await scrape('a{b="c",d="e"} 1\na{d="e",b="c"} 2\na{b="c",d="e"} 3\n');
      expect(shown(result)).toEqual({ 'a{b="c", d="e"}': 1 });
      expect(result.counts).toMatchObject({ scraped: 3, postRelabel: 3, duplicates: 2, added: i === 0 ? 1 : 0 });
    }
  });

  it('dropped ones are remembered as dropped', async () => {
    let calls = 0;
    const { scrape } = setup({
      relabel: (labels) => {
        calls++;
        return labels.some(([, value]) => value === 'go') ? undefined : labels;
      },
    });
    for (let i = 0; i < 3; i++) {
      const result = await scrape('a 1\ngo 1\n');
      expect(shown(result)).toEqual({ a: 1 });
      expect(result.counts).toMatchObject({ scraped: 2, postRelabel: 1 });
    }
    expect(calls).toBe(2);
  });

  it('one text changes while the other keeps standing for the series', async () => {
    const { scrape } = setup({ relabel: (labels) => labels.filter(([name]) => name !== 'b') });
    await scrape('a{b="1"} 1\na{b="2"} 2\nz 1\n');
    expect(shown(await scrape('a{b="2"} 3\nz 1\n'))).toEqual({ a: 3, z: 1 });
    expect(shown(await scrape('a{b="3"} 4\nz 1\n'))).toEqual({ a: 4, z: 1 });
    expect(shown(await scrape('z 1\n'))).toEqual({ a: 'stale', z: 1 });
  });
});

describe('explicit timestamps', () => {
  it('have their own time, never a marker, and no repeat', async () => {
    const { scrape } = setup();
    expect(shown(await scrape(`a 1 ${T0 - 5}\nb 1\n`))).toEqual({ a: '1@-5', b: 1 });
    const repeated = await scrape(`a 1 ${T0 - 5}\nb 2\n`);
    expect(shown(repeated)).toEqual({ a: 'absent', b: 2 });
    expect(repeated.counts).toMatchObject({ duplicates: 1, outOfOrder: 0 });
    const older = await scrape(`a 1 ${T0 - 6}\nb 2\n`);
    expect(shown(older)).toEqual({ a: 'absent', b: 2 });
    expect(older.counts).toMatchObject({ duplicates: 0, outOfOrder: 1 });
    expect(shown(await scrape(`a 7 ${T0 - 4}\nb 2\n`))).toEqual({ a: '7@-4', b: 2 });
    expect(shown(await scrape('b 2\n'))).toEqual({ b: 2 });
  });

  it('too far ahead are left out', async () => {
    const { scrape } = setup();
    const result = await scrape(`a 1 ${T0 + 600_001}\nb 1 ${T0 + 600_000}\nc 1 9223372036854775807\n`);
    expect(shown(result)).toEqual({ b: '1@600000' });
    expect(result.counts).toMatchObject({ outOfBounds: 2, scraped: 3 });
  });

  it('and the scrape time may alternate, but never go back', async () => {
    const { scrape } = setup();
    await scrape('a 1\n');
    expect(shown(await scrape(`a 2 ${T0}\nz 1\n`))).toEqual({ a: 'stale', z: 1 });
    expect(shown(await scrape(`a 3 ${T0 + 5000}\nz 1\n`))).toEqual({ a: '3@5000', z: 1 });
    const early = await scrape('a 4\nz 1\n');
    expect(shown(early)).toEqual({ a: 'absent', z: 1 });
    expect(early.counts.outOfOrder).toBe(1);
  });

  it('are ignored without honor_timestamps', async () => {
    const { scrape } = setup({ honorTimestamps: false });
    expect(shown(await scrape('a 1 5\n'))).toEqual({ a: 1 });
    expect(shown(await scrape(''))).toEqual({ a: 'stale' });
  });
});

it('new rules apply from the next scrape on, and what they no longer yield gets markers', async () => {
  const { scrape, state } = setup();
  await scrape('a 1\nb 1\nc 1\n');
  state.setRules({ ...RULES, relabel: (labels) => (labels.some(([, value]) => value === 'b') ? undefined : labels) }, false);
  expect(shown(await scrape('a 2\nb 2\nc 2\n'))).toEqual({ a: 2, b: 'stale', c: 2 });
  expect(shown(await scrape('a 3\nb 3\nc 3\n'))).toEqual({ a: 3, c: 3 });
});
