import { createHash, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { LogEntry, LoggedGap, LoggedScrape, LogReader, Metrics, Scrape } from '../../agent-lite/model.ts';
import { openLog } from '../../agent-lite/wal/log.ts';
import type { Log, LogOptions } from '../../agent-lite/wal/options.ts';
import type { SegmentStore } from '../../agent-lite/wal/store.ts';
import { type Cells, createCells, setStale, setValue } from '../../contract/cells.ts';
import { bitsOfDouble } from '../../contract/double.ts';
import type { Labels } from '../../contract/labels.ts';
import { buildTable, type Row, type SeriesTable } from '../../contract/series-table.ts';
import { ManualClock } from './clock.ts';
import { FakeLogger } from './logger.ts';

/** What tests of the log need around it. */
export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

export const compression = {
  compress: (bytes: Uint8Array): Uint8Array => deflateRawSync(bytes),
  decompress: (bytes: Uint8Array, size: number): Uint8Array => inflateRawSync(bytes, { maxOutputLength: Math.max(1, size) }),
};

export class CountingMetrics implements Metrics {
  readonly values = new Map<string, number>();
  add(name: string, value = 1, labels: Readonly<Record<string, string>> = {}): void {
    const key = name + JSON.stringify(labels);
    this.values.set(key, (this.values.get(key) ?? 0) + value);
  }
  set(name: string, value: number): void {
    this.values.set(name, value);
  }
}

export interface LogWorld {
  readonly clock: ManualClock;
  readonly logger: FakeLogger;
  readonly metrics: CountingMetrics;
  open(store: SegmentStore, options?: Partial<LogOptions>): Promise<Log>;
}

export function logWorld(clock = new ManualClock()): LogWorld {
  const logger = new FakeLogger();
  const metrics = new CountingMetrics();
  return {
    clock,
    logger,
    metrics,
    open: (store, options = {}) => openLog({ store, clock, logger, metrics, sha256, randomBytes, compression, ...options }),
  };
}

export async function tableOf(...names: readonly string[]): Promise<SeriesTable> {
  const rows = names.map((name): Row => [['__name__', name]]);
  return (await buildTable(rows, sha256)).table;
}

export const targetOf = (instance: string): Labels => [
  ['instance', instance],
  ['job', 'node'],
];

/** One scrape. A value of undefined is an absent cell, 'stale' a staleness marker. */
export function scrapeOf(
  clock: Pick<ManualClock, 'now' | 'boot' | 'bootId'>,
  target: Labels,
  table: SeriesTable | undefined,
  values: readonly (number | 'stale' | undefined)[],
): Scrape {
  const up = cellsOf([table === undefined ? 0 : 1, 0.0125, values.length, values.length, 0]);
  const cells = table === undefined ? undefined : cellsOf(values);
  return {
    target,
    table,
    wallMs: clock.now(),
    bootMs: clock.boot(),
    bootId: clock.bootId,
    cells,
    report: up,
    exemplars: [],
    metadata: undefined,
  };
}

export function cellsOf(values: readonly (number | 'stale' | undefined)[]): Cells {
  const cells = createCells(values.length, 1);
  values.forEach((value, i) => {
    if (value === 'stale') setStale(cells, i);
    else if (value !== undefined) setValue(cells, i, value);
  });
  return cells;
}

/** A scrape of four series whose values follow from `n`, every kind of cell among them. */
export function numbered(n: number, clock: Pick<ManualClock, 'now' | 'boot' | 'bootId'>, target: Labels, table: SeriesTable): Scrape {
  const values = [n, Math.sin(n), n % 5 === 0 ? 'stale' : 1 / n, n % 7 === 0 ? undefined : 42] as const;
  return scrapeOf(clock, target, table, values.slice(0, table.rows.length));
}

/** A form in which two scrapes are equal exactly when their labels, times and bits are. */
export function plain(scrape: Scrape): unknown {
  const bits = (cells: Cells | undefined) =>
    cells && {
      states: [...cells.states],
      words: [...cells.words],
      ownTimes: [...(cells.ownTimes ?? [])].map(([row, own]) => [row, ...own]),
    };
  const { target, table, wallMs, bootMs, bootId, cells, report, exemplars, metadata } = scrape;
  return {
    ...{ target, table: table?.hash, rows: table?.rows.length, wallMs, bootMs, bootId, cells: bits(cells), report: bits(report) },
    exemplars: exemplars.map((exemplar) => ({ ...exemplar, value: String(bitsOfDouble(exemplar.value)) })),
    metadata,
  };
}

export interface ReadBack {
  readonly scrapes: readonly LoggedScrape[];
  readonly gaps: readonly LoggedGap[];
  readonly entries: readonly LogEntry[];
}

export async function readAll(log: LogReader, after = 0): Promise<ReadBack> {
  const entries: LogEntry[] = [];
  for await (const entry of log.read(after)) entries.push(entry);
  return {
    entries,
    scrapes: entries.flatMap((entry) => (entry.kind === 'scrape' ? [entry.scrape] : [])),
    gaps: entries.flatMap((entry) => (entry.kind === 'gap' ? [entry.gap] : [])),
  };
}
