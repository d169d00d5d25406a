import { type Alias, Composer, type CST, isAlias, isScalar, isSeq, LineCounter, type ParsedNode, Parser, type YAMLMap } from 'yaml';
import { type ConfigError, configError } from './errors.ts';

/**
 * YAML text as a tree of texts, lists and maps that know their lines. What a text means (a number, a duration, nothing) is
 * left to the reader of the key, as in Prometheus. Anchors, aliases and merge keys (`<<`) are resolved here; tags, several
 * documents and repeated keys are refused.
 */
export type YamlNode = YamlText | YamlList | YamlMap;

interface YamlPlace {
  /** Counted from 1. */
  readonly line: number;
  /** Nodes in this one, those behind aliases counted each time they are used. */
  readonly size: number;
}
export interface YamlText extends YamlPlace {
  readonly kind: 'text';
  readonly text: string;
  /** Written without quotes: only then `~`, `null` and nothing at all mean "no value". */
  readonly plain: boolean;
}
export interface YamlList extends YamlPlace {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
}
export interface YamlMap extends YamlPlace {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, YamlEntry>;
}
export interface YamlEntry {
  /** Of the key. */
  readonly line: number;
  readonly value: YamlNode;
}

/** What a configuration or discovery file may cost to read. */
export const yamlLimits = {
  /** UTF-16 units of text. */
  textLength: 1024 * 1024,
  /** Lists and maps inside each other; the parser recurses. */
  depth: 64,
  /** Nodes after aliases are written out: stops a file of a few lines that stands for billions of values. */
  nodes: 500_000,
} as const;

export type YamlLimits = { readonly [K in keyof typeof yamlLimits]: number };

const NOTHING = ['', '~', 'null', 'Null', 'NULL'];

export const isNothing = (node: YamlNode): boolean => node.kind === 'text' && node.plain && NOTHING.includes(node.text);

type Report = (line: number, message: string) => void;

/** The tree, or undefined after reporting why there is none. An empty document is an empty text. */
export function parseYaml(text: string, file: string, errors: ConfigError[], limits: YamlLimits = yamlLimits): YamlNode | undefined {
  const lines = new LineCounter();
  const lineOf = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const before = errors.length;
  const report: Report = (line, message) => {
    errors.push(configError(file, line, '', message));
  };
  if (text.length > limits.textLength) {
    report(1, `expected at most ${limits.textLength} characters, got ${text.length}`);
    return undefined;
  }
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const deep = tokens.map((token) => offsetDeeperThan(token, limits.depth)).find((offset) => offset !== undefined);
  if (deep !== undefined) {
    report(lineOf(deep), `expected at most ${limits.depth} lists and maps inside each other`);
    return undefined;
  }
  const composer = new Composer({ lineCounter: lines, prettyErrors: false, schema: 'failsafe', version: '1.2', logLevel: 'silent' });
  const documents = [...composer.compose(tokens, true, text.length)];
  for (const document of documents) {
    for (const problem of [...document.errors, ...document.warnings]) {
      report(
        lineOf(problem.pos[0]),
        problem.code === 'DUPLICATE_KEY' ? 'key is given twice in one map' : `not valid YAML: ${problem.message}`,
      );
    }
  }
  const [first, second] = documents;
  if (second !== undefined) report(lineOf(second.range?.[0] ?? 0), 'expected one YAML document, got another after ---');
  if (errors.length > before) return undefined;
  if (first === undefined || first.contents === null) return { kind: 'text', text: '', plain: true, line: 1, size: 1 };
  const root = new TreeBuilder(lineOf, report, limits.nodes).build(first.contents);
  return errors.length > before ? undefined : root;
}

/** Walks without recursion, since its purpose is to protect what recurses. */
function offsetDeeperThan(token: CST.Token, limit: number): number | undefined {
  const pending: { token: CST.Token; depth: number }[] = [{ token, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token: current, depth } = next;
    if (depth > limit) return 'offset' in current ? current.offset : 0;
    if (current.type === 'document' && current.value) pending.push({ token: current.value, depth });
    if (!('items' in current)) continue;
    for (const item of current.items) {
      if (item.key) pending.push({ token: item.key, depth: depth + 1 });
      if (item.value) pending.push({ token: item.value, depth: depth + 1 });
    }
  }
  return undefined;
}

class TreeBuilder {
  readonly #lineOf: (offset: number) => number;
  readonly #report: Report;
  readonly #nodes: number;
  readonly #anchors = new Map<string, YamlNode>();
  /** Entries copied by merge keys so far: the other way to make much work of a short file. */
  #merged = 0;
  /** Said once: every node around a node that is too large is too large as well. */
  #tooLarge = false;

  constructor(lineOf: (offset: number) => number, report: Report, nodes: number) {
    this.#lineOf = lineOf;
    this.#report = report;
    this.#nodes = nodes;
  }

  build(node: ParsedNode | null): YamlNode {
    const line = this.#lineOf(node?.range[0] ?? 0);
    if (node === null) return { kind: 'text', text: '', plain: true, line, size: 1 };
    if (isAlias(node)) return this.#alias(node, line);
    if (node.tag !== undefined && !node.tag.startsWith('tag:yaml.org,2002:'))
      // Neither this nor an alias is repeated: it may be a password that should stand in quotes.
      this.#report(line, 'expected no tag; a text that starts with ! has to stand in quotes');
    const built = this.#content(node, line);
    if (built.size > this.#nodes) this.#refuseSize(line);
    // Set when the node is complete, so an alias inside its own anchor is an unknown one.
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, built);
    return built;
  }

  #refuseSize(line: number): void {
    if (!this.#tooLarge) this.#report(line, `expected at most ${this.#nodes} values with aliases written out`);
    this.#tooLarge = true;
  }

  #content(node: Exclude<ParsedNode, Alias.Parsed>, line: number): YamlNode {
    if (isScalar(node)) return { kind: 'text', text: node.source, plain: node.type === 'PLAIN', line, size: 1 };
    if (isSeq(node)) {
      const items = node.items.map((item) => this.build(item as ParsedNode));
      return { kind: 'list', items, line, size: sizeOf(items) };
    }
    return this.#map(node, line);
  }

  #alias(alias: Alias.Parsed, line: number): YamlNode {
    const target = this.#anchors.get(alias.source);
    // The alias' own line: a problem in what it stands for is looked for where it is used.
    if (target !== undefined) return { ...target, line };
    this.#report(line, 'an alias has no anchor before it; a text that starts with * has to stand in quotes');
    return { kind: 'text', text: '', plain: true, line, size: 1 };
  }

  #map(node: YAMLMap.Parsed, line: number): YamlNode {
    const entries = new Map<string, YamlEntry>();
    const merged: YamlNode[] = [];
    for (const pair of node.items) {
      const key = this.build(pair.key);
      const value = this.build(pair.value);
      if (key.kind !== 'text') this.#report(key.line, `expected a text as key, got a ${key.kind}`);
      else if (key.plain && key.text === '<<') merged.push(...(value.kind === 'list' ? value.items : [value]));
      else entries.set(key.text, { line: key.line, value: isNothing(value) ? { ...value, line: key.line } : value });
    }
    for (const source of merged) this.#merge(source, entries);
    return { kind: 'map', entries, line, size: sizeOf([...entries.values()].map(({ value }) => value)) };
  }

  /** A map's own keys win over merged ones, earlier merged maps over later ones. */
  #merge(source: YamlNode, entries: Map<string, YamlEntry>): void {
    if (source.kind !== 'map') {
      this.#report(source.line, `merge key <<: expected a map or a list of maps, got a ${source.kind}`);
      return;
    }
    this.#merged += source.entries.size;
    if (this.#merged > this.#nodes) {
      this.#refuseSize(source.line);
      return;
    }
    for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
  }
}

const sizeOf = (children: readonly YamlNode[]): number => children.reduce((sum, child) => sum + child.size, 1);
