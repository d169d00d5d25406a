import type { Cells } from '../../contract/cells.ts';
import { encodeExemplar, RemoteWriteBuffer, sampleTime } from '../../contract/remote-write.ts';
import type { LoggedScrape } from '../model.ts';
import type { Ticket } from './progress.ts';
import type { SeriesEntry } from './series.ts';

/** The samples of one scrape that go to one shard. */
export interface Piece {
  readonly ticket: Ticket;
  readonly scrape: LoggedScrape;
  readonly entry: SeriesEntry;
  /** Rows of the entry that have a sample; the report's rows follow the table's. */
  readonly rows: Uint32Array;
}

/** Samples `from` to `to` (exclusive) of a piece. */
export interface Part {
  readonly piece: Piece;
  readonly from: number;
  readonly to: number;
}

/** What one request carries, in the order of the log. */
export type Batch = readonly Part[];

export const samplesOf = (batch: Batch): number => batch.reduce((sum, { from, to }) => sum + to - from, 0);

/** Bytes of a request before compression: receivers have limits, and long labels must not multiply. */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
/** Of a sample in a `TimeSeries`, its tags and lengths included. */
const SAMPLE_BYTES = 30;

/** Samples waiting for their shard, in order. */
export class SampleQueue {
  #parts: Part[] = [];
  #samples = 0;

  get samples(): number {
    return this.#samples;
  }

  push(piece: Piece): void {
    this.#parts.push({ piece, from: 0, to: piece.rows.length });
    this.#samples += piece.rows.length;
  }

  /** Takes the first `maxSamples`, or fewer where they would be more than {@link MAX_REQUEST_BYTES}; at least one. */
  take(maxSamples: number): Batch {
    const batch: Part[] = [];
    let room = maxSamples;
    let bytes = MAX_REQUEST_BYTES;
    let whole = 0;
    for (const part of this.#parts) {
      let to = part.from;
      while (to < part.to && room > 0 && bytes > 0) {
        bytes -= bytesOf(part.piece, to);
        if (bytes < 0 && (batch.length > 0 || to > part.from)) break;
        room--;
        to++;
      }
      if (to > part.from) batch.push({ ...part, to });
      if (to < part.to) {
        this.#parts[whole] = { ...part, from: to };
        break;
      }
      whole++;
    }
    this.#parts.splice(0, whole);
    this.#samples -= samplesOf(batch);
    return batch;
  }
}

function bytesOf({ entry, rows }: Piece, at: number): number {
  const labels = entry.rows[rows[at] as number];
  return SAMPLE_BYTES + (typeof labels === 'object' ? labels.length : 0);
}

/** Both halves of a batch of two samples or more, the earlier one first. */
export function halves(batch: Batch): readonly [Batch, Batch] {
  const first: Part[] = [];
  const second: Part[] = [];
  let room = Math.ceil(samplesOf(batch) / 2);
  for (const { piece, from, to } of batch) {
    const cut = Math.min(to, from + room);
    if (cut > from) first.push({ piece, from, to: cut });
    if (to > cut) second.push({ piece, from: cut, to });
    room -= cut - from;
  }
  return [first, second];
}

/** The part's samples by the hash of their series modulo `count`; groups that are empty are left out. */
export function groups({ piece, from, to }: Part, count: number): readonly Part[] {
  const rows = new Map<number, number[]>();
  for (const row of piece.rows.subarray(from, to)) {
    const group = (piece.entry.hashes[row] as number) % count;
    const known = rows.get(group);
    if (known === undefined) rows.set(group, [row]);
    else known.push(row);
  }
  return [...rows.values()].map((own) => ({ piece: { ...piece, rows: Uint32Array.from(own) }, from: 0, to: own.length }));
}

export interface Encoded {
  /** A `WriteRequest`, not compressed. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly samples: number;
  /** Samples left out because they are older than asked for. */
  readonly tooOld: number;
}

/**
 * One `TimeSeries` per sample, as Prometheus sends them; exemplars beside their sample, since some receivers refuse a
 * `TimeSeries` without one. `oldestMs`: samples before it are left out.
 */
export function encodeBatch(batch: Batch, oldestMs: number, sendExemplars: boolean): Encoded {
  const buffer = new RemoteWriteBuffer();
  let tooOld = 0;
  for (const { piece, from, to } of batch) {
    const { scrape, entry, rows } = piece;
    const times = [scrape.wallMs];
    const exemplars = sendExemplars ? exemplarsByRow(scrape) : undefined;
    for (let i = from; i < to; i++) {
      const row = rows[i] as number;
      const labels = entry.rows[row];
      if (labels === undefined || typeof labels === 'string') throw new RangeError(`row ${row}: expected one that is sent`);
      const { cells, index } = cellOf(scrape, row);
      if (sampleTime(cells.states[index] as number, cells.ownTimes?.get(index), times, 0) < oldestMs) tooOld++;
      else buffer.add(labels, cells, index, times, 0, 1, cells === scrape.cells ? exemplars?.get(row) : undefined);
    }
  }
  const { samples } = buffer;
  return { bytes: buffer.take(), samples, tooOld };
}

function exemplarsByRow({ exemplars, wallMs }: LoggedScrape): Map<number, Uint8Array[]> | undefined {
  if (exemplars.length === 0) return undefined;
  const byRow = new Map<number, Uint8Array[]>();
  for (const { row, labels, value, ms } of exemplars) {
    const encoded = encodeExemplar(labels, value, ms ?? wallMs);
    const known = byRow.get(row);
    if (known === undefined) byRow.set(row, [encoded]);
    else known.push(encoded);
  }
  return byRow;
}

/** Where the sample of an entry's row is. */
export function cellOf({ cells, report }: LoggedScrape, row: number): { readonly cells: Cells; readonly index: number } {
  const tableRows = cells?.rows ?? 0;
  return cells !== undefined && row < tableRows ? { cells, index: row } : { cells: report, index: row - tableRows };
}
