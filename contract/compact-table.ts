import { ByteReader } from './binary.ts';
import { decodeTable, type Row, type SeriesTable, type TableHash } from './series-table.ts';

/**
 * A table that holds no more than its canonical bytes, some 20 a row. Its rows, a kilobyte each, are read from them when they are
 * asked for, and stay as long as somebody else holds them.
 *
 * @param bytes canonical and checked
 */
export function compactTable(hash: TableHash, bytes: Uint8Array<ArrayBuffer>): SeriesTable {
  let rows: WeakRef<readonly Row[]> | undefined;
  return {
    hash,
    bytes,
    get rows() {
      const known = rows?.deref();
      if (known !== undefined) return known;
      const read = decodeTable(bytes);
      rows = new WeakRef(read);
      return read;
    },
  };
}

/** Rows of a table, without reading them. */
export const rowCount = ({ bytes }: SeriesTable): number => new ByteReader(bytes).varint();
