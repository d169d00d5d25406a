import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { isLegacyLabelName, isValidName, type Label, sortLabels } from '../../contract/labels.ts';
import type { TargetGroup } from '../config/types.ts';

/** The content of a file_sd file: a list of `{targets: [host:port, ...], labels: {name: value}}`, as JSON or YAML. */

/** Names line and column, what was expected and what was there. */
export class TargetFileError extends Error {
  override name = 'TargetFileError';
}

/** Throws {@link TargetFileError}. JSON is YAML, so one reader serves both; duplicate keys and unknown ones are errors. */
export function parseTargetFile(text: string, format: 'json' | 'yaml'): TargetGroup[] {
  if (format === 'json') checkJson(text);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, version: '1.2', schema: 'core' });
  const [problem] = document.errors;
  if (problem !== undefined) throw new TargetFileError(problem.message.split('\n')[0] ?? problem.message);
  const reader = new Reader(lines);
  const root = document.contents;
  // An empty file is an empty list, as with Prometheus.
  if (root === null || (isScalar(root) && root.value === null)) {
    if (format === 'json') throw new TargetFileError('expected a list of target groups, got null');
    return [];
  }
  if (!isSeq(root)) throw reader.error(root, 'a list of target groups', root);
  return root.items.map((item, i) => reader.group(item, `[${i}]`));
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new TargetFileError(`expected JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

class Reader {
  readonly #lines: LineCounter;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  group(node: unknown, path: string): TargetGroup {
    if (!isMap(node)) throw this.error(node, 'a group with "targets" and "labels"', node, path);
    let targets: string[] = [];
    let labels: Label[] = [];
    for (const { key, value } of (node as YAMLMap).items) {
      const name = isScalar(key) ? String(key.value) : '';
      if (name === 'targets') targets = this.#targets(value, `${path}.targets`);
      else if (name === 'labels') labels = this.#labels(value, `${path}.labels`);
      else throw this.error(key, '"targets" or "labels"', key, path);
    }
    return { targets, labels: sortLabels(labels) };
  }

  #targets(node: unknown, path: string): string[] {
    if (isNull(node)) return [];
    if (!isSeq(node)) throw this.error(node, 'a list of host:port', node, path);
    return node.items.map((item, i) => {
      const target = this.#text(item, `${path}[${i}]`);
      if (target === '' || /[/\s]/.test(target)) throw this.error(item, 'host:port without scheme and path', item, `${path}[${i}]`);
      return target;
    });
  }

  #labels(node: unknown, path: string): Label[] {
    if (isNull(node)) return [];
    if (!isMap(node)) throw this.error(node, 'label names with values', node, path);
    return (node as YAMLMap).items.map(({ key, value }): Label => {
      const name = isScalar(key) ? String(key.value) : '';
      if (!isValidName(name) || (!isLegacyLabelName(name) && name.startsWith('__'))) throw this.error(key, 'a label name', key, path);
      const text = this.#text(value, `${path}.${name}`);
      if (!isValidName(text) && text !== '') throw this.error(value, 'UTF-8 text', value, `${path}.${name}`);
      return [name, text];
    });
  }

  /** A string. `8080` or `true` without quotes is one in Prometheus' YAML, too: taken as it is written. */
  #text(node: unknown, path: string): string {
    if (!isScalar(node) || node.value === null) throw this.error(node, 'a string', node, path);
    return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
  }

  error(at: unknown, expected: string, got: unknown, path = ''): TargetFileError {
    const range = isNodeLike(at) ? at.range : undefined;
    const place = range == null ? '' : this.#place(range[0]);
    return new TargetFileError(`${place}${path === '' ? '' : `${path}: `}expected ${expected}, got ${describe(got)}`);
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `line ${line}, column ${col}: `;
  }
}

const isNodeLike = (node: unknown): node is Node => isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
const isNull = (node: unknown): boolean => node === null || (isScalar(node) && node.value === null);

function describe(node: unknown): string {
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (isAlias(node)) return 'an alias';
  if (isScalar(node)) return node.value === null ? 'null' : JSON.stringify(node.value).slice(0, 80);
  return 'nothing';
}
