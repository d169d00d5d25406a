import { METRIC_TYPES, type MetricType } from '../../contract/metadata.ts';
import { ScrapeExemplars } from './exemplar-state.ts';
import { type ExpositionParser, type ExpositionSink, FAMILY_OTHER, type FamilyType, familyType, type MetadataLine } from './exposition.ts';
import { FloatReader } from './float.ts';
import {
  decodeText,
  HASH,
  isWord,
  lineEnd,
  metricNameEnd,
  NEWLINE,
  OPEN,
  QUOTE,
  quotedEnd,
  SPACE,
  syntaxError,
  unescapeText,
} from './lexer.ts';
import { SeriesScanner } from './series-scanner.ts';

/**
 * OpenMetrics text, 1.0.0 and 0.0.1, as Prometheus reads it (model/textparse/openmetricslex.l, openmetricsparse.go): one blank
 * between parts, no empty lines, no comments, `# EOF` at the end, timestamps in seconds. What OpenMetrics demands beyond the
 * grammar (suffixes like `_total`, the order of families, histograms that add up) is not checked, as Prometheus does not
 * check it either. `_created` series are series like any other.
 */

const TYPES: ReadonlyMap<string, MetricType> = new Map(METRIC_TYPES.map((type) => [type, type]));

export const parseOpenMetrics: ExpositionParser = Object.assign(parse, { exemplars: () => new ScrapeExemplars() });

function parse(bytes: Uint8Array, sink: ExpositionSink): void {
  const lines = new SampleLines(bytes, sink);
  const scanner = new SeriesScanner('openmetrics');
  let family: FamilyType = FAMILY_OTHER;
  let at = 0;
  for (;;) {
    let end = sink.known(bytes, at, family);
    if (end === -1) {
      if (at >= bytes.length) throw syntaxError(bytes, at, '"# EOF" as the last line');
      if (bytes[at] === HASH) {
        const known = sink.knownLine(bytes, at);
        if (known !== undefined) {
          family = known.family ?? family;
          at += known.length;
          continue;
        }
        if (isWord(bytes, at, '# EOF')) {
          checkEnd(bytes, at + 5);
          return;
        }
        const after = lineEnd(bytes, at) + 1;
        const line = metadataLine(bytes, at, after - 1);
        if (line.kind === 'type') family = familyType(line.type);
        sink.metadata(bytes, at, after, line);
        at = after;
        continue;
      }
      end = scanner.scan(bytes, at);
      const under = family;
      sink.series(bytes, at, end, under, () => scanner.labels(under));
    }
    at = lines.read(end);
  }
}

function checkEnd(bytes: Uint8Array, at: number): void {
  const after = bytes[at] === NEWLINE ? at + 1 : at;
  if (after < bytes.length) throw syntaxError(bytes, after, 'nothing after "# EOF"');
}

/** What follows the series part: value, timestamp, exemplar. */
class SampleLines {
  readonly #bytes: Uint8Array;
  readonly #sink: ExpositionSink;
  readonly #number = new FloatReader();
  readonly #exemplar = new SeriesScanner('openmetrics');

  constructor(bytes: Uint8Array, sink: ExpositionSink) {
    this.#bytes = bytes;
    this.#sink = sink;
  }

  /** From behind the series part; hands the sample over and returns the start of the next line. */
  read(from: number): number {
    const bytes = this.#bytes;
    const number = this.#number;
    this.#value(from, 'a sample value');
    const value = number.value;
    let at = number.end;
    if (bytes[at] === NEWLINE) {
      this.#sink.sample(value, Number.NaN);
      return at + 1;
    }
    let timeMs = Number.NaN;
    if (bytes[at] === SPACE && !this.#atExemplar(at)) {
      timeMs = this.#time(at);
      at = number.end;
    }
    if (bytes[at] === SPACE && this.#atExemplar(at)) return this.#exemplarLine(at + 4, value, timeMs);
    this.#lineEnd(at);
    this.#sink.sample(value, timeMs);
    return at + 1;
  }

  #atExemplar(at: number): boolean {
    const bytes = this.#bytes;
    return bytes[at + 1] === HASH && bytes[at + 2] === SPACE && bytes[at + 3] === OPEN;
  }

  #exemplarLine(from: number, value: number, timeMs: number): number {
    const behind = this.#exemplar.scanExemplar(this.#bytes, from);
    this.#value(behind, 'the value of the exemplar');
    const exemplarValue = this.#number.value;
    let at = this.#number.end;
    let exemplarMs = Number.NaN;
    if (this.#bytes[at] === SPACE) {
      exemplarMs = this.#time(at);
      at = this.#number.end;
    }
    this.#lineEnd(at);
    this.#sink.sample(value, timeMs);
    this.#sink.exemplar(exemplarValue, exemplarMs, () => this.#exemplar.exemplarLabels());
    return at + 1;
  }

  /** A number behind exactly one blank. */
  #value(blank: number, what: string): void {
    if (this.#bytes[blank] !== SPACE) throw syntaxError(this.#bytes, blank, `one blank and ${what}`);
    if (!this.#number.read(this.#bytes, blank + 1)) throw syntaxError(this.#bytes, blank + 1, what);
  }

  /** Ms, whole. */
  #time(blank: number): number {
    if (!this.#number.read(this.#bytes, blank + 1) || !Number.isFinite(this.#number.value))
      throw syntaxError(this.#bytes, blank + 1, 'a timestamp in seconds, "# {" or the end of the line');
    // Adding 0 makes +0 of -0.
    return Math.trunc(this.#number.value * 1000) + 0;
  }

  #lineEnd(at: number): void {
    if (this.#bytes[at] !== NEWLINE) throw syntaxError(this.#bytes, at, 'the end of the line');
  }
}

/** What the line `# HELP|TYPE|UNIT name text` with its line end at `end` says. */
function metadataLine(bytes: Uint8Array, hash: number, end: number): MetadataLine {
  const word = (['TYPE', 'HELP', 'UNIT'] as const).find((candidate) => isWord(bytes, hash, `# ${candidate} `));
  if (word === undefined) throw syntaxError(bytes, hash, '"# HELP ", "# TYPE ", "# UNIT " or "# EOF"');
  const name = hash + 7;
  const quoted = bytes[name] === QUOTE;
  const nameStop = quoted ? quotedEnd(bytes, name, false) : metricNameEnd(bytes, name);
  if (nameStop === name) throw syntaxError(bytes, name, `a metric name after ${word}`);
  if (bytes[nameStop] !== SPACE) throw syntaxError(bytes, nameStop, `one blank and the text of ${word}`);
  if (end >= bytes.length) throw syntaxError(bytes, end, `the end of the line after ${word}, and "# EOF" as the last line`);
  const family = quoted ? unescapeText(decodeText(bytes, name + 1, nameStop - 1)) : decodeText(bytes, name, nameStop);
  const text = nameStop + 1;
  if (word === 'TYPE') {
    const type = TYPES.get(String.fromCharCode(...bytes.subarray(text, Math.min(end, text + 20))));
    if (type === undefined) throw syntaxError(bytes, text, `a metric type (${METRIC_TYPES.join(', ')})`);
    return { kind: 'type', family, type };
  }
  const raw = decodeText(bytes, text, end, `${word} text in UTF-8`);
  if (word === 'HELP') return { kind: 'help', family, text: unescapeText(raw) };
  if (raw !== '' && !family.endsWith(`_${raw}`)) throw syntaxError(bytes, text, `a unit that ends the name ${JSON.stringify(family)}`);
  return { kind: 'unit', family, text: raw };
}
