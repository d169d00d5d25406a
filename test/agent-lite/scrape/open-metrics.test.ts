import { describe, expect, it } from 'vitest';
import { parseOpenMetrics } from '../../../agent-lite/scrape/open-metrics.ts';
import { collect, type Read } from './collector.ts';

const one = (name: string, labels: Record<string, string>, value = 1, timeMs?: number): Read => ({
  labels: { __name__: name, ...labels },
  value,
  timeMs,
});
const exemplar = (labels: Record<string, string> | undefined, value: number, timeMs?: number) => ({
  ...one('a', {}),
  exemplar: { labels, value, timeMs },
});

describe('valid samples', () => {
  const cases: [name: string, lines: string, samples: Read[]][] = [
    ['nothing', '', []],
    ['a bare name', 'a 1\n', [one('a', {})]],
    ['colons in the name', 'job:up:sum 1\n', [one('job:up:sum', {})]],
    ['labels', 'a{b="c",d="e"} 1\n', [one('a', { b: 'c', d: 'e' })]],
    ['empty braces', 'a{} 1\n', [one('a', {})]],
    ['a comma behind the last label', 'a{b="c",} 1\n', [one('a', { b: 'c' })]],
    ['a quoted name', '{"my.name"} 1\n', [one('my.name', {})]],
    ['a quoted name, a comma', '{"my.name",} 1\n', [one('my.name', {})]],
    ['a quoted name and labels', '{"my.name","l.b"="v",c="d"} 1\n', [one('my.name', { 'l.b': 'v', c: 'd' })]],
    ['a quoted name behind labels', '{c="d","my.name"} 1\n', [one('my.name', { c: 'd' })]],
    ['a line end in a quoted name', '{"my\nname"} 1\n', [one('my\nname', {})]],
    ['escapes', 'a{b="x\\\\y\\"z\\n\\t"} 1\n', [one('a', { b: 'x\\y"z\n\\t' })]],
    ['a NUL in a label value', 'a{b="\0"} 1\n', [one('a', { b: '\0' })]],
    ['a time in seconds', 'a 1 1520879607.789\n', [one('a', {}, 1, 1520879607789)]],
    ['a time that is cut to whole ms', 'a 1 1.0019\n', [one('a', {}, 1, 1001)]],
    ['a time before 1970, cut towards 0', 'a 1 -1.0019\n', [one('a', {}, 1, -1001)]],
    ['a time of minus zero', 'a 1 -0\n', [one('a', {}, 1, 0)]],
    ['a time with an exponent', 'a 1 1.5e9\n', [one('a', {}, 1, 1.5e12)]],
    ['infinities', 'a +Inf\na -Inf\n', [one('a', {}, Infinity), one('a', {}, -Infinity)]],
    ['le under a histogram', '# TYPE a histogram\na_bucket{le="1"} 1\n', [one('a_bucket', { le: '1.0' })]],
    ['le under a gaugehistogram', '# TYPE a gaugehistogram\na_bucket{le="1"} 1\n', [one('a_bucket', { le: '1' })]],
    ['quantile under a summary', '# TYPE a summary\na{quantile="1"} 1\n', [one('a', { quantile: '1.0' })]],
    ['_created is a series', '# TYPE a counter\na_total 5\na_created 1.5\n', [one('a_total', {}, 5), one('a_created', {}, 1.5)]],
    ['a counter without _total', '# TYPE a counter\na 5\n', [one('a', {}, 5)]],
  ];
  it.each(cases)('%s', (_, lines, samples) => {
    expect(collect(parseOpenMetrics, `${lines}# EOF\n`).samples).toEqual(samples);
    expect(collect(parseOpenMetrics, `${lines}# EOF`).samples).toEqual(samples);
  });
});

describe('exemplars', () => {
  const cases: [name: string, line: string, sample: Read][] = [
    ['labels and value', 'a 1 # {trace_id="abc"} 0.5', exemplar({ trace_id: 'abc' }, 0.5)],
    ['no labels', 'a 1 # {} 0.5', exemplar({}, 0.5)],
    ['a time', 'a 1 # {b="c"} 0.5 1520879607.7894', exemplar({ b: 'c' }, 0.5, 1520879607789)],
    ['a time before 1970', 'a 1 # {b="c"} 0.5 -1.5', exemplar({ b: 'c' }, 0.5, -1500)],
    ['a time of the sample', 'a 1 5 # {b="c"} 0.5', { ...exemplar({ b: 'c' }, 0.5), timeMs: 5000 }],
    ['both times', 'a 1 5 # {b="c"} 0.5 4.5', { ...exemplar({ b: 'c' }, 0.5, 4500), timeMs: 5000 }],
    ['a quoted label name', 'a 1 # {"b.c"="d"} 1', exemplar({ 'b.c': 'd' }, 1)],
    ['a comma behind the last label', 'a 1 # {b="c",} 1', exemplar({ b: 'c' }, 1)],
    ['labels are sorted', 'a 1 # {d="1",b="2"} 1', exemplar({ b: '2', d: '1' }, 1)],
    ['empty values are left out', 'a 1 # {d="",b="2"} 1', exemplar({ b: '2' }, 1)],
    ['escapes stay as they are', 'a 1 # {b="\\\\ \\" \\n"} 1', exemplar({ b: '\\\\ \\" \\n' }, 1)],
    ['a label twice', 'a 1 # {b="1",b="2"} 1', exemplar(undefined, 1)],
    ['an empty label name', 'a 1 # {""="1"} 1', exemplar(undefined, 1)],
    ['NaN', 'a 1 # {} NaN', exemplar({}, Number.NaN)],
    ['on a gauge', 'a 1 # {b="c"} 1', exemplar({ b: 'c' }, 1)],
  ];
  it.each(cases)('%s', (_, line, sample) => {
    expect(collect(parseOpenMetrics, `# TYPE a gauge\n${line}\nb 2\n# EOF\n`).samples).toEqual([sample, one('b', {}, 2)]);
  });
});

describe('metadata', () => {
  it('reads type, help and unit', () => {
    const text =
      '# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds Some \\"text\\" \\\\ with\\nescapes, é.\n' +
      'a_seconds_total 1\n# TYPE "b.c" stateset\n# HELP b \n# UNIT b \n# EOF\n';
    expect(collect(parseOpenMetrics, text).lines).toEqual([
      { kind: 'type', family: 'a_seconds', type: 'counter' },
      { kind: 'unit', family: 'a_seconds', text: 'seconds' },
      { kind: 'help', family: 'a_seconds', text: 'Some "text" \\ with\nescapes, é.' },
      { kind: 'type', family: 'b.c', type: 'stateset' },
      { kind: 'help', family: 'b', text: '' },
      { kind: 'unit', family: 'b', text: '' },
    ]);
  });
  it.each(['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'])('type %s', (type) => {
    expect(collect(parseOpenMetrics, `# TYPE a ${type}\n# EOF`).lines).toEqual([{ kind: 'type', family: 'a', type }]);
  });
});

describe('invalid expositions', () => {
  const line = 'a metric name, "{", "# HELP", "# TYPE", "# UNIT" or "# EOF"';
  const value = 'one blank and a sample value';
  const time = 'a timestamp in seconds, "# {" or the end of the line';
  const types = 'a metric type (unknown, counter, gauge, histogram, gaugehistogram, summary, info, stateset)';
  const cases: [name: string, text: string, message: string][] = [
    ['nothing at all but a line end', '\n', `line 1: expected ${line}, got the end of the line`],
    ['no # EOF', 'a 1\n', 'line 2: expected "# EOF" as the last line, got the end of the exposition'],
    ['no line end and no # EOF', 'a 1', 'line 1: expected the end of the line, got the end of the exposition'],
    ['a line after # EOF', '# EOF\na 1\n', 'line 2: expected nothing after "# EOF", got "a 1"'],
    ['an empty line after # EOF', '# EOF\n\n', 'line 2: expected nothing after "# EOF", got the end of the line'],
    ['text after # EOF', '# EOFx', 'line 1: expected nothing after "# EOF", got "x"'],
    ['an empty line', 'a 1\n\nb 1\n# EOF', `line 2: expected ${line}, got the end of the line`],
    ['a blank before the name', ' a 1\n# EOF', `line 1: expected ${line}, got " a 1"`],
    ['a comment', '# text\n# EOF', 'line 1: expected "# HELP ", "# TYPE ", "# UNIT " or "# EOF", got "# text"'],
    ['a comment without a blank', '#HELP a b\n# EOF', 'line 1: expected "# HELP ", "# TYPE ", "# UNIT " or "# EOF", got "#HELP a b"'],
    ['two blanks before the value', 'a  1\n# EOF', 'line 1: expected a sample value, got " 1"'],
    ['a tab before the value', 'a\t1\n# EOF', `line 1: expected ${value}, got "\\t1"`],
    ['a blank behind the value', 'a 1 \n# EOF', `line 1: expected ${time}, got the end of the line`],
    ['no blank before the value', 'a{b="c"}1\n# EOF', `line 1: expected ${value}, got "1"`],
    ['a blank before the braces', 'a {b="c"} 1\n# EOF', 'line 1: expected a sample value, got "{b=\\"c\\"} 1"'],
    ['a blank within the braces', 'a{ b="c"} 1\n# EOF', 'line 1: expected a label name or "}", got " b=\\"c\\"} 1"'],
    ['a blank behind the comma', 'a{b="c", d="e"} 1\n# EOF', 'line 1: expected a label name or "}", got " d=\\"e\\"} 1"'],
    ['a blank around =', 'a{b ="c"} 1\n# EOF', 'line 1: expected "=" after the label name, got " =\\"c\\"} 1"'],
    ['no comma', 'a{b="c"d="e"} 1\n# EOF', 'line 1: expected "," or "}" after the label value, got "d=\\"e\\"} 1"'],
    ['two commas', 'a{b="c",,} 1\n# EOF', 'line 1: expected a label name or "}", got ",} 1"'],
    ['a line end in a label value', 'a{b="x\ny"} 1\n# EOF', 'line 1: expected a closing double quote, got "\\"x"'],
    ['two names', 'a{"b"} 1\n# EOF', 'line 1: expected one metric name only, got "\\"b\\"} 1"'],
    ['no name', '{b="c"} 1\n# EOF', 'line 1: expected a metric name before or within the braces, got "{b=\\"c\\"} 1"'],
    ['a word for a value', 'a x\n# EOF', 'line 1: expected a sample value, got "x"'],
    ['a carriage return', 'a 1\r\n# EOF', 'line 1: expected a sample value, got "1\\r"'],
    ['a time that is NaN', 'a 1 NaN\n# EOF', `line 1: expected ${time}, got "NaN"`],
    ['a time that is infinite', 'a 1 +Inf\n# EOF', `line 1: expected ${time}, got "+Inf"`],
    ['text behind the time', 'a 1 5 x\n# EOF', 'line 1: expected the end of the line, got " x"'],
    ['a # that begins no exemplar', 'a 1 #{b="c"} 1\n# EOF', `line 1: expected ${time}, got "#{b=\\"c\\"} 1"`],
    [
      'an exemplar without a value',
      'a 1 # {b="c"}\n# EOF',
      'line 1: expected one blank and the value of the exemplar, got the end of the line',
    ],
    ['an exemplar with a word for a value', 'a 1 # {b="c"} x\n# EOF', 'line 1: expected the value of the exemplar, got "x"'],
    ['an exemplar with a bad time', 'a 1 # {} 1 x\n# EOF', `line 1: expected ${time}, got "x"`],
    ['an exemplar with a name', 'a 1 # {"b"} 1\n# EOF', 'line 1: expected "=" after the label name, got "} 1"'],
    ['text behind an exemplar', 'a 1 # {} 1 5 6\n# EOF', 'line 1: expected the end of the line, got " 6"'],
    ['an exemplar at the end', 'a 1 # {} 1', 'line 1: expected the end of the line, got the end of the exposition'],
    ['an exemplar with a line end', 'a 1 # {b="\n"} 1\n# EOF', 'line 1: expected a closing double quote, got "\\""'],
    ['the type of the text format', '# TYPE a untyped\n# EOF', `line 1: expected ${types}, got "untyped"`],
    ['a type with a blank behind', '# TYPE a counter \n# EOF', `line 1: expected ${types}, got "counter "`],
    ['no type', '# TYPE a\n# EOF', 'line 1: expected one blank and the text of TYPE, got the end of the line'],
    ['HELP without a blank', '# HELP a\n# EOF', 'line 1: expected one blank and the text of HELP, got the end of the line'],
    ['HELP without a name', '# HELP  b\n# EOF', 'line 1: expected a metric name after HELP, got " b"'],
    [
      'HELP at the end',
      '# HELP a b',
      'line 1: expected the end of the line after HELP, and "# EOF" as the last line, got the end of the exposition',
    ],
    ['a unit that is no suffix', '# UNIT a_seconds bytes\n# EOF', 'line 1: expected a unit that ends the name "a_seconds", got "bytes"'],
    ['a unit that is the name', '# UNIT seconds seconds\n# EOF', 'line 1: expected a unit that ends the name "seconds", got "seconds"'],
    ['a unit without _', '# UNIT aseconds seconds\n# EOF', 'line 1: expected a unit that ends the name "aseconds", got "seconds"'],
    ['the line counts', '# TYPE a gauge\na 1\n{"a\nb"} x\n# EOF', 'line 4: expected a sample value, got "x"'],
  ];
  it.each(cases)('%s', (_, text, message) => {
    expect(() => collect(parseOpenMetrics, text)).toThrow(expect.objectContaining({ name: 'ExpositionError', message }));
  });

  const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
  it.each([
    ['a label value', 'a{b="\xff"} 1\n# EOF', 'line 1: expected UTF-8 text'],
    ['an exemplar', 'a 1 # {b="\xff"} 1\n# EOF', 'line 1: expected UTF-8 text'],
    ['HELP', '# HELP a \xe4\n# EOF', 'line 1: expected HELP text in UTF-8, got "�"'],
  ])('bytes that are not UTF-8 in %s', (_, text, message) => {
    expect(() => collect(parseOpenMetrics, latin1(text))).toThrow(message);
  });
});
