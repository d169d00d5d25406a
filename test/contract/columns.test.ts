import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../contract/binary.ts';
import { ABSENT, type Cells, createCells, setStale, setValue, VALUE } from '../../contract/cells.ts';
import {
  CLASS,
  COPY,
  DISTANCE,
  DISTANCE_TOP,
  FIRST_MODEL,
  FIRST_SIGN,
  FIRST_TOP,
  FOLLOWS,
  firstContext,
  GUESS,
  IRREGULAR,
  IRREGULAR_CLASS,
  LEVEL,
  MOVING,
  NO_CLASS,
  NO_ERROR,
  NO_KIND,
  NONE,
  OTHER_RAW,
  OTHER_SCALE,
  RAW_LENGTH,
  RELATIVE,
  SAME,
  SAME_CLASS,
  SCALE,
  STATE,
  STEADY,
  STEADY_RAW,
  TWO,
  ULPS,
  ULPS_TOP,
  UP,
  ZERO,
} from '../../contract/column-model.ts';
import { decodeColumns } from '../../contract/decode-columns.ts';
import { encodeColumns } from '../../contract/encode-columns.ts';
import { RangeEncoder } from '../../contract/range-encoder.ts';
import { cells as anyCells, type Bits, bitsOf, decodeOrRefuse, describeCells, mutate, specialBits } from './arbitraries.ts';

const start = 1_700_000_000_000;
const timesOf = (scrapes: number): number[] => Array.from({ length: scrapes }, (_, i) => start + i * 15_000);

const encoded = (cells: Cells, previous?: Cells): Uint8Array<ArrayBuffer> => encodeColumns(cells, timesOf(cells.scrapes), previous);
const decoded = (bytes: Uint8Array, rows: number, scrapes: number, previous?: Cells): Cells =>
  decodeColumns(bytes, rows, timesOf(scrapes), previous);
function fromBits(values: readonly Bits[], rows = 1): Cells {
  const cells = createCells(rows, values.length / rows);
  values.forEach(([low, high], i) => {
    cells.states[i] = VALUE;
    cells.words[2 * i] = low;
    cells.words[2 * i + 1] = high;
  });
  return cells;
}

describe('gives back all 64 bits', () => {
  const others: readonly Bits[] = [bitsOf(0), bitsOf(1.5), bitsOf(-7)];
  for (const [name, bits] of specialBits) {
    it(`of ${name}: alone, repeated, among others, and against every predecessor`, () => {
      const rows = [[bits], [bits, bits, bits], [bits, ...others], [...others, bits], [others[0] as Bits, bits, others[1] as Bits, bits]];
      for (const row of rows) {
        const cells = fromBits(row);
        expect(describeCells(decoded(encoded(cells), 1, row.length))).toEqual(describeCells(cells));
        for (const [, before] of specialBits) {
          const previous = fromBits([before]);
          expect(describeCells(decoded(encoded(cells, previous), 1, row.length, previous))).toEqual(describeCells(cells));
        }
      }
    });
  }

  it('of any cells, with absent and stale ones and own times', () => {
    const shape = fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(
        shape.chain(([rows, scrapes]) => fc.tuple(anyCells(rows, scrapes), fc.option(anyCells(rows, 1, false), { nil: undefined }))),
        ([cells, previous]) => {
          const bytes = encoded(cells, previous);
          expect(describeCells(decoded(bytes, cells.rows, cells.scrapes, previous))).toEqual(describeCells(cells));
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('hostile input', () => {
  it('is refused or means cells that encode to the same again', () => {
    const shape = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }));
    const hostile = shape.chain(([rows, scrapes]) =>
      fc
        .tuple(anyCells(rows, scrapes), fc.option(anyCells(rows, 1, false), { nil: undefined }))
        .chain(([cells, previous]) => mutate(encoded(cells, previous)).map((bytes) => ({ rows, scrapes, bytes, previous }))),
    );
    fc.assert(
      fc.property(hostile, ({ rows, scrapes, bytes, previous }) => {
        const cells = decodeOrRefuse(
          () => decoded(bytes, rows, scrapes, previous),
          (error) => error instanceof FormatError,
        );
        if (cells === undefined) return;
        expect(describeCells(decoded(encoded(cells, previous), rows, scrapes, previous))).toEqual(describeCells(cells));
      }),
      { numRuns: 2000 },
    );
  });

  /** What an encoder would write if it were let. */
  function written(write: (coder: RangeEncoder) => void): Uint8Array {
    const coder = new RangeEncoder(FIRST_MODEL);
    coder.begin();
    write(coder);
    return coder.finish();
  }
  const first = (kind: number) => (coder: RangeEncoder) => {
    coder.bit(SAME_CLASS + NO_CLASS, 0);
    coder.tree(CLASS + 8 * NO_CLASS, kind, 3);
  };
  const scale = (coder: RangeEncoder, moving: 0 | 1, code: number): void => {
    coder.bit(OTHER_SCALE + moving * (NO_KIND + 1) + NO_KIND, code === 0 ? 0 : 1);
    if (code !== 0) coder.tree(SCALE, code, 5);
  };
  const moving = (coder: RangeEncoder): void => {
    first(MOVING)(coder);
    scale(coder, 1, 0);
    coder.bit(ZERO + 3 + 2, 1);
  };
  for (const [name, bytes, message] of [
    [
      'an irregular row that is irregular',
      written((coder) => {
        first(IRREGULAR)(coder);
        coder.tree(IRREGULAR_CLASS, IRREGULAR, 3);
        coder.tree(STATE + 4 * VALUE, VALUE, 2);
      }),
      /unknown class 6/,
    ],
    [
      'a copy of a row that is not there',
      written((coder) => {
        first(FOLLOWS)(coder);
        coder.bit(TWO, 0);
        coder.bit(COPY, 1);
        coder.number(DISTANCE, DISTANCE_TOP, 1);
      }),
      /expected a row above/,
    ],
    [
      'a copy of itself',
      written((coder) => {
        first(FOLLOWS)(coder);
        coder.bit(TWO, 0);
        coder.bit(COPY, 1);
        coder.number(DISTANCE, DISTANCE_TOP, 0);
      }),
      /expected a row above/,
    ],
    [
      'a value far from its mantissa',
      written((coder) => {
        first(STEADY)(coder);
        scale(coder, 0, 29);
        coder.bit(ZERO + 2, 1);
        coder.number(ULPS, ULPS_TOP, 65);
      }),
      /within 64 ulps/,
    ],
    ['a predecessor that is not there', written(first(SAME)), /expected a predecessor/],
    ['bytes behind the end', Uint8Array.from([...encoded(fromBits([bitsOf(1)])), 1, 2, 3, 4, 5]), /more bytes/],
    ['a zero at the end', Uint8Array.of(1, 0), /ends with a zero/],
    [
      'a class with values over cells without',
      written((coder) => {
        first(IRREGULAR)(coder);
        coder.tree(IRREGULAR_CLASS, MOVING, 3);
        coder.tree(STATE + 4 * VALUE, ABSENT, 2);
      }),
      /class 3 without a value/,
    ],
    [
      'no class over cells with values',
      written((coder) => {
        first(IRREGULAR)(coder);
        coder.tree(IRREGULAR_CLASS, NONE, 3);
        coder.tree(STATE + 4 * VALUE, VALUE, 2);
      }),
      /class 0 with a cell of state 1/,
    ],
    [
      'an unknown state',
      written((coder) => {
        first(IRREGULAR)(coder);
        coder.tree(IRREGULAR_CLASS, STEADY, 3);
        coder.tree(STATE + 4 * VALUE, 3, 2);
      }),
      /a cell of state 3/,
    ],
    [
      'a mantissa of 2^51',
      written((coder) => {
        first(STEADY)(coder);
        scale(coder, 0, 0);
        coder.bit(ZERO + 2, 0);
        coder.number(firstContext(false, 0, 0), FIRST_TOP, 2 ** 51);
        coder.bit(FIRST_SIGN, 0);
      }),
      /mantissa out of range/,
    ],
    [
      'a raw value of more than 64 bits',
      written((coder) => {
        first(STEADY_RAW)(coder);
        coder.bit(OTHER_RAW, 1);
        coder.tree(RAW_LENGTH, 65, 7);
      }),
      /at most 64 bits/,
    ],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => decoded(bytes, 1, 1)).toThrow(FormatError);
      expect(() => decoded(bytes, 1, 1)).toThrow(message);
    });
  }
  for (const [name, write, message] of [
    ['an unknown guess', (coder: RangeEncoder) => coder.tree(GUESS + 4 * 3, 3, 2), /unknown guess 3/],
    [
      'an error of more than 53 bits',
      (coder: RangeEncoder) => {
        coder.tree(GUESS + 4 * 3, LEVEL, 2);
        coder.bit(NO_ERROR + 8, 0);
        coder.unary(RELATIVE + 2 * 27 + UP, 12, 54, false);
      },
      /at most 53 bits/,
    ],
  ] as const) {
    it(`refuses ${name}`, () => {
      const bytes = written((coder) => {
        moving(coder);
        write(coder);
      });
      expect(() => decoded(bytes, 1, 2)).toThrow(FormatError);
      expect(() => decoded(bytes, 1, 2)).toThrow(message);
    });
  }
});

describe('size', () => {
  it('takes next to nothing for what has not changed', () => {
    const cells = fromBits(
      Array.from({ length: 1000 }, (_, i) => bitsOf(i * 1.5)),
      1000,
    );
    expect(encoded(cells, cells).length).toBeLessThanOrEqual(7);
  });
  const random = (seed: number) => {
    let state = seed;
    return (): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 8;
    };
  };
  it('takes little for a row that is a copy, a sum, a difference, or changes as another', () => {
    const next = random(1);
    const rows = [next, next].map((value) => Array.from({ length: 12 }, () => 4096 * value()));
    const [a = [], b = []] = rows;
    const told = [a, a.map((x, i) => x + (b[i] as number)), a.map((x, i) => x - (b[i] as number)), b.map((x) => x + 12_345)];
    const cells = createCells(6, 12);
    [a, b, ...told].flat().forEach((value, i) => {
      setValue(cells, i, value);
    });
    const alone = createCells(2, 12);
    [a, b].flat().forEach((value, i) => {
      setValue(alone, i, value);
    });
    const bytes = encoded(cells);
    expect(describeCells(decoded(bytes, 6, 12))).toEqual(describeCells(cells));
    expect(bytes.length - encoded(alone).length).toBeLessThanOrEqual(25);
  });
  it('takes few bytes for milliseconds that were multiplied by 0.001 or added up, and for microseconds of a clock', () => {
    const next = random(2);
    const cells = createCells(3, 20);
    let [ticks, sum, clock] = [818_489, 22.1, 1_795_357_175];
    for (let i = 0; i < 20; i++) {
      ticks += next() % 2000;
      sum += (next() % 1000) / 1000;
      clock += 15 + (next() % 1000) / 1e6;
      setValue(cells, i, ticks * 0.001);
      setValue(cells, 20 + i, sum);
      setValue(cells, 40 + i, clock);
    }
    const bytes = encoded(cells);
    expect(describeCells(decoded(bytes, 3, 20))).toEqual(describeCells(cells));
    expect(bytes.length).toBeLessThanOrEqual(130);
  });
  it('takes little for a steady counter over twenty scrapes', () => {
    const cells = createCells(1, 20);
    for (let i = 0; i < 20; i++) setValue(cells, i, 1000 + i * 15);
    expect(encoded(cells).length).toBeLessThanOrEqual(10);
  });
  it('takes little for rows without cells', () => {
    const cells = createCells(1000, 4);
    setValue(cells, 0, 1);
    setStale(cells, 400);
    expect(encoded(cells).length).toBeLessThanOrEqual(12);
  });
});

it('refuses to write an own time that no reader would take', () => {
  for (const time of [2 ** 50 + 1, 0.5, Number.NaN]) {
    const cells = fromBits([bitsOf(1)]);
    cells.ownTimes = new Map([[0, Float64Array.of(time)]]);
    expect(() => encoded(cells)).toThrow(RangeError);
  }
});
