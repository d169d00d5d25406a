import type { WrittenSeries } from '../../../contract/decode-remote-write.ts';
import { type Labels, labelsKey, labelsToRecord, labelValue, METRIC_NAME, sortLabels } from '../../../contract/labels.ts';
import { REPORT_NAMES } from '../../../contract/report-series.ts';
import { bitsValue, readExposition, valueBits } from './exposition.ts';

export const STALE_BITS = 0x7ff0_0000_0000_0002n;
const NEGATIVE_ZERO_BITS = 0x8000_0000_0000_0000n;

/** One answer of a target; `text` is undefined where it failed. */
export interface Scraped {
  readonly askedMs: number;
  readonly text: string | undefined;
}

export interface Comparison {
  /** What the target gave out, in order. */
  readonly scraped: readonly Scraped[];
  /** All samples at the receiver, in the order in which they were taken. */
  readonly delivered: readonly WrittenSeries[];
  /** Labels that every series of this target must have besides its own: job, instance, external labels, identity. */
  readonly labels: Readonly<Record<string, string>>;
  /** When the agent was started again: it does not know what it saw before, so markers across such a moment are not due. */
  readonly restartsMs?: readonly number[];
  /** Scrapes that may be missing, whole: the agent was killed before it could have written them down. */
  readonly mayBeMissing?: (scraped: Scraped) => boolean;
  /** Remote read cannot tell -0 from 0. */
  readonly zeroHasNoSign?: boolean;
  /** The agent keeps `le="1"` and `quantile="0"` as exposed; agent-lite and Prometheus 3 make floats of them. */
  readonly boundsAsExposed?: boolean;
  /** How far a value may lie beside the exposed one, as a share of it: vmagent reads decimals faster and less exactly. */
  readonly relativeError?: number;
  /** A marker may come so much later than the scrape that lacks its series: vmagent takes the time a second time. */
  readonly markerLagMs?: number;
  /** A scrape's time may be so much later than the target was asked; vmagent writes the time that was due, if it is near. */
  readonly scrapeLagMs?: number;
}

export interface Outcome {
  readonly scrapes: number;
  readonly samples: number;
  readonly markers: number;
  readonly missingScrapes: number;
  /** What is wrong, in words; empty is what tests expect. At most 20. */
  readonly faults: readonly string[];
}

/** The time of a scrape lies before the target was asked, by no more than this. */
const MAX_LEAD_MS = 2500;
/** Clocks of two processes on one machine are one clock; rounding to the millisecond may still cross. */
const MAX_LAG_MS = 2;
const MAX_FAULTS = 20;

/**
 * Compares what a target gave out with what the receiver has: every label, time and bit, nothing more, nothing less, in order.
 * Samples later than the last of `scraped` are not looked at, so that this can be done while the agent goes on.
 */
export function compare(options: Comparison): Outcome {
  const faults: string[] = [];
  const fault = (text: string): void => {
    if (faults.length < MAX_FAULTS) faults.push(text);
  };
  const { report, exposed } = splitDelivered(options, fault);
  const up = report.get('up') ?? new Map<number, bigint>();
  const times = [...up.keys()].sort((a, b) => a - b);
  const used = new Set<number>();
  let samples = 0;
  let markers = 0;
  let missingScrapes = 0;
  let previous = new Map<string, Labels>();
  let previousMs = 0;

  for (const scraped of options.scraped) {
    const time = times.findLast((t) => t <= scraped.askedMs + (options.scrapeLagMs ?? MAX_LAG_MS));
    const restarted = options.restartsMs?.some((ms) => ms > previousMs && ms <= scraped.askedMs) ?? false;
    if (time === undefined || scraped.askedMs - time > MAX_LEAD_MS || used.has(time)) {
      missingScrapes++;
      if (!(options.mayBeMissing?.(scraped) ?? false)) fault(`the scrape of ${iso(scraped.askedMs)} never arrived`);
      continue;
    }
    used.add(time);
    if (restarted) previous = new Map();
    previousMs = scraped.askedMs;
    const now = new Map(scraped.text === undefined ? [] : readExposition(scraped.text, options.labels, options.boundsAsExposed));
    checkReport(report, time, scraped, now.size, fault);
    const expected = new Map([...now].map(([key, sample]) => [key, sample.bits]));
    for (const key of previous.keys()) if (!now.has(key)) expected.set(key, STALE_BITS);
    for (const [key, bits] of expected) {
      const series = exposed.get(key);
      const name = describeSeries(now.get(key)?.labels ?? previous.get(key));
      const at = bits === STALE_BITS ? markerTime(series?.samples, time, options.markerLagMs ?? 0) : time;
      const got = series?.samples.get(at);
      if (got === undefined) fault(`${name} at ${iso(time)}: expected ${hex(bits)}, got nothing`);
      else if (!sameBits(got, bits, options.zeroHasNoSign) && !isNear(got, bits, options.relativeError ?? 0))
        fault(`${name} at ${iso(time)}: expected ${hex(bits)}, got ${hex(got)}`);
      series?.samples.delete(at);
      samples++;
      if (bits === STALE_BITS) markers++;
    }
    previous = new Map([...now].map(([key, sample]) => [key, sample.labels]));
  }

  for (const series of exposed.values()) {
    for (const [time, bits] of series.samples) fault(`${describeSeries(series.labels)} at ${iso(time)}: ${hex(bits)} was never scraped`);
  }
  for (const time of times) if (!used.has(time)) fault(`up at ${iso(time)}: no scrape of that time`);
  return { scrapes: used.size, samples, markers, missingScrapes, faults };
}

function markerTime(samples: ReadonlyMap<number, bigint> | undefined, ms: number, lagMs: number): number {
  for (let at = ms; at <= ms + lagMs; at++) if (samples?.get(at) === STALE_BITS) return at;
  return ms;
}

interface Exposed {
  readonly labels: Labels;
  readonly samples: Map<number, bigint>;
}

/** The target's series at the receiver: its report series by name, the others by key. Checks the order within each. */
function splitDelivered(options: Comparison, fault: (text: string) => void) {
  const report = new Map<string, Map<number, bigint>>();
  const exposed = new Map<string, Exposed>();
  const reportKeys = new Map(
    REPORT_NAMES.map((name) => [labelsKey(sortLabels([...Object.entries(options.labels), [METRIC_NAME, name]])), name]),
  );
  const isOurs = (labels: Labels): boolean => {
    const { job, instance } = labelsToRecord(labels);
    return job === options.labels['job'] && instance === options.labels['instance'];
  };
  const until = (options.scraped.at(-1)?.askedMs ?? 0) + Math.max(options.scrapeLagMs ?? MAX_LAG_MS, options.markerLagMs ?? 0);
  for (const series of options.delivered) {
    if (!isOurs(series.labels)) continue;
    const key = labelsKey(series.labels);
    const samples = exposed.get(key)?.samples ?? new Map<number, bigint>();
    exposed.set(key, { labels: series.labels, samples });
    let last = Number.NEGATIVE_INFINITY;
    for (const { time, bits } of series.samples) {
      if (time > until) continue;
      if (samples.has(time)) {
        if (samples.get(time) !== bits) fault(`${describeSeries(series.labels)} at ${iso(time)}: two values`);
        continue;
      }
      if (time < last) fault(`${describeSeries(series.labels)}: ${iso(time)} came after ${iso(last)}`);
      last = Math.max(last, time);
      samples.set(time, bits);
    }
  }
  for (const [key, name] of reportKeys) {
    const series = exposed.get(key);
    if (series === undefined) continue;
    report.set(name, series.samples);
    exposed.delete(key);
  }
  return { report, exposed };
}

function checkReport(
  report: ReadonlyMap<string, ReadonlyMap<number, bigint>>,
  time: number,
  scraped: Scraped,
  size: number,
  fault: (text: string) => void,
): void {
  for (const name of REPORT_NAMES) if (report.get(name)?.get(time) === undefined) fault(`${name} at ${iso(time)}: missing`);
  const expected = { up: scraped.text === undefined ? '0' : '1', scrape_samples_scraped: String(size) };
  for (const [name, value] of Object.entries(expected)) {
    const got = report.get(name)?.get(time);
    if (got !== undefined && got !== valueBits(value)) fault(`${name} at ${iso(time)}: expected ${value}, got ${hex(got)}`);
  }
}

const sameBits = (a: bigint, b: bigint, zeroHasNoSign = false): boolean =>
  a === b || (zeroHasNoSign && (a === 0n || a === NEGATIVE_ZERO_BITS) && (b === 0n || b === NEGATIVE_ZERO_BITS));
/** Markers and other NaNs are never near anything. */
const isNear = (a: bigint, b: bigint, share: number): boolean =>
  share > 0 && Math.abs(bitsValue(a) - bitsValue(b)) <= share * Math.abs(bitsValue(b));
const iso = (ms: number): string => (Number.isFinite(ms) ? new Date(ms).toISOString().slice(11, 23) : 'never');
const hex = (bits: bigint): string => `0x${bits.toString(16)}`;

function describeSeries(labels: Labels | undefined): string {
  if (labels === undefined) return 'a series';
  const own = labels.filter(([name]) => !['job', 'instance', 'cluster', 'device_id', METRIC_NAME].includes(name));
  return `${labelValue(labels, METRIC_NAME)}{${own.map(([name, value]) => `${name}="${value}"`).join(',')}}`;
}
