import { describe, expect, it } from 'vitest';
import { isNothing, parseYaml, type YamlLimits, type YamlNode, yamlLimits } from '../../../contract/yaml/document.ts';
import { type ConfigError, formatConfigErrors } from '../../../contract/yaml/errors.ts';

function parse(text: string, limits: YamlLimits = yamlLimits): { tree: unknown; errors: string } {
  const errors: ConfigError[] = [];
  const node = parseYaml(text, 'f.yml', errors, limits);
  return { tree: node && plain(node), errors: formatConfigErrors(errors) };
}
function plain(node: YamlNode): unknown {
  if (node.kind === 'text') return isNothing(node) ? null : node.text;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
}

describe('parseYaml', () => {
  const good: { name: string; text: string; tree: unknown }[] = [
    { name: 'nothing', text: '', tree: null },
    { name: 'only a comment', text: '# x\n', tree: null },
    { name: 'texts as they are written', text: 'a: 010\nb: 1e3\nc: yes\n', tree: { a: '010', b: '1e3', c: 'yes' } },
    { name: 'nothing in its forms', text: 'a:\nb: ~\nc: null\nd: "null"\n', tree: { a: null, b: null, c: null, d: 'null' } },
    { name: 'a literal block', text: 'a: |\n  x\n  y\n', tree: { a: 'x\ny\n' } },
    { name: 'JSON', text: '[{"a": ["b", 1]}]', tree: [{ a: ['b', '1'] }] },
    { name: 'a byte order mark', text: '\ufeffa: 1', tree: { a: '1' } },
    { name: 'an alias', text: 'a: &x {b: 1}\nc: *x\n', tree: { a: { b: '1' }, c: { b: '1' } } },
    { name: 'the last anchor of a name counts', text: 'a: &x 1\nb: &x 2\nc: *x\n', tree: { a: '1', b: '2', c: '2' } },
    { name: 'a merge key', text: 'a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n', tree: { a: { b: '1', c: '2' }, d: { c: '3', b: '1' } } },
    {
      name: 'the first of several merged maps wins',
      text: 'a: &x {k: 1}\nb: &y {k: 2, l: 3}\nc: {<<: [*x, *y]}\n',
      tree: { a: { k: '1' }, b: { k: '2', l: '3' }, c: { k: '1', l: '3' } },
    },
    { name: 'a quoted << is a key', text: '"<<": 1', tree: { '<<': '1' } },
    { name: 'a key called __proto__', text: '__proto__: 1', tree: Object.fromEntries([['__proto__', '1']]) },
  ];
  it.each(good)('$name', ({ text, tree }) => {
    expect(parse(text)).toEqual({ tree, errors: '' });
  });

  const bad: [name: string, text: string, errors: string][] = [
    ['a repeated key', 'a: 1\nb: 2\na: 3\n', 'f.yml:3: key is given twice in one map'],
    ['a second document', 'a: 1\n---\nb: 2\n', 'f.yml:2: expected one YAML document, got another after ---'],
    ['an unknown alias', 'a: 1\nb: *x\n', 'f.yml:2: an alias has no anchor before it; a text that starts with * has to stand in quotes'],
    [
      'an alias inside its anchor',
      'a: &x\n  - *x\n',
      'f.yml:2: an alias has no anchor before it; a text that starts with * has to stand in quotes',
    ],
    ['an own tag', 'a: !secret b\n', 'f.yml:1: not valid YAML: Unresolved tag: !secret'],
    ['a list as key', '? [a]\n: b\n', 'f.yml:1: expected a text as key, got a list'],
    ['a merge of a text', 'a: &x 1\nb:\n  <<: *x\n', 'f.yml:3: merge key <<: expected a map or a list of maps, got a text'],
    ['a tab', 'a:\n\tb: 1\n', 'f.yml:2: not valid YAML: Tabs are not allowed as indentation'],
    ['an open quote', 'a: "x\n', 'f.yml:2: not valid YAML: Missing closing "quote'],
    ['two keys on one line', 'a: b: c\n', 'f.yml:1: not valid YAML: Nested mappings are not allowed in compact mappings'],
  ];
  it.each(bad)('refuses %s', (_, text, errors) => {
    expect(parse(text)).toEqual({ tree: undefined, errors });
  });

  const laughs = [
    'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
    ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`),
  ];
  const hostile: [name: string, text: string, errors: string][] = [
    ['lists 100,000 deep', '['.repeat(100_000), 'f.yml:1: expected at most 64 lists and maps inside each other'],
    ['block lists 50,000 deep', '- '.repeat(50_000), 'f.yml:1: expected at most 64 lists and maps inside each other'],
    ['maps 20,000 deep', '{a: '.repeat(20_000), 'f.yml:1: expected at most 64 lists and maps inside each other'],
    ['ten to the power of 13 values by aliases', laughs.join('\n'), 'f.yml:6: expected at most 500000 values with aliases written out'],
    ['a text over the limit', ' '.repeat(1024 * 1024 + 1), 'f.yml:1: expected at most 1048576 characters, got 1048577'],
  ];
  it.each(hostile)('refuses %s', (_, text, errors) => {
    expect(parse(text).errors).toBe(errors);
  });

  it('bounds the work of merge keys', () => {
    const text = `a: &a {${Array.from({ length: 50 }, (_, i) => `k${i}: 1`).join(', ')}}\nb:\n${'  - {<<: *a}\n'.repeat(50)}`;
    expect(parse(text, { ...yamlLimits, nodes: 1000 }).errors).toContain('expected at most 1000 values with aliases written out');
  });
});
