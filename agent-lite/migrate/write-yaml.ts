import { isNothing, type YamlNode, type YamlText } from '../../contract/yaml/document.ts';
import { entriesOf } from './tree.ts';

/** Short lists of texts stand on one line. */
const FLOW_WIDTH = 100;

/** A tree as YAML text, keys in their order. What was quoted stays quoted, so that `"no"` remains a text. */
export function writeYaml(node: YamlNode): string {
  return `${block(node, '').join('\n')}\n`;
}

function block(node: YamlNode, indent: string): string[] {
  if (node.kind === 'text') return [`${indent}${scalar(node)}`];
  if (node.kind === 'list') {
    if (node.items.length === 0) return [`${indent}[]`];
    return node.items.flatMap((item) => {
      const flow = oneLine(item);
      if (flow !== undefined) return [`${indent}- ${flow}`.trimEnd()];
      const [first = '', ...rest] = block(item, `${indent}  `);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  const entries = entriesOf(node);
  if (entries.length === 0) return [`${indent}{}`];
  return entries.flatMap(([key, value]) => {
    const name = `${indent}${word(key)}:`;
    const flow = oneLine(value);
    return flow === undefined ? [name, ...block(value, `${indent}  `)] : [`${name} ${flow}`.trimEnd()];
  });
}

/** Undefined: needs lines of its own. */
function oneLine(node: YamlNode): string | undefined {
  if (node.kind === 'text') return scalar(node);
  if (node.kind === 'map') return node.entries.size === 0 ? '{}' : undefined;
  const texts = node.items.map((item) => (item.kind === 'text' && !isNothing(item) ? scalar(item) : undefined));
  const flow = `[${texts.join(', ')}]`;
  return texts.includes(undefined) || flow.length > FLOW_WIDTH ? (node.items.length === 0 ? '[]' : undefined) : flow;
}

/** Texts that mean the same without quotes, also between brackets. */
const SAFE = /^[\w/.$(^\\+](?:[\w/.@%+=~^()|*?$\\<>;-]|:(?=[\w/]))*$/;

/** JSON's strings are YAML's. */
const word = (text: string): string => (SAFE.test(text) ? text : JSON.stringify(text));

/** Nothing at all is written as that, so that no text is taken for it. */
function scalar(node: YamlText): string {
  if (isNothing(node)) return '';
  return node.plain ? word(node.text) : JSON.stringify(node.text);
}
