import { describe, expect, it } from 'vitest';
import { findCopies, LITERAL, SlotSets } from '../../../functions/ingest/template-ops.ts';

/** By row: texts of literals, and of copies with the row they are from. */
function stepsOf(rows: readonly string[]): readonly (readonly string[])[] {
  const all = rows.join('');
  const starts = new Uint32Array(rows.length + 1);
  for (const [row, { length }] of rows.entries()) starts[row + 1] = (starts[row] as number) + length;
  const ops = findCopies(
    Uint16Array.from(all, (letter) => letter.charCodeAt(0)),
    starts,
    new SlotSets(),
  );
  return rows.map((_, row) => {
    const steps: string[] = [];
    for (let at = ops.stepStarts[row] as number; at < (ops.stepStarts[row + 1] as number); ) {
      const literal = ops.steps[at] === LITERAL;
      const [from, to] = literal ? [at + 1, at + 2] : [at + 6, at + 7];
      const text = all.slice(ops.steps[from], ops.steps[to]);
      if (!literal) {
        const [other, before] = [ops.steps[at + 1] as number, ops.steps[at + 2] as number];
        const source = all.slice((starts[other] as number) + before);
        if (!source.startsWith(text)) throw new Error(`row ${row}: a copy of ${text} from ${source}`);
      }
      steps.push(literal ? text : `${ops.steps[at + 1]}:${text}`);
      at += literal ? 3 : 8;
    }
    return steps;
  });
}

describe('what repeats in the labels of rows', () => {
  const cases: readonly [name: string, rows: readonly string[], last: readonly string[]][] = [
    ['nothing', ['abcdefgh', 'ijklmnop'], ['ijklmnop']],
    ['the row before', ['abcdefgh1', 'abcdefgh2'], ['0:abcdefgh', '2']],
    ['the longest, not the latest', ['abcdefgh12345678', 'abcdefXY', 'abcdefgh12345678'], ['0:abcdefgh12345678']],
    ['the latest of equally long ones', ['abcdefgh1', 'abcdefgh2', 'abcdefgh3'], ['1:abcdefgh', '3']],
    ['a longer one that begins later', ['1abcdef', 'abcdefghijklm', '1abcdefghijklm'], ['1', '1:abcdefghijklm']],
    ['what is too short to be worth it', ['abcde', 'abcde'], ['abcde']],
    ['no row that may be out of reach', ['abcdefgh', ...Array.from({ length: 64 }, (_, i) => `-${i}`), 'abcdefgh'], ['abcdefgh']],
    ['a row that is just within reach', ['abcdefgh', ...Array.from({ length: 63 }, (_, i) => `-${i}`), 'abcdefgh'], ['0:abcdefgh']],
  ];
  it.each(cases)('%s', (_name, rows, last) => {
    expect(stepsOf(rows).at(-1)).toEqual(last);
  });
});
