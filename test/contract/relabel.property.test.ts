import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sortLabels } from '../../contract/labels.ts';
import {
  checkRelabelConfig,
  compileRelabel,
  defaultRelabelConfig,
  RELABEL_ACTIONS,
  type RelabelConfig,
  relabel,
} from '../../contract/relabel.ts';
import { naiveRelabel } from './naive-relabel.ts';

const name = fc.constantFrom('a', 'b', 'c', 'ab', '__name__', '__proto__', 'x.y');
const value = fc.constantFrom('', 'a', 'b', 'ab', 'a;b', 'x\ny', 'AB', '$1', '\u{1f600}');
const regex = fc.constantFrom(
  '',
  '.*',
  '(.*)',
  '.+',
  '(.+)',
  'a',
  'a|b',
  '(a|b)',
  '(?:a|ab)',
  'a|',
  'x\\.y',
  '(a)?(.*)',
  '([ab])(.*)',
  '(.*);(.*)',
  '__(.*)__',
  '[^;]*',
  'a.b',
  '(a|ab)(.*)',
  '(?<n>a+).*',
  '.',
);
const template = fc.constantFrom('$1', '${1}', '$2', '$1_x', '${1}_x', 'a', 'b$1', '$$', '$0', '$n', '${n}y', '', '$', 'c$');
const config: fc.Arbitrary<RelabelConfig> = fc
  .record({
    sourceLabels: fc.array(name, { maxLength: 3 }),
    separator: fc.constantFrom(';', '', '-'),
    regex,
    modulus: fc.constantFrom(0, 1, 7, Number.MAX_SAFE_INTEGER),
    targetLabel: fc.oneof(name, template),
    replacement: template,
    action: fc.constantFrom(...RELABEL_ACTIONS),
  })
  .map((drawn) => {
    // Keys that the action refuses go back to their defaults.
    let fixed: RelabelConfig = drawn;
    if (/equal$/.test(drawn.action))
      fixed = { ...defaultRelabelConfig, action: drawn.action, sourceLabels: drawn.sourceLabels, targetLabel: drawn.targetLabel };
    if (/^label(drop|keep)$/.test(drawn.action)) fixed = { ...defaultRelabelConfig, action: drawn.action, regex: drawn.regex };
    if (/case$/.test(drawn.action)) fixed = { ...drawn, replacement: defaultRelabelConfig.replacement };
    return fixed;
  })
  .filter((drawn) => checkRelabelConfig(drawn) === undefined);
const labels = fc.array(fc.tuple(name, value), { maxLength: 6 }).map(sortLabels);

it('agrees with a naive implementation', () => {
  fc.assert(
    fc.property(fc.array(config, { maxLength: 5 }), labels, (configs, base) => {
      expect(relabel(compileRelabel(configs), base)).toEqual(naiveRelabel(configs, base));
    }),
    { numRuns: 3000 },
  );
});

it('treats label sets alike that have the same names and agree on labelsRead', () => {
  fc.assert(
    fc.property(fc.array(config, { maxLength: 4 }), labels, (configs, first) => {
      const rules = compileRelabel(configs);
      fc.pre(!rules.readsAllValues);
      const second = first.map(([n, v]): [string, string] => [n, rules.labelsRead.includes(n) ? v : `other ${v}`]);
      const back = relabel(rules, second)?.map(([n, v]): [string, string] => {
        const changed = second.some((pair) => pair[0] === n && pair[1] === v) && !rules.labelsRead.includes(n);
        return [n, changed ? v.replace(/^other /, '') : v];
      });
      expect(back).toEqual(relabel(rules, first));
    }),
    { numRuns: 2000 },
  );
});
