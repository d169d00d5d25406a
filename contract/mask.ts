import { ByteReader, ByteWriter, FormatError } from './binary.ts';
import { type Cells, copyCell, createCells } from './cells.ts';

/**
 * Drop push-down: the rows of a table that a device leaves out of a push because the edge's rules drop them. As bytes: runs of rows
 * in turn, kept ones first, as varints, up to the last run that is left out. No bytes: nothing is left out. One form for one set.
 */
export type Mask = Uint8Array<ArrayBuffer>;
export const NO_MASK: Mask = new Uint8Array(0);

export function encodeMask(rows: number, isMasked: (row: number) => boolean): Mask {
  const writer = new ByteWriter(32);
  let start = 0;
  let masked = false;
  for (let row = 0; row < rows; row++) {
    if (isMasked(row) === masked) continue;
    writer.varint(row - start);
    start = row;
    masked = !masked;
  }
  if (masked) writer.varint(rows - start);
  return writer.bytes();
}

/** By row: 1 where it is left out. Throws {@link FormatError} on what {@link encodeMask} would not have written for so many rows. */
export function decodeMask(mask: Uint8Array, rows: number): Uint8Array {
  const masked = new Uint8Array(rows);
  const reader = new ByteReader(mask);
  let row = 0;
  for (let run = 0; reader.remaining > 0; run++) {
    const length = reader.varint();
    if (length > rows - row || (length === 0 && run > 0)) throw new FormatError(`mask: a run of ${length} rows at row ${row} of ${rows}`);
    if (run % 2 === 1) masked.fill(1, row, row + length);
    row += length;
    if (reader.remaining === 0 && run % 2 === 0) throw new FormatError('mask: ends with rows that are kept');
  }
  return masked;
}

export function countMasked(masked: Uint8Array): number {
  let count = 0;
  for (const bit of masked) count += bit;
  return count;
}

/** The rows that are not left out. */
export function withoutMasked(cells: Cells, masked: Uint8Array): Cells {
  const kept = createCells(cells.rows - countMasked(masked), cells.scrapes);
  move(cells, masked, (row, to) => copyRow(cells, row, kept, to));
  return kept;
}

/** The inverse: rows that were left out are absent. */
export function withMasked(kept: Cells, masked: Uint8Array): Cells {
  const cells = createCells(masked.length, kept.scrapes);
  move(cells, masked, (row, from) => copyRow(kept, from, cells, row));
  return cells;
}

function move({ rows }: Cells, masked: Uint8Array, copy: (row: number, kept: number) => void): void {
  let kept = 0;
  for (let row = 0; row < rows; row++) if (masked[row] === 0) copy(row, kept++);
}

function copyRow(from: Cells, row: number, to: Cells, toRow: number): void {
  for (let i = 0; i < from.scrapes; i++) copyCell(from, row * from.scrapes + i, to, toRow * to.scrapes + i);
  const own = from.ownTimes?.get(row);
  if (own === undefined) return;
  to.ownTimes ??= new Map();
  to.ownTimes.set(toRow, own);
}
