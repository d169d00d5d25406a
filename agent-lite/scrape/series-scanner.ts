import { type Label, type Labels, METRIC_NAME, sortLabels } from '../../contract/labels.ts';
import { FAMILY_HISTOGRAM, FAMILY_SUMMARY, type FamilyType } from './exposition.ts';
import { normalizeFloatLabel } from './float.ts';
import {
  CLOSE,
  COMMA,
  decodeText,
  EQUAL,
  labelNameEnd,
  metricNameEnd,
  OPEN,
  QUOTE,
  quotedEnd,
  skipBlanks,
  syntaxError,
  unescapeText,
} from './lexer.ts';

/** Text takes blanks and line ends nearly everywhere, and does not insist on commas; OpenMetrics is strict. */
export type Grammar = 'text' | 'openmetrics';

/**
 * Walks over `name{label="value",...}` or `{"name",label="value",...}` and notes where names and values are. `spans`: start
 * and end of the metric name, then for each label start and end of its name and of its value, quotes left out. Used again for
 * every series.
 */
export class SeriesScanner {
  readonly #strict: boolean;
  readonly #spans: number[] = [];
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(grammar: Grammar) {
    this.#strict = grammar === 'openmetrics';
  }

  /** The offset behind the series part. Throws {@link ExpositionError}. */
  scan(bytes: Uint8Array, at: number): number {
    this.#bytes = bytes;
    const spans = this.#spans;
    spans.length = 0;
    const end = metricNameEnd(bytes, at);
    if (end === at && bytes[at] !== OPEN) {
      throw syntaxError(bytes, at, this.#strict ? 'a metric name, "{", "# HELP", "# TYPE", "# UNIT" or "# EOF"' : ANY_LINE);
    }
    spans.push(end === at ? -1 : at, end);
    const brace = this.#skip(bytes, end);
    if (bytes[brace] !== OPEN) return end;
    const after = this.#labels(bytes, brace + 1, 'series');
    if (spans[0] === -1) throw syntaxError(bytes, at, 'a metric name before or within the braces');
    return after;
  }

  /** Scans the labels of an exemplar, from behind the opening brace: the offset behind the closing one. Throws {@link ExpositionError}. */
  scanExemplar(bytes: Uint8Array, at: number): number {
    this.#bytes = bytes;
    this.#spans.length = 0;
    this.#spans.push(at, at);
    return this.#labels(bytes, at, 'exemplar');
  }

  #skip(bytes: Uint8Array, at: number): number {
    return this.#strict ? at : skipBlanks(bytes, at);
  }

  #labels(bytes: Uint8Array, from: number, of: 'series' | 'exemplar'): number {
    const spans = this.#spans;
    let at = this.#skip(bytes, from);
    for (;;) {
      if (bytes[at] === CLOSE) return at + 1;
      const quoted = bytes[at] === QUOTE;
      const end = quoted ? quotedEnd(bytes, at, true) : labelNameEnd(bytes, at);
      if (end === at) throw syntaxError(bytes, at, 'a label name or "}"');
      const nameStart = quoted ? at + 1 : at;
      const nameStop = quoted ? end - 1 : end;
      const next = this.#skip(bytes, end);
      if (of === 'series' && quoted && (bytes[next] === COMMA || bytes[next] === CLOSE)) {
        if (spans[0] !== -1) throw syntaxError(bytes, at, 'one metric name only');
        spans[0] = nameStart;
        spans[1] = nameStop;
        at = bytes[next] === COMMA ? this.#skip(bytes, next + 1) : next;
        continue;
      }
      if (bytes[next] !== EQUAL) throw syntaxError(bytes, next, '"=" after the label name');
      const value = this.#skip(bytes, next + 1);
      if (bytes[value] !== QUOTE) throw syntaxError(bytes, value, 'a label value in double quotes');
      const valueEnd = quotedEnd(bytes, value, !this.#strict);
      spans.push(nameStart, nameStop, value + 1, valueEnd - 1);
      at = this.#skip(bytes, valueEnd);
      // A comma may follow the last label. In the text format it may even be missing between two: Prometheus takes that.
      if (bytes[at] === COMMA) at = this.#skip(bytes, at + 1);
      else if (this.#strict && bytes[at] !== CLOSE) throw syntaxError(bytes, at, '"," or "}" after the label value');
    }
  }

  /** The labels of the series scanned last, as written: the name first, not sorted, empty values included. Throws {@link ExpositionError}. */
  labels(family: FamilyType): Labels {
    const spans = this.#spans;
    const labels: Label[] = [[METRIC_NAME, this.#text(spans[0] as number, spans[1] as number)]];
    const normalised = family === FAMILY_HISTOGRAM ? 'le' : family === FAMILY_SUMMARY ? 'quantile' : undefined;
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

  /**
   * The labels of the exemplar scanned last; `undefined` if a name is empty or comes twice. Escapes stay as they are written:
   * Prometheus leaves them, too (openmetricsparse.go, `Exemplar`). Throws {@link ExpositionError}.
   */
  exemplarLabels(): Labels | undefined {
    const spans = this.#spans;
    const labels: Label[] = [];
    const names = new Set<string>();
    for (let i = 2; i < spans.length; i += 4) {
      const name = decodeText(this.#bytes, spans[i] as number, spans[i + 1] as number);
      if (name === '' || names.has(name)) return undefined;
      names.add(name);
      labels.push([name, decodeText(this.#bytes, spans[i + 2] as number, spans[i + 3] as number)]);
    }
    return sortLabels(labels);
  }

  #text(start: number, end: number): string {
    return unescapeText(decodeText(this.#bytes, start, end));
  }
}

const ANY_LINE = 'a metric name, "{", "#" or an empty line';
