import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExpositionSink } from '../../../agent-lite/scrape/exposition.ts';
import { TargetMetadata } from '../../../agent-lite/scrape/metadata-state.ts';
import { parseOpenMetrics } from '../../../agent-lite/scrape/open-metrics.ts';
import { SharedShapes } from '../../../agent-lite/scrape/shared-shapes.ts';
import { parseTextFormat } from '../../../agent-lite/scrape/text-format.ts';
import { type FamilyMetadata, metadataLimits } from '../../../contract/metadata.ts';
import { Collector, collect } from './collector.ts';

/** One good scrape in the text format; `read`: lines that were new to the state. */
function scrape(state: TargetMetadata, lines: string, parser = parseTextFormat): readonly FamilyMetadata[] | undefined {
  state.begin();
  parser(new TextEncoder().encode(lines), sinkOf(state));
  return state.commit();
}
let read = 0;
function sinkOf(state: TargetMetadata): ExpositionSink {
  const sink = new Collector();
  return Object.assign(sink, {
    knownLine: (bytes: Uint8Array, at: number) => state.knownLine(bytes, at),
    metadata: (...line: Parameters<ExpositionSink['metadata']>) => {
      read++;
      state.metadata(...line);
    },
  });
}
const family = (name: string, over: Partial<FamilyMetadata> = {}): FamilyMetadata => ({
  family: name,
  type: 'unknown',
  help: '',
  unit: '',
  ...over,
});
const limited = (over: Partial<{ [K in keyof typeof metadataLimits]: number }>) =>
  new TargetMetadata(new SharedShapes(), { ...metadataLimits, ...over });

describe('what is handed out', () => {
  it('all families, sorted, in the first scrape, then only after a change', () => {
    const state = new TargetMetadata();
    const lines = '# TYPE b counter\n# HELP b Some text.\nb 1\n# TYPE a gauge\na 1\n';
    const first = [family('a', { type: 'gauge' }), family('b', { type: 'counter', help: 'Some text.' })];
    expect(scrape(state, lines)).toEqual(first);
    expect(scrape(state, lines)).toBeUndefined();
    expect(scrape(state, lines.replace('text', 'other text'))).toEqual([first[0], { ...first[1], help: 'Some other text.' }]);
    expect(scrape(state, `${lines.replace('text', 'other text')}# HELP c\n`)).toHaveLength(3);
  });

  it('a last line without its line end is not taken for the start of a longer one', () => {
    const state = new TargetMetadata();
    scrape(state, '# HELP a Some');
    expect(scrape(state, '# HELP a Some b 1\n')).toEqual([family('a', { help: 'Some b 1' })]);
    const braces = new TargetMetadata();
    scrape(braces, '# HELP a {}');
    expect(scrape(braces, '# HELP a {} 1\n')).toEqual([family('a', { help: '{} 1' })]);
  });

  it('an empty list where the first scrape has no metadata', () => {
    const state = new TargetMetadata();
    expect(scrape(state, 'a 1\n')).toEqual([]);
    expect(scrape(state, 'a 1\n')).toBeUndefined();
  });

  it('unit and types of OpenMetrics', () => {
    const text = '# TYPE a_bytes gauge\n# UNIT a_bytes bytes\n# HELP a_bytes Text.\na_bytes 1\n# EOF\n';
    expect(scrape(new TargetMetadata(), text, parseOpenMetrics)).toEqual([
      family('a_bytes', { type: 'gauge', unit: 'bytes', help: 'Text.' }),
    ]);
  });

  it('again after it did not arrive', () => {
    const state = new TargetMetadata();
    expect(scrape(state, '# TYPE a gauge\n')).toHaveLength(1);
    state.handOutAgain();
    expect(scrape(state, '# TYPE a gauge\n')).toEqual([family('a', { type: 'gauge' })]);
    expect(scrape(state, '# TYPE a gauge\n')).toBeUndefined();
  });

  it('a family stays for ten scrapes after it is gone', () => {
    const state = new TargetMetadata();
    expect(scrape(state, '# TYPE a gauge\n# TYPE b gauge\n')).toHaveLength(2);
    for (let i = 0; i < 10; i++) expect(scrape(state, '# TYPE a gauge\n')).toBeUndefined();
    expect(scrape(state, '# TYPE a gauge\n')).toEqual([family('a', { type: 'gauge' })]);
  });

  it('the last line of a family holds, and two of them are no change in each scrape', () => {
    const state = new TargetMetadata();
    const both = '# HELP a x\n# HELP a y\n';
    expect(scrape(state, both)).toEqual([family('a', { help: 'y' })]);
    expect(scrape(state, both)).toBeUndefined();
    expect(scrape(state, '# HELP a x\n')).toEqual([family('a', { help: 'x' })]);
  });

  it('a failed scrape hands out nothing, but what it said counts in the next one', () => {
    const state = new TargetMetadata();
    scrape(state, '# HELP a x\n');
    state.begin();
    parseTextFormat(new TextEncoder().encode('# HELP a y\n'), sinkOf(state));
    state.rollback();
    expect(scrape(state, 'a 1\n')).toEqual([family('a', { help: 'y' })]);
  });
});

it('lines known from the last scrape are not read again, wherever they stand', () => {
  const state = new TargetMetadata();
  const lines = ['# TYPE a counter\n', 'a 1\n', '# HELP a x\n', '# HELP b z\n', 'b 2\n'];
  scrape(state, lines.join(''));
  read = 0;
  scrape(state, lines.join(''));
  expect(read).toBe(0);
  scrape(state, ['# HELP new text\n', ...lines].join(''));
  // The new one, and the first that was expected in its place.
  expect(read).toBeLessThanOrEqual(2);
});

describe('limits', () => {
  it.each<[string, Parameters<typeof limited>[0], string, FamilyMetadata[], { cut: number; leftOut: number }]>([
    [
      'families',
      { families: 1 },
      '# HELP a x\n# HELP b y\n# TYPE b gauge\n# TYPE a gauge\n',
      [family('a', { type: 'gauge', help: 'x' })],
      { cut: 0, leftOut: 2 },
    ],
    ['bytes of a name', { nameBytes: 2 }, '# HELP abc x\n# HELP "é" y\n', [family('é', { help: 'y' })], { cut: 0, leftOut: 1 }],
    [
      'bytes of HELP',
      { helpBytes: 4 },
      '# HELP a xéé\n# HELP b xyzz\n',
      [family('a', { help: 'xé' }), family('b', { help: 'xyzz' })],
      { cut: 1, leftOut: 0 },
    ],
    ['bytes of a surrogate pair', { helpBytes: 4 }, '# HELP a x😀\n', [family('a', { help: 'x' })], { cut: 1, leftOut: 0 }],
    [
      'bytes of all',
      { bytes: 5 },
      '# HELP a xyz\n# HELP b xyz\n# HELP c x\n',
      [family('a', { help: 'xyz' }), family('b')],
      { cut: 0, leftOut: 2 },
    ],
  ])('%s', (_, limits, lines, families, counts) => {
    const state = limited(limits);
    expect(scrape(state, lines)).toEqual(families);
    expect(state.counts).toEqual(counts);
    expect(scrape(state, lines)).toBeUndefined();
    expect(state.counts).toEqual(counts);
  });

  it('bytes of a unit', () => {
    const state = limited({ unitBytes: 1 });
    expect(scrape(state, '# UNIT a_bc bc\n# UNIT b_c c\n# EOF\n', parseOpenMetrics)).toEqual([
      family('a_bc'),
      family('b_c', { unit: 'c' }),
    ]);
    expect(state.counts).toEqual({ cut: 0, leftOut: 1 });
  });

  it('bytes are free again when a text gets shorter or a family goes', () => {
    const state = limited({ bytes: 5 });
    scrape(state, '# HELP a wxyz\n');
    expect(scrape(state, '# HELP a x\n# HELP b y\n')).toEqual([family('a', { help: 'x' }), family('b', { help: 'y' })]);
    for (let i = 0; i < 11; i++) scrape(state, '# HELP b y\n');
    expect(scrape(state, '# HELP b wxyz\n')).toEqual([family('b', { help: 'wxyz' })]);
  });

  it('a target that changes all its lines in every scrape holds no more than its last ones', () => {
    const state = limited({ families: 3 });
    for (let i = 0; i < 50; i++) {
      const all = scrape(state, `# HELP a text ${i}\n# HELP b text ${i}\n`);
      expect(all).toEqual([family('a', { help: `text ${i}` }), family('b', { help: `text ${i}` })]);
    }
  });
});

it('equals a map of the last words on each family', () => {
  const line = fc.constantFrom(
    '# TYPE a gauge',
    '# TYPE a counter',
    '# HELP a x',
    '# HELP a y',
    '# HELP b x',
    '# TYPE c summary',
    'a 1',
    '# text',
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(line, { maxLength: 8 }), fc.boolean()), { maxLength: 9 }), (scrapes) => {
      const state = new TargetMetadata();
      const model = new Map<string, FamilyMetadata>();
      let handedOut: readonly FamilyMetadata[] | undefined;
      for (const [lines, good] of scrapes) {
        const text = `${lines.join('\n')}\n`;
        for (const said of collect(parseTextFormat, text).lines) {
          const before = model.get(said.family) ?? family(said.family);
          model.set(said.family, said.kind === 'type' ? { ...before, type: said.type } : { ...before, [said.kind]: said.text });
        }
        const expected = [...model.values()].sort((a, b) => (a.family < b.family ? -1 : 1));
        if (good) {
          const got = scrape(state, text);
          // Told exactly when it differs from what was told before.
          expect(got !== undefined).toBe(JSON.stringify(expected) !== JSON.stringify(handedOut));
          handedOut = got ?? handedOut;
          expect(handedOut).toEqual(expected);
        } else {
          state.begin();
          parseTextFormat(new TextEncoder().encode(text), sinkOf(state));
          state.rollback();
        }
      }
    }),
    { numRuns: 500 },
  );
});
