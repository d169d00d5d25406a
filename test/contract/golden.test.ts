import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from '../../contract/binary.ts';
import { type Cells, createCells, setStale, VALUE } from '../../contract/cells.ts';
import { decodeColumns } from '../../contract/decode-columns.ts';
import { decodePush } from '../../contract/decode-push.ts';
import { encodeColumns } from '../../contract/encode-columns.ts';
import { decodeExemplars, encodeExemplars, type PushExemplar } from '../../contract/exemplar-codec.ts';
import { decodeMask, NO_MASK, withMasked, withoutMasked } from '../../contract/mask.ts';
import type { FamilyMetadata } from '../../contract/metadata.ts';
import { decodeMetadata, encodeMetadata } from '../../contract/metadata-codec.ts';
import { decodeAnswer, encodeAnswer, encodePush, type Push, type PushAnswer } from '../../contract/push.ts';
import { buildTable, decodeTable, type Row } from '../../contract/series-table.ts';
import { describeCells } from './arbitraries.ts';

/**
 * Bytes that devices have in their logs and edges in their buckets. They may never come to mean something else; a writer may
 * only change together with the format's number.
 */
const fixture = <T>(name: string): T => JSON.parse(readFileSync(new URL(`../fixtures/wire/${name}.json`, import.meta.url), 'utf8')) as T;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'hex'));

/** One list a row: 16 hex digits, `stale` or `absent`. */
type Rows = readonly (readonly string[])[];
function cellsOf(rows: Rows, ownTimes: Readonly<Record<string, readonly number[]>> = {}): Cells {
  const cells = createCells(rows.length, rows[0]?.length ?? 0);
  rows.flat().forEach((text, i) => {
    if (text === 'stale') setStale(cells, i);
    else if (text !== 'absent') {
      cells.states[i] = VALUE;
      cells.words[2 * i + 1] = Number.parseInt(text.slice(0, 8), 16);
      cells.words[2 * i] = Number.parseInt(text.slice(8), 16);
    }
  });
  for (const [row, times] of Object.entries(ownTimes)) {
    cells.ownTimes ??= new Map();
    cells.ownTimes.set(Number(row), Float64Array.from(times));
  }
  return cells;
}

interface ColumnsCase {
  readonly name: string;
  readonly times: readonly number[];
  readonly cells: Rows;
  readonly previous?: Rows;
  readonly ownTimes?: Readonly<Record<string, readonly number[]>>;
  readonly like?: readonly number[];
  readonly bytes: string;
}
describe('columns', () => {
  for (const { name, times, cells: rows, previous: before, ownTimes, like: given, bytes } of fixture<readonly ColumnsCase[]>('columns')) {
    it(name, () => {
      const cells = cellsOf(rows, ownTimes);
      const previous = before && cellsOf(before);
      const like = given && Int32Array.from(given);
      expect(hex(encodeColumns(cells, times, previous, like))).toBe(bytes);
      expect(describeCells(decodeColumns(unhex(bytes), rows.length, times, previous, like))).toEqual(describeCells(cells));
    });
  }
});

it('a series table', async () => {
  const { given, order, hash, bytes } = fixture<{ given: Row[]; order: number[]; hash: string; bytes: string }>('series-table');
  const built = await buildTable(given, (raw) => createHash('sha256').update(raw).digest());
  expect([hex(built.table.bytes), built.table.hash, [...built.order]]).toEqual([bytes, hash, order]);
  const rows = decodeTable(unhex(bytes));
  given.forEach((row, i) => {
    expect(rows[order[i] ?? 0]).toEqual(row);
  });
});

it('a push', () => {
  interface GivenTarget extends Omit<Push['targets'][number], 'cells' | 'report' | 'mask'> {
    readonly mask?: string;
    readonly cells?: Rows;
    readonly report: Rows;
  }
  const nothing = { exemplars: [], metadata: [] };
  const { push: given, bytes } = fixture<{ push: Omit<Push, 'targets'> & { targets: readonly GivenTarget[] }; bytes: string }>('push');
  const targets = given.targets.map((target) => ({
    ...nothing,
    ...target,
    mask: target.mask === undefined ? undefined : unhex(target.mask),
    table: target.table,
    cells: target.cells && cellsOf(target.cells),
    report: cellsOf(target.report),
  }));
  expect(hex(encodePush({ ...given, targets }))).toBe(bytes);
  const { targets: read, ...rest } = decodePush(unhex(bytes));
  expect(rest).toEqual({ ...given, targets: undefined });
  read.forEach((target, i) => {
    const wanted = targets[i];
    expect([target.labels, target.table, target.times]).toEqual([wanted?.labels, wanted?.table, wanted?.times]);
    expect(describeCells(target.report)).toEqual(wanted && describeCells(wanted.report));
    const { cells, mask = NO_MASK } = wanted ?? {};
    expect(target.mask).toEqual(mask);
    if (cells !== undefined) {
      const masked = decodeMask(mask, cells.rows);
      expect(describeCells(target.decodeCells(cells.rows))).toEqual(describeCells(withMasked(withoutMasked(cells, masked), masked)));
    }
    expect(target.decodeExemplars(wanted?.cells?.rows ?? 0)).toEqual(wanted?.exemplars);
    expect(target.decodeMetadata()).toEqual(wanted?.metadata);
  });
});

describe('exemplars', () => {
  interface Case {
    readonly name: string;
    readonly rows: number;
    readonly times: readonly number[];
    readonly exemplars: readonly (Omit<PushExemplar, 'value' | 'ms'> & { readonly bits: string; readonly ms?: number })[];
    readonly bytes: string;
  }
  for (const { name, rows, times, exemplars: given, bytes } of fixture<readonly Case[]>('exemplars')) {
    it(name, () => {
      const exemplars = given.map(({ bits, row, scrape, labels, ms }) => {
        const value = new Float64Array(BigUint64Array.of(BigInt(`0x${bits}`)).buffer)[0] as number;
        return { row, scrape, labels, value, ms };
      });
      const writer = new ByteWriter();
      encodeExemplars(exemplars, times, writer);
      expect(hex(writer.bytes())).toBe(bytes);
      expect(decodeExemplars(unhex(bytes), rows, times)).toEqual(exemplars);
    });
  }
});

describe('metadata', () => {
  for (const { name, families, bytes } of fixture<readonly { name: string; families: readonly FamilyMetadata[]; bytes: string }[]>(
    'metadata',
  )) {
    it(name, () => {
      expect(hex(encodeMetadata(families))).toBe(bytes);
      expect(decodeMetadata(unhex(bytes))).toEqual(families);
    });
  }
});

describe('answers', () => {
  type Given = Omit<PushAnswer, 'masks'> & { readonly masks: readonly { readonly targets: readonly number[]; readonly mask: string }[] };
  for (const { answer, bytes } of fixture<readonly { answer: Given; bytes: string }[]>('answers')) {
    it(answer.code, () => {
      const masks = answer.masks.map(({ targets, mask }) => ({ targets, mask: unhex(mask) }));
      const whole = { ...answer, masks, stored: answer.stored };
      expect(decodeAnswer(unhex(bytes))).toEqual(whole);
      expect(hex(encodeAnswer(whole))).toBe(bytes);
    });
  }
});
