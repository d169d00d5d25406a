import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ExpositionError, type ExpositionParser } from '../../../agent-lite/scrape/exposition.ts';
import { parseOpenMetrics } from '../../../agent-lite/scrape/open-metrics.ts';
import type { IngestResult } from '../../../agent-lite/scrape/scrape-result.ts';
import { NO_LABEL_RULES } from '../../../agent-lite/scrape/series-check.ts';
import { TargetSeries } from '../../../agent-lite/scrape/series-state.ts';
import { parseTextFormat } from '../../../agent-lite/scrape/text-format.ts';
import { STALE, VALUE } from '../../../contract/cells.ts';
import { formatLabels, labelsFromRecord } from '../../../contract/labels.ts';
import { rebuild } from '../../../contract/series-table.ts';
import { type Collector, collect, type Read } from '../../agent-lite/scrape/collector.ts';
import { naiveOpenMetrics } from '../../agent-lite/scrape/naive-open-metrics.ts';
import { NaiveError, naiveParse } from '../../agent-lite/scrape/naive-text-format.ts';
import { mutateText } from '../mutate-text.ts';
import { type FuzzTarget, must, mustEqual, orRefusal } from '../target.ts';

const fixture = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(`../../fixtures/${path}`, import.meta.url)));
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const firstLines = (bytes: Uint8Array, count: number): Uint8Array =>
  encode(`${new TextDecoder().decode(bytes).split('\n').slice(0, count).join('\n')}\n`);
const node = fixture('expositions/node_exporter-1.txt');
const nodeLater = fixture('expositions/node_exporter-2.txt');
const everyText = fixture('scrape/expositions/every-form.txt');
const everyOpenMetrics = fixture('scrape/expositions/every-form.om');

const WORDS = [
  ...['{', '}', ',', '=', '"', '\\"', '\\\\', '\\n', '#', ' ', '\t', '\r', '\0', '# EOF', 'é', '😀'],
  ...['# TYPE a histogram', '# TYPE a summary', '# HELP a b', '# UNIT a_s s', 'le="1"', 'quantile="0.5"', '__name__="x"', '"a.b"'],
  ...['NaN', '+Inf', '-Inf', '1e3', '1700000000000', '# {a="b"} 1 2', 'nan(', '_sum', '_bucket', '_created'],
];

const shownNumber = (value: number): number | string =>
  Number.isNaN(value) ? 'NaN' : Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
const shownLabels = (labels: Record<string, string> | undefined): unknown => labels && Object.entries(labels).sort();
const shown = (read: readonly Read[]): unknown =>
  read.map(({ labels, value, timeMs, exemplar }) => [
    shownLabels(labels),
    shownNumber(value),
    timeMs,
    exemplar && [shownLabels(exemplar.labels), shownNumber(exemplar.value), exemplar.timeMs],
  ]);

function agreesWith(parser: ExpositionParser, naive: (bytes: Uint8Array) => readonly Read[]) {
  return async (input: Uint8Array): Promise<'accepted' | 'refused'> => {
    const got = orRefusal<Collector>(
      () => collect(parser, input),
      (error) => error instanceof ExpositionError,
    );
    const expected = orRefusal(
      () => naive(input),
      (error) => error instanceof NaiveError,
    );
    must((got === undefined) === (expected === undefined), `expected it ${expected === undefined ? 'refused' : 'read'}`);
    if (got === undefined || expected === undefined) return 'refused';
    mustEqual(shown(got.samples), shown(expected), 'its samples');
    return 'accepted';
  };
}

export const textFormat: FuzzTarget = {
  name: 'text-format',
  promise: 'an exposition is refused by an ExpositionError, or read as a plain parser of the text format reads it',
  seeds: async () => [everyText, firstLines(node, 60), encode('a 1\n'), encode('')],
  mutate: mutateText(WORDS),
  check: agreesWith(parseTextFormat, naiveParse),
};

export const openMetrics: FuzzTarget = {
  name: 'openmetrics',
  promise: 'an exposition is refused by an ExpositionError, or read as a plain parser of OpenMetrics reads it',
  seeds: async () => [everyOpenMetrics, encode('# EOF\n'), encode('a_total 1 # {trace="x"} 2 3\n# EOF\n')],
  mutate: mutateText(WORDS),
  check: agreesWith(parseOpenMetrics, (bytes) => naiveOpenMetrics(bytes).samples),
};

const SEPARATOR = '\n\u0000next scrape\n';
const TARGET = labelsFromRecord({ job: 'node', instance: 'h:1' });
const RULES = {
  honorLabels: false,
  honorTimestamps: true,
  trackTimestampsStaleness: false,
  sampleLimit: 0,
  relabel: <T>(labels: T): T => labels,
  ...NO_LABEL_RULES,
};

/** Scrapes of one target, one after the other: what is remembered from the last one must not change what the next one means. */
export const scrapes: FuzzTarget = {
  name: 'scrapes',
  promise: 'a scrape means the same whether the one before is remembered or not; what vanished, and only that, gets a marker',
  async seeds() {
    const of = (...bodies: readonly Uint8Array[]): Uint8Array =>
      encode(bodies.map((body) => new TextDecoder().decode(body)).join(SEPARATOR));
    const [a, b] = [firstLines(node, 60), firstLines(nodeLater, 60)];
    return [of(a, b, a), of(everyText, everyText), of(everyText, encode('a 1\n'), encode('broken {\n'), everyText), of(b, encode(''), b)];
  },
  mutate: mutateText([...WORDS, SEPARATOR]),
  async check(input) {
    const bodies = new TextDecoder().decode(input).split(SEPARATOR).slice(0, 6).map(encode);
    const remembering = fresh();
    let before = new Set<string>();
    const ever = new Set<string>();
    /** Series that stand before the fault of a refused scrape count as seen, as in Prometheus, though they have no sample. */
    let refused = false;
    let good = 0;
    for (const [i, body] of bodies.entries()) {
      const wallMs = 1_700_000_000_000 + i * 15_000;
      const got = samples(await remembering.ingest(body, () => parseTextFormat, wallMs));
      const alone = samples(await fresh().ingest(body, () => parseTextFormat, wallMs));
      must(got.error === alone.error, `scrape ${i}: ${got.error} with memory, ${alone.error} without`);
      // Series with times of their own get no markers, and what comes again of them is left out.
      const ours = (keys: Iterable<string>): string[] => [...keys].filter((key) => !got.timed.has(key) && !alone.timed.has(key)).sort();
      for (const key of ours(alone.values.keys())) {
        if (alone.repeats === 0) mustEqual(got.values.get(key), alone.values.get(key), `scrape ${i}: ${key}`);
      }
      for (const key of got.stale) {
        must(!got.values.has(key), `scrape ${i}: a marker and a value for ${key}`);
        must(before.has(key) || (refused && ever.has(key)), `scrape ${i}: a marker for ${key}, which was not there before`);
      }
      if (got.error === undefined) {
        for (const key of before)
          must(got.values.has(key) || got.stale.has(key) || got.timed.has(key), `scrape ${i}: no marker for ${key}`);
        good++;
      }
      refused = got.error !== undefined;
      before = new Set(ours(got.values.keys()));
      for (const key of got.values.keys()) ever.add(key);
    }
    return good === 0 ? 'refused' : 'accepted';
  },
};

const fresh = (): TargetSeries => new TargetSeries(TARGET, RULES, (bytes) => createHash('sha256').update(bytes).digest());

interface Told {
  readonly values: Map<string, unknown>;
  readonly stale: Set<string>;
  /** Series with times of their own. */
  readonly timed: Set<string>;
  readonly repeats: number;
  readonly error: string | undefined;
}

function samples({ table, cells, error, counts }: IngestResult): Told {
  const [values, stale, timed] = [new Map<string, unknown>(), new Set<string>(), new Set<string>()];
  table?.rows.forEach((row, i) => {
    const key = formatLabels(rebuild(row, TARGET));
    if (cells?.ownTimes?.has(i)) timed.add(key);
    if (cells?.states[i] === VALUE) values.set(key, shownNumber(cells.floats[i] as number));
    else if (cells?.states[i] === STALE) stale.add(key);
  });
  return { values, stale, timed, repeats: counts.duplicates + counts.outOfOrder + counts.outOfBounds, error: error?.message };
}
