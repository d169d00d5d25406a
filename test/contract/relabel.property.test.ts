import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Labels, sortLabels } from '../../contract/labels.ts';
import {
  checkRelabelConfig,
  compileRelabel,
  defaultRelabelConfig,
  RELABEL_ACTIONS,
  type RelabelConfig,
  relabel,
} from '../../contract/relabel.ts';

/**
 * A second implementation, written the way Prometheus' builder works (the base, a list of additions, a list of deletions)
 * and with JavaScript's own regular expressions: right for the patterns used here, and slow.
 */
function naive(configs: readonly RelabelConfig[], base: Labels): Labels | undefined {
  const added: [string, string][] = [];
  const deleted: string[] = [];
  const get = (name: string): string => {
    const add = added.find((pair) => pair[0] === name);
    if (add) return add[1];
    if (deleted.includes(name)) return '';
    return base.find((pair) => pair[0] === name)?.[1] ?? '';
  };
  const del = (name: string): void => {
    const at = added.findIndex((pair) => pair[0] === name);
    if (at >= 0) added.splice(at, 1);
    deleted.push(name);
  };
  const set = (name: string, value: string): void => {
    const add = added.find((pair) => pair[0] === name);
    if (value === '') del(name);
    else if (add) add[1] = value;
    else added.push([name, value]);
  };
  const all = (): Labels => [
    ...base.filter(([name]) => !deleted.includes(name) && !added.some((pair) => pair[0] === name)),
    ...added.map(([name, value]): [string, string] => [name, value]),
  ];
  for (const config of configs) {
    const text = config.sourceLabels.map(get).join(config.separator);
    const regex = new RegExp(`^(?:${config.regex})$`, 'su');
    const expand = (template: string, found: RegExpExecArray): string =>
      template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
        if (whole === '$$') return '$';
        const name = braced ?? bare ?? '';
        return (/^\d+$/.test(name) ? found[Number(name)] : found.groups?.[name]) ?? '';
      });
    const target = config.targetLabel;
    if (config.action === 'keep' && !regex.test(text)) return undefined;
    if (config.action === 'drop' && regex.test(text)) return undefined;
    if (config.action === 'keepequal' && get(target) !== text) return undefined;
    if (config.action === 'dropequal' && get(target) === text) return undefined;
    if (config.action === 'lowercase') set(target, text.toLowerCase());
    if (config.action === 'uppercase') set(target, text.toUpperCase());
    if (config.action === 'hashmod') {
      const last = createHash('md5').update(text).digest().readBigUInt64BE(8);
      set(target, String(last % BigInt(config.modulus)));
    }
    if (config.action === 'replace') {
      const found = regex.exec(text);
      const name = found && expand(target, found);
      if (found && name) set(name, expand(config.replacement, found));
    }
    for (const [name, value] of all()) {
      const found = regex.exec(name);
      if (config.action === 'labeldrop' && found) del(name);
      if (config.action === 'labelkeep' && !found) del(name);
      const mapped = config.action === 'labelmap' && found && expand(config.replacement, found);
      if (mapped) set(mapped, value);
    }
  }
  return sortLabels(all());
}

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
      expect(relabel(compileRelabel(configs), base)).toEqual(naive(configs, base));
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
