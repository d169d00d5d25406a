import { type Labels, labelsFromRecord, labelsKey } from '../../../contract/labels.ts';

/** The text format, read a second time and independently of the agent: slow, plain, and only what these tests expose. */
export interface ExposedSample {
  readonly labels: Labels;
  readonly bits: bigint;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+(-?\d+))?[ \t]*$/;
const PAIR = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?/g;
const NORMAL_NAN_BITS = 0x7ff8_0000_0000_0001n;

/** Series of an exposition, with `extra` labels added, by {@link labelsKey}. `boundsAsExposed`: `le="1"` stays what it is. */
export function readExposition(
  text: string,
  extra: Readonly<Record<string, string>>,
  boundsAsExposed = false,
): ReadonlyMap<string, ExposedSample> {
  const samples = new Map<string, ExposedSample>();
  let family = '';
  let bound = '';
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) {
      family = type[1] ?? '';
      bound = { histogram: 'le', summary: 'quantile' }[type[2] ?? ''] ?? '';
    }
    if (line === '' || line.startsWith('#')) continue;
    const match = LINE.exec(line);
    if (match === null || match[4] !== undefined) throw new Error(`exposition: cannot read ${JSON.stringify(line)}`);
    const labels: Record<string, string> = { ...extra, __name__: match[1] ?? '' };
    for (const pair of (match[2] ?? '').matchAll(PAIR)) labels[pair[1] ?? ''] = unescaped(pair[2] ?? '');
    const value = labels[bound];
    // As Prometheus 3 takes them: `1` becomes `1.0`.
    if (!boundsAsExposed && bound !== '' && value !== undefined && match[1]?.startsWith(family))
      labels[bound] = /^-?\d+$/.test(value) ? `${value}.0` : value;
    const sorted = labelsFromRecord(labels);
    samples.set(labelsKey(sorted), { labels: sorted, bits: valueBits(match[3] ?? '') });
  }
  return samples;
}

const unescaped = (text: string): string => text.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));

const scratch = new DataView(new ArrayBuffer(8));

/** The 64 bits of a value as written in an exposition. */
export function valueBits(text: string): bigint {
  const special: Readonly<Record<string, number>> = { '+inf': Infinity, inf: Infinity, '-inf': -Infinity };
  if (text.toLowerCase() === 'nan') return NORMAL_NAN_BITS;
  scratch.setFloat64(0, special[text.toLowerCase()] ?? Number(text));
  return scratch.getBigUint64(0);
}

export function bitsValue(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}
