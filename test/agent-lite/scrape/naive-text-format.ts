/** A second parser of the text format, slow and plain, against which the real one is held. The form of `le` has its own tests. */
import { normalizeFloatLabel } from '../../../agent-lite/scrape/float.ts';

export class NaiveError extends Error {
  override name = 'NaiveError';
}

interface NaiveSample {
  readonly labels: Record<string, string>;
  readonly value: number;
  readonly timeMs: number | undefined;
}

const QUOTED = String.raw`"(?:\\[^\n]|[^\\"])*"`;
const LABEL = String.raw`(?:[a-zA-Z_][a-zA-Z0-9_]*|${QUOTED})[ \t]*=[ \t]*${QUOTED}`;

/** Works on Latin-1 text, one character a byte, and decodes names and values at the end. */
export function naiveParse(bytes: Uint8Array): NaiveSample[] {
  let rest = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const samples: NaiveSample[] = [];
  let type = '';
  while (rest !== '') {
    let match = /^[ \t]*(?:\n|$)/.exec(rest);
    if (match !== null) {
      rest = rest.slice(match[0].length);
      continue;
    }
    match = /^[ \t]*#([^\n]*)(?:\n|$)/.exec(rest);
    if (match !== null) {
      type = comment(match[1] ?? '', type);
      rest = rest.slice(match[0].length);
      continue;
    }
    match = /^[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)?[ \t]*/.exec(rest);
    let name = match?.[1];
    rest = rest.slice(match?.[0].length ?? 0);
    const labels: Record<string, string> = Object.create(null);
    if (rest.startsWith('{')) {
      rest = rest.slice(1);
      for (;;) {
        rest = rest.replace(/^[ \t]*/, '');
        if (rest.startsWith('}')) break;
        const alone = new RegExp(String.raw`^(${QUOTED})[ \t]*(,|(?=\}))`).exec(rest);
        const pair = new RegExp(String.raw`^(${LABEL})[ \t]*,?`).exec(rest);
        if (alone !== null) {
          if (name !== undefined) throw new NaiveError('two names');
          name = text(alone[1]?.slice(1, -1) ?? '');
          rest = rest.slice(alone[0].length);
        } else if (pair !== null) {
          const parts = new RegExp(String.raw`^([^"= \t]+|${QUOTED})[ \t]*=[ \t]*(${QUOTED})$`).exec(pair[1] ?? '');
          const raw = parts?.[1] ?? '';
          const label = text(raw.startsWith('"') ? raw.slice(1, -1) : raw);
          if (label in labels || label === '__name__') throw new NaiveError('label twice');
          const value = text(parts?.[2]?.slice(1, -1) ?? '');
          labels[label] =
            (type === 'histogram' && label === 'le') || (type === 'summary' && label === 'quantile') ? normalizeFloatLabel(value) : value;
          rest = rest.slice(pair[0].length);
        } else {
          throw new NaiveError('no label');
        }
      }
      rest = rest.slice(1);
    }
    if (name === undefined) throw new NaiveError('no name');
    // Each stretch can match in one way only, or long ones would be tried at each of their lengths.
    const sample = /^[ \t]*([^{ \t\n]+)(?=[{ \t\n]|$)(?:[ \t]+([0-9]+))?[ \t]*(?:\n|$)/.exec(rest);
    if (sample === null) throw new NaiveError('no sample');
    if (sample[2] !== undefined && BigInt(sample[2]) >= 2n ** 63n) throw new NaiveError('timestamp');
    rest = rest.slice(sample[0].length);
    labels['__name__'] = name;
    samples.push({ labels, value: float(sample[1] ?? ''), timeMs: sample[2] === undefined ? undefined : Number(sample[2]) });
  }
  return samples;
}

function comment(body: string, type: string): string {
  const match = /^[ \t]+(HELP|TYPE)[ \t]+(.*)$/s.exec(body);
  if (match === null) return type;
  const named = /^([a-zA-Z_:][a-zA-Z0-9_:]*|"(?:\\[^\n]|[^\\"\n])*")(.*)$/s.exec(match[2] ?? '');
  if (named === null) throw new NaiveError('no name in a comment');
  text(named[1] ?? '');
  const words = (named[2] ?? '').slice(1);
  if (match[1] === 'HELP') {
    text(words);
    return type;
  }
  if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(words)) throw new NaiveError('type');
  return words;
}

export function text(latin1: string, escapes = true): string {
  let decoded: string;
  try {
    decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(latin1, (c) => c.charCodeAt(0)));
  } catch {
    throw new NaiveError('not UTF-8');
  }
  if (!escapes) return decoded;
  let out = '';
  for (let i = 0; i < decoded.length; i++) {
    const next = decoded[i + 1];
    if (decoded[i] === '\\' && (next === '\\' || next === '"' || next === 'n')) {
      out += next === 'n' ? '\n' : next;
      i++;
    } else {
      out += decoded[i];
    }
  }
  return out;
}

export function float(word: string): number {
  if (word.length > 1100) throw new NaiveError('a number that long');
  if (/^nan$/i.test(word)) return Number.NaN;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(word);
  if (infinite !== null) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (!/^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(word)) throw new NaiveError('value');
  const value = Number(word);
  if (!Number.isFinite(value)) throw new NaiveError('value');
  return value;
}
