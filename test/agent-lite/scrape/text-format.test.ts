import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTextFormat } from '../../../agent-lite/scrape/text-format.ts';
import { collect, type Read } from './collector.ts';
import { naiveParse } from './naive-text-format.ts';

const parse = (text: string | Uint8Array): readonly Read[] => collect(parseTextFormat, text).samples;

const one = (name: string, labels: Record<string, string>, value = 1, timeMs?: number): Read[] => [
  { labels: { __name__: name, ...labels }, value, timeMs },
];

describe('valid expositions', () => {
  const cases: [name: string, text: string, samples: Read[]][] = [
    ['nothing', '', []],
    ['empty lines', '\n\n \t\n', []],
    ['a bare name', 'up 1\n', one('up', {})],
    ['no final line end', 'up 1', one('up', {})],
    ['blanks everywhere', ' \t up \t 1 \t 5 \t\n', one('up', {}, 1, 5)],
    ['colons in the name', 'job:up:sum 1', one('job:up:sum', {})],
    ['labels', 'a{b="c",d="e"} 1', one('a', { b: 'c', d: 'e' })],
    ['empty braces', 'a{} 1', one('a', {})],
    ['blanks between name and braces', 'a {b="c"} 1', one('a', { b: 'c' })],
    ['blanks within braces', 'a{ b = "c" , d\t=\t"e" } 1', one('a', { b: 'c', d: 'e' })],
    ['a comma behind the last label', 'a{b="c",} 1', one('a', { b: 'c' })],
    ['no comma between labels', 'a{b="c" d="e"f="g"} 1', one('a', { b: 'c', d: 'e', f: 'g' })],
    ['no blank before the value', 'a{b="c"}1', one('a', { b: 'c' })],
    ['a sign behind the bare name', 'a-1', one('a', {}, -1)],
    ['a brace in a label value', 'a{b="}{"} 1', one('a', { b: '}{' })],
    ['escapes', 'a{b="x\\\\y\\"z\\n"} 1', one('a', { b: 'x\\y"z\n' })],
    ['other escapes stay as they are', 'a{b="\\t\\d"} 1', one('a', { b: '\\t\\d' })],
    ['an escaped backslash before the quote', 'a{b="\\\\"} 1', one('a', { b: '\\' })],
    ['a line end in a label value', 'a{b="x\ny"} 1\nc 2', [...one('a', { b: 'x\ny' }), ...one('c', {}, 2)]],
    ['a NUL in a label value', 'a{b="\0"} 1', one('a', { b: '\0' })],
    ['an empty label value', 'a{b=""} 1', one('a', { b: '' })],
    ['UTF-8 in a label value', 'a{b="Grüße 😀"} 1', one('a', { b: 'Grüße 😀' })],
    ['a quoted name', '{"my.name"} 1', one('my.name', {})],
    ['a quoted name and labels', '{"my.name", "l.b"="v", c="d"} 1', one('my.name', { 'l.b': 'v', c: 'd' })],
    ['a quoted name behind labels', '{c="d","my.name"} 1', one('my.name', { c: 'd' })],
    ['a quoted label name', 'a{"l.b"="v"} 1', one('a', { 'l.b': 'v' })],
    ['escapes in a quoted name', '{"a\\"b"} 1', one('a"b', {})],
    ['a timestamp', 'a 1 1395066363000', one('a', {}, 1, 1395066363000)],
    ['the largest timestamp', 'a 1 9223372036854775807', one('a', {}, 1, 2 ** 63)],
    ['infinities', 'a +Inf\na -Inf', [...one('a', {}, Infinity), ...one('a', {}, -Infinity)]],
    ['comments', '# any text\n#no blank\n# HELPING\n# TYPEa b\n#\n# \n#HELP\n# HELP\na 1', one('a', {})],
    ['HELP without text', '# HELP a\na 1', one('a', {})],
    ['HELP with anything', '# HELP a \\\\ "{ é \\n\na 1', one('a', {})],
    ['HELP of a quoted name', '# HELP "a b" c\na 1', one('a', {})],
    ['TYPE with tabs', '#\tTYPE\ta\tcounter\na 1', one('a', {})],
    ['TYPE untyped', '# TYPE a untyped\na 1', one('a', {})],
    ['le under a histogram', '# TYPE a histogram\na_bucket{le="1"} 1', one('a_bucket', { le: '1.0' })],
    ['le under a summary', '# TYPE a summary\na_bucket{le="1"} 1', one('a_bucket', { le: '1' })],
    ['quantile under a summary', '# TYPE a summary\na{quantile="1"} 1', one('a', { quantile: '1.0' })],
    ['le under the next type', '# TYPE a histogram\n# TYPE b gauge\na_bucket{le="1"} 1', one('a_bucket', { le: '1' })],
  ];
  it.each(cases)('%s', (_, text, samples) => {
    const got = parse(text);
    expect(got.map(({ labels, ...rest }) => ({ labels: { ...labels }, ...rest }))).toEqual(samples);
  });
});

describe('invalid expositions', () => {
  const value = 'a sample value';
  const cases: [name: string, text: string, message: string][] = [
    ['HTML', '<!doctype html>', 'line 1: expected a metric name, "{", "#" or an empty line, got "<!doctype html>"'],
    ['a line in the middle', 'a 1\nb 2\n3 c\nd 4', 'line 3: expected a metric name, "{", "#" or an empty line, got "3 c"'],
    ['no value', 'a\n', `line 1: expected ${value}, got the end of the line`],
    ['no value at the end', 'a', `line 1: expected ${value}, got the end of the exposition`],
    ['a word for a value', 'a x', `line 1: expected ${value}, got "x"`],
    ['an underscore in the value', 'a 1_000', `line 1: expected ${value}, got "1_000"`],
    ['too large a value', 'a 1e999', `line 1: expected ${value}, got "1e999"`],
    ['a carriage return', 'a 1\r\n', `line 1: expected ${value}, got "1\\r"`],
    ['braces twice', 'a{b="c"}{d="e"} 1', `line 1: expected ${value}, got "{d=\\"e\\"} 1"`],
    ['a brace behind the value', 'a 1{', 'line 1: expected a timestamp in whole milliseconds or the end of the line, got "{"'],
    ['a negative timestamp', 'a 1 -5', 'line 1: expected a timestamp in whole milliseconds or the end of the line, got "-5"'],
    ['a fraction as timestamp', 'a 1 5.0', 'line 1: expected the end of the line after the timestamp, got ".0"'],
    ['too large a timestamp', 'a 1 9223372036854775808', 'line 1: expected a timestamp of at most 64 bits, got "9223372036854775808"'],
    ['text behind the timestamp', 'a 1 5 x', 'line 1: expected the end of the line after the timestamp, got "x"'],
    ['an open brace', 'a{', 'line 1: expected a label name or "}", got the end of the exposition'],
    ['a leading comma', 'a{,b="c"} 1', 'line 1: expected a label name or "}", got ",b=\\"c\\"} 1"'],
    ['two commas', 'a{b="c",,} 1', 'line 1: expected a label name or "}", got ",} 1"'],
    ['a colon in a label name', 'a{b:c="d"} 1', 'line 1: expected "=" after the label name, got ":c=\\"d\\"} 1"'],
    ['no equals sign', 'a{b} 1', 'line 1: expected "=" after the label name, got "} 1"'],
    ['an unquoted value', 'a{b=c} 1', 'line 1: expected a label value in double quotes, got "c} 1"'],
    ['an open quote', 'a{b="c} 1', 'line 1: expected a closing double quote, got "\\"c} 1"'],
    ['a backslash before a line end', 'a{b="c\\\n"} 1', 'line 1: expected a character after "\\", got the end of the line'],
    ['no name', '{b="c"} 1', 'line 1: expected a metric name before or within the braces, got "{b=\\"c\\"} 1"'],
    ['the name as a label', '{__name__="c"} 1', 'line 1: expected a metric name before or within the braces, got "{__name__=\\"c\\"} 1"'],
    ['two names', 'a{"b"} 1', 'line 1: expected one metric name only, got "\\"b\\"} 1"'],
    ['a label twice', 'a{b="1",b="2"} 1', 'line 1: expected each label name once in a series, "b" twice, got "b=\\"2\\"} 1"'],
    [
      'a name and __name__',
      'a{__name__="b"} 1',
      'line 1: expected each label name once in a series, "__name__" twice, got "__name__=\\"b\\"} 1"',
    ],
    ['an unknown type', '# TYPE a info\n', 'line 1: expected a metric type (counter, gauge, histogram, summary or untyped), got "info"'],
    [
      'a type with a blank behind',
      '# TYPE a counter \n',
      'line 1: expected a metric type (counter, gauge, histogram, summary or untyped), got "counter "',
    ],
    [
      'a type that every object has',
      '# TYPE a toString',
      'line 1: expected a metric type (counter, gauge, histogram, summary or untyped), got "toString"',
    ],
    [
      'a type that is missing',
      'x 1\n# TYPE a',
      'line 2: expected a metric type (counter, gauge, histogram, summary or untyped), got the end of the exposition',
    ],
    ['TYPE without a name', '# TYPE 5 counter', 'line 1: expected a metric name after TYPE, got "5 counter"'],
    ['HELP without a name', '# HELP \n', 'line 1: expected a metric name after HELP, got the end of the line'],
    ['HELP with an open quote', '# HELP "a\nb 1', 'line 1: expected a closing double quote, got "\\"a"'],
    ['a NUL at the start of a line', 'a 1\n\0b 2', 'line 2: expected a metric name, "{", "#" or an empty line, got "\\u0000b 2"'],
    ['a number of more than 1,100 characters', `a ${'1'.repeat(1101)}`, `line 1: expected ${value}, got "${'1'.repeat(40)}"`],
    ['as many zeros, which would cost nothing', `a ${'0'.repeat(1101)}`, `line 1: expected ${value}, got "${'0'.repeat(40)}"`],
    ['a long line is cut', `a ${'x'.repeat(100)}`, `line 1: expected ${value}, got "${'x'.repeat(40)}"`],
    ['lines within a value count', 'a{b="\n\n"} 1\nc x', `line 4: expected ${value}, got "x"`],
  ];
  it.each(cases)('%s', (_, text, message) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ name: 'ExpositionError', message }));
  });

  const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
  it.each([
    ['a label value', 'a{b="\xff"} 1', 'line 1: expected UTF-8 text, got "�\\"} 1"'],
    ['a quoted name', '{"\xc0\x80"} 1', 'line 1: expected UTF-8 text, got "��\\"} 1"'],
    ['HELP', 'x 1\n# HELP a \xe4\n', 'line 2: expected HELP text in UTF-8, got "�"'],
  ])('bytes that are not UTF-8 in %s', (_, text, message) => {
    expect(() => parse(latin1(text))).toThrow(message);
  });
});

/** Texts that are nearly valid, so that mutations reach deep. */
const line = fc.oneof(
  fc.constantFrom('', ' ', '# comment', '# HELP a b', '# TYPE a histogram', '# TYPE a summary', '#', '# TYPE a gauge'),
  fc
    .record({
      name: fc.constantFrom('a', 'b:c', '_x', 'upper', 'up'),
      labels: fc.array(
        fc.tuple(
          fc.constantFrom('le', 'quantile', 'b', '"q.r"', '_'),
          fc.constantFrom('', '1', '\\\\', '\\"', '\\n', 'é', '\n', '{', '}', ','),
        ),
        { maxLength: 3 },
      ),
      braces: fc.boolean(),
      value: fc.constantFrom('1', '-0', 'NaN', '+Inf', '1e3', '0.1', '12345678901234567890', '1e-400', ''),
      time: fc.constantFrom('', ' 5', ' 1700000000000', '\t0'),
    })
    .map(({ name, labels, braces, value, time }) => {
      const inner = labels.map(([label, text]) => `${label}="${text}"`).join(',');
      return `${name}${inner !== '' || braces ? `{${inner}}` : ''} ${value}${time}`;
    }),
);
const exposition = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'));
const mutated = fc
  .tuple(
    exposition,
    fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...[...'{}",=#\\ \n0'].map((c) => c.charCodeAt(0))))), {
      maxLength: 3,
    }),
  )
  .map(([text, changes]) => {
    const bytes = new TextEncoder().encode(text);
    for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  });

function outcome(read: () => readonly Omit<Read, 'exemplar'>[]): unknown {
  try {
    return read().map(({ labels, value, timeMs }) => ({
      labels: Object.entries(labels).sort(),
      value: Number.isNaN(value) ? 'NaN' : Object.is(value, -0) ? '-0' : value,
      timeMs,
    }));
  } catch (error) {
    if (!(error instanceof Error) || (error.name !== 'ExpositionError' && error.name !== 'NaiveError')) throw error;
    return 'refused';
  }
}

it('agrees with a naive parser on mutated expositions, and never fails in another way', () => {
  fc.assert(
    fc.property(mutated, (bytes) => {
      expect(outcome(() => parse(bytes))).toEqual(outcome(() => naiveParse(bytes)));
    }),
    { numRuns: 3000 },
  );
});
