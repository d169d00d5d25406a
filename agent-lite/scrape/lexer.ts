import { ExpositionError } from './exposition.ts';

/** What both text formats are made of, on bytes. */

export const NEWLINE = 0x0a;
export const TAB = 0x09;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const COMMA = 0x2c;
export const EQUAL = 0x3d;
export const BACKSLASH = 0x5c;
export const OPEN = 0x7b;
export const CLOSE = 0x7d;

const LETTER = 1;
const COLON = 2;
const DIGIT = 4;
/** For each byte: may it stand in a name. */
const NAME_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[a-zA-Z_]/.test(character) ? LETTER : character === ':' ? COLON : /[0-9]/.test(character) ? DIGIT : 0;
});

export const isBlank = (byte: number | undefined): boolean => byte === SPACE || byte === TAB;

export function skipBlanks(bytes: Uint8Array, at: number): number {
  let i = at;
  while (isBlank(bytes[i])) i++;
  return i;
}

/** The end of a metric name at `at`; `at` itself where none begins. */
export const metricNameEnd = (bytes: Uint8Array, at: number): number => nameEnd(bytes, at, LETTER | COLON);
export const labelNameEnd = (bytes: Uint8Array, at: number): number => nameEnd(bytes, at, LETTER);

function nameEnd(bytes: Uint8Array, at: number, letters: number): number {
  if (((NAME_BYTES[bytes[at] as number] ?? 0) & letters) === 0) return at;
  let i = at + 1;
  while (((NAME_BYTES[bytes[i] as number] ?? 0) & (letters | DIGIT)) !== 0) i++;
  return i;
}

/**
 * The offset behind the quote that closes the one at `at`. A line end must not follow a backslash; elsewhere it may stand
 * within quotes if `multiline`.
 */
export function quotedEnd(bytes: Uint8Array, at: number, multiline: boolean): number {
  for (let i = at + 1; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) return i + 1;
    if (byte === NEWLINE && !multiline) break;
    if (byte === BACKSLASH) {
      i++;
      if (bytes[i] === NEWLINE) throw syntaxError(bytes, i, 'a character after "\\"');
    }
  }
  throw syntaxError(bytes, at, 'a closing double quote');
}

/** Where the line at `at` ends: the offset of its line end, or of the end of the bytes. */
export function lineEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(NEWLINE, at);
  return end === -1 ? bytes.length : end;
}

/** Whether `word` (ASCII) stands at `at`. */
export function isWord(bytes: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  return true;
}

/** Stateless between whole decodes. `fatal`: a scrape that is not UTF-8 fails, as with Prometheus. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Throws {@link ExpositionError}. */
export function decodeText(bytes: Uint8Array, start: number, end: number, what = 'UTF-8 text'): string {
  try {
    return UTF8.decode(bytes.subarray(start, end));
  } catch {
    throw syntaxError(bytes, start, what);
  }
}

/** Of label values, quoted names, and OpenMetrics' HELP: `\\`, `\"` and `\n`; any other backslash stands for itself. */
export const unescapeText = (text: string): string =>
  text.includes('\\') ? text.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)) : text;
/** HELP of the text format knows no `\"`. */
export const unescapeHelp = (text: string): string =>
  text.includes('\\') ? text.replace(/\\([\\n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)) : text;

/** `line 3: expected a value, got "x"`; the line is counted only now. */
export function syntaxError(bytes: Uint8Array, at: number, expected: string): ExpositionError {
  let line = 1;
  for (let i = 0; i < at && i < bytes.length; i++) if (bytes[i] === NEWLINE) line++;
  return new ExpositionError(line, `expected ${expected}, got ${excerpt(bytes, at)}`);
}

function excerpt(bytes: Uint8Array, at: number): string {
  if (at >= bytes.length) return 'the end of the exposition';
  if (bytes[at] === NEWLINE) return 'the end of the line';
  return JSON.stringify(new TextDecoder().decode(bytes.subarray(at, Math.min(lineEnd(bytes, at), at + 40))));
}
