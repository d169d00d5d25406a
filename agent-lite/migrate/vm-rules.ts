import type { YamlNode } from '../../contract/yaml/document.ts';
import type { Findings } from './findings.ts';
import { childOf, entriesOf, isMap, itemsOf, listNode, mapNode, textNode, textOf, withEntry, withoutKeys } from './tree.ts';

/** Actions of vmagent that Prometheus does not have, and what to write in their place. */
const NO_ACTION: Readonly<Record<string, string>> = {
  replace_all: 'write one `replace` rule for each place in the value that changes',
  labelmap_all: 'write one `labelmap` rule for each part of the name that changes',
  keep_if_contains: 'write a `keep` rule whose regex is the text that must be contained, between .*',
  drop_if_contains: 'write a `drop` rule whose regex is the text that must not be contained, between .*',
  graphite: 'write `replace` rules on __name__',
};

/** vmagent's relabelling rules as Prometheus writes them. What cannot be said so is left out, as a whole rule. */
export function prometheusRules(rules: YamlNode, path: string, file: string, findings: Findings): YamlNode {
  if (rules.kind !== 'list') return rules;
  const kept = rules.items.flatMap((rule, i) => (isMap(rule) ? prometheusRule(rule, `${path}[${i}]`, file, findings) : [rule]));
  return listNode(kept, rules.line);
}

function prometheusRule(rule: YamlNode, path: string, file: string, findings: Findings): readonly YamlNode[] {
  const origin = { file, line: rule.line };
  const leaveOut = (note: string): readonly YamlNode[] => {
    findings.add('leftOut', origin, path, note);
    return [];
  };
  const action = textOf(childOf(rule, 'action')) ?? 'replace';
  const instead = NO_ACTION[action];
  if (instead !== undefined) return leaveOut(`action \`${action}\` is vmagent's own: ${instead}`);
  if (childOf(rule, 'if') !== undefined)
    return leaveOut("`if` is vmagent's own: put the labels of the condition into `source_labels` and its values into `regex`");
  if (entriesOf(rule).some(([key, value]) => key === 'replacement' && /\{\{.*\}\}/.test(textOf(value) ?? '')))
    return leaveOut("{{label}} in `replacement` is vmagent's own: name the label in `source_labels` and use $1");

  let changed = rule;
  const alternatives = itemsOf(childOf(rule, 'regex')).map(textOf);
  if (alternatives.length > 0) {
    changed = withEntry(changed, 'regex', textNode(alternatives.join('|'), rule.line, false));
    findings.add('changed', origin, path, 'the list of `regex` is now one, its parts between |');
  }
  if (action === 'keep_metrics' || action === 'drop_metrics') {
    findings.add('changed', origin, path, `\`${action}\` is now \`${action.slice(0, 4)}\` on __name__`);
    const regex = childOf(changed, 'regex');
    return [
      mapNode(
        [
          ['source_labels', listNode([textNode('__name__')])],
          ...(regex === undefined ? [] : [['regex', regex] as const]),
          ['action', textNode(action.slice(0, 4))],
        ],
        rule.line,
      ),
    ];
  }
  if (action === 'keep_if_equal' || action === 'drop_if_equal') {
    const labels = itemsOf(childOf(rule, 'source_labels')).map(textOf);
    const [first, second, ...more] = labels;
    if (first === undefined || second === undefined || more.length > 0)
      return leaveOut(`\`${action}\` of other than two labels: write one \`${action.slice(0, 4)}equal\` rule for each pair`);
    findings.add('changed', origin, path, `\`${action}\` is now \`${action.slice(0, 4)}equal\``);
    return [
      mapNode(
        [
          ['source_labels', listNode([textNode(first)])],
          ['target_label', textNode(second)],
          ['action', textNode(`${action.slice(0, 4)}equal`)],
        ],
        rule.line,
      ),
    ];
  }
  return [childOf(changed, 'relabel_debug') === undefined ? changed : withoutKeys(changed, ['relabel_debug'])];
}
