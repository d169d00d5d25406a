import { err, ok, type Result } from '../result.ts';
import { isNothing, parseYaml, type YamlLimits, type YamlNode } from './document.ts';
import { type ConfigError, configError } from './errors.ts';
import { parseJson } from './json.ts';
import { suggest } from './suggest.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

/**
 * Small readers that are put together to the shape of a file. Each takes a place in the YAML tree and returns a value, or
 * reports what it expected and got and returns {@link FAILED}; the reader around it goes on, so that all problems of a file
 * are reported at once.
 */
export type Decoder<T> = (place: Place) => T | Failed;

/** The problem has been reported. */
export const FAILED: unique symbol = Symbol('failed');
export type Failed = typeof FAILED;

/** A node, where it is, and the list that takes the problems. */
export interface Place {
  readonly node: YamlNode;
  readonly file: string;
  readonly line: number;
  readonly path: string;
  /** What stands here, and below, may be a secret: no message repeats it. */
  readonly secret?: boolean;
  readonly errors: ConfigError[];
}

/** Reads a whole file. Problems come in the order of their lines, at least one. */
export const decodeYaml = <T>(text: string, file: string, decoder: Decoder<T>, limits?: YamlLimits): Result<T, readonly ConfigError[]> =>
  decodeTree(parseYaml, text, file, decoder, limits);

/** The same for JSON. Its values know no lines: problems name line 1 and their path. */
export const decodeJson = <T>(text: string, file: string, decoder: Decoder<T>, limits?: YamlLimits): Result<T, readonly ConfigError[]> =>
  decodeTree(parseJson, text, file, decoder, limits);

function decodeTree<T>(
  parse: typeof parseYaml,
  text: string,
  file: string,
  decoder: Decoder<T>,
  limits: YamlLimits | undefined,
): Result<T, readonly ConfigError[]> {
  const errors: ConfigError[] = [];
  const node = parse(text, file, errors, limits);
  const value = node === undefined ? FAILED : decoder({ node, file, line: node.line, path: '', errors });
  if (value !== FAILED && errors.length === 0) return ok(value);
  return err(errors.sort((a, b) => a.line - b.line));
}

export function fail(place: Place, problem: string): Failed {
  place.errors.push(configError(place.file, place.line, place.path, problem));
  return FAILED;
}

/** @param got in place of the node's own description, for secrets */
export const expected = (place: Place, what: string, got = describe(place)): Failed => fail(place, `expected ${what}, got ${got}`);

/** What a node is, short enough for a message. */
function describe({ node, secret = false }: Place): string {
  if (isNothing(node)) return 'nothing';
  if (node.kind !== 'text') return `a ${node.kind}`;
  if (secret) return 'a text';
  return JSON.stringify(node.text.length > 80 ? `${node.text.slice(0, 80)}...` : node.text);
}

/** The place of a key of this map; of the map itself where the key is absent. */
export function placeOf(place: Place, key: string): Place {
  const entry = place.node.kind === 'map' ? place.node.entries.get(key) : undefined;
  const path = /^[a-zA-Z_][\w-]*$/.test(key) ? (place.path === '' ? key : `${place.path}.${key}`) : `${place.path}[${JSON.stringify(key)}]`;
  return { ...place, path, node: entry?.value ?? place.node, line: entry?.line ?? place.line };
}

/** Any text, numbers and words as they are written; `null` and nothing are the empty text. */
export const string: Decoder<string> = (place) => {
  if (place.node.kind !== 'text') return expected(place, 'a string');
  return isNothing(place.node) ? '' : place.node.text;
};

/** A string in quotes: in JSON nothing else is one. */
export const quotedString: Decoder<string> = (place) => {
  const { node } = place;
  if (node.kind === 'text' && !node.plain) return node.text;
  return node.kind === 'text' && !isNothing(node) ? expected(place, 'a string', node.text) : expected(place, 'a string');
};

export const nonEmptyString: Decoder<string> = (place) => {
  const value = string(place);
  return value === '' ? expected(place, 'a string that is not empty', 'nothing') : value;
};

// go-yaml's words, so that an existing prometheus.yml keeps its meaning.
const TRUE = ['true', 'True', 'TRUE', 'yes', 'Yes', 'YES', 'on', 'On', 'ON'];
const FALSE = ['false', 'False', 'FALSE', 'no', 'No', 'NO', 'off', 'Off', 'OFF'];

export const bool: Decoder<boolean> = (place) => {
  const { node } = place;
  if (node.kind === 'text' && node.plain && TRUE.includes(node.text)) return true;
  if (node.kind === 'text' && node.plain && FALSE.includes(node.text)) return false;
  return expected(place, 'true or false');
};

/** A whole number in decimal digits, `min` to `max`. */
export const int =
  (min: number, max: number = Number.MAX_SAFE_INTEGER): Decoder<number> =>
  (place) => {
    const { node } = place;
    const value = node.kind === 'text' && node.plain && /^-?\d+$/.test(node.text) ? Number(node.text) : Number.NaN;
    const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `of ${min} to ${max}`;
    return value >= min && value <= max ? value : expected(place, `a whole number ${range}`);
  };

/** Longer waits do not fit the timers of JavaScript (2^31 - 1 ms) and would fire at once. */
export const MAX_TIMER_MS = 24 * 86_400_000;

/** Prometheus' duration syntax; returns ms, `min` to `max`. */
export const duration =
  (min = 0, max = MAX_TIMER_MS): Decoder<number> =>
  (place) => {
    const value = place.node.kind === 'text' ? parseDuration(place.node.text) : undefined;
    if (value === undefined) return expected(place, 'a duration such as 30s or 1h30m');
    if (value < min) return expected(place, `a duration of at least ${formatDuration(min)}`);
    return value <= max ? value : expected(place, `a duration of at most ${formatDuration(max)}`);
  };

/** An interval or timeout: zero would mean working without end. */
export const positiveDuration: Decoder<number> = duration(1);

/** A size with a unit, `10MB` or `512MiB`; returns bytes, `min` to `max`. */
export const size =
  (min = 0, max: number = Number.MAX_SAFE_INTEGER): Decoder<number> =>
  (place) => {
    const value = place.node.kind === 'text' ? parseSize(place.node.text) : undefined;
    if (value === undefined) return expected(place, 'a size such as 10MB or 512MiB');
    if (value < min) return expected(place, `a size of at least ${formatSize(min)}`);
    return value <= max ? value : expected(place, `a size of at most ${formatSize(max)}`);
  };

export const oneOf =
  <const T extends string>(values: readonly T[]): Decoder<T> =>
  (place) => {
    const { node } = place;
    const found = node.kind === 'text' ? values.find((value) => value === node.text) : undefined;
    return found ?? expected(place, `one of ${values.join(', ')}`);
  };

export const list =
  <T>(item: Decoder<T>): Decoder<readonly T[]> =>
  (place) => {
    const { node } = place;
    if (node.kind !== 'list') return expected(place, 'a list');
    const values = node.items.map((child, i) => item({ ...place, node: child, line: child.line, path: `${place.path}[${i}]` }));
    return allDecoded(values) ? values : FAILED;
  };

/** A map with keys of the user's choice. */
export const mapOf =
  <T>(value: Decoder<T>): Decoder<readonly (readonly [key: string, value: T])[]> =>
  (place) => {
    const { node } = place;
    if (node.kind !== 'map') return expected(place, 'a map');
    const entries: (readonly [string, T])[] = [];
    let failed = false;
    for (const key of node.entries.keys()) {
      const decoded = value(placeOf(place, key));
      if (decoded === FAILED) failed = true;
      else entries.push([key, decoded]);
    }
    return failed ? FAILED : entries;
  };

/** Problems of this value and those in it do not repeat its text. */
export const secretly =
  <T>(decoder: Decoder<T>): Decoder<T> =>
  (place) =>
    decoder({ ...place, secret: true });

/** Looks at a decoded value again: turns it into another one, or fails at its place or at one of its keys. */
export const refine =
  <T, U>(decoder: Decoder<T>, check: (value: T, place: Place) => U | Failed): Decoder<U> =>
  (place) => {
    const value = decoder(place);
    return value === FAILED ? FAILED : check(value, place);
  };

function allDecoded<T>(values: readonly (T | Failed)[]): values is readonly T[] {
  return !values.includes(FAILED);
}

/** How a key of a map is read, and what it means that it is absent. A key whose value is nothing counts as absent. */
export interface Field<T> {
  readonly decode: Decoder<T>;
  readonly absent: { readonly kind: 'value'; readonly value: T } | { readonly kind: 'required' };
  /** Reads a key that is there without a value too (`regex:` is the empty regex). */
  readonly takesNothing: boolean;
}
export const required = <T>(decode: Decoder<T>): Field<T> => ({ decode, absent: { kind: 'required' }, takesNothing: false });
export const optional = <T>(decode: Decoder<T>): Field<T | undefined> => withDefault<T | undefined>(decode, undefined);
export const withDefault = <T>(decode: Decoder<T>, value: T): Field<T> => ({
  decode,
  absent: { kind: 'value', value },
  takesNothing: false,
});
/** A string where nothing means the empty one, not the default. */
export const text = (value: string): Field<string> => ({ decode: string, absent: { kind: 'value', value }, takesNothing: true });

type Fields = Readonly<Record<string, Field<unknown>>>;
export type Decoded<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/**
 * A map with known keys. Any other key is refused: those in `refused` with their own message, the rest as unknown, with the
 * known key that was probably meant.
 */
export const object =
  <F extends Fields>(fields: F, refused: Readonly<Record<string, string>> = {}): Decoder<Decoded<F>> =>
  (place) => {
    const { node } = place;
    if (node.kind !== 'map') return expected(place, 'a map');
    let failed = false;
    for (const key of node.entries.keys()) {
      if (Object.hasOwn(fields, key)) continue;
      failed = true;
      fail(placeOf(place, key), Object.hasOwn(refused, key) ? (refused[key] ?? '') : unknownKey(key, Object.keys(fields)));
    }
    const values: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(fields)) {
      const value = decodeField(placeOf(place, key), field, node.entries.get(key)?.value);
      if (value === FAILED) failed = true;
      values[key] = value;
    }
    return failed ? FAILED : (values as Decoded<F>);
  };

function decodeField<T>(place: Place, field: Field<T>, node: YamlNode | undefined): T | Failed {
  if (node !== undefined && (field.takesNothing || !isNothing(node))) return field.decode(place);
  return field.absent.kind === 'value' ? field.absent.value : fail(place, 'is required, but missing');
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = suggest(key, known);
  return meant === undefined ? `unknown key (known: ${known.join(', ')})` : `unknown key (did you mean ${meant}?)`;
}
