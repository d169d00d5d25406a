import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parserFor } from '../../agent-lite/scrape/formats.ts';
import { NO_LABEL_RULES } from '../../agent-lite/scrape/series-check.ts';
import { TargetSeries } from '../../agent-lite/scrape/series-state.ts';
import { labelsFromRecord } from '../../contract/labels.ts';
import { cpuMicroseconds, type Machine, machine, median } from './measure.ts';
import { parsePlainly } from './plain-parser.ts';

export interface ParseResult {
  readonly benchmark: 'parse';
  readonly machine: Machine;
  readonly method: string;
  readonly rounds: number;
  readonly scrapesPerRound: number;
  readonly samplesPerScrape: number;
  readonly bytesPerScrape: number;
  /** Median processor time of one scrape, microseconds. */
  readonly agentMicroseconds: number;
  readonly plainMicroseconds: number;
  /** The plain parser without HELP and TYPE, which the agent reads too. */
  readonly samplesOnlyMicroseconds: number;
  /** How many times as fast the agent is; of the medians. */
  readonly ratio: number;
  readonly samplesOnlyRatio: number;
  /** The least and the most of single rounds. */
  readonly ratios: readonly [number, number];
}

const METHOD =
  "Two scrapes of node_exporter in turn: the same series, other values. The agent's side is all of a scrape after its bytes are there: " +
  'text format, known series, order and staleness, metadata, cells for the log. The other side splits into lines and applies a regular ' +
  'expression per line and label, metadata included, and stops there. Rounds of both alternate; medians of processor time, all threads.';

const ROUNDS = 15;
const SCRAPES = 300;
const WARM_UP_ROUNDS = 3;

export const fixtures = (): readonly [Uint8Array, Uint8Array] => [fixture(1), fixture(2)];
const fixture = (number: number): Uint8Array =>
  new Uint8Array(readFileSync(join(import.meta.dirname, `../fixtures/expositions/node_exporter-${number}.txt`)));

export async function benchParse(rounds = ROUNDS, scrapes = SCRAPES): Promise<ParseResult> {
  const bodies = fixtures();
  const body = (scrape: number): Uint8Array => bodies[scrape % 2 === 0 ? 0 : 1];
  const agent = agentSide();
  const decoder = new TextDecoder();
  let samples = 0;
  const runAgent = async (): Promise<void> => {
    for (let i = 0; i < scrapes; i++) samples = await agent(body(i));
  };
  const runPlain = (samplesOnly: boolean) => (): void => {
    for (let i = 0; i < scrapes; i++) samples = parsePlainly(decoder.decode(body(i)), samplesOnly).samples.length;
  };
  const times: [agent: number, plain: number, samplesOnly: number][] = [];
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    const agentTime = (await cpuMicroseconds(runAgent)) / scrapes;
    const plainTime = (await cpuMicroseconds(runPlain(false))) / scrapes;
    const samplesOnlyTime = (await cpuMicroseconds(runPlain(true))) / scrapes;
    if (round >= 0) times.push([agentTime, plainTime, samplesOnlyTime]);
  }
  const agentMicroseconds = median(times.map(([time]) => time));
  const plainMicroseconds = median(times.map(([, time]) => time));
  const samplesOnlyMicroseconds = median(times.map(([, , time]) => time));
  const ratios = times.map(([mine, plain]) => plain / mine);
  return {
    benchmark: 'parse',
    machine: machine(),
    method: METHOD,
    rounds,
    scrapesPerRound: scrapes,
    samplesPerScrape: samples,
    bytesPerScrape: body(0).length,
    agentMicroseconds,
    plainMicroseconds,
    samplesOnlyMicroseconds,
    ratio: plainMicroseconds / agentMicroseconds,
    samplesOnlyRatio: samplesOnlyMicroseconds / agentMicroseconds,
    ratios: [Math.min(...ratios), Math.max(...ratios)],
  };
}

/** One target, scraped again and again: takes a body, gives the number of samples. */
export function agentSide(): (body: Uint8Array) => Promise<number> {
  const rules = {
    honorLabels: false,
    honorTimestamps: true,
    trackTimestampsStaleness: false,
    sampleLimit: 0,
    relabel: <T>(labels: T): T => labels,
    ...NO_LABEL_RULES,
  };
  const target = labelsFromRecord({ job: 'node', instance: '127.0.0.1:9100' });
  const series = new TargetSeries(target, rules, (bytes) => createHash('sha256').update(bytes).digest());
  const parser = parserFor('text/plain; version=0.0.4', undefined);
  let wallMs = 1_700_000_000_000;
  return async (body) => {
    wallMs += 15_000;
    const { counts, error } = await series.ingest(body, () => parser, wallMs);
    if (error !== undefined) throw error;
    return counts.scraped;
  };
}

export function describeParse(result: ParseResult): string {
  const perScrape = (us: number): string =>
    `${us.toFixed(0)} us a scrape, ${((us * 1000) / result.samplesPerScrape).toFixed(0)} ns a sample`;
  const { cpu, cores, node, platform } = result.machine;
  return [
    `parse: ${result.samplesPerScrape} samples, ${result.bytesPerScrape} bytes a scrape`,
    `  machine      ${cpu}, ${cores} cores, ${platform}, Node ${node}`,
    `  method       ${result.method}`,
    `               ${result.rounds} rounds of ${result.scrapesPerRound} scrapes`,
    `  agent-lite   ${perScrape(result.agentMicroseconds)}`,
    `  plain        ${perScrape(result.plainMicroseconds)}`,
    `  samples only ${perScrape(result.samplesOnlyMicroseconds)}; ${result.samplesOnlyRatio.toFixed(2)} times the agent's, which reads HELP and TYPE as well`,
    `  ratio        ${result.ratio.toFixed(2)} times as fast (rounds: ${result.ratios.map((ratio) => ratio.toFixed(2)).join(' to ')}); goal: 4`,
  ].join('\n');
}
