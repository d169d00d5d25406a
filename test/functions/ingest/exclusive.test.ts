import { describe, expect, it } from 'vitest';
import { createCells } from '../../../contract/cells.ts';
import { compileRelabel, defaultRelabelConfig } from '../../../contract/relabel.ts';
import { REPORT_ROWS } from '../../../contract/report-series.ts';
import { isExclusive } from '../../../functions/ingest/exclusive.ts';
import { SeriesCache } from '../../../functions/ingest/series-cache.ts';
import { seriesHash } from '../../../functions/ingest/series-hash.ts';
import { labels } from '../../fakes/pushes.ts';
import { relayConfig } from '../../fakes/relay-config.ts';

const drop = [{ sourceLabels: ['__name__'], regex: 'dropped.*', action: 'drop' }] as const;
const rules = {
  identityLabel: 'device',
  hash: seriesHash('test'),
  externalLabels: [],
  reservedLabels: new Set<string>(),
  rules: compileRelabel(drop.map((config) => ({ ...defaultRelabelConfig, ...config }))),
  limits: relayConfig.limits,
};
const cache = new SeriesCache(10_000_000);

interface Given {
  /** Of two kinds of rows each: even its own, odd its reports. */
  readonly owner: number;
  readonly target: Readonly<Record<string, string>>;
  /** Names of metrics, with `x` for `{x="1"}`; none: the report rows. */
  readonly rows?: readonly string[];
  readonly times: readonly number[];
  readonly ownTimes?: true;
}

function batch({ owner, target, rows, times, ownTimes }: Given) {
  const made =
    rows?.map((name) => labels({ __name__: name.split('{')[0] ?? '', ...(name.includes('{') ? { x: name } : {}) })) ?? REPORT_ROWS;
  const entry = cache.entry(rows?.join() ?? 'report', made, labels(target), [], { tenant: 'acme', device: 'gw-1' }, rules);
  if (!entry.ok) throw new Error(entry.error);
  const cells = createCells(made.length, times.length);
  if (ownTimes) cells.ownTimes = new Map([[0, Float64Array.from(times)]]);
  return { owner, times, cells, entry: entry.value };
}

const a = { job: 'n', instance: 'a' };
const b = { job: 'n', instance: 'b' };
const own = { owner: 0, target: a };
const report = { owner: 1, target: a };

describe('certain that no two rows of a push are one series', () => {
  it.each<[string, readonly Given[]]>([
    ['nothing', []],
    [
      'a target and its report',
      [
        { ...own, rows: ['m', 'n'], times: [1, 2] },
        { ...report, times: [1, 2] },
      ],
    ],
    [
      'two targets with the same rows',
      [
        { ...own, rows: ['m'], times: [1] },
        { ...report, times: [1] },
        { owner: 2, target: b, rows: ['m'], times: [1] },
        { owner: 3, target: b, times: [1] },
      ],
    ],
    [
      'a target whose table changes between two scrapes',
      [
        { ...own, rows: ['m', 'n'], times: [1, 2] },
        { ...report, times: [1, 2] },
        { ...own, rows: ['m', 'o'], times: [3, 4] },
        { ...report, times: [3, 4] },
      ],
    ],
    [
      'new rows of a target beside its table',
      [
        { ...own, rows: ['m{1}', 'm{2}'], times: [1, 2] },
        { ...own, rows: ['m', 'm{3}'], times: [1, 2] },
        { ...report, times: [1, 2] },
      ],
    ],
    [
      'both, after one another',
      [
        { ...own, rows: ['m{1}'], times: [1, 2] },
        { ...own, rows: ['m', 'm{3}'], times: [1, 2] },
        { ...report, times: [1, 2] },
        { ...own, rows: ['m', 'm{1}', 'm{3}'], times: [3] },
        { ...report, times: [3] },
      ],
    ],
    [
      'new rows that are all dropped',
      [
        { ...own, rows: ['dropped'], times: [1, 2] },
        { ...own, rows: ['m'], times: [1, 2] },
        { ...report, times: [1, 2] },
        { owner: 2, target: b, rows: ['m'], times: [1] },
      ],
    ],
    [
      'new rows of which those are dropped that are in the table as well',
      [
        { ...own, rows: ['dropped', 'm{1}'], times: [1, 2] },
        { ...own, rows: ['dropped', 'm'], times: [1, 2] },
      ],
    ],
    [
      'times of their own in a batch that is alone with its target',
      [
        { ...own, rows: ['m'], times: [1, 2], ownTimes: true },
        { ...report, times: [1, 2] },
      ],
    ],
  ])('%s', (_, given) => expect(isExclusive(given.map(batch))).toBe(true));
});

describe('not certain', () => {
  it.each<[string, readonly Given[]]>([
    [
      'the same series beside each other',
      [
        { ...own, rows: ['m', 'n'], times: [1, 2] },
        { ...own, rows: ['m'], times: [1, 2] },
      ],
    ],
    [
      'a series again, at the time of its last sample',
      [
        { ...own, rows: ['m', 'n'], times: [1, 2] },
        { ...own, rows: ['m'], times: [2, 3] },
      ],
    ],
    [
      'a series again, earlier',
      [
        { ...own, rows: ['m', 'n'], times: [3, 4] },
        { ...own, rows: ['m'], times: [1, 2] },
      ],
    ],
    [
      'a series again, after one that came between',
      [
        { ...own, rows: ['m'], times: [3, 4] },
        { ...own, rows: ['n'], times: [5, 6] },
        { ...own, rows: ['m'], times: [4, 5] },
      ],
    ],
    [
      'times of their own in a target with two batches',
      [
        { ...own, rows: ['m'], times: [1, 2] },
        { ...own, rows: ['m', 'n'], times: [3, 4], ownTimes: true },
      ],
    ],
    [
      'the same, the other way round',
      [
        { ...own, rows: ['m', 'n'], times: [1, 2], ownTimes: true },
        { ...own, rows: ['m'], times: [3, 4] },
      ],
    ],
    [
      'another target with the same labels',
      [
        { ...own, rows: ['m'], times: [1] },
        { owner: 2, target: a, rows: ['m', 'n'], times: [2] },
      ],
    ],
    [
      'a second table with a name of the report series',
      [
        { ...own, rows: ['m'], times: [1] },
        { ...report, times: [1] },
        { ...own, rows: ['m', 'up'], times: [2] },
        { ...report, times: [2] },
      ],
    ],
    ['more batches of a target than it ever has', Array.from({ length: 17 }, (_, i) => ({ ...own, rows: ['m'], times: [i] }))],
  ])('%s', (_, given) => expect(isExclusive(given.map(batch))).toBe(false));
});
