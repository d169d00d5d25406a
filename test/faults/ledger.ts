import type { Scrape } from '../../agent-lite/model.ts';
import { createCells, setStale, setValue } from '../../contract/cells.ts';
import { type Labels, labelsFromRecord, labelValue, METRIC_NAME } from '../../contract/labels.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import { buildTable, type Row, type SeriesTable } from '../../contract/series-table.ts';
import { sha256 } from '../fakes/wal.ts';
import type { Account } from './account.ts';
import { LossError } from './account.ts';

/** Series of a scrape; of every fifth the second half is gone, so that markers travel too. */
export const SERIES = 6;
const NAME = 'ledger_value';
const STALE_BITS = 0x7ff0_0000_0000_0002n;

/** A scrape that a target handed out. */
export interface HandedOut {
  /** The target's `instance`. */
  readonly source: string;
  /** From 1, of this source. */
  readonly number: number;
  /** When it really was. */
  readonly trueMs: number;
}

const tables = new Map<number, SeriesTable>();
export async function ledgerTable(series = SERIES): Promise<SeriesTable> {
  const rows = Array.from(
    { length: series },
    (_, i): Row => [
      [METRIC_NAME, NAME],
      ['series', String(i)],
    ],
  );
  const table = tables.get(series) ?? (await buildTable(rows, sha256)).table;
  tables.set(series, table);
  return table;
}

export const sourceLabels = (source: string): Labels => labelsFromRecord({ job: 'ledger', instance: source });

/** Undefined: this series is not in this scrape, and has a marker there. */
const sampleOf = (number: number, series: number): number | undefined =>
  number % 5 === 0 && series >= SERIES / 2 ? undefined : number * 1000 + series;
const bitsOf = (number: number, series: number): bigint => {
  const value = sampleOf(number, series);
  return value === undefined ? STALE_BITS : (new BigUint64Array(Float64Array.of(value).buffer)[0] ?? 0n);
};

export async function scrapeOf(
  handed: Pick<HandedOut, 'source' | 'number'>,
  times: Pick<Scrape, 'wallMs' | 'bootMs' | 'bootId'>,
): Promise<Scrape> {
  const cells = createCells(SERIES, 1);
  for (let row = 0; row < SERIES; row++) {
    const value = sampleOf(handed.number, row);
    if (value === undefined) setStale(cells, row);
    else setValue(cells, row, value);
  }
  const report = createCells(REPORT_NAMES.length, 1);
  for (let row = 0; row < report.rows; row++) setValue(report, row, row === 0 ? 1 : SERIES);
  return { target: sourceLabels(handed.source), table: await ledgerTable(), ...times, cells, report, exemplars: [], metadata: undefined };
}

/** What is told of a sample anywhere: at the receiver, in a dead letter. */
export interface SeenSeries {
  readonly labels: Labels;
  readonly samples: readonly { readonly ms: number; readonly bits: bigint }[];
}

/** A place where samples were found. Those of the receiver in the order in which it took them. */
export interface Evidence {
  readonly delivered: readonly SeenSeries[];
  readonly deadLetters: readonly SeenSeries[];
  /** Scrapes still in logs behind their cursors, or set aside. */
  readonly waiting: readonly Pick<HandedOut, 'source' | 'number'>[];
  /** Scrapes that agents say they have dropped. */
  readonly droppedScrapes: number;
  /** A reason why a scrape may be missing by a documented bound. */
  readonly bound?: (handed: HandedOut) => string | undefined;
  /** How far a sample's time may be from the truth, ms. */
  readonly toleranceMs?: number;
  /** Samples may come in any order: the receiver has a window. */
  readonly anyOrder?: boolean;
  readonly duplicated: number;
  readonly refused: number;
}

/** Remembers what targets have handed out, and says where it has gone. */
export class Ledger {
  readonly handedOut: HandedOut[] = [];
  readonly #bySource = new Map<string, HandedOut[]>();

  handOut(source: string, trueMs: number): HandedOut {
    const before = this.#of(source);
    const handed = { source, number: before.length + 1, trueMs };
    before.push(handed);
    this.handedOut.push(handed);
    return handed;
  }

  /** So many scrapes. */
  handedOutBy(source: string): number {
    return this.#of(source).length;
  }

  #of(source: string): HandedOut[] {
    const known = this.#bySource.get(source) ?? [];
    this.#bySource.set(source, known);
    return known;
  }

  /** Throws {@link LossError} where a sample is nowhere, or where one is that nobody handed out. */
  account(evidence: Evidence): Account {
    const faults: string[] = [];
    const { found: delivered, repeated } = this.#find(
      evidence.delivered,
      evidence,
      evidence.anyOrder === true ? undefined : faults,
      faults,
    );
    const { found: dead } = this.#find(evidence.deadLetters, evidence, undefined, faults);
    const waiting = new Set(evidence.waiting.map(({ source, number }) => `${source}/${number}`));
    const account = { scraped: 0, delivered: 0, waiting: 0, deadLetters: 0, dropped: 0, bounded: 0, lost: 0, duplicated: 0, refused: 0 };
    account.duplicated = evidence.duplicated + repeated;
    account.refused = evidence.refused;
    let droppable = evidence.droppedScrapes;
    for (const handed of this.handedOut) {
      const scrape = `${handed.source}/${handed.number}`;
      const missing: number[] = [];
      for (let series = 0; series < SERIES; series++) {
        account.scraped++;
        const id = `${scrape}/${series}`;
        if (delivered.has(id)) account.delivered++;
        else if (waiting.has(scrape)) account.waiting++;
        else if (dead.has(id)) account.deadLetters++;
        else missing.push(series);
      }
      if (missing.length === 0) continue;
      if (evidence.bound?.(handed) !== undefined) account.bounded += missing.length;
      else if (droppable > 0) {
        droppable--;
        account.dropped += missing.length;
      } else {
        account.lost += missing.length;
        faults.push(
          `${NAME}{series="${missing[0]}", instance="${handed.source}"} of ${iso(handed.trueMs)}, scrape ${handed.number}: nowhere`,
        );
      }
    }
    const [first] = faults;
    if (first !== undefined) throw new LossError(`${first}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''}`, account);
    return account;
  }

  /** By `source/number/series`. `repeated`: found more than once, say under two devices' names. */
  #find(seen: readonly SeenSeries[], { toleranceMs = 1 }: Evidence, order: string[] | undefined, faults: string[]) {
    const found = new Set<string>();
    let repeated = 0;
    for (const { labels, samples } of seen) {
      if (labelValue(labels, METRIC_NAME) !== NAME) continue;
      const source = labelValue(labels, 'instance');
      const series = Number(labelValue(labels, 'series'));
      const handed = this.#of(source);
      let last = Number.NEGATIVE_INFINITY;
      for (const { ms, bits } of samples) {
        const what = `${NAME}{series="${series}", instance="${source}"} at ${iso(ms)}`;
        if (ms < last) order?.push(`${what}: came after ${iso(last)}`);
        last = Math.max(last, ms);
        // A value names its scrape; a marker only has its time.
        const number = bits === STALE_BITS ? undefined : Math.floor(doubleOf(bits) / 1000);
        const of = number === undefined ? nearest(handed, ms) : handed[number - 1];
        if (of === undefined || bits !== bitsOf(of.number, series)) faults.push(`${what}: ${bits.toString(16)} was never scraped`);
        else if (Math.abs(of.trueMs - ms) > toleranceMs) faults.push(`${what}: expected the time ${iso(of.trueMs)}`);
        else {
          const id = `${source}/${of.number}/${series}`;
          if (found.has(id)) repeated++;
          found.add(id);
        }
      }
    }
    return { found, repeated };
  }
}

function nearest(handed: readonly HandedOut[], ms: number): HandedOut | undefined {
  let low = 0;
  let high = handed.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((handed[middle]?.trueMs ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  const candidates = [handed[low - 1], handed[low]].filter((found) => found !== undefined);
  return candidates.sort((a, b) => Math.abs(a.trueMs - ms) - Math.abs(b.trueMs - ms))[0];
}

const doubleOf = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0;
const iso = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`);

/** The source and number of a scrape that was read from a log, checked to be exactly what was handed out; undefined: not ours. */
export function identify({ target, cells }: Pick<Scrape, 'target' | 'cells'>): Pick<HandedOut, 'source' | 'number'> | undefined {
  if (cells === undefined || cells.rows !== SERIES) return undefined;
  const number = Math.floor((cells.floats[0] ?? 0) / 1000);
  const bits = new BigUint64Array(cells.words.buffer);
  for (let row = 0; row < SERIES; row++)
    if (bits[row] !== bitsOf(number, row)) throw new Error(`scrape ${number}, series ${row}: the log says ${bits[row]?.toString(16)}`);
  return { source: labelValue(target, 'instance'), number };
}
