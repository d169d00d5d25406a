import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SharedShapes } from '../../../agent-lite/scrape/shared-shapes.ts';
import { TextIndex } from '../../../agent-lite/scrape/text-index.ts';

const encoder = new TextEncoder();

/** One scrape of these texts; returns for each what the index knew, or undefined where it was new. */
function scrape(index: TextIndex<number>, texts: readonly string[], next: () => number): (number | undefined)[] {
  const bytes = encoder.encode(texts.map((text) => `${text} 1\n`).join(''));
  let at = 0;
  return texts.map((text) => {
    const length = encoder.encode(text).length;
    const start = at;
    at += length + 3;
    const end = index.expected(bytes, start, 0);
    if (end !== -1) expect(end).toBe(start + length);
    else if (!index.find(bytes, start, start + length, 0)) {
      index.add(bytes, start, start + length, 0, next());
      return undefined;
    }
    return index.item;
  });
}

it('knows what the last good scrape had and this one has so far, whatever the order', () => {
  // Long enough that the texts' memory is compacted on the way.
  const name = fc.integer({ min: 0, max: 30 }).map((i) => `${'x'.repeat(i)}_${'y'.repeat(200)}${i % 3 === 0 ? '{a="b"}' : ''}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(name, { maxLength: 40 }), fc.boolean()), { maxLength: 12 }), (scrapes) => {
      const index = new TextIndex<number>();
      let model = new Map<string, number>();
      // What failed scrapes showed since the last good one.
      let failed = new Set<string>();
      let id = 0;
      for (const [texts, good] of scrapes) {
        const during = new Map(model);
        const expected = texts.map((text) => {
          const known = during.get(text);
          if (known === undefined) during.set(text, -1);
          return known;
        });
        index.begin();
        const start = id;
        const got = scrape(index, texts, () => id++);
        // New ones get ids in order of appearance, in the index as in the model.
        let fresh = start;
        for (const [text, value] of during) if (value === -1) during.set(text, fresh++);
        expect(got.map((value) => (value !== undefined && value >= start ? -1 : value))).toEqual(expected);
        if (good) {
          const gone = index.commit();
          expect(gone.sort()).toEqual(
            [...model]
              .filter(([text]) => !texts.includes(text) && !failed.has(text))
              .map(([, value]) => value)
              .sort(),
          );
          model = new Map([...during].filter(([text]) => texts.includes(text) || failed.has(text)));
          failed = new Set();
        } else {
          expect(index.rollback().sort()).toEqual([...during.values()].filter((value) => value >= start).sort());
          for (const text of texts) if (model.has(text)) failed.add(text);
        }
        expect(index.size).toBe(model.size);
      }
    }),
    { numRuns: 200 },
  );
});

it('forgets what only a failed scrape showed, after the good scrape that keeps it', () => {
  const index = new TextIndex<number>();
  const gone = (['a', 'a', '', ''] as const).map((text, i) => {
    index.begin();
    scrape(index, text === '' ? [] : [text], () => 7);
    return i === 1 ? index.rollback() : index.commit();
  });
  expect(gone).toEqual([[], [], [], [7]]);
  expect(index.size).toBe(0);
});

it('keeps its memory when every scrape brings other texts', () => {
  const index = new TextIndex<number>();
  for (let i = 0; i < 200; i++) {
    index.begin();
    scrape(
      index,
      Array.from({ length: 100 }, (_, k) => `series_${i}_${k}`),
      () => i,
    );
    index.commit();
    expect(index.size).toBe(100);
    expect(index.bytes).toBeLessThan(16_384);
  }
});

it('holds equal texts once, and its own as soon as they differ', () => {
  const shared = new SharedShapes();
  const indexes = [1, 2].map(() => new TextIndex<number>((shape) => shared.series(shape)));
  const run = (texts: readonly (readonly string[])[]): void => {
    indexes.forEach((index, i) => {
      let id = 0;
      index.begin();
      scrape(index, texts[i] ?? [], () => id++);
      index.commit();
    });
  };
  run([
    ['a', 'b'],
    ['a', 'b'],
  ]);
  expect(indexes[0]?.shape).toBeDefined();
  expect(indexes[1]?.shape).toBe(indexes[0]?.shape);
  run([
    ['a', 'b'],
    ['b', 'a', 'c'],
  ]);
  expect(indexes.map((index) => index.size)).toEqual([2, 3]);
  // Two good scrapes in one order, and the index is closed again.
  for (const closed of [false, false, true]) {
    expect(indexes[1]?.shape !== undefined).toBe(closed);
    run([
      ['a', 'b'],
      ['b', 'a', 'c'],
    ]);
  }
  expect(indexes[0]?.shape).not.toBe(indexes[1]?.shape);
});
