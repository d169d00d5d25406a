import { expect, it } from 'vitest';
import { parserFor } from '../../agent-lite/scrape/formats.ts';
import { compareText, labelsFromRecord, labelsKey } from '../../contract/labels.ts';
import { Collector } from '../agent-lite/scrape/collector.ts';
import { benchParse, describeParse, fixtures } from './parse.ts';
import { parsePlainly } from './plain-parser.ts';

/** The agent writes whole quantiles as Prometheus 3 does. */
const normalised = ({ quantile, ...labels }: Readonly<Record<string, string>>): Record<string, string> =>
  quantile === undefined ? labels : { ...labels, quantile: /^\d$/.test(quantile) ? `${quantile}.0` : quantile };

it('both sides read the same series and values', async () => {
  for (const body of fixtures()) {
    const collector = new Collector();
    (await parserFor('text/plain', undefined))(body, collector);
    const { samples: plain, help, types } = parsePlainly(new TextDecoder().decode(body));
    const metadata = (kind: string) =>
      collector.lines.flatMap((line) => (line.kind === kind ? [[line.family, 'text' in line ? line.text : line.type]] : []));
    expect([...help]).toEqual(metadata('help'));
    expect([...types].map(([family, type]) => [family, type === 'untyped' ? 'unknown' : type])).toEqual(metadata('type'));
    expect(plain.length).toBeGreaterThan(400);
    expect(collector.samples.map(({ labels, value }) => [labelsKey(labelsFromRecord(labels)), value])).toEqual(
      plain.map(({ name, labels, value }) => [labelsKey(labelsFromRecord({ ...normalised(labels), __name__: name })), value]),
    );
  }
});

it('the fixtures are two scrapes: the same series, other values', () => {
  const [first, second] = fixtures().map((body) => parsePlainly(new TextDecoder().decode(body)).samples);
  const series = (samples: typeof first) =>
    samples?.map(({ name, labels }) => `${name} ${Object.entries(labels).sort(([a], [b]) => compareText(a, b))}`);
  expect(series(second)).toEqual(series(first));
  expect(second?.filter(({ value }, i) => value !== first?.[i]?.value).length).toBeGreaterThan(50);
});

it('runs and tells what it measured', async () => {
  const result = await benchParse(1, 2);
  expect(result).toMatchObject({ benchmark: 'parse', rounds: 1, samplesPerScrape: 507 });
  expect(describeParse(result)).toMatch(/times as fast/);
});
