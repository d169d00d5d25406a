/** A second parser of OpenMetrics, slow and plain, against which the real one is held. The form of `le` has its own tests. */
import { normalizeFloatLabel } from '../../../agent-lite/scrape/float.ts';
import type { Read } from './collector.ts';
import { float, NaiveError, text } from './naive-text-format.ts';

const QUOTED_NAME = String.raw`"(?:\\[^\n]|[^\\"])*"`;
const QUOTED = String.raw`"(?:\\[^\n]|[^\\"\n])*"`;
const LABEL = `(?:[a-zA-Z_][a-zA-Z0-9_]*|${QUOTED_NAME})=${QUOTED}`;
const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const TYPES = ['counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset', 'unknown'];

export interface NaiveExposition {
  readonly samples: readonly Read[];
  /** `kind family text`. */
  readonly lines: readonly string[];
}

/** Works on Latin-1 text, one character a byte, and decodes names and values at the end. */
export function naiveOpenMetrics(bytes: Uint8Array): NaiveExposition {
  let rest = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const samples: Read[] = [];
  const lines: string[] = [];
  let type = '';
  for (;;) {
    if (/^# EOF\n?$/.test(rest)) return { samples, lines };
    const meta = new RegExp(String.raw`^# (HELP|TYPE|UNIT) (${NAME}|"(?:\\[^\n]|[^\\"\n])*") ([^\n]*)\n`).exec(rest);
    const sample = new RegExp(
      String.raw`^(${NAME})?(?:\{((?:(?:${LABEL}|${QUOTED_NAME})(?:,|(?=\})))*)\})? ([^ \n]+)(?: (?!# \{)([^ \n]+))?(?: # \{((?:${LABEL}(?:,|(?=\})))*)\} ([^ \n]+)(?: ([^ \n]+))?)?\n`,
    ).exec(rest);
    if (meta !== null) {
      const [line, kind = '', raw = '', words = ''] = meta;
      const family = raw.startsWith('"') ? text(raw.slice(1, -1)) : raw;
      if (kind === 'TYPE') {
        if (!TYPES.includes(words)) throw new NaiveError('type');
        type = words;
      }
      if (kind === 'UNIT' && words !== '' && !family.endsWith(`_${text(words, false)}`)) throw new NaiveError('unit');
      lines.push(`${kind} ${family} ${text(words, kind === 'HELP')}`);
      rest = rest.slice(line.length);
    } else if (sample !== null) {
      const [line, bare, labelText = '', value = '', time, exemplarText, exemplarValue = '', exemplarTime] = sample;
      samples.push({
        labels: series(bare, labelText, type),
        value: float(value),
        timeMs: ms(time),
        ...(exemplarText === undefined
          ? {}
          : { exemplar: { labels: exemplarLabels(exemplarText), value: float(exemplarValue), timeMs: ms(exemplarTime) } }),
      });
      rest = rest.slice(line.length);
    } else {
      throw new NaiveError('line');
    }
  }
}

function ms(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const seconds = float(word);
  if (!Number.isFinite(seconds)) throw new NaiveError('time');
  return Math.trunc(seconds * 1000) + 0;
}

const unquoted = (word: string): string => (word.startsWith('"') ? word.slice(1, -1) : word);

function series(bare: string | undefined, labelText: string, type: string): Record<string, string> {
  let name = bare;
  const labels: Record<string, string> = {};
  for (const [item, raw, value] of labelText.matchAll(new RegExp(`(${QUOTED_NAME}|[a-zA-Z_][a-zA-Z0-9_]*)(?:=(${QUOTED}))?,?`, 'g'))) {
    if (item === undefined || raw === undefined) continue;
    if (value === undefined) {
      if (name !== undefined || !raw.startsWith('"')) throw new NaiveError('two names');
      name = text(unquoted(raw));
      continue;
    }
    const label = text(unquoted(raw));
    if (Object.hasOwn(labels, label) || label === '__name__') throw new NaiveError('label twice');
    const read = text(value.slice(1, -1));
    const normalised = (type === 'histogram' && label === 'le') || (type === 'summary' && label === 'quantile');
    Object.defineProperty(labels, label, { value: normalised ? normalizeFloatLabel(read) : read, enumerable: true });
  }
  if (name === undefined) throw new NaiveError('no name');
  return { ...labels, __name__: name };
}

function exemplarLabels(labelText: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const [, raw = '', value = ''] of labelText.matchAll(new RegExp(`(${QUOTED_NAME}|[a-zA-Z_][a-zA-Z0-9_]*)=(${QUOTED}),?`, 'g'))) {
    const label = text(unquoted(raw), false);
    // What follows is not read.
    if (label === '' || Object.hasOwn(labels, label)) return undefined;
    const read = text(value.slice(1, -1), false);
    Object.defineProperty(labels, label, { value: read, enumerable: true });
  }
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}
