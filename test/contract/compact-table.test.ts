import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { compactTable, rowCount } from '../../contract/compact-table.ts';
import { buildTable, type Row } from '../../contract/series-table.ts';

it('has the rows of the table it is made of, and their number without reading them', async () => {
  const rows: readonly Row[] = [
    [['__name__', 'up']],
    [
      ['__name__', 'a'],
      ['le', '1.0'],
    ],
  ];
  const { table } = await buildTable(rows, (bytes) => createHash('sha256').update(bytes).digest());
  const compact = compactTable(table.hash, table.bytes);
  expect(compact.rows).toEqual(table.rows);
  expect(compact.rows).toBe(compact.rows);
  expect(rowCount(compact)).toBe(2);
});
