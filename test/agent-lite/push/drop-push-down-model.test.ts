import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeWriteRequest, type WrittenSeries } from '../../../contract/decode-remote-write.ts';
import { formatLabels, type Labels } from '../../../contract/labels.ts';
import { defaultRelabelConfig, type RelabelConfig } from '../../../contract/relabel.ts';
import { REPORT_NAMES } from '../../../contract/report-series.ts';
import { rebuild } from '../../../contract/series-table.ts';
import { snappyUncompress } from '../../../contract/snappy.ts';
import { addedLabels, finalLabels, type SeriesRules } from '../../../functions/ingest/labels.ts';
import type { CommitRequest, CommitResult } from '../../../functions/model.ts';
import { decide, Positions } from '../../../functions/shard/positions.ts';
import { relayConfig, tenantWithoutRules } from '../../fakes/relay-config.ts';
import { FakeShard } from '../../fakes/shard-stub.ts';
import { TestEdge } from '../../fakes/worker.ts';
import { Device } from './device.ts';
import { scrape, tableOf, target } from './scrapes.ts';

/**
 * Drop push-down against a model that knows no masks: of each scrape that was stored goes out what the rules of the Worker that took it
 * leave of the scrape in the log. Pushes have several scrapes, of tables that change between them and rows that travel inline; answers
 * get lost and the same records come again to a Worker with other rules; devices start anew.
 */

const tables = [
  await tableOf('a', 'b', 'c', 'd', 'e', 'f'),
  await tableOf('b', 'c', 'x', 'y'),
  await tableOf('a', 'b', 'c', 'd', 'e', 'f', 'g'),
];
const TARGETS = ['one', 'two'];

const drop = (regex: string, label = '__name__'): RelabelConfig => ({
  ...defaultRelabelConfig,
  sourceLabels: [label],
  regex,
  action: 'drop',
});
/** Makes two series one, of which the second is dropped. */
const merge: RelabelConfig = {
  ...{ ...defaultRelabelConfig, sourceLabels: ['__name__'], regex: 'b|g', targetLabel: '__name__', replacement: 'bg' },
};
const RULES: readonly (readonly RelabelConfig[])[] = [
  [],
  [drop('a')],
  [drop('a|c')],
  [drop('b|c|x')],
  [merge],
  [drop('one', 'instance')],
  [drop('a', '__name__'), merge],
  [{ ...drop('[a-d]'), action: 'keep' }],
  [drop('.*')],
];

/** What all Workers commit to: stores what follows, as a shard decides it, and says by whose rules it was made. */
class OneShard {
  readonly commits: { readonly rules: SeriesRules; readonly request: CommitRequest & { readonly logId: string } }[] = [];
  readonly #positions = new Positions();

  stub(rules: () => SeriesRules): FakeShard {
    const stub = new FakeShard();
    stub.commit = async (request): Promise<CommitResult> => {
      if (request.logId === undefined) throw new Error('expected a push of a log');
      const { device, logId, stream, base, to } = request;
      const decision = decide(this.#positions.stored(device, logId, stream), base, to);
      if (decision.kind === 'repeated') return { kind: 'stored', repeated: true };
      if (decision.kind === 'conflict')
        return { kind: 'conflict', stored: decision.stored, points: this.#positions.points(device, logId, stream) };
      this.#positions.record({ device, logId, stream, stored: to, atMs: 0 });
      this.commits.push({ rules: rules(), request });
      return { kind: 'stored', repeated: false };
    };
    return stub;
  }
}

function workerOf(writeRelabelConfigs: readonly RelabelConfig[], shard: OneShard): TestEdge {
  const rules = (): SeriesRules => worker.edge.tenant('acme')?.rules as SeriesRules;
  const config = { ...relayConfig, tenants: { acme: { ...tenantWithoutRules, writeRelabelConfigs } } };
  const worker: TestEdge = new TestEdge({ config, shardStub: () => shard.stub(rules) });
  return worker;
}

type Sent = ReadonlyMap<string, readonly number[]>;

/** Values by series, without report series, in the order sent. */
function sentBy(request: CommitRequest): Sent {
  const sent = new Map<string, number[]>();
  const all: readonly WrittenSeries[] = request.fragments.flatMap(({ block, rawBytes }) =>
    decodeWriteRequest(snappyUncompress(block, rawBytes)),
  );
  for (const { labels, samples } of all) {
    const name = labels.find(([label]) => label === '__name__')?.[1] ?? '';
    if ((REPORT_NAMES as readonly string[]).includes(name)) continue;
    const key = formatLabels(labels);
    const values = samples.map(({ bits }) => new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? Number.NaN);
    sent.set(key, [...(sent.get(key) ?? []), ...values]);
  }
  return sent;
}

interface Logged {
  readonly position: number;
  readonly target: Labels;
  readonly table: (typeof tables)[number];
  readonly value: number;
}

function expectedOf(
  log: readonly Logged[],
  { base, to }: { base: { position: number }; to: { position: number } },
  rules: SeriesRules,
): Sent {
  const expected = new Map<string, number[]>();
  for (const { position, target: labels, table, value } of log) {
    if (position <= base.position || position > to.position) continue;
    const ofScrape = new Set<string>();
    for (const row of table.rows) {
      const { final } = finalLabels(rebuild(row, labels), addedLabels([], rules), 'gw-1', rules);
      if (final !== undefined) ofScrape.add(formatLabels(final));
    }
    for (const key of ofScrape) expected.set(key, [...(expected.get(key) ?? []), value]);
  }
  return expected;
}

const step = fc.record({
  /** Of the Workers from now on; undefined: as before. */
  rules: fc.option(fc.array(fc.constantFrom(...RULES), { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 3 }),
  /** Of each scrape of both targets, which table. */
  scrapes: fc.array(fc.nat(tables.length - 1), { maxLength: 4 }),
  routes: fc.array(fc.nat(5), { minLength: 1, maxLength: 9 }),
  lost: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  restart: fc.boolean(),
});

it('what goes out is what the rules leave of the log, whatever was masked, lost or started anew', async () => {
  let masked = 0;
  let wrong = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), async (steps) => {
      const shard = new OneShard();
      const device = await Device.open([workerOf([], shard)], true);
      const log: Logged[] = [];
      for (const { rules, scrapes, routes, lost, restart } of steps) {
        if (rules !== undefined) device.edges = rules.map((one) => workerOf(one, shard));
        if (restart) await device.restart();
        for (const number of scrapes) {
          for (const name of TARGETS) {
            const given = { target: target(name), table: tables[number] as (typeof tables)[number], value: log.length };
            log.push({ ...given, position: await device.append(scrape(device.clock, given)) });
          }
          await device.clock.advance(1000);
        }
        let asked = 0;
        device.route = () => (routes[asked++ % routes.length] ?? 0) % device.edges.length;
        device.loses = () => lost[asked % lost.length] === true && asked < 6;
        for (let i = 0; i < 60; i++) if ((await device.round())?.kind === 'idle') break;
        expect((await device.round())?.kind).toBe('idle');
      }
      let through = 0;
      for (const { rules, request } of shard.commits) {
        expect(request.base.position).toBe(through);
        through = request.to.position;
        expect(sentBy(request)).toEqual(expectedOf(log, request, rules));
        if (request.leftOut !== undefined) masked++;
      }
      expect(through).toBe(log.at(-1)?.position ?? 0);
      if (/^agent_lite_push_wrong_masks_total [1-9]/m.test(device.metrics.expose('all'))) wrong++;
    }),
    { numRuns: 40 },
  );
  // Else nothing was put to the test.
  expect(masked).toBeGreaterThan(20);
  expect(wrong).toBeGreaterThan(5);
});
