import fc from 'fast-check';
import { ABSENT, type Cells, createCells, STALE, setStale, VALUE } from '../../contract/cells.ts';
import { compareText, type Labels } from '../../contract/labels.ts';

/** Values as 64 bits, low word first, so that no NaN loses its payload on the way. */
export type Bits = readonly [low: number, high: number];

const view = new DataView(new ArrayBuffer(8));
export function bitsOf(value: number): Bits {
  view.setFloat64(0, value, true);
  return [view.getUint32(0, true), view.getUint32(4, true)];
}

export const specialBits: readonly (readonly [name: string, bits: Bits])[] = [
  ['0', bitsOf(0)],
  ['-0', bitsOf(-0)],
  ['1', bitsOf(1)],
  ['infinity', bitsOf(Number.POSITIVE_INFINITY)],
  ['-infinity', bitsOf(Number.NEGATIVE_INFINITY)],
  ['the staleness marker as a plain value', [0x00000002, 0x7ff00000]],
  ["Prometheus' NaN", [0x00000001, 0x7ff80000]],
  ['a negative signalling NaN', [0x12345678, 0xfff01234]],
  ['the NaN with all bits set', [0xffffffff, 0xffffffff]],
  ['least denormal', [1, 0]],
  ['greatest denormal', [0xffffffff, 0x000fffff]],
  ['greatest number', [0xffffffff, 0x7fefffff]],
  ['2^50', bitsOf(2 ** 50)],
  ['2^50 + 1', bitsOf(2 ** 50 + 1)],
  ['-2^50', bitsOf(-(2 ** 50))],
  ['2^53', bitsOf(2 ** 53)],
  ['2^53 + 2', bitsOf(2 ** 53 + 2)],
  ['1e22', bitsOf(1e22)],
  ['1e23', bitsOf(1e23)],
  ['0.1', bitsOf(0.1)],
  ['0.1 + 0.2', bitsOf(0.1 + 0.2)],
  ['1e-8', bitsOf(1e-8)],
  ['1e-23', bitsOf(1e-23)],
  ['123456.789', bitsOf(123456.789)],
  ['epoch seconds', bitsOf(1700000000.123)],
];

const raw: fc.Arbitrary<Bits> = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff));
const decimal: fc.Arbitrary<Bits> = fc
  .tuple(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), fc.integer({ min: -12, max: 12 }))
  .map(([m, e]) => bitsOf(Number(`${m}e${e}`)));
export const bits: fc.Arbitrary<Bits> = fc.oneof(
  { weight: 3, arbitrary: decimal },
  { weight: 2, arbitrary: fc.constantFrom(...specialBits.map(([, b]) => b)) },
  { weight: 1, arbitrary: raw },
  { weight: 1, arbitrary: fc.double().map(bitsOf) },
);

/** One row as it looks in practice: mostly one kind of value with a trend, sometimes anything. */
const row = (scrapes: number): fc.Arbitrary<readonly (Bits | 'absent' | 'stale')[]> => {
  const cell = (value: fc.Arbitrary<Bits>) =>
    fc.oneof(
      { weight: 8, arbitrary: value },
      { weight: 1, arbitrary: fc.constant('absent' as const) },
      { weight: 1, arbitrary: fc.constant('stale' as const) },
    );
  const list = (value: fc.Arbitrary<Bits>) => fc.array(cell(value), { minLength: scrapes, maxLength: scrapes });
  const counter = fc
    .tuple(fc.integer({ min: -1e9, max: 1e12 }), fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: scrapes, maxLength: scrapes }))
    .map(([start, steps]) => {
      let value = start;
      return steps.map((step) => {
        value += step;
        return bitsOf(value / 1000);
      });
    });
  return fc.oneof(
    list(bits),
    bits.chain((same) => list(fc.constant(same))),
    counter,
    fc.constant(Array.from({ length: scrapes }, () => 'absent' as const)),
  );
};

export const MAX_OWN_MS = 2 ** 50;
const ownTime = fc.oneof(fc.integer({ min: -MAX_OWN_MS, max: MAX_OWN_MS }), fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }));

/** Cells of `rows` rows and `scrapes` scrapes. */
export const cells = (rows: number, scrapes: number, withOwnTimes = true): fc.Arbitrary<Cells> =>
  fc
    .tuple(
      fc.array(row(scrapes), { minLength: rows, maxLength: rows }),
      fc.array(fc.option(fc.array(ownTime, { minLength: scrapes, maxLength: scrapes }), { freq: 6 }), { minLength: rows, maxLength: rows }),
    )
    .map(([table, own]) => {
      const made = createCells(rows, scrapes);
      table.forEach((values, r) => {
        values.forEach((value, s) => {
          const index = r * scrapes + s;
          if (value === 'stale') setStale(made, index);
          else if (value !== 'absent') {
            made.states[index] = VALUE;
            made.words[2 * index] = value[0];
            made.words[2 * index + 1] = value[1];
          }
        });
        const times = own[r];
        if (withOwnTimes && times) {
          made.ownTimes ??= new Map();
          made.ownTimes.set(
            r,
            Float64Array.from(times, (time, s) => (made.states[r * scrapes + s] === VALUE ? time : 0)),
          );
        }
      });
      return made;
    });

/** Everything that a cell says, in a form that `toEqual` compares bit by bit. */
export function describeCells(given: Cells): unknown {
  const list: string[] = [];
  for (let i = 0; i < given.rows * given.scrapes; i++) {
    const state = given.states[i];
    if (state === ABSENT) list.push('absent');
    else if (state === STALE) list.push('stale');
    else list.push(`${hexWord(given.words[2 * i + 1])}${hexWord(given.words[2 * i])}`);
  }
  const own = [...(given.ownTimes ?? [])].sort((a, b) => a[0] - b[0]).map(([r, times]) => [r, [...times].map((time) => time + 0)]);
  return { rows: given.rows, scrapes: given.scrapes, list, own };
}
const hexWord = (word: number | undefined): string => (word ?? 0).toString(16).padStart(8, '0');

/** Text with everything that UTF-8 can hold, often such that sorting by UTF-16 would differ. */
export const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ maxLength: 12 }),
  fc.constantFrom('\u{10000}', '\uffff', '\ue000', '__proto__', 'constructor', '\ufeffbom', '\0'),
);
export const labels: fc.Arbitrary<Labels> = fc
  .uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 6 })
  .map((pairs) => pairs.filter(([name, value]) => name !== '' && value !== '').sort((a, b) => compareText(a[0], b[0])));

/** Bytes near the given ones: flipped, cut, repeated, spliced. */
export const mutate = (valid: Uint8Array): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc
    .array(
      fc.record({
        kind: fc.constantFrom('flip', 'set', 'cut', 'insert', 'double'),
        at: fc.nat(Math.max(0, valid.length)),
        value: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((steps) => {
      let bytes = [...valid];
      for (const { kind, at, value } of steps) {
        const index = bytes.length === 0 ? 0 : at % bytes.length;
        if (kind === 'flip') bytes[index] = (bytes[index] ?? 0) ^ (1 << (value % 8));
        else if (kind === 'set') bytes[index] = value;
        else if (kind === 'cut') bytes = bytes.slice(0, index);
        else if (kind === 'insert') bytes.splice(index, 0, value);
        else bytes = [...bytes.slice(0, index), ...bytes.slice(Math.max(0, index - 8))];
      }
      return Uint8Array.from(bytes);
    });

/** Runs a decoder on hostile bytes: it gives a value, or a FormatError, and nothing else. */
export function decodeOrRefuse<T>(decode: () => T, refused: (error: unknown) => boolean): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (refused(error)) return undefined;
    throw error;
  }
}
