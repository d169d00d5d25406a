import { type YamlEntry, type YamlLimits, type YamlNode, yamlLimits } from './document.ts';
import { type ConfigError, configError } from './errors.ts';

/** JSON text as the same tree, all of it on line 1. Texts in quotes are not `plain`; numbers, `true`, `false` and `null` are. */
export function parseJson(text: string, file: string, errors: ConfigError[], limits: YamlLimits = yamlLimits): YamlNode | undefined {
  const refuse = (problem: string): undefined => void errors.push(configError(file, 1, '', problem));
  if (text.length > limits.textLength) return refuse(`expected at most ${limits.textLength} characters, got ${text.length}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const tree = buildNode(value, limits, 0);
  if (tree === undefined) return refuse(`expected at most ${limits.depth} lists and maps inside each other`);
  return tree.size <= limits.nodes ? tree : refuse(`expected at most ${limits.nodes} values, got ${tree.size}`);
}

/** Undefined where it is too deep: what reads the tree recurses. */
function buildNode(value: unknown, limits: YamlLimits, depth: number): YamlNode | undefined {
  if (typeof value === 'string') return { kind: 'text', text: value, plain: false, line: 1, size: 1 };
  if (typeof value !== 'object' || value === null) return { kind: 'text', text: String(value), plain: true, line: 1, size: 1 };
  if (depth === limits.depth) return undefined;
  let size = 1;
  if (Array.isArray(value)) {
    const items: YamlNode[] = [];
    for (const item of value) {
      const node = buildNode(item, limits, depth + 1);
      if (node === undefined) return undefined;
      size += node.size;
      items.push(node);
    }
    return { kind: 'list', items, line: 1, size };
  }
  const entries = new Map<string, YamlEntry>();
  for (const [key, child] of Object.entries(value)) {
    const node = buildNode(child, limits, depth + 1);
    if (node === undefined) return undefined;
    size += node.size;
    entries.set(key, { line: 1, value: node });
  }
  return { kind: 'map', entries, line: 1, size };
}
