import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ScrapeProtocol } from '../../../agent-lite/config/types.ts';
import { parserFor } from '../../../agent-lite/scrape/formats.ts';
import type { ReportSamples, ScrapeCells, SeriesRules } from '../../../agent-lite/scrape/scrape-result.ts';
import { NO_LABEL_RULES } from '../../../agent-lite/scrape/series-check.ts';
import { TargetSeries } from '../../../agent-lite/scrape/series-state.ts';
import { STALE, VALUE } from '../../../contract/cells.ts';
import { formatLabels, labelsFromRecord, labelsToRecord } from '../../../contract/labels.ts';
import { type WireLimits, wireLimits } from '../../../contract/limits.ts';

/** The scrape options that the series state keeps: staleness of explicit timestamps, label limits, exemplars, the extra report. */

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const TARGET = labelsFromRecord({ instance: 'host:9100', job: 'node' });
const T0 = 1_700_000_000_000;
const RULES: SeriesRules = {
  honorLabels: false,
  honorTimestamps: true,
  trackTimestampsStaleness: false,
  sampleLimit: 0,
  relabel: (labels) => labels,
  ...NO_LABEL_RULES,
};

function setup(rules: Partial<SeriesRules> = {}, format: ScrapeProtocol = 'PrometheusText0.0.4', limits: Partial<WireLimits> = {}) {
  const state = new TargetSeries(TARGET, { ...RULES, ...rules }, sha256, { ...wireLimits, ...limits });
  let n = 0;
  return {
    state,
    scrape: (lines: string, extra: ReportSamples = [], as = format) =>
      state.ingest(new TextEncoder().encode(lines), () => parserFor(undefined, as), T0 + 1000 * n++, extra),
    fail: (extra: ReportSamples = []) => state.fail(T0 + 1000 * n++, extra),
  };
}

/** Only what is there: value, `value@ms after T0`, or stale. */
function shown({ table, cells }: ScrapeCells): Record<string, number | string> {
  const out: Record<string, number | string> = {};
  table?.rows.forEach((row, i) => {
    const state = cells?.states[i];
    const time = cells?.ownTimes?.get(i)?.[0];
    const value = cells?.floats[i] ?? Number.NaN;
    if (state === VALUE) out[formatLabels(row)] = time === undefined ? value : `${value}@${time - T0}`;
    if (state === STALE) out[formatLabels(row)] = 'stale';
  });
  return out;
}

describe('staleness of series with timestamps of their own', () => {
  type Step = readonly [lines: string | undefined, expected: Record<string, number | string>];
  const at = (ms: number): number => T0 + ms;
  const cases: [name: string, track: boolean, honor: boolean, steps: Step[]][] = [
    [
      'not tracked: none',
      false,
      true,
      [
        [`a 1 ${at(-5)}\n`, { a: '1@-5' }],
        ['b 1\n', { b: 1 }],
      ],
    ],
    [
      'not tracked, the scrape fails: none',
      false,
      true,
      [
        [`a 1 ${at(-5)}\n`, { a: '1@-5' }],
        [undefined, {}],
      ],
    ],
    [
      'tracked: a marker at the time of the scrape',
      true,
      true,
      [
        [`a 1 ${at(-5)}\n`, { a: '1@-5' }],
        ['b 1\n', { a: 'stale', b: 1 }],
        ['b 2\n', { b: 2 }],
      ],
    ],
    [
      'tracked, the scrape fails',
      true,
      true,
      [
        [`a 1 ${at(-5)}\n`, { a: '1@-5' }],
        [undefined, { a: 'stale' }],
        [undefined, {}],
      ],
    ],
    [
      'tracked, the same timestamp again is no end',
      true,
      true,
      [
        [`a 1 ${at(-5)}\n`, { a: '1@-5' }],
        [`a 1 ${at(-5)}\n`, {}],
        [`a 1 ${at(-9)}\n`, {}],
        ['', { a: 'stale' }],
      ],
    ],
    [
      'tracked, a timestamp ahead of the scrape: the marker would be out of order',
      true,
      true,
      [
        [`a 1 ${at(5000)}\n`, { a: '1@5000' }],
        ['', {}],
        ['', {}],
      ],
    ],
    [
      'tracked, a sample before the marker is out of order',
      true,
      true,
      [
        [`a 1 ${at(-5)}\n`, { a: '1@-5' }],
        ['', { a: 'stale' }],
        [`a 1 ${at(999)}\n`, {}],
        [`a 1 ${at(1001)}\n`, { a: '1@1001' }],
      ],
    ],
    [
      'tracked, refused from the start: never had a sample',
      true,
      true,
      [
        [`a 1 ${at(3_600_000)}\n`, {}],
        ['', {}],
      ],
    ],
    [
      'timestamps not honoured: as without them',
      false,
      false,
      [
        [`a 1 ${at(-5)}\n`, { a: 1 }],
        ['', { a: 'stale' }],
      ],
    ],
    [
      'without a timestamp, then with one, then gone',
      true,
      true,
      [
        ['a 1\n', { a: 1 }],
        [`a 2 ${at(1500)}\n`, { a: '2@1500' }],
        ['', { a: 'stale' }],
      ],
    ],
  ];
  it.each(cases)('%s', async (_, trackTimestampsStaleness, honorTimestamps, steps) => {
    const { scrape, fail } = setup({ trackTimestampsStaleness, honorTimestamps });
    for (const [lines, expected] of steps) expect(shown(lines === undefined ? await fail() : await scrape(lines))).toEqual(expected);
  });

  it('timestamps of OpenMetrics beyond what the log holds are out of bounds', async () => {
    const { scrape } = setup({}, 'OpenMetricsText1.0.0');
    const { counts, table } = await scrape('a 1 -1e300\nb 1 1e300\nc 1 -2e12\n# EOF\n');
    expect({ counts, table }).toMatchObject({ counts: { outOfBounds: 3, scraped: 3 }, table: undefined });
    expect(shown(await scrape('a 1 -1.5\n# EOF\n'))).toEqual({ a: `1@${-1500 - T0}` });
  });
});

describe('several samples of one series in one scrape', () => {
  const more = (result: ScrapeCells): Record<string, number | string>[] => result.more.map((cells) => shown({ ...result, cells }));

  it('are all kept where each has a later timestamp', async () => {
    const { scrape } = setup();
    const at = (ms: number): string => String(T0 + ms);
    const result = await scrape(`a 1 ${at(1)}\nb 1 ${at(1)}\na 2 ${at(2)}\na 3 ${at(3)}\nb 2 ${at(2)}\nc 5\n`);
    expect(shown(result)).toEqual({ a: '1@1', b: '1@1', c: 5 });
    expect(more(result)).toEqual([{ a: '2@2', b: '2@2' }, { a: '3@3' }]);
    expect(result.counts).toMatchObject({ scraped: 6, postRelabel: 6, added: 3, duplicates: 0 });
    expect(shown(await scrape(`a 4 ${at(3)}\nb 4 ${at(3)}\n`))).toEqual({ b: '4@3', c: 'stale' });
  });

  it.each<[string, string, Record<string, number | string>, object[], object]>([
    ['no timestamps', 'a 1\na 2\n', { a: 1 }, [], { duplicates: 1 }],
    ['none on the second', `a 1 ${T0 - 1}\na 2\n`, { a: '1@-1' }, [], { duplicates: 1 }],
    ['one only on the second', `a 1\na 2 ${T0 + 1}\n`, { a: 1 }, [{ a: '2@1' }], {}],
    ['one before the scrape on the second', `a 1\na 2 ${T0 - 1}\n`, { a: 1 }, [], { outOfOrder: 1 }],
    ['the same one', `a 1 ${T0}\na 2 ${T0}\n`, { a: '1@0' }, [], { duplicates: 1 }],
    ['an earlier one', `a 1 ${T0}\na 2 ${T0 - 1}\na 3 ${T0 + 1}\n`, { a: '1@0' }, [{ a: '3@1' }], { outOfOrder: 1 }],
    ['the first one too far ahead', `a 1 ${T0 + 3_600_000}\na 2 ${T0}\n`, { a: '2@0' }, [], { outOfBounds: 1 }],
  ])('%s', async (_, lines, first, others, counts) => {
    const { scrape } = setup();
    const result = await scrape(lines);
    expect(shown(result)).toEqual(first);
    expect(more(result)).toEqual(others);
    expect(result.counts).toMatchObject({ duplicates: 0, outOfOrder: 0, outOfBounds: 0, ...counts });
  });

  it('are bounded and count for sample_limit', async () => {
    const lines = (n: number): string => Array.from({ length: n }, (_, i) => `a ${i} ${T0 + i}\n`).join('');
    const result = await setup().scrape(lines(150));
    expect(result.more).toHaveLength(100);
    expect(result.counts.duplicates).toBe(49);
    expect((await setup({ sampleLimit: 2 }).scrape(lines(3))).error?.message).toContain('got 3');
  });
});

describe('label rules', () => {
  const cases: [name: string, rules: Partial<SeriesRules>, good: string, bad: string, message: string][] = [
    [
      'label_limit counts the name and the target labels',
      { labelLimit: 4 },
      'a{b="c"} 1',
      'a{b="c",d="e"} 1',
      'expected at most 4 labels (label_limit), got 5',
    ],
    ['label_limit does not count empty labels', { labelLimit: 3 }, 'a{b=""} 1', 'a{b="c"} 1', 'at most 3 labels'],
    [
      'label_name_length_limit',
      { labelNameLengthLimit: 8 },
      'a{abcdefgh="1"} 1',
      'a{"äöü_xy"="1"} 1',
      'expected label names of at most 8 bytes (label_name_length_limit), got 9 in "äöü_xy"',
    ],
    [
      'label_value_length_limit',
      { labelValueLengthLimit: 9 },
      'a{b="äöüä"} 1',
      'a{b="äöüäö"} 1',
      'expected label values of at most 9 bytes (label_value_length_limit), got 10 in "b"',
    ],
    [
      'label_value_length_limit holds for the metric name',
      { labelValueLengthLimit: 9 },
      'abcdefghi 1',
      'abcdefghij 1',
      'got 10 in "__name__"',
    ],
    [
      'legacy metric names',
      { legacyNames: true },
      'a:b 1',
      '{"a.b"} 1',
      'expected a metric name of letters, digits, "_" and ":" (legacy), got "a.b"',
    ],
    [
      'legacy label names',
      { legacyNames: true },
      'a{b_c="."} 1',
      'a{"b.c"="d"} 1',
      'expected label names of letters, digits and "_" (legacy), got "b.c"',
    ],
  ];
  it.each(cases)('%s', async (_, rules, good, bad, message) => {
    const { scrape } = setup(rules);
    expect((await scrape(`${good}\n`)).error).toBeUndefined();
    const refused = await scrape(`${good}\n${bad}\n`);
    expect(refused.error?.message).toContain(message);
    // It stood before the fault, so it counts as seen.
    expect(shown(refused)).toEqual({});
    expect((await scrape(`${good}\n`)).error).toBeUndefined();
  });

  it('hold after metric_relabel_configs', async () => {
    const { scrape } = setup({ labelLimit: 3, relabel: (labels) => labels.filter(([name]) => name !== 'b') });
    expect((await scrape('a{b="c"} 1\n')).error).toBeUndefined();
  });

  it('new rules are applied to series known from before', async () => {
    const { state, scrape } = setup();
    expect((await scrape('a{b="c"} 1\n')).error).toBeUndefined();
    state.setRules({ ...RULES, labelLimit: 3 }, false);
    expect((await scrape('a{b="c"} 1\n')).error?.message).toContain('label_limit');
  });
});

describe('exemplars', () => {
  const read = ({ exemplars, table }: ScrapeCells) =>
    exemplars.map(({ row, labels, value, ms }) => [formatLabels(table?.rows[row] ?? []), { ...labelsToRecord(labels) }, value, ms]);
  const om = () => setup({}, 'OpenMetricsText1.0.0');
  const eof = (...lines: string[]): string => `${lines.join('\n')}\n# EOF\n`;

  it('come with the row of their series, in order of rows', async () => {
    const { scrape } = om();
    const result = await scrape(eof('b 1 # {t="1"} 0.5', 'a 1 # {t="2"} NaN 1.5', 'c 1'));
    expect(read(result)).toEqual([
      ['a', { t: '2' }, Number.NaN, 1500],
      ['b', { t: '1' }, 0.5, undefined],
    ]);
    expect(result.exemplarCounts).toEqual({ kept: 2, outOfOrder: 0, invalid: 0 });
  });

  const steps: [name: string, first: string, second: string, kept: number, outOfOrder: number][] = [
    ['the same one, without a time', '{t="1"} 1', '{t="1"} 1', 0, 0],
    ['another value', '{t="1"} 1', '{t="1"} 2', 1, 0],
    ['other labels', '{t="1"} 1', '{t="2"} 1', 1, 0],
    ['the same one, with a time', '{t="1"} 1 5', '{t="1"} 1 5', 0, 0],
    ['the same one at a later time', '{t="1"} 1 5', '{t="1"} 1 6', 1, 0],
    ['the same one at an earlier time', '{t="1"} 1 5', '{t="1"} 1 4', 0, 1],
    ['the same time, a larger value', '{t="1"} 1 5', '{t="1"} 2 5', 1, 0],
    ['the same time, a smaller value', '{t="1"} 2 5', '{t="1"} 1 5', 0, 1],
    ['the same time, other labels', '{t="1"} 1 5', '{t="2"} 1 5', 1, 0],
    ['no time after an earlier one', '{t="1"} 1 5', '{t="2"} 1', 1, 0],
    ['an earlier time after none', '{t="1"} 1', '{t="2"} 1 5', 0, 1],
    ['NaN twice', '{} NaN', '{} NaN', 0, 0],
  ];
  it.each(steps)('%s', async (_, first, second, kept, outOfOrder) => {
    const { scrape } = om();
    expect((await scrape(eof(`a 1 # ${first}`))).exemplars).toHaveLength(1);
    const result = await scrape(eof(`a 2 # ${second}`));
    expect(result.exemplars).toHaveLength(kept);
    expect(result.exemplarCounts).toEqual({ kept, outOfOrder, invalid: 0 });
  });

  it.each([
    ['128 characters', `{t="${'x'.repeat(127)}"} 1`, 1],
    ['128 characters beyond the first plane', `{t="${'😀'.repeat(127)}"} 1`, 1],
    ['129 characters', `{t="${'x'.repeat(128)}"} 1`, 0],
    ['a label name twice', '{t="1",t="2"} 1', 0],
    ['a time that no log holds', '{} 1 1e300', 0],
  ])('%s', async (_, exemplar, kept) => {
    const { scrape } = om();
    const result = await scrape(eof(`a 1 # ${exemplar}`));
    expect(result.error).toBeUndefined();
    expect(result.exemplarCounts).toEqual({ kept, outOfOrder: 0, invalid: 1 - kept });
  });

  it('without a time of its own it takes that of its sample', async () => {
    const { scrape } = om();
    expect(read(await scrape(eof('a 1 1234.5 # {} 1')))).toEqual([['a', {}, 1, 1_234_500]]);
  });

  it('of a sample whose timestamp did not move it still counts', async () => {
    const { scrape } = om();
    await scrape(eof('a 1 1234 # {t="1"} 1'));
    expect(read(await scrape(eof('a 1 1234 # {t="2"} 1')))).toEqual([['a', { t: '2' }, 1, 1_234_000]]);
  });

  it('of dropped series and of failed scrapes are gone', async () => {
    const { scrape } = setup(
      { relabel: (labels) => (labels.some(([, value]) => value === 'b') ? undefined : labels) },
      'OpenMetricsText1.0.0',
    );
    expect((await scrape(eof('b 1 # {t="1"} 1'))).exemplars).toEqual([]);
    expect((await scrape('a 1 # {t="1"} 1\n')).exemplars).toEqual([]);
    expect((await scrape(eof('a 1 # {t="1"} 1'))).exemplars).toHaveLength(1);
  });

  it('are found on lines known from before, too', async () => {
    const { scrape } = om();
    for (let i = 0; i < 3; i++)
      expect(read(await scrape(eof('a{b="c"} 1', `d 2 # {t="${i}"} 3`)))).toEqual([['d', { t: `${i}` }, 3, undefined]]);
  });
});

describe('samples of the report in rows of the target', () => {
  const EXTRA: ReportSamples = [
    ['scrape_timeout_seconds', 10],
    ['scrape_sample_limit', 2],
  ];
  const SHOWN = { scrape_timeout_seconds: 10, scrape_sample_limit: 2 };

  it('come with every scrape, failed ones too, and end with the target', async () => {
    const { scrape, fail } = setup({ sampleLimit: 2, relabel: (labels) => labels.filter(([name]) => name !== 'x') });
    expect(shown(await fail(EXTRA))).toEqual(SHOWN);
    const good = await scrape('a 1\nb 2\n', EXTRA);
    expect(shown(good)).toEqual({ a: 1, b: 2, ...SHOWN });
    expect(good.counts).toMatchObject({ scraped: 2, postRelabel: 2, added: 2 });
    expect(shown(await scrape('a 1\nb 2\nc 3\n', EXTRA))).toEqual(SHOWN);
    expect(shown(await scrape('<html>', EXTRA))).toEqual({ a: 'stale', b: 'stale', ...SHOWN });
    expect(shown(await scrape('', EXTRA))).toEqual(SHOWN);
    expect(shown(await scrape('a 1\n', EXTRA))).toEqual({ a: 1, ...SHOWN });
    expect(shown(await fail())).toEqual({ a: 'stale', scrape_timeout_seconds: 'stale', scrape_sample_limit: 'stale' });
    expect(shown(await fail())).toEqual({});
  });

  it('what the target exposes under such a name comes first', async () => {
    const { scrape } = setup();
    expect(shown(await scrape('scrape_sample_limit 7\n', EXTRA))).toEqual({ ...SHOWN, scrape_sample_limit: 7 });
    expect(shown(await scrape('a 1\n', EXTRA))).toEqual({ a: 1, ...SHOWN });
  });

  it('give way to markers when the table is full', async () => {
    const { scrape, fail } = setup({}, 'PrometheusText0.0.4', { tableRows: 2 });
    await scrape('a 1\nb 1\n');
    expect(shown(await fail(EXTRA))).toEqual({ a: 'stale', b: 'stale' });
    expect(shown(await fail(EXTRA))).toEqual({});
  });
});

describe('scrape_series_added', () => {
  it.each([
    ['a failed scrape', '<html>'],
    ['an empty body', ''],
  ])('%s makes no series new', async (_, lines) => {
    const { scrape } = setup();
    expect((await scrape('a 1\nb 1\n')).counts.added).toBe(2);
    expect(shown(await scrape(lines))).toEqual({ a: 'stale', b: 'stale' });
    expect((await scrape('a 1\nb 1\nc 1\n')).counts.added).toBe(1);
  });
});

it('texts of one format are read again under another', async () => {
  const { scrape } = setup();
  // Without a comma: good in one, bad in the other.
  expect((await scrape('a{b="c" d="e"} 1\n')).error).toBeUndefined();
  expect((await scrape('a{b="c" d="e"} 1\n# EOF\n', [], 'OpenMetricsText1.0.0')).error?.message).toContain('line 1: expected "," or "}"');
  expect((await scrape('a{b="c" d="e"} 1\n')).error).toBeUndefined();
});

it('metadata comes with the first good scrape and after a change, and again if it did not arrive', async () => {
  const { state, scrape, fail } = setup();
  expect((await fail()).metadata).toBeUndefined();
  expect((await scrape('# TYPE a gauge\na x\n')).metadata).toBeUndefined();
  const a = [{ family: 'a', type: 'gauge', help: '', unit: '' }];
  expect((await scrape('# TYPE a gauge\na 1\n')).metadata).toEqual(a);
  expect((await scrape('# TYPE a gauge\na 1\n')).metadata).toBeUndefined();
  expect((await scrape('')).metadata).toBeUndefined();
  state.handOutMetadataAgain();
  expect((await scrape('# TYPE a gauge\na 1\n')).metadata).toEqual(a);
});
