import { type Label, type Labels, METRIC_NAME } from '../../contract/labels.ts';
import { ExpositionError, FAMILY_HISTOGRAM, FAMILY_SUMMARY, type FamilyType } from './exposition.ts';
import { normalizeFloatLabel } from './float.ts';

/** The series part of a text format line: `name{label="value",...}` or `{"name",label="value",...}`. */

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const EQUAL = 0x3d;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const LETTER = 1;
const COLON = 2;
const DIGIT = 4;
/** For each byte: may it stand in a name. */
const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[a-zA-Z_]/.test(character) ? LETTER : character === ':' ? COLON : /[0-9]/.test(character) ? DIGIT : 0;
});

export const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;

/** The end of a metric name at `at`; `at` itself where none begins. */
export function metricNameEnd(bytes: Uint8Array, at: number): number {
  return nameEnd(bytes, at, LETTER | COLON);
}

function nameEnd(bytes: Uint8Array, at: number, letters: number): number {
  if (((NAME_BYTES[bytes[at] as number] ?? 0) & letters) === 0) return at;
  let i = at + 1;
  while (((NAME_BYTES[bytes[i] as number] ?? 0) & (letters | DIGIT)) !== 0) i++;
  return i;
}

export function skipBlanks(bytes: Uint8Array, at: number): number {
  let i = at;
  while (isBlank(bytes[i])) i++;
  return i;
}

/** `line 3: expected a value, got "x"`; the line is counted only now. */
export function syntaxError(bytes: Uint8Array, at: number, expected: string): ExpositionError {
  let line = 1;
  for (let i = 0; i < at && i < bytes.length; i++) if (bytes[i] === NEWLINE) line++;
  return new ExpositionError(line, `expected ${expected}, got ${excerpt(bytes, at)}`);
}

function excerpt(bytes: Uint8Array, at: number): string {
  if (at >= bytes.length) return 'the end of the exposition';
  if (bytes[at] === NEWLINE) return 'the end of the line';
  const newline = bytes.indexOf(NEWLINE, at);
  const end = Math.min(newline === -1 ? bytes.length : newline, at + 40);
  return JSON.stringify(new TextDecoder().decode(bytes.subarray(at, end)));
}

/**
 * Walks over the series part and notes where names and values are. `spans`: start and end of the metric name, then for each
 * label start and end of its name and of its value, quotes left out. Used again for every series.
 */
export class SeriesScanner {
  readonly #spans: number[] = [];
  #bytes: Uint8Array = new Uint8Array(0);

  /** The offset behind the series part. Throws {@link ExpositionError}. */
  scan(bytes: Uint8Array, at: number): number {
    this.#bytes = bytes;
    const spans = this.#spans;
    spans.length = 0;
    const end = metricNameEnd(bytes, at);
    if (end === at && bytes[at] !== OPEN) throw syntaxError(bytes, at, 'a metric name, "{", "#" or an empty line');
    spans.push(end === at ? -1 : at, end);
    const brace = skipBlanks(bytes, end);
    if (bytes[brace] !== OPEN) return end;
    const after = this.#labels(bytes, brace + 1);
    if (spans[0] === -1) throw syntaxError(bytes, at, 'a metric name before or within the braces');
    return after;
  }

  #labels(bytes: Uint8Array, from: number): number {
    const spans = this.#spans;
    let at = skipBlanks(bytes, from);
    for (;;) {
      if (bytes[at] === CLOSE) return at + 1;
      const quoted = bytes[at] === QUOTE;
      const end = quoted ? this.#quoted(bytes, at) : nameEnd(bytes, at, LETTER);
      if (end === at) throw syntaxError(bytes, at, 'a label name or "}"');
      const nameStart = quoted ? at + 1 : at;
      const nameStop = quoted ? end - 1 : end;
      const next = skipBlanks(bytes, end);
      if (quoted && (bytes[next] === COMMA || bytes[next] === CLOSE)) {
        if (spans[0] !== -1) throw syntaxError(bytes, at, 'one metric name only');
        spans[0] = nameStart;
        spans[1] = nameStop;
        at = bytes[next] === COMMA ? skipBlanks(bytes, next + 1) : next;
        continue;
      }
      if (bytes[next] !== EQUAL) throw syntaxError(bytes, next, '"=" after the label name');
      const value = skipBlanks(bytes, next + 1);
      if (bytes[value] !== QUOTE) throw syntaxError(bytes, value, 'a label value in double quotes');
      const valueEnd = this.#quoted(bytes, value);
      spans.push(nameStart, nameStop, value + 1, valueEnd - 1);
      at = skipBlanks(bytes, valueEnd);
      // A comma may follow the last label, and may be missing between two: Prometheus takes both.
      if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1);
    }
  }

  /** The offset behind the closing quote. Line ends are allowed inside, but not behind a backslash. */
  #quoted(bytes: Uint8Array, at: number): number {
    for (let i = at + 1; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === QUOTE) return i + 1;
      if (byte === BACKSLASH) {
        i++;
        if (bytes[i] === NEWLINE) throw syntaxError(bytes, i, 'a character after "\\"');
      }
    }
    throw syntaxError(bytes, at, 'a closing double quote');
  }

  /** The labels of the series scanned last, as written: the name first, not sorted, empty values included. Throws {@link ExpositionError}. */
  labels(family: FamilyType): Labels {
    const spans = this.#spans;
    const labels: Label[] = [[METRIC_NAME, this.#text(spans[0] as number, spans[1] as number)]];
    const normalised = family === FAMILY_HISTOGRAM ? 'le' : family === FAMILY_SUMMARY ? 'quantile' : '';
    const names = new Set<string>([METRIC_NAME]);
    for (let i = 2; i < spans.length; i += 4) {
      const name = this.#text(spans[i] as number, spans[i + 1] as number);
      const value = this.#text(spans[i + 2] as number, spans[i + 3] as number);
      if (names.has(name))
        throw syntaxError(this.#bytes, spans[i] as number, `each label name once in a series, ${JSON.stringify(name)} twice`);
      names.add(name);
      labels.push([name, name === normalised ? normalizeFloatLabel(value) : value]);
    }
    return labels;
  }

  #text(start: number, end: number): string {
    let text: string;
    try {
      text = UTF8.decode(this.#bytes.subarray(start, end));
    } catch {
      throw syntaxError(this.#bytes, start, 'UTF-8 text');
    }
    return text.includes('\\') ? text.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)) : text;
  }
}

/** Stateless between whole decodes. `fatal`: a scrape that is not UTF-8 fails, as with Prometheus. */
export const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
