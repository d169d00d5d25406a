import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createCells, setValue } from '../../contract/cells.ts';
import { encodeColumns } from '../../contract/encode-columns.ts';
import { FIRST_PROBABILITIES } from '../../contract/first-probabilities.ts';

const text = readFileSync(new URL('../../contract/FORMAT.md', import.meta.url), 'utf8');

it('tells the first probabilities that are used', () => {
  const [, block = ''] = /```text\n([^`]*)```/.exec(text) ?? [];
  expect(block.replaceAll('\n', '')).toBe(FIRST_PROBABILITIES);
});

it('gives an example of columns that is right', () => {
  const cells = createCells(1, 3);
  [100, 115, 130].forEach((value, i) => {
    setValue(cells, i, value);
  });
  const bytes = Buffer.from(encodeColumns(cells, [0, 15_000, 30_000])).toString('hex');
  expect(text).toContain(`100, 115, 130 at three scrapes: \`${bytes}\``);
});
