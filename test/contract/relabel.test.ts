import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { labelsFromRecord, labelsToRecord } from '../../contract/labels.ts';
import { toLowerCase, toUpperCase } from '../../contract/letter-case.ts';
import { md5 } from '../../contract/md5.ts';
import {
  checkRelabelConfig,
  compileRelabel,
  defaultRelabelConfig,
  type RelabelConfig,
  RelabelError,
  relabel,
} from '../../contract/relabel.ts';

const rule = (partial: Partial<RelabelConfig>): RelabelConfig => ({ ...defaultRelabelConfig, ...partial });
type Record_ = Record<string, string>;

function run(rules: Partial<RelabelConfig>[], labels: Record_): Record_ | undefined {
  const result = relabel(compileRelabel(rules.map(rule)), labelsFromRecord(labels));
  return result && { ...labelsToRecord(result) };
}

describe('relabel', () => {
  const cases: { name: string; rules: Partial<RelabelConfig>[]; from: Record_; to: Record_ | undefined }[] = [
    { name: 'no rules', rules: [], from: { a: '1' }, to: { a: '1' } },
    {
      name: 'replace with the defaults copies',
      rules: [{ sourceLabels: ['a'], targetLabel: 'b' }],
      from: { a: 'foo' },
      to: { a: 'foo', b: 'foo' },
    },
    {
      name: 'replace joins with the separator',
      rules: [{ sourceLabels: ['a', 'b', 'none'], separator: '-', targetLabel: 'c' }],
      from: { a: '1', b: '2' },
      to: { a: '1', b: '2', c: '1-2-' },
    },
    {
      name: 'replace without a match changes nothing',
      rules: [{ sourceLabels: ['a'], regex: 'x', targetLabel: 'a', replacement: 'y' }],
      from: { a: 'xx' },
      to: { a: 'xx' },
    },
    {
      name: 'replace sees a line end',
      rules: [{ sourceLabels: ['a'], regex: 'x.*', targetLabel: 'b', replacement: 'y' }],
      from: { a: 'x\ny' },
      to: { a: 'x\ny', b: 'y' },
    },
    {
      name: 'replace with an empty result deletes',
      rules: [{ sourceLabels: ['none'], targetLabel: 'a' }],
      from: { a: '1', b: '2' },
      to: { b: '2' },
    },
    {
      name: 'replace without source labels sets a constant',
      rules: [{ targetLabel: 'region', replacement: 'eu' }],
      from: {},
      to: { region: 'eu' },
    },
    {
      name: 'replace with a null regex sets it too',
      rules: [{ regex: '', targetLabel: 'r', replacement: 'eu' }],
      from: {},
      to: { r: 'eu' },
    },
    {
      name: 'replace expands the target',
      rules: [{ sourceLabels: ['a'], regex: '(.*)=(.*)', targetLabel: '${1}_l', replacement: '${2}_v' }],
      from: { a: 'k=v' },
      to: { a: 'k=v', k_l: 'v_v' },
    },
    {
      name: 'replace skips an empty target',
      rules: [{ sourceLabels: ['a'], regex: '(x)?.*', targetLabel: '$1', replacement: 'v' }],
      from: { a: 'b' },
      to: { a: 'b' },
    },
    { name: 'keep', rules: [{ action: 'keep', sourceLabels: ['a'], regex: 'x|y' }], from: { a: 'y' }, to: { a: 'y' } },
    { name: 'keep drops the rest', rules: [{ action: 'keep', sourceLabels: ['a'], regex: 'x' }], from: { a: 'xy' }, to: undefined },
    { name: 'keep of a missing label', rules: [{ action: 'keep', sourceLabels: ['none'], regex: '' }], from: { a: '1' }, to: { a: '1' } },
    { name: 'drop', rules: [{ action: 'drop', sourceLabels: ['a'], regex: '.*o.*' }], from: { a: 'foo' }, to: undefined },
    { name: 'drop without a match', rules: [{ action: 'drop', sourceLabels: ['a'], regex: 'f|o' }], from: { a: 'foo' }, to: { a: 'foo' } },
    {
      name: 'the first drop ends the run',
      rules: [
        { action: 'drop', sourceLabels: ['a'], regex: 'x' },
        { targetLabel: 'a', replacement: 'z' },
      ],
      from: { a: 'x' },
      to: undefined,
    },
    {
      name: 'keepequal',
      rules: [{ action: 'keepequal', sourceLabels: ['port'], targetLabel: 'want' }],
      from: { port: '80', want: '80' },
      to: { port: '80', want: '80' },
    },
    {
      name: 'keepequal drops',
      rules: [{ action: 'keepequal', sourceLabels: ['port'], targetLabel: 'want' }],
      from: { port: '80', want: '8' },
      to: undefined,
    },
    { name: 'dropequal', rules: [{ action: 'dropequal', sourceLabels: ['a'], targetLabel: 'b' }], from: { a: '1', b: '1' }, to: undefined },
    {
      name: 'dropequal keeps',
      rules: [{ action: 'dropequal', sourceLabels: ['a'], targetLabel: 'b' }],
      from: { a: '1', b: '2' },
      to: { a: '1', b: '2' },
    },
    {
      name: 'hashmod',
      rules: [{ action: 'hashmod', sourceLabels: ['c'], modulus: 1000, targetLabel: 'd' }],
      from: { c: 'baz' },
      to: { c: 'baz', d: '976' },
    },
    {
      name: 'hashmod of a text with a line end',
      rules: [{ action: 'hashmod', sourceLabels: ['c'], modulus: 1000, targetLabel: 'd' }],
      from: { c: 'foo\nbar' },
      to: { c: 'foo\nbar', d: '734' },
    },
    {
      name: 'labelmap keeps the old name',
      rules: [{ action: 'labelmap', regex: '(b.*)', replacement: 'bar_${1}' }],
      from: { a: '1', b1: '2', b2: '3' },
      to: { a: '1', b1: '2', b2: '3', bar_b1: '2', bar_b2: '3' },
    },
    {
      name: 'labelmap: the later of two sources wins',
      rules: [{ action: 'labelmap', regex: 'meta_(?:a|b)', replacement: 'x' }],
      from: { meta_a: '1', meta_b: '2' },
      to: { meta_a: '1', meta_b: '2', x: '2' },
    },
    {
      name: 'labelmap: a written label comes after the untouched ones',
      rules: [
        { targetLabel: 'meta_a', replacement: 'new' },
        { action: 'labelmap', regex: 'meta_(?:a|b)', replacement: 'x' },
      ],
      from: { meta_a: '1', meta_b: '2' },
      to: { meta_a: 'new', meta_b: '2', x: 'new' },
    },
    {
      name: 'labelmap does not see what it writes',
      rules: [{ action: 'labelmap', regex: 'a(.*)', replacement: 'aa$1' }],
      from: { a: '1' },
      to: { a: '1', aa: '1' },
    },
    {
      name: 'labelmap with an empty name',
      rules: [{ action: 'labelmap', regex: 'a(x)?', replacement: '$1' }],
      from: { a: '1' },
      to: { a: '1' },
    },
    { name: 'labeldrop', rules: [{ action: 'labeldrop', regex: '__.*' }], from: { __name__: 'up', a: '1' }, to: { a: '1' } },
    { name: 'labelkeep', rules: [{ action: 'labelkeep', regex: 'a|b' }], from: { a: '1', b: '2', c: '3' }, to: { a: '1', b: '2' } },
    { name: 'labeldrop of everything', rules: [{ action: 'labeldrop', regex: '.*' }], from: { a: '1' }, to: {} },
    { name: 'lowercase', rules: [{ action: 'lowercase', sourceLabels: ['a'], targetLabel: 'a' }], from: { a: 'AbÇ' }, to: { a: 'abç' } },
    {
      name: 'uppercase of nothing deletes',
      rules: [{ action: 'uppercase', sourceLabels: ['n'], targetLabel: 'a' }],
      from: { a: 'x' },
      to: {},
    },
    {
      name: 'rules see what rules before them wrote',
      rules: [
        { sourceLabels: ['a'], targetLabel: 'b' },
        { sourceLabels: ['b'], targetLabel: 'c', replacement: '<$1>' },
      ],
      from: { a: '1' },
      to: { a: '1', b: '1', c: '<1>' },
    },
    {
      name: 'a label called __proto__',
      rules: [{ sourceLabels: ['__proto__'], targetLabel: 'constructor' }],
      from: Object.fromEntries([['__proto__', 'x']]),
      to: Object.fromEntries([
        ['__proto__', 'x'],
        ['constructor', 'x'],
      ]),
    },
  ];
  it.each(cases)('$name', ({ rules, from, to }) => {
    expect(run(rules, from)).toEqual(to);
  });

  it('returns the very same labels where no rule changes anything', () => {
    const labels = labelsFromRecord({ a: '1' });
    expect(relabel(compileRelabel([rule({ action: 'keep', sourceLabels: ['a'], regex: '1' })]), labels)).toBe(labels);
  });

  it('tells which labels decide', () => {
    const rules = compileRelabel([
      rule({ sourceLabels: ['a', 'b'], targetLabel: 'c' }),
      rule({ action: 'keepequal', sourceLabels: ['a'], targetLabel: 'd' }),
    ]);
    expect([rules.labelsRead, rules.readsAllNames]).toEqual([['a', 'b', 'd'], false]);
    expect(compileRelabel([rule({ action: 'labeldrop', regex: 'x' })])).toMatchObject({ readsAllNames: true, readsAllValues: false });
    expect(compileRelabel([rule({ action: 'labelmap' })])).toMatchObject({ readsAllNames: true, readsAllValues: true });
  });
});

describe('checkRelabelConfig', () => {
  const bad: { name: string; rule: Partial<RelabelConfig>; message: string }[] = [
    { name: 'replace without a target', rule: {}, message: 'target_label: action replace needs a label name here, got ""' },
    {
      name: 'hashmod without a target',
      rule: { action: 'hashmod', modulus: 2 },
      message: 'target_label: action hashmod needs a label name here, got ""',
    },
    {
      name: 'hashmod without a modulus',
      rule: { action: 'hashmod', targetLabel: 'a' },
      message: 'modulus: action hashmod needs an integer of 1 or more here, got 0',
    },
    {
      name: 'lowercase without a target',
      rule: { action: 'lowercase' },
      message: 'target_label: action lowercase needs a label name here, got ""',
    },
    {
      name: 'uppercase with a replacement',
      rule: { action: 'uppercase', targetLabel: 'a', replacement: 'x' },
      message: 'replacement: action uppercase takes no replacement; remove this key',
    },
    {
      name: 'keepequal with a regex',
      rule: { action: 'keepequal', targetLabel: 'a', regex: 'x' },
      message: 'regex: action keepequal takes only source_labels and target_label; remove this key',
    },
    {
      name: 'dropequal with a separator',
      rule: { action: 'dropequal', targetLabel: 'a', separator: ',' },
      message: 'separator: action dropequal takes only source_labels and target_label; remove this key',
    },
    {
      name: 'labeldrop with source labels',
      rule: { action: 'labeldrop', sourceLabels: ['a'] },
      message: 'source_labels: action labeldrop takes only regex; remove this key',
    },
    {
      name: 'labelkeep with a target',
      rule: { action: 'labelkeep', targetLabel: 'a' },
      message: 'target_label: action labelkeep takes only regex; remove this key',
    },
    {
      name: 'labelmap without a replacement',
      rule: { action: 'labelmap', replacement: '' },
      message: 'replacement: action labelmap needs a label name such as $1 here, got ""',
    },
    {
      name: 'a bad regex',
      rule: { action: 'drop', regex: '(' },
      message: 'regex: expected a regular expression in RE2 syntax, got "(": missing closing ): `(`',
    },
  ];
  it.each(bad)('refuses $name', ({ rule: partial, message }) => {
    const problem = checkRelabelConfig(rule(partial));
    expect(`${problem?.key}: ${problem?.message}`).toBe(message);
    expect(() => compileRelabel([rule(partial)])).toThrow(new RelabelError(`rule 0: ${message}`));
  });

  it('takes names of any text, as Prometheus 3 does', () => {
    expect(checkRelabelConfig(rule({ targetLabel: 'my.label' }))).toBeUndefined();
  });
});

describe('md5', () => {
  it.each([0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 1000])('of %i bytes', (length) => {
    const message = Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 256);
    expect(Buffer.from(md5(message)).toString('hex')).toBe(createHash('md5').update(message).digest('hex'));
  });
});

describe('letter case as Go has it', () => {
  const cases: [text: string, lower: string, upper: string][] = [
    ['AbC', 'abc', 'ABC'],
    ['stra\u00dfe', 'stra\u00dfe', 'STRA\u00dfE'],
    ['\u0130', 'i', '\u0130'],
    ['\u03a3\u03a3', '\u03c3\u03c3', '\u03a3\u03a3'],
    ['\ufb01x', '\ufb01x', '\ufb01X'],
    ['\u1f80', '\u1f80', '\u1f88'],
    ['\u1fb3', '\u1fb3', '\u1fbc'],
    ['\u{10428}', '\u{10428}', '\u{10400}'],
  ];
  it.each(cases)('%s', (text, lower, upper) => {
    expect([toLowerCase(text), toUpperCase(text)]).toEqual([lower, upper]);
  });
});
