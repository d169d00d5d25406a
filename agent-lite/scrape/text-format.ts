import type { MetricType } from '../../contract/metadata.ts';
import { type ExpositionSink, FAMILY_OTHER, type FamilyType, familyType, type MetadataLine } from './exposition.ts';
import { FloatReader } from './float.ts';
import {
  decodeText,
  HASH,
  isBlank,
  isWord,
  lineEnd,
  metricNameEnd,
  NEWLINE,
  QUOTE,
  quotedEnd,
  skipBlanks,
  syntaxError,
  unescapeHelp,
  unescapeText,
} from './lexer.ts';
import { SeriesScanner } from './series-scanner.ts';

/**
 * Prometheus' text format, 0.0.4 and 1.0.0 (which differ only in what a target may write), with the liberties its own parser
 * takes (model/textparse/promlex.l, promparse.go): free blanks and empty lines, `#` lines that are no HELP or TYPE are
 * comments, the last line end may be missing, UTF-8 names in quotes. Timestamps are unsigned integers, ms.
 *
 * Three rules are stricter: a NUL byte at the start of a line ends Prometheus' parse without an error, and everything behind it
 * is lost unseen; here it is an error. A quoted name in HELP or TYPE must be UTF-8, as it must be in a series. And a number has at
 * most 1,100 characters (float.ts), which is more than any double needs.
 */

const MAX_INT64 = 2n ** 63n - 1n;
const EXACT_DIGITS = 15;

const TYPES: ReadonlyMap<string, MetricType> = new Map<string, MetricType>([
  ['counter', 'counter'],
  ['gauge', 'gauge'],
  ['histogram', 'histogram'],
  ['summary', 'summary'],
  ['untyped', 'unknown'],
]);

export function parseTextFormat(bytes: Uint8Array, sink: ExpositionSink): void {
  const scanner = new SeriesScanner('text');
  const number = new FloatReader();
  let family: FamilyType = FAMILY_OTHER;
  let at = 0;
  while (at < bytes.length) {
    let end = sink.known(bytes, at, family);
    if (end === -1) {
      const start = skipBlanks(bytes, at);
      const first = bytes[start];
      if (first === undefined) return;
      if (first === NEWLINE) {
        at = start + 1;
        continue;
      }
      if (first === HASH) {
        const known = sink.knownLine(bytes, start);
        if (known !== undefined) {
          family = known.family ?? family;
          at = start + known.length;
          continue;
        }
        at = Math.min(lineEnd(bytes, start) + 1, bytes.length);
        const line = metadataLine(bytes, start, at);
        if (line === undefined) continue;
        if (line.kind === 'type') family = familyType(line.type);
        sink.metadata(bytes, start, at, line);
        continue;
      }
      end = scanner.scan(bytes, start);
      const under = family;
      sink.series(bytes, start, end, under, () => scanner.labels(under));
    }
    const value = skipBlanks(bytes, end);
    if (!number.read(bytes, value)) throw syntaxError(bytes, value, 'a sample value');
    at = timestamp(bytes, number, sink);
  }
}

/** Reads what follows the value, hands the sample over, and returns the start of the next line. */
function timestamp(bytes: Uint8Array, number: FloatReader, sink: ExpositionSink): number {
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
    const exact = BigInt(decodeText(bytes, at, i));
    if (exact > MAX_INT64) throw syntaxError(bytes, at, 'a timestamp of at most 64 bits');
    time = Number(exact);
  }
  const end = skipBlanks(bytes, i);
  if (bytes[end] !== NEWLINE && end < bytes.length) throw syntaxError(bytes, end, 'the end of the line after the timestamp');
  sink.sample(number.value, time);
  return end + 1;
}

/** What the line that starts with `#` and ends before `after` says; `undefined`: it is a comment. */
function metadataLine(bytes: Uint8Array, hash: number, after: number): MetadataLine | undefined {
  const end = bytes[after - 1] === NEWLINE ? after - 1 : after;
  const word = skipBlanks(bytes, hash + 1);
  // `#HELP` without a blank is a comment, and so is `# HELPING`.
  if (word === hash + 1 || end - word < 5 || !isBlank(bytes[word + 4])) return undefined;
  const isType = isWord(bytes, word, 'TYPE');
  if (!isType && !isWord(bytes, word, 'HELP')) return undefined;
  const name = skipBlanks(bytes, word + 5);
  const quoted = bytes[name] === QUOTE;
  const nameStop = quoted ? quotedEnd(bytes, name, false) : metricNameEnd(bytes, name);
  if (nameStop === name) throw syntaxError(bytes, name, `a metric name after ${isType ? 'TYPE' : 'HELP'}`);
  const family = quoted ? unescapeText(decodeText(bytes, name + 1, nameStop - 1)) : decodeText(bytes, name, nameStop);
  // One separator, then the text up to the end of the line.
  const text = Math.min(nameStop + 1, end);
  if (!isType) return { kind: 'help', family, text: unescapeHelp(decodeText(bytes, text, end, 'HELP text in UTF-8')) };
  // Longer words than any type are cut: they are none.
  const type = TYPES.get(String.fromCharCode(...bytes.subarray(text, Math.min(end, text + 20))));
  if (type === undefined) throw syntaxError(bytes, text, 'a metric type (counter, gauge, histogram, summary or untyped)');
  return { kind: 'type', family, type };
}
