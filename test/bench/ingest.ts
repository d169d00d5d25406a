import { PUSH_PATH } from '../../contract/push.ts';
import { defaultRelabelConfig } from '../../contract/relabel.ts';
import { memoryStore } from '../../functions/buffer/memory.ts';
import type { Fragment } from '../../functions/model.ts';
import { push } from '../fakes/commit-requests.ts';
import { buildTarget, type GivenTarget, labels, makePush, pushBody } from '../fakes/pushes.ts';
import { relayConfig, tenantWithoutRules } from '../fakes/relay-config.ts';
import { NOW, TestEdge } from '../fakes/worker.ts';
import { SimClock } from '../sim/clock.ts';
import { SimShard } from '../sim/edge.ts';
import { defaultSim } from '../sim/options.ts';
import { cpuMicroseconds, type Machine, machine, median } from './measure.ts';

export interface IngestResult {
  readonly benchmark: 'ingest';
  readonly machine: Machine;
  readonly method: string;
  readonly rounds: number;
  readonly pushesPerRound: number;
  readonly samplesPerPush: number;
  /** Body of a push, and its fragments after compression. */
  readonly pushBytes: number;
  readonly fragmentBytes: number;
  /** Median processor time, microseconds. `noop`: a request that the Worker answers at once, with a token to check. */
  readonly noopMicroseconds: number;
  readonly knownMicroseconds: number;
  readonly newMicroseconds: number;
  readonly rulesMicroseconds: number;
  readonly shardMicroseconds: number;
}

const METHOD =
  'The whole Worker (routes, token, inflating, decoding, labels, remote write, snappy) in Node, its shard a stub; 1000 series with 10 labels, ' +
  '4 scrapes, half of the values change. known: one device again and again, its labels are in the cache. new: more devices than the cache ' +
  'holds, so every push builds 1000 label sets. rules: the same with 5 relabelling rules. Shard: the real ShardCore commits and drains the ' +
  'same fragments, 50 pushes a commit, memory for bucket and SQLite. Median processor time, all threads, garbage collection included.';

const SERIES = 1000;
const SCRAPES = 4;
const ROUNDS = 7;
const PUSHES = 100;
const PUSHES_PER_COMMIT = 50;
/** Each takes about 300 kB of the cache's 12 MiB. */
const DEVICES = 100;

const RULES = [
  { ...defaultRelabelConfig, sourceLabels: ['__name__'], regex: 'debug_.+', action: 'drop' },
  { ...defaultRelabelConfig, regex: 'tmp_.+', action: 'labeldrop' },
  { ...defaultRelabelConfig, sourceLabels: ['label_3'], regex: 'value-(.*)', targetLabel: 'short', replacement: '$1' },
  { ...defaultRelabelConfig, sourceLabels: ['job', 'instance'], separator: '/', targetLabel: 'origin' },
  { ...defaultRelabelConfig, sourceLabels: ['label_1'], regex: 'x.*|y.*', action: 'drop' },
] as const;

function given(): GivenTarget {
  const target = { job: 'gateway', instance: '127.0.0.1:9100' };
  const series = Array.from({ length: SERIES }, (_, i) => {
    const own: Record<string, string> = { ...target, __name__: `device_metric_${i % 50}_total` };
    for (let label = 1; label <= 7; label++) own[`label_${label}`] = label === 1 ? `series-${i}` : `value-${i % (10 * label)}`;
    const values = Array.from({ length: SCRAPES }, (__, scrape) => (i % 2 === 0 ? i : i * 1000.5 + scrape * 17));
    return { labels: labels(own), values };
  });
  const times = Array.from({ length: SCRAPES }, (_, scrape) => NOW - 60_000 + scrape * 15_000);
  return { labels: labels(target), times, series };
}

export async function benchIngest(rounds = ROUNDS, pushes = PUSHES): Promise<IngestResult> {
  const { table, batch } = await buildTarget(given());
  const body = pushBody(makePush([batch]));
  const prepared = async (withRules: boolean): Promise<(device: number, path?: string) => Promise<void>> => {
    const acme = { ...tenantWithoutRules, writeRelabelConfigs: withRules ? RULES : [] };
    const edge = new TestEdge({ config: { ...relayConfig, tenants: { acme } } });
    await edge.putTable(table);
    const tokens = await Promise.all(Array.from({ length: DEVICES }, (_, i) => edge.token('acme', `device-${i}`)));
    return async (device) => {
      const authorization = tokens[device % DEVICES] as string;
      const response = await edge.fetch(PUSH_PATH, { method: 'POST', body, headers: { authorization } });
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`push: expected 200, got ${response.status}`);
      taken = edge.shard().requests.at(-1)?.fragments ?? [];
      edge.shard().requests.length = 0;
    };
  };
  let taken: readonly Fragment[] = [];
  const plain = await prepared(false);
  const ruled = await prepared(true);
  const idle = new TestEdge();
  const empty = pushBody(makePush([], { to: { position: 0, chain: '0'.repeat(16) } }));
  const noop = async (): Promise<void> => {
    const authorization = await idle.token();
    await (await idle.fetch(PUSH_PATH, { method: 'POST', body: empty, headers: { authorization } })).arrayBuffer();
  };

  const times: number[][] = [];
  for (let round = -2; round < rounds; round++) {
    const shard = shardSide(taken, pushes);
    const row = [
      await repeated(pushes, noop),
      await repeated(pushes, () => plain(0)),
      await repeated(pushes, (i) => plain(i)),
      await repeated(pushes, (i) => ruled(i)),
      round < -1 ? 0 : (await cpuMicroseconds(shard)) / pushes,
    ];
    if (round >= 0) times.push(row);
  }
  const column = (at: number): number => median(times.map((row) => row[at] as number));
  return {
    benchmark: 'ingest',
    machine: machine(),
    method: METHOD,
    rounds,
    pushesPerRound: pushes,
    samplesPerPush: taken.reduce((sum, { samples }) => sum + samples, 0),
    pushBytes: body.length,
    fragmentBytes: taken.reduce((sum, { block }) => sum + block.length, 0),
    noopMicroseconds: column(0),
    knownMicroseconds: column(1),
    newMicroseconds: column(2),
    rulesMicroseconds: column(3),
    shardMicroseconds: column(4),
  };
}

const repeated = async (times: number, work: (i: number) => Promise<void>): Promise<number> =>
  (await cpuMicroseconds(async () => {
    for (let i = 0; i < times; i++) await work(i);
  })) / times;

/** Commits and drains `pushes` pushes of as many devices. */
function shardSide(fragments: readonly Fragment[], pushes: number): () => Promise<void> {
  const clock = new SimClock(NOW, 1);
  let delivered = 0;
  const options = { ...defaultSim, shards: 1, serviceMs: 0 };
  const store = memoryStore({ now: () => clock.now() });
  const shard = new SimShard(0, clock, options, (some) => (delivered += some.length), store);
  return async () => {
    for (let done = 0; done < pushes; done += PUSHES_PER_COMMIT) {
      for (let i = done; i < Math.min(pushes, done + PUSHES_PER_COMMIT); i++) {
        void shard.commit(push({ device: `device-${i}`, from: 0, to: 4, fragments }));
      }
      await clock.runUntil(clock.now() + 10_000);
    }
    if (delivered !== pushes * fragments.length)
      throw new Error(`shard: expected ${pushes * fragments.length} fragments, got ${delivered}`);
  };
}

export function describeIngest(result: IngestResult): string {
  const { cpu, cores, node, platform } = result.machine;
  const line = (name: string, us: number): string =>
    `  ${name.padEnd(13)}${us.toFixed(0)} us a push, ${((us * 1000) / result.samplesPerPush).toFixed(0)} ns a sample`;
  return [
    `ingest: ${result.samplesPerPush} samples, ${result.pushBytes} bytes a push; ${result.fragmentBytes} bytes of fragments`,
    `  machine      ${cpu}, ${cores} cores, ${platform}, Node ${node}`,
    `  method       ${result.method}`,
    `               ${result.rounds} rounds of ${result.pushesPerRound} pushes`,
    `  noop         ${result.noopMicroseconds.toFixed(0)} us an empty push`,
    line('known device', result.knownMicroseconds),
    line('new device', result.newMicroseconds),
    line('with 5 rules', result.rulesMicroseconds),
    line('shard', result.shardMicroseconds),
    `  ratio        ${(result.knownMicroseconds / result.noopMicroseconds).toFixed(1)} times an empty push (known device), ${(result.newMicroseconds / result.noopMicroseconds).toFixed(1)} times (new device)`,
  ].join('\n');
}
