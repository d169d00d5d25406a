import { describe, expect, it } from 'vitest';
import { compilePattern, compileTemplate, expandTemplate, type Groups, PatternError } from '../../contract/regex.ts';

describe('compilePattern', () => {
  const cases: { name: string; regex: string; text: string; groups: Groups | undefined }[] = [
    { name: 'empty pattern, empty text', regex: '', text: '', groups: [''] },
    { name: 'empty pattern, some text', regex: '', text: 'a', groups: undefined },
    { name: 'everything', regex: '.*', text: 'a\nb', groups: ['a\nb'] },
    { name: 'everything, captured', regex: '(.*)', text: '', groups: ['', ''] },
    { name: 'something, empty text', regex: '.+', text: '', groups: undefined },
    { name: 'something, captured', regex: '(.+)', text: '\n', groups: ['\n', '\n'] },
    { name: 'literal', regex: 'node', text: 'node', groups: ['node'] },
    { name: 'literal is anchored at the end', regex: 'node', text: 'node1', groups: undefined },
    { name: 'literal is anchored at the start', regex: 'node', text: 'anode', groups: undefined },
    { name: 'dollar does not skip a last line end', regex: 'node', text: 'node\n', groups: undefined },
    { name: 'escaped dot', regex: 'a\\.b', text: 'a.b', groups: ['a.b'] },
    { name: 'escaped dot is only a dot', regex: 'a\\.b', text: 'axb', groups: undefined },
    { name: 'bare dot', regex: 'a.b', text: 'a\nb', groups: ['a\nb'] },
    { name: 'alternatives', regex: 'a|bc|d', text: 'bc', groups: ['bc'] },
    { name: 'alternatives are anchored each', regex: 'a|bc|d', text: 'bcd', groups: undefined },
    { name: 'alternatives, captured', regex: '(a|bc)', text: 'bc', groups: ['bc', 'bc'] },
    { name: 'alternatives, not captured', regex: '(?:a|bc)', text: 'bc', groups: ['bc'] },
    { name: 'an empty alternative', regex: 'a|', text: '', groups: [''] },
    { name: 'groups', regex: '(a|ab)(c|bcd)(d*)', text: 'abcd', groups: ['abcd', 'a', 'bcd', ''] },
    { name: 'a group that takes no part', regex: '(a)|(b)', text: 'b', groups: ['b', null, 'b'] },
    { name: 'a group called by name', regex: '(?P<host>[^:]+):.*', text: 'h:1', groups: ['h:1', 'h'] },
    { name: 'inline flags', regex: '(?i)abc', text: 'ABC', groups: ['ABC'] },
    { name: 'an escaped bar', regex: 'a\\|b', text: 'a|b', groups: ['a|b'] },
    { name: 'a POSIX class', regex: '[[:alpha:]]+', text: 'abc', groups: ['abc'] },
    { name: 'one code point for one dot', regex: '(.)', text: '\u{1f600}', groups: ['\u{1f600}', '\u{1f600}'] },
    { name: 'would take exponential time when it backtracks', regex: '(a*)*b', text: 'a'.repeat(200), groups: undefined },
  ];
  it.each(cases)('$name', ({ regex, text, groups }) => {
    const pattern = compilePattern(regex);
    expect(pattern.match(text)).toEqual(groups);
    expect(pattern.test(text)).toBe(groups !== undefined);
  });

  const bad: [name: string, regex: string, message: string][] = [
    ['an open group', '(a', 'expected a regular expression in RE2 syntax, got "(a": missing closing ): `(a`'],
    ['balanced only when wrapped', 'a)|(b', 'expected a regular expression in RE2 syntax, got "a)|(b": unexpected ): `a)|(b`'],
    ['lookahead', '(?=x)', 'expected a regular expression in RE2 syntax, got "(?=x)": invalid or unsupported Perl syntax: `(?=`'],
    ['a backreference', '(a)\\1', 'expected a regular expression in RE2 syntax, got "(a)\\\\1": invalid escape sequence: `\\1`'],
    [
      'too many repeats',
      '((a{100}){100})',
      'expected a regular expression in RE2 syntax, got "((a{100}){100})": invalid repeat count: `{100}`',
    ],
  ];
  it.each(bad)('refuses %s', (_, regex, message) => {
    expect(() => compilePattern(regex)).toThrow(new PatternError(message));
  });
});

describe('templates', () => {
  const pattern = compilePattern('(?P<first>[^-]*)-(.*)-(x)?');
  const groups = pattern.match('a-b-') ?? [];
  const cases: [template: string, expanded: string][] = [
    ['', ''],
    ['plain', 'plain'],
    ['$1', 'a'],
    ['${1}', 'a'],
    ['$0', 'a-b-'],
    ['$2$1', 'ba'],
    ['${1}_x', 'a_x'],
    ['$1_x', ''],
    ['$1-x', 'a-x'],
    ['$first', 'a'],
    ['${first}!', 'a!'],
    ['$3', ''],
    ['$9', ''],
    ['$01', ''],
    ['$none', ''],
    ['$constructor', ''],
    ['$$1', '$1'],
    ['$$$1', '$a'],
    ['$', '$'],
    ['5$', '5$'],
    ['$ 1', '$ 1'],
    ['${', '${'],
    ['${1', '${1'],
    ['${}', '${}'],
    ['${1 }', '${1 }'],
    ['$\u00e91', ''],
    ['{1}', '{1}'],
  ];
  it.each(cases)('%s gives %j', (template, expanded) => {
    expect(expandTemplate(compileTemplate(template, pattern), groups)).toBe(expanded);
  });
});
