import type { YamlList, YamlMap, YamlNode } from '../../contract/yaml/document.ts';

/** Reading and changing YAML trees. Nodes keep the lines of the file they came from, so that reports can name them. */

export const textNode = (text: string, line = 0, plain = true): YamlNode => ({ kind: 'text', text, plain, line, size: 1 });

export function listNode(items: readonly YamlNode[], line = items[0]?.line ?? 0): YamlList {
  return { kind: 'list', items, line, size: items.reduce((sum, item) => sum + item.size, 1) };
}

export function mapNode(entries: Iterable<readonly [key: string, value: YamlNode]>, line?: number): YamlMap {
  const map = new Map([...entries].map(([key, value]) => [key, { line: value.line, value }]));
  const values = [...map.values()].map(({ value }) => value);
  return { kind: 'map', entries: map, line: line ?? values[0]?.line ?? 0, size: values.reduce((sum, value) => sum + value.size, 1) };
}

/** Empty where the node is no map. Values have the lines of their keys. */
export const entriesOf = (node: YamlNode | undefined): readonly (readonly [key: string, value: YamlNode])[] =>
  node?.kind === 'map' ? [...node.entries].map(([key, { value, line }]) => [key, { ...value, line }] as const) : [];

/** Empty where the node is no list. */
export const itemsOf = (node: YamlNode | undefined): readonly YamlNode[] => (node?.kind === 'list' ? node.items : []);

export const textOf = (node: YamlNode | undefined): string | undefined => (node?.kind === 'text' ? node.text : undefined);

/** What the keys lead to, one inside the other. */
export function childOf(node: YamlNode | undefined, ...keys: readonly string[]): YamlNode | undefined {
  let at = node;
  for (const key of keys) at = at?.kind === 'map' ? at.entries.get(key)?.value : undefined;
  return at;
}

/** The line of a key; of the map where it has none. */
export const lineOf = (map: YamlNode, key: string): number => (map.kind === 'map' ? (map.entries.get(key)?.line ?? map.line) : map.line);

export const isMap = (node: YamlNode | undefined): node is YamlMap => node?.kind === 'map';

/** The same map with this key at its place, or at the end where it is new. */
export const withEntry = (map: YamlNode, key: string, value: YamlNode): YamlMap =>
  mapNode([...new Map([...entriesOf(map), [key, value] as const])], map.line);

export const withoutKeys = (map: YamlNode, keys: readonly string[]): YamlMap =>
  mapNode(
    entriesOf(map).filter(([key]) => !keys.includes(key)),
    map.line,
  );

/** A step of a path as configuration errors write it: `a.b[0]["odd key"]`. */
export type Step = string | number;

export function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  for (const found of path.matchAll(/\.?([a-zA-Z_][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    if (found[2] !== undefined) steps.push(Number(found[2]));
    else steps.push(found[3] === undefined ? (found[1] ?? '') : String(JSON.parse(found[3])));
  }
  return steps;
}

export function nodeAt(root: YamlNode, steps: readonly Step[]): YamlNode | undefined {
  let at: YamlNode | undefined = root;
  for (const step of steps) at = typeof step === 'number' ? itemsOf(at)[step] : childOf(at, step);
  return at;
}

/** The tree without what the steps lead to. */
export function removeAt(root: YamlNode, steps: readonly Step[]): YamlNode {
  const [step, ...rest] = steps;
  if (step === undefined) return root;
  if (typeof step === 'number') {
    const items = itemsOf(root);
    const inner = items[step];
    if (inner === undefined) return root;
    const changed = rest.length === 0 ? [] : [removeAt(inner, rest)];
    return listNode([...items.slice(0, step), ...changed, ...items.slice(step + 1)], root.line);
  }
  const inner = childOf(root, step);
  if (inner === undefined) return root;
  return rest.length === 0 ? withoutKeys(root, [step]) : withEntry(root, step, removeAt(inner, rest));
}
