import { createHash } from 'node:crypto';
import { type Labels, sortLabels } from '../../contract/labels.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';

/**
 * A second implementation, written the way Prometheus' builder works (the base, a list of additions, a list of deletions)
 * and with JavaScript's own regular expressions: right for the patterns used in tests, and slow.
 */
export function naiveRelabel(configs: readonly RelabelConfig[], base: Labels): Labels | undefined {
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
