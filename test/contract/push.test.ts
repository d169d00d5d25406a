import { deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { createCells, setValue } from '../../contract/cells.ts';
import { decodePush } from '../../contract/decode-push.ts';
import { encodeColumns } from '../../contract/encode-columns.ts';
import { push as wire } from '../../contract/generated/push.js';
import { likeRows } from '../../contract/like-rows.ts';
import { wireLimits } from '../../contract/limits.ts';
import { decodeMask, encodeMask, withMasked, withoutMasked } from '../../contract/mask.ts';
import {
  answerCodes,
  answerStatus,
  decodeAnswer,
  encodeAnswer,
  encodePush,
  GAPS_PER_PUSH,
  type Gap,
  gapReasons,
  isPlain,
  NO_CHAIN,
  type Push,
  type PushAnswer,
} from '../../contract/push.ts';
import { readPushName } from '../../contract/push-scan.ts';
import type { TargetBatch } from '../../contract/push-target.ts';
import { REPORT_ROWS } from '../../contract/report-series.ts';
import { cells as anyCells, labels as anyLabels, decodeOrRefuse, describeCells, mutate } from './arbitraries.ts';
import { metadata as anyMetadata, describeExemplar, pushExemplars } from './attachments.ts';

const hexDigits = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((raw) => Buffer.from(raw).toString('hex'));
const time = fc.integer({ min: -(2 ** 49), max: 2 ** 49 });
const times = (count: number): fc.Arbitrary<number[]> =>
  fc
    .tuple(
      fc.oneof(time, fc.constant(1_700_000_000_000)),
      fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: count, maxLength: count }),
    )
    .map(([start, steps]) => {
      let at = start;
      return steps.map((step) => {
        at += step;
        return at;
      });
    });

const target: fc.Arbitrary<TargetBatch> = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.nat(4))
  .chain(([scrapes, rows]) =>
    fc.record({
      labels: anyLabels,
      table: hexDigits(16),
      times: times(scrapes),
      cells: anyCells(rows, scrapes),
      report: anyCells(REPORT_ROWS.length, scrapes, false),
      exemplars: pushExemplars(rows, scrapes),
      metadata: fc.oneof(fc.constant([]), anyMetadata),
      withTable: fc.boolean(),
    }),
  )
  .map(({ withTable, table, cells, exemplars, ...rest }) =>
    withTable ? { ...rest, table, cells, exemplars } : { ...rest, table: undefined, cells: undefined, exemplars: [] },
  );

const push: fc.Arbitrary<Push> = fc
  .record({
    logId: hexDigits(16),
    stream: fc.nat(1),
    from: fc.maxSafeNat(),
    span: fc.nat(1000),
    chains: fc.tuple(hexDigits(8), hexDigits(8)),
    gaps: fc.array(fc.tuple(fc.nat(999), fc.nat(999), fc.constantFrom(...gapReasons)), { maxLength: 4 }),
    clock: fc.record({
      wallMs: time,
      bootMs: fc.maxSafeNat(),
      offsetMs: fc.integer({ min: -(2 ** 50), max: 2 ** 50 }),
    }),
    version: fc.string({ maxLength: 64 }),
    backlog: fc.record({ records: fc.maxSafeNat(), bytes: fc.maxSafeNat(), oldestMs: time }),
    externalLabels: anyLabels,
    targets: fc.array(target, { maxLength: 3 }),
  })
  .map(({ from, span, chains, gaps, ...rest }) => {
    const base = Math.min(from, Number.MAX_SAFE_INTEGER - 1000);
    return {
      ...rest,
      base: { position: base, chain: chains[0] },
      to: { position: base + span, chain: chains[1] },
      gaps: gaps.flatMap(([a, b, reason]): Gap[] =>
        span === 0 ? [] : [{ from: base + 1 + Math.min(a % span, b % span), to: base + 1 + Math.max(a % span, b % span), reason }],
      ),
    };
  });

/** Everything of a push in a comparable form; `rows` per target as the sender had them. */
function describePush(given: Omit<Push, 'targets'>, targets: readonly TargetBatch[]): unknown {
  const { logId, stream, base, to, gaps, clock, version, backlog, externalLabels } = given;
  return {
    ...{ logId, stream, base, to, gaps, clock, version, backlog, externalLabels },
    targets: targets.map(({ labels, table, times: at, cells, report, exemplars, metadata }) => ({
      ...{ labels, table, times: at },
      cells: cells === undefined ? undefined : describeCells(cells),
      report: describeCells(report),
      exemplars: exemplars.map(describeExemplar),
      metadata,
    })),
  };
}

function decodeAll(bytes: Uint8Array, rows: readonly (number | undefined)[]): { given: Push; described: unknown } {
  const { targets, ...rest } = decodePush(bytes);
  const decoded = targets.map((batch, i) => ({
    ...batch,
    cells: batch.table === undefined ? undefined : batch.decodeCells(rows[i] ?? 0),
    exemplars: batch.decodeExemplars(rows[i] ?? 0),
    metadata: batch.decodeMetadata(),
  }));
  return { given: { ...rest, targets: decoded }, described: describePush(rest, decoded) };
}

describe('a push', () => {
  it('reads back to the bit', () => {
    fc.assert(
      fc.property(push, (given) => {
        const rows = given.targets.map(({ cells }) => cells?.rows);
        expect(decodeAll(encodePush(given), rows).described).toEqual(describePush(given, given.targets));
      }),
      { numRuns: 300 },
    );
  });

  it('from hostile bytes is refused, or means a push that encodes to the same again', () => {
    const hostile = push.chain((given) =>
      mutate(encodePush(given)).map((bytes) => ({ bytes, rows: given.targets.map(({ cells }) => cells?.rows) })),
    );
    fc.assert(
      fc.property(hostile, ({ bytes, rows }) => {
        const read = decodeOrRefuse(
          () => decodeAll(bytes, rows),
          (error) => error instanceof FormatError,
        );
        if (read === undefined) return;
        expect(
          decodeAll(
            encodePush(read.given),
            read.given.targets.map(({ cells }) => cells?.rows),
          ).described,
        ).toEqual(read.described);
      }),
      { numRuns: 2000 },
    );
  });

  it('asks for the time however far off the clock of the device is', () => {
    const given: Push = { ...simple, clock: { ...simple.clock, wallMs: 2 ** 52 } };
    expect(decodePush(encodePush(given)).clock.wallMs).toBe(2 ** 52);
  });

  it('from any bytes is refused or read, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        decodeOrRefuse(
          () => decodePush(bytes),
          (error) => error instanceof FormatError,
        );
      }),
      { numRuns: 2000 },
    );
  });
});

const simple: Push = {
  logId: '00112233445566778899aabbccddeeff',
  stream: 0,
  base: { position: 0, chain: NO_CHAIN },
  to: { position: 2, chain: '0123456789abcdef' },
  gaps: [],
  clock: { wallMs: 1_700_000_000_000, bootMs: 5, offsetMs: 0 },
  version: '1',
  backlog: { records: 0, bytes: 0, oldestMs: 0 },
  externalLabels: [],
  targets: [],
};
const message = (change: wire.PushRequest.$Properties): Uint8Array =>
  wire.PushRequest.encode({ ...wire.PushRequest.decode(encodePush(simple)), ...change }).finish();
const noReport = encodeColumns(createCells(REPORT_ROWS.length, 1), [0]);
const batch = (change: wire.TargetBatch.$Properties): Uint8Array =>
  message({ targets: [{ times: Uint8Array.of(1, 0), report: noReport, ...change }] });

const hash = new Uint8Array(16);

describe('inline rows', () => {
  for (const [name, text, expected] of [
    ['that are canonical bytes', '\u0001up', /expected its short form/],
    ['without a metric name', '\0\tle\t1\n\n1\n', /expected a metric name/],
    ['with labels out of order', '\0up\tb\ta\t1\n\n1\n1\n', /unique and sorted/],
    ['with a value that is too long', `\0up\ta\t1\n\n${'x'.repeat(16 * 1024 + 1)}\n`, /too long/],
    ['of more than a target may bring', `\0up\ta\t2001\n\n${'x\t'.repeat(2000)}x\n`, /at most 2000 rows/],
  ] as const) {
    it(`${name} are refused`, () => {
      const [target] = decodePush(batch({ inline: new TextEncoder().encode(text) })).targets;
      expect(() => target?.decodeInline()).toThrow(FormatError);
      expect(() => target?.decodeInline()).toThrow(expected);
    });
  }
});

describe('refuses, naming the place,', () => {
  it('accepts the message that the cases below change', () => {
    expect(decodePush(batch({})).targets).toHaveLength(1);
  });
  for (const [name, bytes, expected] of [
    ['another format', message({ format: 1 }), /expected format 2, got 1/],
    ['a short log_id', message({ logId: new Uint8Array(15) }), /log_id: expected 16 bytes, got 15/],
    ['a short chain', message({ chain: new Uint8Array(7) }), /chain: expected 8 bytes, got 7/],
    ['an end before its base', message({ base: 3 }), /"to" 2 lies before "base" 3/],
    ['a position beyond 2^53', message({ to: 2 ** 60 }), /to: expected an integer within 2\^53/],
    ['a gap outside its range', message({ gaps: [{ from: 2, to: 3 }] }), /gaps\[0\]: 2..3 lies outside 1..2/],
    ['a gap that runs backwards', message({ gaps: [{ from: 2, to: 1 }] }), /gaps\[0\]: 2..1/],
    ['a base time out of range', message({ baseMs: 2 ** 51 }), /base_ms: out of range/],
    [
      'labels out of order',
      batch({
        labels: [
          { name: 'b', value: '1' },
          { name: 'a', value: '1' },
        ],
      }),
      /targets\[0\].labels: expected names unique and sorted/,
    ],
    [
      'a label twice',
      batch({
        labels: [
          { name: 'a', value: '1' },
          { name: 'a', value: '2' },
        ],
      }),
      /unique and sorted/,
    ],
    ['a label without a value', batch({ labels: [{ name: 'a', value: '' }] }), /targets\[0\].labels\[0\]: expected a name and a value/],
    ['a label with a number that no name has', batch({ labels: [{ known: 3, value: 'a' }] }), /number of a known one, got 3/],
    ['a label with a name and a number', batch({ labels: [{ name: 'a', known: 1, value: 'a' }] }), /number of a known one, got 1/],
    ['a label without a name', batch({ labels: [{ name: '', value: 'a' }] }), /expected a name and a value/],
    ['a name of 1025 bytes', batch({ labels: [{ name: 'é'.repeat(513), value: 'a' }] }), /too long/],
    ['a value of 16 kB and a byte', batch({ labels: [{ name: 'a', value: 'x'.repeat(16 * 1024 + 1) }] }), /too long/],
    [
      'more labels than a series may have',
      message({ externalLabels: Array.from({ length: 65 }, (_, i) => ({ name: `a${i + 100}`, value: '1' })) }),
      /external_labels: expected at most 64/,
    ],
    ['a field of a later format', batch({ histograms: Uint8Array.of(1) }), /targets\[0\].histograms: not supported in this format/],
    ['inline rows beside a table', batch({ table: hash, inline: Uint8Array.of(0, 10) }), /targets\[0\].inline: given beside a table/],
    [
      'too many bytes of inline rows',
      batch({ inline: new Uint8Array(256 * 1024 + 1) }),
      /targets\[0\].inline: expected at most 262144 bytes/,
    ],
    ['a mask without a table', batch({ mask: Uint8Array.of(0, 1) }), /targets\[0\].mask: given without a table/],
    ['columns without a table', batch({ columns: Uint8Array.of(1) }), /targets\[0\].columns: given without a table/],
    ['no times', batch({ times: new Uint8Array(0) }), /offset 0: expected 1 more bytes/],
    ['no scrapes', batch({ times: Uint8Array.of(0) }), /expected 1 to 1000 scrapes, got 0/],
    ['two scrapes at one time', batch({ times: Uint8Array.of(2, 0, 0) }), /scrape 1 is not after the one before/],
    ['time running backwards', batch({ times: Uint8Array.of(3, 0, 2, 5) }), /scrape 2 is not after the one before/],
    ['bytes after the times', batch({ times: Uint8Array.of(1, 0, 0) }), /expected the end/],
    ['bytes after the report', batch({ report: Uint8Array.of(...noReport, 1, 1, 1, 1, 1) }), /targets\[0\].report: .*expected the end/],
    ['exemplars without a table', batch({ exemplars: Uint8Array.of(1, 0, 0) }), /targets\[0\].exemplars: given without a table/],
    ['exemplars that are none', batch({ table: hash, exemplars: Uint8Array.of(0, 0) }), /targets\[0\].exemplars: .*expected at least one/],
    [
      'more exemplars than bytes',
      batch({ table: hash, exemplars: Uint8Array.of(0xff, 0x7f, 0, 0) }),
      /expected 16383 with 0 labels, got 1 bytes/,
    ],
    [
      'more exemplars than a push may have',
      batch({ table: hash, exemplars: Buffer.concat([Uint8Array.of(0x91, 0x4e, 0), new Uint8Array(10_001)]) }),
      /at most 10000 exemplars in a push/,
    ],
    [
      'more bytes of exemplars than a push may have',
      batch({ table: hash, exemplars: Buffer.concat([Uint8Array.of(1, 0), new Uint8Array(1024 * 1024)]) }),
      /at most 1048576 bytes of exemplars/,
    ],
    ['metadata of no family', batch({ metadata: Uint8Array.of(0) }), /targets\[0\].metadata: .*expected 1 to 10000 families, got 0/],
    ['metadata of more families than bytes', batch({ metadata: Uint8Array.of(5, 0) }), /expected 5 families, got 1 bytes/],
    [
      'more bytes of metadata than a push may have',
      batch({ metadata: Buffer.concat([Uint8Array.of(1), new Uint8Array(2 * 1024 * 1024)]) }),
      /at most 2097152 bytes of metadata/,
    ],
    ['a short table hash', batch({ table: new Uint8Array(15) }), /targets\[0\].table: expected 16 bytes, got 15/],
  ] as readonly (readonly [string, Uint8Array, RegExp])[]) {
    it(name, () => {
      expect(() => decodePush(bytes)).toThrow(FormatError);
      expect(() => decodePush(bytes)).toThrow(expected);
    });
  }

  it('text that is not UTF-8', () => {
    const bytes = encodePush({ ...simple, externalLabels: [['a', 'xy']] });
    bytes[Buffer.from(bytes).indexOf('xy')] = 0xff;
    expect(() => decodePush(bytes)).toThrow(FormatError);
  });
  it('more cells than the limit, before it takes memory for them', () => {
    const given = decodePush(batch({ table: new Uint8Array(16), columns: new Uint8Array(0) }));
    expect(() => given.targets[0]?.decodeCells(1_000_000)).toThrow(/at most 1000000 cells/);
  });
});

/** Runs of empty messages: two bytes each, hundreds in memory, next to nothing when deflated. */
describe('refuses before it decodes', () => {
  const header = encodePush(simple);
  const repeat = (field: number, count: number, inner: readonly number[] = []): Uint8Array => {
    const one = [(field << 3) | 2, inner.length, ...inner];
    const bytes = new Uint8Array(header.length + count * one.length);
    bytes.set(header);
    for (let i = 0; i < count; i++) bytes.set(one, header.length + i * one.length);
    return bytes;
  };
  for (const [name, bytes, expected] of [
    ['a million targets', repeat(14, 1_000_000), /at most 10000 targets/],
    ['a million gaps', repeat(8, 1_000_000), new RegExp(`at most ${GAPS_PER_PUSH} gaps`)],
    ['a million external labels', repeat(13, 1_000_000), /at most 160000 labels/],
    [
      'a million labels in ten thousand targets',
      repeat(
        14,
        10_000,
        Array.from({ length: 100 }, (_, i) => (i % 2 ? 0 : 10)),
      ),
      /at most 160000 labels/,
    ],
    ['a field that is cut', header.subarray(0, header.length - 1), /ends within a field/],
    ['a group', Uint8Array.from([...header, 0x7b, 0x7c]), /unknown wire type 3/],
    ['a varint of eleven bytes', Uint8Array.from([8, ...new Uint8Array(10).fill(0x80), 1]), /varint of at most 10 bytes/],
  ] as readonly (readonly [string, Uint8Array, RegExp])[]) {
    it(name, () => {
      expect(() => decodePush(bytes)).toThrow(FormatError);
      expect(() => decodePush(bytes)).toThrow(expected);
    });
  }
  it('skips fields that it does not know, so that later versions may add some', () => {
    const added = [0x78, 0x80, 0x01, ...[0x7d, 1, 2, 3, 4], ...[0x79, 1, 2, 3, 4, 5, 6, 7, 8], ...[0x7a, 2, 9, 9]];
    expect(decodePush(Uint8Array.from([...header, ...added])).logId).toBe(simple.logId);
  });
});

describe('the name of a push that is refused', () => {
  it('is read from any push', () => {
    fc.assert(
      fc.property(push, (given) => {
        expect(readPushName(encodePush(given))).toEqual({ logId: given.logId, position: given.to.position });
      }),
    );
  });
  for (const [name, bytes, wanted] of [
    ['in spite of labels out of order', batch({ labels: [{ name: '', value: 'a' }] }), { logId: simple.logId, position: 2 }],
    ['in spite of an end that is missing', encodePush(simple).subarray(0, 60), { logId: simple.logId, position: 2 }],
    ['not from nothing', new Uint8Array(0), undefined],
    ['not from a page', Buffer.from('<html></html>'), undefined],
    ['not from a short log_id', message({ logId: new Uint8Array(15) }), undefined],
    ['not from a position beyond 2^53', message({ to: 2 ** 60 }), undefined],
  ] as const) {
    it(`is read ${name}`, () => {
      expect(readPushName(bytes)).toEqual(wanted);
    });
  }
});

it('refuses to write scrapes whose times do not ascend', () => {
  const report = {
    rows: 5,
    scrapes: 2,
    states: new Uint8Array(10),
    words: new Uint32Array(20),
    floats: new Float64Array(10),
    ownTimes: undefined,
  };
  const twice: TargetBatch = { labels: [], table: undefined, times: [5, 5], cells: undefined, report, exemplars: [], metadata: [] };
  expect(() => encodePush({ ...simple, targets: [twice] })).toThrow(RangeError);
});

describe('an answer', () => {
  const point = fc.record({ position: fc.maxSafeNat(), chain: hexDigits(8) });
  const answer: fc.Arbitrary<PushAnswer> = fc.record({
    code: fc.constantFrom(...answerCodes),
    logId: fc.oneof(hexDigits(16), fc.constant('')),
    position: fc.maxSafeNat(),
    message: fc.string({ unit: 'grapheme' }),
    edgeMs: time,
    unknownTables: fc.array(hexDigits(16), { maxLength: 3 }),
    stored: fc.option(point, { nil: undefined }),
    points: fc.array(point, { maxLength: 3 }),
    minPushIntervalMs: fc.nat(0xffffffff),
    masks: fc.array(fc.record({ targets: fc.array(fc.nat(10_000), { maxLength: 4 }), mask: fc.uint8Array({ maxLength: 6 }) }), {
      maxLength: 3,
    }),
    freshWindowMs: fc.maxSafeNat(),
  });
  it('reads back', () => {
    fc.assert(
      fc.property(answer, (given) => {
        expect(decodeAnswer(encodeAnswer(given))).toEqual(given);
      }),
    );
  });
  const stored: PushAnswer = {
    ...{ code: 'stored', logId: '000102030405060708090a0b0c0d0e0f', position: 7, message: '', edgeMs: 1_700_000_000_000 },
    ...{ unknownTables: [], stored: undefined, points: [], masks: [], minPushIntervalMs: 1000, freshWindowMs: 0 },
  };
  /** What an edge wrote before it knew of late samples, and what is added to it since. */
  const golden = '08011210000102030405060708090a0b0c0d0e0f18072880d095ffbc3148e807';
  it('is written byte by byte as ever, and a window is added behind', () => {
    expect(Buffer.from(encodeAnswer(stored)).toString('hex')).toBe(golden);
    expect(Buffer.from(encodeAnswer({ ...stored, freshWindowMs: 14_400_000 })).toString('hex')).toBe(`${golden}6080f4ee06`);
    expect(decodeAnswer(Buffer.from(golden, 'hex'))).toEqual(stored);
  });
  it('from hostile bytes is refused or read, nothing else', () => {
    fc.assert(
      fc.property(
        answer.chain((given) => mutate(encodeAnswer(given))),
        (bytes) => {
          decodeOrRefuse(
            () => decodeAnswer(bytes),
            (error) => error instanceof FormatError,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
  it('of each code has its HTTP status', () => {
    expect(answerCodes.map((code) => answerStatus[code])).toEqual([500, 200, 409, 424, 400, 401, 403, 413, 503, 422, 503, 424]);
  });
  it("is not a portal's page", () => {
    expect(() => decodeAnswer(Buffer.from('<!DOCTYPE html><html><body>Log in to the hotel network</body></html>'))).toThrow(FormatError);
  });
});

it('begins as no zlib header does', () => {
  expect(isPlain(encodePush(simple))).toBe(true);
  for (let level = 0; level <= 9; level++)
    for (let windowBits = 9; windowBits <= 15; windowBits++)
      expect(isPlain(deflateSync(encodePush(simple), { level, windowBits }))).toBe(false);
});

it('keeps rows told by others and left out by a mask', () => {
  const rows = ['a_bytes', 'b_total', 'c_bytes', 'd_bytes', 'e_total'].map((name) => [['__name__', name] as const]);
  const cells = createCells(5, 3);
  for (let i = 0; i < 15; i++) setValue(cells, i, 4096 * ((i * 7919) % 1013));
  const mask = encodeMask(5, (row) => row === 0 || row === 2);
  const times = [1000, 2000, 3000];
  const target = { labels: [], table: 'ab'.repeat(16), times, report: createCells(5, 3), exemplars: [], metadata: [] };
  const bytes = encodePush({ ...simple, targets: [{ ...target, cells, like: likeRows(rows), mask }] });
  const [read] = decodePush(bytes).targets;
  const masked = decodeMask(mask, 5);
  const wanted = describeCells(withMasked(withoutMasked(cells, masked), masked));
  expect(read && describeCells(read.decodeCells(5, likeRows(rows)))).toEqual(wanted);
});

it('stays within the limits when deflated and inflated', () => {
  const body = deflateSync(encodePush(simple));
  expect(decodePush(inflateSync(body, { maxOutputLength: wireLimits.pushInflatedBytes })).logId).toBe(simple.logId);
});
