import { formatLabels, type Labels, labelValue, METRIC_NAME, sortLabels } from '../../../contract/labels.ts';
import { STALE_BITS } from '../../e2e/harness/delivered.ts';
import { bitsValue } from '../../e2e/harness/exposition.ts';
import type { Case, Outcome } from './cases.ts';
import type { RecordedSeries } from './recorder.ts';
import type { CaseTarget } from './targets.ts';

/** A sample lies this near to the `up` of its scrape: an old loop's markers may be aligned otherwise than a new loop's scrape. */
const SAME_SCRAPE_MS = 100;
const NORMAL_NAN_BITS = 0x7ff8_0000_0000_0001n;
const NOTHING = '.';

/**
 * What came of a case, by series without the labels that every series has: `1 stale . | 5@+1000` is 1 in the first scrape, a
 * staleness marker in the second, nothing in the third, and 5 at an explicit time. Where it is up to the program when something
 * happens (a file is noticed, a configuration read), equal scrapes in a row count as one.
 */
export function outcomeOf(one: Case, targets: readonly CaseTarget[], recorded: readonly RecordedSeries[]): Outcome {
  const outcome: Record<string, string> = {};
  targets.forEach((target, i) => {
    const mine = recorded.filter(({ labels }) => targets.length === 1 || labelValue(labels, 'target') === String(i + 1));
    const times = timesOfScrapes(mine);
    const columns = Math.min(times.length, countColumns(one, mine, times));
    const rows = new Map<string, { cells: string[]; explicit: string[] }>();
    for (const { labels, samples } of mine) {
      const name = labelValue(labels, METRIC_NAME);
      const row = { cells: new Array<string>(columns).fill(NOTHING), explicit: [] as string[] };
      rows.set(describe(labels, one, target), row);
      for (const { time, bits } of samples) {
        const text = name === 'scrape_duration_seconds' && bits !== STALE_BITS ? 'seconds' : describeBits(bits);
        if (target.explicitMs.has(time)) {
          row.explicit.push(`${text}@${time < target.baseMs ? '' : '+'}${time - target.baseMs}`);
          continue;
        }
        const scrape = times.findIndex((ms) => Math.abs(ms - time) <= SAME_SCRAPE_MS);
        if (scrape === -1) row.explicit.push(`${text}@unknown time`);
        else if (scrape < columns) row.cells[scrape] = together(row.cells[scrape] as string, text, one.steps.includes('reload'));
      }
    }
    const kept = one.steps.length > 0 ? changingColumns([...rows.values()].map(({ cells }) => cells)) : undefined;
    for (const [key, { cells, explicit }] of rows) {
      const steady = kept === undefined ? cells : kept.map((column) => cells[column] as string);
      // Old and new labels are two targets, each with its own offset in the interval: which scrapes first tells nothing.
      const shown = one.steps.includes('relabel') ? withoutRepeats(cells.filter((cell) => cell !== NOTHING)) : steady;
      if (explicit.length === 0 && shown.every((cell) => cell === NOTHING)) continue;
      outcome[key] = [...shown, ...(explicit.length > 0 ? ['|', ...explicit] : [])].join(' ');
    }
    if (one.spacing) outcome[`spacing of scrapes${targets.length === 1 ? '' : ` ${i + 1}`}`] = spacing(times);
  });
  return Object.fromEntries(Object.entries(outcome).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Two samples of a series in one scrape. Over a reload Prometheus at times writes the marker of the loop that ended a few ms
 * before or after the sample of the loop that began; then the series goes on.
 */
function together(first: string, second: string, reload: boolean): string {
  if (first === NOTHING || (reload && first === 'stale')) return second;
  return reload && second === 'stale' ? first : `${first}+${second}`;
}

const upOf = (series: readonly RecordedSeries[]): readonly RecordedSeries[] =>
  series.filter(({ labels }) => labelValue(labels, METRIC_NAME) === 'up' && labelValue(labels, 'exposed') === '');

/** Times of `up`, oldest first, its marker included. */
function timesOfScrapes(series: readonly RecordedSeries[]): readonly number[] {
  const times = new Set(upOf(series).flatMap(({ samples }) => samples.map(({ time }) => time)));
  return [...times].sort((a, b) => a - b).filter((time, i, all) => i === 0 || time - (all[i - 1] as number) > SAME_SCRAPE_MS);
}

/** As many scrapes as the case has answers; all but the last two, which may be on their way, where it has further steps. */
function countColumns(one: Case, series: readonly RecordedSeries[], times: readonly number[]): number {
  if (one.steps.length === 0) return one.scrapes.length;
  const ended = upOf(series).some(({ samples }) => samples.at(-1)?.bits === STALE_BITS);
  return ended ? times.length : times.length - 2;
}

function changingColumns(rows: readonly (readonly string[])[]): readonly number[] {
  const columns = rows[0]?.length ?? 0;
  const kept: number[] = [];
  for (let column = 0; column < columns; column++) {
    if (column === 0 || rows.some((row) => row[column] !== row[column - 1])) kept.push(column);
  }
  return kept;
}

const withoutRepeats = (cells: readonly string[]): readonly string[] => cells.filter((cell, i) => cell !== cells[i - 1]);

/** Seconds between scrapes, the most usual. */
function spacing(times: readonly number[]): string {
  const gaps = times.slice(1).map((time, i) => Math.round((time - (times[i] as number)) / 1000));
  gaps.sort((a, b) => a - b);
  return `${gaps[gaps.length >> 1]} s`;
}

/** Labels that differ from what every series of the case has; the address, which differs from run to run, by a word. */
function describe(labels: Labels, one: Case, target: CaseTarget): string {
  const usual = { job: one.name, instance: target.address, cluster: 'c', case: one.name };
  const own = labels.filter(([name, value]) => !Object.entries(usual).some(([n, v]) => n === name && v === value));
  for (const name of Object.keys(usual)) if (labelValue(labels, name) === '') own.push([name, '']);
  return formatLabels(sortLabels(own.map(([name, value]) => [name, value.replaceAll(target.address, 'ADDRESS')])));
}

function describeBits(bits: bigint): string {
  if (bits === STALE_BITS) return 'stale';
  const value = bitsValue(bits);
  if (Object.is(value, -0)) return '-0';
  if (!Number.isNaN(value)) return String(value);
  return bits === NORMAL_NAN_BITS ? 'NaN' : `NaN(0x${bits.toString(16)})`;
}
