import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter, FormatError } from '../../contract/binary.ts';
import { compareText, type Label, type Labels } from '../../contract/labels.ts';
import { wireLimits } from '../../contract/limits.ts';
import { buildTable, decodeTable, encodeRow, fromHex, hashTable, type Row, rebuild, residual, toHex } from '../../contract/series-table.ts';
import { labels as anyLabels, decodeOrRefuse, mutate, text } from './arbitraries.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** Label sets over few names, so that target and series conflict often. */
const fewNames: fc.Arbitrary<Labels> = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom('1', '2')), { selector: ([name]) => name })
  .map((pairs) => pairs.sort((a, b) => compareText(a[0], b[0])));

const row: fc.Arbitrary<Row> = fc
  .tuple(fc.uniqueArray(fc.tuple(text, fc.oneof(text, fc.constant(''))), { selector: ([name]) => name, maxLength: 4 }), text)
  .map(([pairs, name]) => [...pairs.filter(([key]) => key !== '' && key !== '__name__'), ['__name__', name === '' ? 'x' : name] as const])
  .map((pairs) => pairs.sort((a, b) => compareText(a[0], b[0])));
const rows = fc.uniqueArray(row, { selector: (r) => toHex(encodeRow(r)), maxLength: 12 });

describe('residual labels', () => {
  it('give back the final labels, whatever the target has', () => {
    fc.assert(
      fc.property(fc.oneof(fewNames, anyLabels), fc.oneof(fewNames, anyLabels), (final, target) => {
        expect(rebuild(residual(final, target), target)).toEqual(final);
      }),
      { numRuns: 500 },
    );
  });
  for (const [name, final, target, wanted] of [
    [
      'nothing in common',
      [['x', '1']],
      [['job', 'a']],
      [
        ['job', ''],
        ['x', '1'],
      ],
    ],
    [
      'the target label kept',
      [
        ['job', 'a'],
        ['x', '1'],
      ],
      [['job', 'a']],
      [['x', '1']],
    ],
    ['a label that won over the target', [['job', 'b']], [['job', 'a']], [['job', 'b']]],
    ['a target label dropped', [], [['job', 'a']], [['job', '']]],
  ] as const) {
    it(name, () => {
      expect(residual(final, target)).toEqual(wanted);
      expect(rebuild(wanted, target)).toEqual(final);
    });
  }
});

describe('tables', () => {
  it('read back as the rows given, in one order whatever the order given', async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.infiniteStream(fc.nat()), async (given, random) => {
        const shuffled = given.map((value) => [random.next().value as number, value] as const).sort((a, b) => a[0] - b[0]);
        const { table, order } = await buildTable(given, sha256);
        const again = await buildTable(
          shuffled.map(([, value]) => value),
          sha256,
        );
        expect(again.table.hash).toBe(table.hash);
        expect(decodeTable(table.bytes)).toEqual(table.rows);
        given.forEach((value, i) => {
          expect(table.rows[order[i] as number]).toEqual(value);
        });
        expect(await hashTable(table.bytes, sha256)).toBe(table.hash);
        expect(table.hash).toMatch(/^[0-9a-f]{32}$/);
      }),
    );
  });

  it('are refused with a row given twice', async () => {
    await expect(buildTable([[['__name__', 'up']], [['__name__', 'up']]], sha256)).rejects.toThrow(/given twice/);
  });

  it('have one way to be written: what decodes encodes to the same bytes', async () => {
    const hostile = rows.chain((given) => fc.constant(given));
    await fc.assert(
      fc.asyncProperty(hostile, fc.infiniteStream(fc.nat()), async (given, random) => {
        const { table } = await buildTable(given, sha256);
        const bytes = fc.sample(mutate(table.bytes), { numRuns: 1, seed: random.next().value as number })[0] as Uint8Array<ArrayBuffer>;
        const read = decodeOrRefuse(
          () => decodeTable(bytes),
          (error) => error instanceof FormatError,
        );
        if (read !== undefined) expect(toHex((await buildTable(read, sha256)).table.bytes)).toBe(toHex(bytes));
      }),
      { numRuns: 1500 },
    );
  });
});

describe('bytes that buildTable would not have written', () => {
  const block = (write: (writer: ByteWriter) => void): Uint8Array<ArrayBuffer> => {
    const writer = new ByteWriter();
    write(writer);
    return writer.bytes();
  };
  const raw = (...given: readonly (readonly [shared: number, rest: Uint8Array])[]): Uint8Array<ArrayBuffer> =>
    block((writer) => {
      writer.varint(given.length);
      for (const [shared, rest] of given) {
        writer.varint(shared);
        writer.block(rest);
      }
    });
  const key = (...pairs: readonly Label[]): Uint8Array<ArrayBuffer> => encodeRow(pairs);
  const a = key(['__name__', 'a']);
  const b = key(['__name__', 'b']);
  for (const [name, bytes, message] of [
    ['rows out of order', raw([0, b], [10, a.subarray(10)]), /unique and sorted/],
    ['a row twice', raw([0, a], [a.length, new Uint8Array(0)]), /unique and sorted/],
    ['a shared prefix shorter than it could be', raw([0, a], [0, b]), /longest shared prefix/],
    ['a shared prefix longer than the row before', raw([0, a], [99, b]), /shares 99 bytes/],
    ['a shared prefix before the first row', raw([1, a]), /shares 1 bytes/],
    ['no metric name', raw([0, key(['job', 'x'])]), /expected a metric name/],
    ['an empty metric name', raw([0, key(['__name__', ''])]), /expected a metric name/],
    ['labels out of order', raw([0, key(['job', 'x'], ['__name__', 'a'])]), /label names unique and sorted/],
    ['a label twice', raw([0, key(['__name__', 'a'], ['__name__', 'b'])]), /label names unique and sorted/],
    ['an empty label name', raw([0, key(['', 'x'], ['__name__', 'a'])]), /got an empty one/],
    ['bytes after a row', raw([0, Uint8Array.from([...a, 0])]), /expected the end/],
    ['bytes after the table', Uint8Array.from([...raw([0, a]), 0]), /expected the end/],
    ['fewer rows than it says', Uint8Array.from([2, ...raw([0, a]).subarray(1)]), /expected 1 more bytes/],
    ['a row that is not UTF-8', raw([0, Uint8Array.from([1, 8, ...a.subarray(2, 10), 1, 0xff])]), /expected UTF-8/],
  ] as const) {
    it(`are refused: ${name}`, () => {
      expect(() => decodeTable(bytes)).toThrow(FormatError);
      expect(() => decodeTable(bytes)).toThrow(message);
    });
  }

  const limits = { ...wireLimits, tableBytes: 200, tableRows: 3, labelsPerSeries: 2, labelNameBytes: 10, labelValueBytes: 10 };
  for (const [name, bytes, message] of [
    ['too many bytes', new Uint8Array(201), /at most 200 bytes, got 201/],
    ['too many rows', raw([0, a], [0, a], [0, a], [0, a]), /at most 3 rows, got 4/],
    ['too many labels', raw([0, key(['__name__', 'a'], ['b', '1'], ['c', '2'])]), /at most 2 labels, got 3/],
    ['a long name', raw([0, key(['__name__', 'a'], ['eleven_long', '1'])]), /at most 10 bytes, got 11/],
    ['a long value', raw([0, key(['__name__', 'eleven_long'])]), /at most 10 bytes, got 11/],
  ] as const) {
    it(`are refused over the limits: ${name}`, () => expect(() => decodeTable(bytes, limits)).toThrow(message));
  }

  it('are refused before front coding has made them large', () => {
    // Each row shares a long value with the row before: three bytes name 16 kB.
    const value = 'x'.repeat(16_000);
    const first = key(['__name__', `${value}\u0000`]);
    const given: [number, Uint8Array][] = [[0, first]];
    for (let i = 1; i < 128; i++) given.push([first.length - 1, Uint8Array.of(i)]);
    expect(() => decodeTable(raw(...given), { ...wireLimits, tableBytes: 100_000 })).toThrow(/bytes expanded/);
  });

  it('are refused before many small labels have taken the memory', () => {
    // 60 labels of three bytes in rows that differ in the first: 240 bytes a row expand to kilobytes of objects.
    const tail: Label[] = Array.from({ length: 60 }, (_, i) => [String.fromCharCode(0x60 + i), '']);
    const given: [number, Uint8Array][] = [];
    for (let i = 0; i < 13_000; i++) {
      const value = String.fromCharCode(0x20 + Math.floor(i / 128), i % 128);
      const bytes = key(['__name__', value], ...tail);
      const shared = i === 0 ? 0 : i % 128 === 0 ? 11 : 12;
      given.push([shared, bytes.subarray(shared)]);
    }
    expect(() => decodeTable(raw(...given))).toThrow(/bytes in memory/);
  });
});

describe('hex', () => {
  it('reads back what it wrote', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void expect([...fromHex(toHex(bytes))]).toEqual([...bytes])));
  });
  for (const bad of ['a', 'A0', 'zz', '0x']) it(`refuses ${bad}`, () => expect(() => fromHex(bad)).toThrow(FormatError));
});
