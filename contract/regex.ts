import { RE2JS } from 're2js';

/**
 * Prometheus' regular expressions: RE2 syntax, matched against the whole text, dot matches a line end (`^(?s:...)$`).
 * Linear in the text whatever the pattern, so a rule cannot stall the edge. Common simple patterns skip the engine, which
 * costs about half a microsecond a match.
 */
export interface Pattern {
  readonly source: string;
  /** Group number by group name. */
  readonly names: Readonly<Record<string, number>>;
  test(text: string): boolean;
  /** The whole match and its groups (null: took no part), or undefined. */
  match(text: string): Groups | undefined;
}
export type Groups = readonly (string | null)[];

/** The pattern does not follow RE2's syntax; the message says where. */
export class PatternError extends Error {
  override name = 'PatternError';
}

/** @throws PatternError */
export function compilePattern(source: string): Pattern {
  return simplePattern(source) ?? enginePattern(source);
}

function enginePattern(source: string): Pattern {
  // Compiled alone first: `a)|(b` is refused, though it would balance once it is wrapped.
  compileOrThrow(source, source);
  const engine = compileOrThrow(`^(?s:${source})$`, source);
  return {
    source,
    names: engine.namedGroups(),
    test: (text) => engine.testExact(text),
    match(text) {
      const matcher = engine.matcher(text);
      if (!matcher.matches()) return undefined;
      return Array.from({ length: matcher.groupCount() + 1 }, (_, group) => matcher.group(group));
    },
  };
}

function compileOrThrow(wrapped: string, source: string): RE2JS {
  try {
    return RE2JS.compile(wrapped);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, '') : String(cause);
    throw new PatternError(`expected a regular expression in RE2 syntax, got ${JSON.stringify(source)}: ${reason}`, { cause });
  }
}

/** `.*`, `.+`, texts and alternatives of texts, each bare or in one group. */
function simplePattern(source: string): Pattern | undefined {
  const [inner, captured] = unwrapGroup(source);
  const test = simpleTest(inner);
  if (test === undefined) return undefined;
  const match = captured
    ? (text: string): Groups | undefined => (test(text) ? [text, text] : undefined)
    : (text: string): Groups | undefined => (test(text) ? [text] : undefined);
  return { source, names: {}, test, match };
}

function unwrapGroup(source: string): readonly [inner: string, captured: boolean] {
  const nonCapturing = /^\(\?:([^()]*)\)$/.exec(source);
  if (nonCapturing?.[1] !== undefined) return [nonCapturing[1], false];
  const capturing = /^\(([^()?][^()]*|)\)$/.exec(source);
  if (capturing?.[1] !== undefined) return [capturing[1], true];
  return [source, false];
}

function simpleTest(source: string): ((text: string) => boolean) | undefined {
  if (source === '.*') return () => true;
  if (source === '.+') return (text) => text !== '';
  const texts: string[] = [];
  for (const alternative of source.split('|')) {
    // A backslash before ASCII punctuation stands for that character; `\|` was split above and falls to the engine.
    const text = /^(?:[^\\.+*?()[\]{}^$|]|\\[.+*?()[\]{}^$/-])*$/.test(alternative) ? alternative.replaceAll(/\\(.)/g, '$1') : undefined;
    if (text === undefined) return undefined;
    texts.push(text);
  }
  const only = texts.length === 1 ? texts[0] : undefined;
  if (only !== undefined) return (text) => text === only;
  const all = new Set(texts);
  return (text) => all.has(text);
}

/** A replacement such as `${1}-$2`, read once: literal texts and group numbers. */
export type Template = readonly (string | number)[];

/**
 * Go's template language (regexp.Expand): `$name` and `${name}` stand for a group by number or name, the name of the bare
 * form is as long as it can be (`$1_x` is the group `1_x`), `$$` is a dollar sign. A group that does not exist is empty; a
 * dollar sign before anything else stays.
 */
export function compileTemplate(text: string, pattern: Pattern): Template {
  const parts: (string | number)[] = [];
  let literal = '';
  let at = 0;
  for (const found of text.matchAll(/\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu)) {
    literal += text.slice(at, found.index);
    at = found.index + found[0].length;
    if (found[1] !== undefined) {
      literal += '$';
      continue;
    }
    const group = groupNumber(found[2] ?? found[3] ?? '', pattern);
    if (group === undefined) continue;
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(group);
  }
  literal += text.slice(at);
  if (literal !== '') parts.push(literal);
  return parts;
}

function groupNumber(name: string, pattern: Pattern): number | undefined {
  // Numbers have no leading zero; anything else is a name, even `01`.
  if (/^(?:0|[1-9][0-9]{0,8})$/.test(name)) return Number(name);
  return Object.hasOwn(pattern.names, name) ? pattern.names[name] : undefined;
}

export function expandTemplate(template: Template, groups: Groups): string {
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : (groups[part] ?? '');
  return text;
}

export const hasVariable = (text: string): boolean => text.includes('$');
