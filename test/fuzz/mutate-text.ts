import { MAX_INPUT_BYTES, mutateBytes } from './mutate-bytes.ts';
import type { Random } from './random.ts';

const NUMBERS = [
  '0',
  '-0',
  '-1',
  '1',
  '9007199254740993',
  '18446744073709551616',
  '1e400',
  '-1e-400',
  'NaN',
  '+Inf',
  '0x10',
  '1_000',
  '1.5',
];
const TOKEN = /[A-Za-z_][\w:]*|-?\d+(?:\.\d+)?|\s+|[^\s\w]/gu;

type Change = (lines: string[], other: readonly string[], random: Random, words: readonly string[]) => void;

const changes: readonly Change[] = [
  (lines, _, random) => void lines.splice(random.below(lines.length), random.int(1, 3)),
  (lines, _, random) => {
    const from = random.below(lines.length);
    lines.splice(random.below(lines.length + 1), 0, ...lines.slice(from, from + random.int(1, 4)));
  },
  (lines, other, random) => {
    const from = random.below(other.length);
    lines.splice(random.below(lines.length + 1), random.below(2), ...other.slice(from, from + random.int(1, 4)));
  },
  /** Indentation means something in YAML. */
  (lines, _, random) => inLine(lines, random, (line) => (random.chance(0.5) ? `  ${line}` : line.replace(/^ {1,2}/, ''))),
  (lines, other, random, words) =>
    inLine(lines, random, (line) => {
      const tokens = line.match(TOKEN) ?? [''];
      const fresh = random.chance(0.5) ? random.pick(words) : random.pick(random.pick(other).match(TOKEN) ?? ['']);
      tokens.splice(random.below(tokens.length), random.below(2), fresh);
      return tokens.join('');
    }),
  (lines, _, random) => inLine(lines, random, (line) => line.replace(/-?\d+(?:\.\d+)?/, random.pick(NUMBERS))),
  (lines, _, random) =>
    inLine(lines, random, (line) => {
      const tokens = line.match(TOKEN) ?? [''];
      const at = random.below(tokens.length);
      tokens[at] = (tokens[at] ?? '').repeat(random.int(2, 40));
      return tokens.join('');
    }),
];

/** Changes that keep most lines and tokens whole, and sometimes bytes as well. `words`: what means something in the format. */
export function mutateText(words: readonly string[]) {
  return (bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array => {
    const decoder = new TextDecoder();
    const lines = decoder.decode(bytes).split('\n');
    const otherLines = decoder.decode(other).split('\n');
    for (let left = random.int(1, 4); left > 0; left--) {
      if (lines.length === 0) lines.push('');
      random.pick(changes)(lines, otherLines, random, words);
    }
    const changed = new TextEncoder().encode(lines.join('\n')).subarray(0, MAX_INPUT_BYTES);
    return random.chance(0.3) ? mutateBytes(changed, other, random) : changed;
  };
}

function inLine(lines: string[], random: Random, change: (line: string) => string): void {
  const at = random.below(lines.length);
  lines[at] = change(lines[at] ?? '');
}
