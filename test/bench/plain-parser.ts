/**
 * The text format as one would read it in an afternoon: split into lines, a regular expression per line and per label. Right for
 * what exporters write (it takes no quoted names), and what the agent's parser is measured against.
 */
export interface PlainSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Ms since 1970. */
  readonly time: number | undefined;
}

export interface PlainExposition {
  readonly samples: PlainSample[];
  readonly help: Map<string, string>;
  readonly types: Map<string, string>;
}

const METADATA = /^#\s+(HELP|TYPE)\s+(\S+)\s*(.*)$/;
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+(\d+))?\s*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const SPECIAL: Readonly<Record<string, number>> = { '+Inf': Infinity, Inf: Infinity, '-Inf': -Infinity };

/** `samplesOnly`: passes over HELP and TYPE, for those who call that plain enough. */
export function parsePlainly(text: string, samplesOnly = false): PlainExposition {
  const samples: PlainSample[] = [];
  const help = new Map<string, string>();
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('#')) {
      if (samplesOnly) continue;
      const [, word, family = '', rest = ''] = METADATA.exec(line) ?? [];
      if (word === 'HELP') help.set(family, rest.includes('\\') ? unescaped(rest) : rest);
      else if (word === 'TYPE') types.set(family, rest);
      continue;
    }
    const match = LINE.exec(line);
    if (match === null) throw new Error(`cannot read ${JSON.stringify(line)}`);
    const [, name = '', inner, value = '', time] = match;
    const labels: Record<string, string> = {};
    if (inner !== undefined) {
      for (const [, key = '', quoted = ''] of inner.matchAll(LABEL)) labels[key] = quoted.includes('\\') ? unescaped(quoted) : quoted;
    }
    samples.push({ name, labels, value: SPECIAL[value] ?? Number(value), time: time === undefined ? undefined : Number(time) });
  }
  return { samples, help, types };
}

const unescaped = (text: string): string => text.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
