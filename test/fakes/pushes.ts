import { deflateSync } from 'node:zlib';
import { ByteWriter } from '../../contract/binary.ts';
import { type Cells, createCells, setStale, setValue } from '../../contract/cells.ts';
import type { PushExemplar } from '../../contract/exemplar-codec.ts';
import { type Labels, labelsFromRecord } from '../../contract/labels.ts';
import { likeRows } from '../../contract/like-rows.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { encodePush, NO_CHAIN, type Push } from '../../contract/push.ts';
import type { TargetBatch } from '../../contract/push-target.ts';
import { REPORT_NAMES } from '../../contract/report-series.ts';
import { buildTable, residual, type SeriesTable } from '../../contract/series-table.ts';

/** Builds pushes the way a device does, from plain values. */

export const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
export const labels = (record: Readonly<Record<string, string>>): Labels => labelsFromRecord(record);
export const deflate = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(deflateSync(bytes));

export type Value = number | 'stale' | 'absent';
export interface GivenSeries {
  /** Final labels, the target's included. */
  readonly labels: Labels;
  /** One for each scrape. */
  readonly values: readonly Value[];
  readonly ownTimes?: readonly number[];
  readonly exemplars?: readonly Omit<PushExemplar, 'row'>[];
}
export interface GivenTarget {
  readonly labels: Labels;
  readonly times: readonly number[];
  readonly series: readonly GivenSeries[];
  readonly metadata?: readonly FamilyMetadata[];
}

export interface BuiltTarget {
  readonly table: SeriesTable;
  readonly batch: TargetBatch;
}

export async function buildTarget({ labels: target, times, series, metadata = [] }: GivenTarget): Promise<BuiltTarget> {
  const { table, order } = await buildTable(
    series.map((one) => residual(one.labels, target)),
    sha256,
  );
  const cells = createCells(series.length, times.length);
  series.forEach((one, i) => {
    const row = order[i] as number;
    one.values.forEach((value, scrape) => {
      setCell(cells, row * times.length + scrape, value);
    });
    if (one.ownTimes !== undefined) {
      cells.ownTimes ??= new Map();
      cells.ownTimes.set(row, Float64Array.from(one.ownTimes));
    }
  });
  return {
    table,
    batch: {
      labels: target,
      table: table.hash,
      times,
      cells,
      like: likeRows(table.rows),
      report: report(times.length),
      exemplars: exemplarsOf(series, order),
      metadata,
    },
  };
}

const exemplarsOf = (series: readonly GivenSeries[], order: ArrayLike<number>): readonly PushExemplar[] =>
  series
    .flatMap(({ exemplars = [] }, i) => exemplars.map((exemplar) => ({ ...exemplar, row: order[i] as number })))
    .sort((a, b) => a.row - b.row || a.scrape - b.scrape);

/** `up` 1 and the rest 0. */
export function report(scrapes: number): Cells {
  const cells = createCells(REPORT_NAMES.length, scrapes);
  for (let i = 0; i < cells.states.length; i++) setValue(cells, i, i < scrapes ? 1 : 0);
  return cells;
}

function setCell(cells: Cells, index: number, value: Value): void {
  if (value === 'stale') setStale(cells, index);
  else if (value !== 'absent') setValue(cells, index, value);
}

export function makePush(targets: readonly TargetBatch[], changes: Partial<Push> = {}): Push {
  return {
    logId: '11'.repeat(16),
    stream: 0,
    base: { position: 0, chain: NO_CHAIN },
    to: { position: 1, chain: '0123456789abcdef' },
    gaps: [],
    clock: { wallMs: 0, bootMs: 0, offsetMs: 0 },
    version: 'test',
    backlog: { records: 0, bytes: 0, oldestMs: 0 },
    externalLabels: [],
    targets,
    ...changes,
  };
}

/** The body of `POST /api/v1/push`. */
export const pushBody = (push: Push): Uint8Array<ArrayBuffer> => deflate(encodePush(push));

/** For bytes that a device would not send. */
export function bytesOf(write: (writer: ByteWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  write(writer);
  return writer.bytes();
}
