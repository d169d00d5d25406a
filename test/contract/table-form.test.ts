import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { labelsFromRecord } from '../../contract/labels.ts';
import { wireLimits } from '../../contract/limits.ts';
import { buildTable, type Row } from '../../contract/series-table.ts';
import { decodeTableForm, encodeTableForm, isShortForm } from '../../contract/table-form.ts';
import { loggedScrapes } from '../bench/recorded.ts';
import { mutate } from './arbitraries.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
const decode = (bytes: Uint8Array) => decodeTableForm(bytes, sha256, wireLimits);
const text = (lines: string): Uint8Array => new TextEncoder().encode(lines);

const word = fc.oneof(
  fc.constantFrom('a', 'le', 'Z', '\\', '\t', 'a\nb', '\\n', 'é', '__name_', '__name__x'),
  fc.string({ minLength: 1, maxLength: 5, unit: 'grapheme' }),
);
const row = fc
  .tuple(
    word,
    fc.dictionary(
      word.filter((name) => name !== '__name__'),
      fc.oneof(fc.constant(''), word),
      { maxKeys: 4 },
    ),
  )
  .map(([name, labels]) => ({ ...labels, __name__: name }))
  .map((labels): Row => Object.entries(labels).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));

describe('the short form of a series table', () => {
  it('gives back the same table, whatever its labels', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(row, { selector: (one) => JSON.stringify(one), maxLength: 12 }), async (rows) => {
        const { table } = await buildTable(rows, sha256);
        const form = encodeTableForm(table.rows);
        expect(isShortForm(form)).toBe(true);
        expect(isShortForm(table.bytes)).toBe(false);
        expect(await decode(form)).toEqual(table);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses or reads damaged bytes, nothing else', async () => {
    const { table } = await buildTable(
      [1, 2, 3].map((n) => labelsFromRecord({ __name__: 'bucket', le: String(n), path: '/' })),
      sha256,
    );
    await fc.assert(
      fc.asyncProperty(mutate(encodeTableForm(table.rows)), async (bytes) => {
        await decode(bytes).catch((error: unknown) => {
          expect(error).toBeInstanceOf(FormatError);
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('is a quarter smaller once it is deflated', async () => {
    const { table } = (await loggedScrapes('node_exporter')).at(-1) ?? {};
    if (table === undefined) throw new Error('expected a table');
    expect(deflateSync(encodeTableForm(table.rows)).length).toBeLessThan(0.75 * deflateSync(table.bytes).length);
  });

  for (const [name, lines, message] of [
    ['no lines', '\0a', /one more line/],
    ['no number of rows', '\0up\n\n', /a number of rows/],
    ['no rows', '\0up\t0\n\n', /a number of rows/],
    ['more rows than a table may have', '\0up\tle\t100001\n\n', /at most 100000 rows/],
    ['rows that would take more memory than a table may', `\0${'a'.repeat(10_000)}\tle\t90000\n\n`, /bytes in memory/],
    ['more labels than a series may have', `\0up\t${'a\t'.repeat(70)}1\n\n`, /at most 66 fields/],
    ['fewer values than rows', '\0up\tle\t2\n\n1\n', /expected 2 values of "le", got 1/],
    ['more values than rows', '\0up\tle\t1\n\n1\t2\n', /at most 1 fields/],
    ['lines behind the end', '\0up\t1\n\n\n', /expected the end/],
    ['an unknown escape', '\0u\\p\t1\n\n', /expected \\t/],
    ['a row twice', '\0up\t2\n\n', /a row is given twice/],
  ] as const) {
    it(`refuses ${name}`, async () => {
      await expect(decode(text(lines))).rejects.toThrow(FormatError);
      await expect(decode(text(lines))).rejects.toThrow(message);
    });
  }
});
