import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExpositionParser, MetadataLine } from '../../../agent-lite/scrape/exposition.ts';
import { parseOpenMetrics } from '../../../agent-lite/scrape/open-metrics.ts';
import { parseTextFormat } from '../../../agent-lite/scrape/text-format.ts';
import { type Collector, collect, type Read } from './collector.ts';
import { naiveOpenMetrics } from './naive-open-metrics.ts';

/** Inputs of both parsers: generated ones that are nearly valid, and the kept files, both with bytes changed. */
const seed = (name: string): string => readFileSync(new URL(`../../fixtures/scrape/expositions/${name}`, import.meta.url), 'utf8');
const SEEDS = { text: seed('every-form.txt'), openMetrics: seed('every-form.om') };

const label = fc.tuple(
  fc.constantFrom('le', 'quantile', 'b', '"q.r"', '_', '""', '"é"'),
  fc.constantFrom('', '1', '\\\\', '\\"', '\\n', 'é', '{', '}', ',', 'x\\y'),
);
const labels = fc.array(label, { maxLength: 3 }).map((list) => list.map(([name, value]) => `${name}="${value}"`).join(','));
const number = fc.constantFrom('1', '-0', 'NaN', '+Inf', '1e3', '0.1', '12345678901234567890', '1e-400', '-2.5', '');
const time = fc.constantFrom('', ' 5', ' 1700000000.123', ' -1.0019', ' 0');
const exemplar = fc
  .option(fc.tuple(labels, number, time), { nil: undefined })
  .map((read) => (read === undefined ? '' : ` # {${read[0]}} ${read[1]}${read[2]}`));
const sample = fc
  .record({ name: fc.constantFrom('a', 'b:c', '_x', 'upper', 'up'), labels, braces: fc.boolean(), number, time, exemplar })
  .map((line) => `${line.name}${line.labels !== '' || line.braces ? `{${line.labels}}` : ''} ${line.number}${line.time}${line.exemplar}`);
const metadata = fc.constantFrom(
  '# HELP a b',
  '# HELP "a.b" \\"c\\\\',
  '# TYPE a histogram',
  '# TYPE b summary',
  '# TYPE "a" gauge',
  '# UNIT a_b b',
  '# UNIT a ',
);
const openMetrics = fc.array(fc.oneof({ weight: 3, arbitrary: sample }, metadata), { maxLength: 6 }).map((lines) => {
  return [...lines, '# EOF\n'].join('\n');
});

const INTERESTING = [...'{}",=#\\ \n0éT'].map((character) => character.charCodeAt(0));
const change = fc.tuple(
  fc.nat(),
  fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...INTERESTING)),
  fc.constantFrom('set', 'insert', 'delete'),
);
const mutated = (base: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> =>
  fc.tuple(base, fc.array(change, { maxLength: 3 })).map(([text, changes]) => {
    const bytes = [...new TextEncoder().encode(text)];
    for (const [at, byte, how] of changes) {
      const place = bytes.length === 0 ? 0 : at % bytes.length;
      bytes.splice(place, how === 'insert' ? 0 : 1, ...(how === 'delete' ? [] : [byte]));
    }
    return Uint8Array.from(bytes);
  });

const shownNumber = (value: number): number | string => (Number.isNaN(value) ? 'NaN' : Object.is(value, -0) ? '-0' : value);
const shownSample = ({ labels, value, timeMs, exemplar }: Read): unknown => ({
  labels: Object.entries(labels).sort(),
  value: shownNumber(value),
  timeMs,
  exemplar:
    exemplar === undefined
      ? undefined
      : {
          ...exemplar,
          labels: exemplar.labels === undefined ? 'invalid' : Object.entries(exemplar.labels).sort(),
          value: shownNumber(exemplar.value),
        },
});
const shownLine = (line: MetadataLine): string =>
  `${line.kind.toUpperCase()} ${line.family} ${line.kind === 'type' ? line.type : line.text}`;

function outcome(read: () => { readonly samples: readonly Read[]; readonly lines: readonly string[] }): unknown {
  try {
    const { samples, lines } = read();
    return { samples: samples.map(shownSample), lines };
  } catch (error) {
    if (!(error instanceof Error) || (error.name !== 'ExpositionError' && error.name !== 'NaiveError')) throw error;
    return 'refused';
  }
}
const parsed = (parser: ExpositionParser, bytes: Uint8Array) => {
  const { samples, lines } = collect(parser, bytes);
  return { samples, lines: lines.map(shownLine) };
};

it('agrees with a naive parser of OpenMetrics on changed expositions, and never fails in another way', () => {
  fc.assert(
    fc.property(mutated(fc.oneof(openMetrics, fc.constant(SEEDS.openMetrics))), (bytes) => {
      expect(outcome(() => parsed(parseOpenMetrics, bytes))).toEqual(outcome(() => naiveOpenMetrics(bytes)));
    }),
    { numRuns: 3000 },
  );
});

describe('what is accepted is written back without loss', () => {
  const escaped = (text: string): string => text.replace(/["\\\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
  const number = (value: number): string =>
    Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? (Object.is(value, -0) ? '-0' : String(value)) : value > 0 ? '+Inf' : '-Inf';
  /** Half a millisecond away from zero, so that rounding does not reach the next one. */
  const seconds = (ms: number): string => (ms === 0 ? '0' : String((ms + Math.sign(ms) / 2) / 1000));
  const pairs = (labels: Record<string, string>, write = escaped): string[] =>
    Object.entries(labels).map(([name, value]) => `"${write(name)}"="${write(value)}"`);
  const series = ({ labels: { __name__ = '', ...labels } }: Read): string => `{${[`"${escaped(__name__)}"`, ...pairs(labels)].join(',')}}`;

  function writeText({ samples, lines }: Collector): string {
    const meta = lines.map((line) => {
      const type = line.kind === 'type' ? line.type : '';
      const words =
        line.kind === 'type' ? (type === 'unknown' ? 'untyped' : type) : line.text.replace(/[\\\n]/g, (c) => (c === '\n' ? '\\n' : '\\\\'));
      return `# ${line.kind.toUpperCase()} "${escaped(line.family)}" ${words}\n`;
    });
    // No TYPE may come before samples, as their labels are in their last form already.
    return [
      ...samples.map((read) => `${series(read)} ${number(read.value)}${read.timeMs === undefined ? '' : ` ${BigInt(read.timeMs)}`}\n`),
      ...meta,
    ].join('');
  }

  function writeOpenMetrics({ samples, lines }: Collector): string {
    const text = samples.map((read) => {
      const { exemplar } = read;
      const after =
        exemplar === undefined
          ? ''
          : ` # {${exemplar.labels === undefined ? 'a="",a=""' : pairs(exemplar.labels, (raw) => raw).join(',')}} ${number(exemplar.value)}${
              exemplar.timeMs === undefined ? '' : ` ${seconds(exemplar.timeMs)}`
            }`;
      return `${series(read)} ${number(read.value)}${read.timeMs === undefined ? '' : ` ${seconds(read.timeMs)}`}${after}\n`;
    });
    const meta = lines.map((line) => {
      const words = line.kind === 'type' ? line.type : line.kind === 'help' ? escaped(line.text) : line.text;
      return `# ${line.kind.toUpperCase()} "${escaped(line.family)}" ${words}\n`;
    });
    return `${[...text, ...meta].join('')}# EOF\n`;
  }

  const cases: [string, ExpositionParser, (read: Collector) => string, fc.Arbitrary<string>][] = [
    [
      'text',
      parseTextFormat,
      writeText,
      fc.oneof(
        fc.constant(SEEDS.text),
        openMetrics.map((text) => text.replace(/ # .*$/gm, '')),
      ),
    ],
    ['OpenMetrics', parseOpenMetrics, writeOpenMetrics, fc.oneof(fc.constant(SEEDS.openMetrics), openMetrics)],
  ];
  it.each(cases)('%s', (_, parser, write, base) => {
    let accepted = 0;
    fc.assert(
      fc.property(mutated(base), (bytes) => {
        let read: Collector;
        try {
          read = collect(parser, bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ExpositionError', message: expect.stringMatching(/^line \d+: expected .+, got .+/s) });
          return;
        }
        if (read.samples.some(({ timeMs = 0, exemplar }) => Math.abs(timeMs) > 2 ** 50 || Math.abs(exemplar?.timeMs ?? 0) > 2 ** 50))
          return;
        accepted++;
        const again = collect(parser, write(read));
        expect(again.samples.map(shownSample)).toEqual(read.samples.map(shownSample));
        expect(again.lines).toEqual(read.lines);
      }),
      { numRuns: 1500 },
    );
    expect(accepted).toBeGreaterThan(200);
  });

  it('the kept files are accepted as they are', () => {
    expect(collect(parseTextFormat, SEEDS.text).samples).toHaveLength(14);
    expect(collect(parseOpenMetrics, SEEDS.openMetrics).samples).toHaveLength(11);
  });
});
