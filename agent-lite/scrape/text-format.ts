import { FAMILY_HISTOGRAM, FAMILY_OTHER, FAMILY_SUMMARY, type FamilyType, type SampleSink } from './exposition.ts';
import { FloatReader } from './float.ts';
import { isBlank, metricNameEnd, SeriesScanner, skipBlanks, syntaxError, UTF8 } from './text-series.ts';

/**
 * Prometheus' text format 0.0.4, with the liberties its own parser takes (model/textparse/promlex.l, promparse.go): free
 * blanks and empty lines, `#` lines that are no HELP or TYPE are comments, the last line end may be missing, UTF-8 names in
 * quotes. Timestamps are unsigned integers, ms.
 *
 * One rule is stricter: a NUL byte at the start of a line ends Prometheus' parse without an error, and everything behind it
 * is lost unseen. Here it is an error.
 */

const NEWLINE = 0x0a;
const HASH = 0x23;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MAX_INT64 = 2n ** 63n - 1n;
const EXACT_DIGITS = 15;

const FAMILIES: ReadonlyMap<string, FamilyType> = new Map<string, FamilyType>([
  ['counter', FAMILY_OTHER],
  ['gauge', FAMILY_OTHER],
  ['histogram', FAMILY_HISTOGRAM],
  ['summary', FAMILY_SUMMARY],
  ['untyped', FAMILY_OTHER],
]);

export function parseTextFormat(bytes: Uint8Array, sink: SampleSink): void {
  const scanner = new SeriesScanner();
  const number = new FloatReader();
  const state: { family: FamilyType } = { family: FAMILY_OTHER };
  let at = 0;
  while (at < bytes.length) {
    let end = sink.known(bytes, at, state.family);
    if (end === -1) {
      const start = skipBlanks(bytes, at);
      const first = bytes[start];
      if (first === undefined) return;
      if (first === NEWLINE) {
        at = start + 1;
        continue;
      }
      if (first === HASH) {
        at = comment(bytes, start, state);
        continue;
      }
      end = scanner.scan(bytes, start);
      const family = state.family;
      sink.series(bytes, start, end, family, () => scanner.labels(family));
    }
    const value = skipBlanks(bytes, end);
    if (!number.read(bytes, value)) throw syntaxError(bytes, value, 'a sample value');
    at = timestamp(bytes, number, sink);
  }
}

/** Reads what follows the value, hands the sample over, and returns the start of the next line. */
function timestamp(bytes: Uint8Array, number: FloatReader, sink: SampleSink): number {
  const at = skipBlanks(bytes, number.end);
  const first = bytes[at];
  if (first === NEWLINE || first === undefined) {
    sink.sample(number.value, Number.NaN);
    return at + 1;
  }
  let i = at;
  let time = 0;
  for (let byte = bytes[i]; byte !== undefined && byte >= 0x30 && byte <= 0x39; byte = bytes[++i]) time = time * 10 + (byte - 0x30);
  if (i === at) throw syntaxError(bytes, at, 'a timestamp in whole milliseconds or the end of the line');
  if (i - at > EXACT_DIGITS) {
    const exact = BigInt(latin1(bytes, at, i));
    if (exact > MAX_INT64) throw syntaxError(bytes, at, 'a timestamp of at most 64 bits');
    time = Number(exact);
  }
  const end = skipBlanks(bytes, i);
  if (bytes[end] !== NEWLINE && end < bytes.length) throw syntaxError(bytes, end, 'the end of the line after the timestamp');
  sink.sample(number.value, time);
  return end + 1;
}

/** Passes over a line that starts with `#` and returns the start of the next; a TYPE line sets the family. */
function comment(bytes: Uint8Array, hash: number, state: { family: FamilyType }): number {
  let end = hash;
  let ascii = true;
  for (let byte = bytes[end]; byte !== undefined && byte !== NEWLINE; byte = bytes[++end]) if (byte >= 0x80) ascii = false;
  const word = skipBlanks(bytes, hash + 1);
  // `#HELP` without a blank is a comment, and so is `# HELPING`.
  if (word === hash + 1 || end - word < 5 || !isBlank(bytes[word + 4])) return end + 1;
  const type = isWord(bytes, word, TYPE);
  if (!type && !isWord(bytes, word, HELP)) return end + 1;
  const name = skipBlanks(bytes, word + 5);
  const nameStop = bytes[name] === QUOTE ? quotedEnd(bytes, name, end) : metricNameEnd(bytes, name);
  if (nameStop === name) throw syntaxError(bytes, name, `a metric name after ${type ? 'TYPE' : 'HELP'}`);
  // One separator, then the text up to the end of the line.
  const text = Math.min(nameStop + 1, end);
  if (type) {
    const family = FAMILIES.get(latin1(bytes, text, Math.min(end, text + 20)));
    if (family === undefined) throw syntaxError(bytes, text, 'a metric type (counter, gauge, histogram, summary or untyped)');
    state.family = family;
  } else if (!ascii) {
    try {
      UTF8.decode(bytes.subarray(text, end));
    } catch {
      throw syntaxError(bytes, text, 'HELP text in UTF-8');
    }
  }
  return end + 1;
}

const HELP = [0x48, 0x45, 0x4c, 0x50];
const TYPE = [0x54, 0x59, 0x50, 0x45];

function isWord(bytes: Uint8Array, at: number, word: readonly number[]): boolean {
  for (let i = 0; i < 4; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

function quotedEnd(bytes: Uint8Array, at: number, lineEnd: number): number {
  for (let i = at + 1; i < lineEnd; i++) {
    if (bytes[i] === QUOTE) return i + 1;
    if (bytes[i] === BACKSLASH) i++;
  }
  throw syntaxError(bytes, at, 'a closing double quote');
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}
