import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpClient, Scrape } from '../../../agent-lite/model.ts';
import { ClockCorrection } from '../../../agent-lite/push/clock-correction.ts';
import { EdgeClient } from '../../../agent-lite/push/edge-client.ts';
import type { Round } from '../../../agent-lite/push/round.ts';
import { Sender } from '../../../agent-lite/push/sender.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { MemoryStore } from '../../../agent-lite/wal/memory-store.ts';
import { bitsOfDouble } from '../../../contract/double.ts';
import type { Exemplar } from '../../../contract/exemplar.ts';
import { labelValue } from '../../../contract/labels.ts';
import type { FamilyMetadata } from '../../../contract/metadata.ts';
import { defaultRelabelConfig } from '../../../contract/relabel.ts';
import { snappyConcat, snappyUncompress } from '../../../contract/snappy.ts';
import type { RelayConfig } from '../../../functions/config/types.ts';
import { exemplars as anyExemplars, metadata as anyMetadata } from '../../contract/attachments.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';
import { relayConfig, tenantWithoutRules, withReceiver } from '../../fakes/relay-config.ts';
import { decodeWriteRequest, type WriteRequest } from '../../fakes/remote-write.ts';
import { logWorld } from '../../fakes/wal.ts';
import { NOW, TestEdge } from '../../fakes/worker.ts';
import { MemoryClockStore } from './rig.ts';
import { scrape, tableOf, target } from './scrapes.ts';

/** The whole way of what travels beside samples: the real log, the real push, the Worker's routes, and what a receiver would read. */
const table = await tableOf('a_bucket', 'b_total', 'c', 'd');
/** By row. */
const NAMES = table.rows.map((row) => labelValue(row, '__name__'));

class Way {
  readonly clock: ManualClock;
  readonly edge: TestEdge;
  readonly #sender: Sender;
  readonly append: (scrape: Scrape) => Promise<unknown>;

  private constructor(clock: ManualClock, edge: TestEdge, sender: Sender, append: (scrape: Scrape) => Promise<unknown>) {
    this.clock = clock;
    this.edge = edge;
    this.#sender = sender;
    this.append = append;
  }

  static async open(config: RelayConfig = relayConfig, offsetMs = 0): Promise<Way> {
    const clock = new ManualClock({ now: NOW - 10_000 + offsetMs });
    const edge = new TestEdge({ config });
    const log = await logWorld(clock).open(new MemoryStore(), { sync: 'never' });
    const authorization = await edge.token();
    const http: HttpClient = {
      async request({ method, url, headers, body }) {
        const sent = body === undefined ? {} : { body: new Uint8Array(body) };
        const response = await edge.fetch(new URL(url).pathname, { method, headers: { ...headers, authorization }, ...sent });
        const answer = new Uint8Array(await response.arrayBuffer());
        return { status: response.status, headers: Object.fromEntries(response.headers), body: answer };
      },
      close: () => undefined,
    };
    const deflate = (bytes: Uint8Array) => Promise.resolve(new Uint8Array(deflateSync(bytes)));
    const client = new EdgeClient({ http, url: 'http://edge', timeoutMs: 1000, clock, deflate });
    const correction = await ClockCorrection.load(clock, new MemoryClockStore());
    const sender = new Sender({
      ...{ reader: log, client, correction, clock, logger: new FakeLogger(), metrics: createRegistry(), deflate, version: 'test' },
      ...{ externalLabels: [], receiver: 'edge', maxCells: 100_000, dropPushDown: true, intervalMs: () => 60_000 },
    });
    return new Way(clock, edge, sender, (one) => log.append(one));
  }

  /** Until the edge has everything. */
  async send(): Promise<void> {
    let round: Round = { kind: 'again' };
    for (let i = 0; i < 20 && round.kind !== 'idle'; i++) {
      round = await this.#sender.round(new AbortController().signal);
      if (round.kind === 'failed') throw new Error(round.message);
    }
    expect(round.kind).toBe('idle');
  }

  /** Everything that reached the shard, its fragments joined as a lane joins them. Forgets it. */
  take(): WriteRequest {
    const fragments = this.edge.shard().requests.flatMap((request) => request.fragments);
    this.edge.shard().requests.length = 0;
    if (fragments.length === 0) return { series: [], metadata: [] };
    return decodeWriteRequest(snappyUncompress(snappyConcat(fragments.map(({ block }) => block)), 1 << 26));
  }
}

const described = (exemplar: Pick<Exemplar, 'labels' | 'value'>, ms: number) => {
  const [low, high] = bitsOfDouble(exemplar.value);
  return { labels: exemplar.labels, bits: (BigInt(high) << 32n) | BigInt(low), ms: ms + 0 };
};
const exemplarsOf = ({ series }: WriteRequest, name: string) =>
  series.filter(({ labels }) => labelValue(labels, '__name__') === name).flatMap(({ exemplars }) => exemplars);

const family = (name: string, change: Partial<FamilyMetadata> = {}): FamilyMetadata => ({
  ...{ family: name, type: 'gauge', help: `Help of ${name}.`, unit: '' },
  ...change,
});

describe('exemplars', () => {
  it('reach the receiver with their bits, labels and times, beside their samples', async () => {
    const lists = fc.array(anyExemplars(NAMES.length), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lists, fc.constantFrom(0, -7_200_000), async (given, offsetMs) => {
        const way = await Way.open(relayConfig, offsetMs);
        const scrapes: Scrape[] = [];
        for (const exemplars of given) {
          const one = { ...scrape(way.clock, { table, value: 2 }), exemplars };
          scrapes.push(one);
          await way.append(one);
          await way.clock.advance(1000);
        }
        await way.send();
        const received = way.take();
        NAMES.forEach((name, row) => {
          // Without a time of its own it has the scrape's, as the clock correction has put it right.
          const samples = received.series.filter(({ labels }) => labelValue(labels, '__name__') === name).flatMap((one) => one.samples);
          expect(samples).toHaveLength(scrapes.length);
          if (offsetMs === 0) expect(samples.map(({ ms }) => ms)).toEqual(scrapes.map(({ wallMs }) => wallMs));
          const wanted = scrapes.flatMap(({ exemplars }, i) =>
            exemplars.filter((one) => one.row === row).map((one) => described(one, one.ms ?? samples[i]?.ms ?? 0)),
          );
          expect(exemplarsOf(received, name)).toEqual(wanted);
        });
      }),
      { numRuns: 40 },
    );
  });

  const one = (row: number): Exemplar => ({ row, labels: [['trace_id', 'abc']], value: 0.5, ms: undefined });

  it('of a series that the rules drop are dropped and counted', async () => {
    const rule = { ...defaultRelabelConfig, sourceLabels: ['__name__'], regex: 'c', action: 'drop' as const };
    const way = await Way.open({ ...relayConfig, tenants: { acme: { ...tenantWithoutRules, writeRelabelConfigs: [rule] } } });
    await way.append({
      ...scrape(way.clock, { table }),
      exemplars: [one(NAMES.indexOf('c')), one(NAMES.indexOf('d'))].sort((a, b) => a.row - b.row),
    });
    await way.send();
    const [request] = way.edge.shard().requests;
    expect(request?.counts).toMatchObject({
      relay_exemplars_stored_total: 1,
      'relay_exemplars_dropped_total{reason="relabel"}': 1,
    });
    const received = way.take();
    expect(received.series.reduce((sum, { exemplars }) => sum + exemplars.length, 0)).toBe(1);
  });

  it('are not sent to a receiver that does not want them', async () => {
    const way = await Way.open(withReceiver(relayConfig, { sendExemplars: false }));
    await way.append({ ...scrape(way.clock, { table }), exemplars: [one(0)], metadata: [family('c')] });
    await way.send();
    const received = way.take();
    expect(received.series).toHaveLength(9);
    expect(received.series.flatMap(({ exemplars }) => exemplars)).toEqual([]);
    expect(received.metadata).toEqual([family('c')]);
  });
});

describe('metadata', () => {
  it('reach the receiver as they were exposed', async () => {
    await fc.assert(
      fc.asyncProperty(anyMetadata, async (metadata) => {
        const way = await Way.open();
        await way.append({ ...scrape(way.clock, { table }), metadata });
        await way.send();
        expect(way.take().metadata).toEqual(metadata);
      }),
      { numRuns: 40 },
    );
  });

  it('are sent when they change, not with every push', async () => {
    const way = await Way.open();
    const push = async (metadata: readonly FamilyMetadata[] | undefined) => {
      await way.append({ ...scrape(way.clock, { table }), metadata });
      await way.send();
      await way.clock.advance(15_000);
      return way.take().metadata;
    };
    const first = [family('b'), family('c')];
    const second = [family('b'), family('c', { help: 'Another.' })];
    expect(await push(first)).toEqual(first);
    expect(await push(undefined)).toEqual([]);
    expect(await push([...first])).toEqual([]);
    expect(await push(second)).toEqual(second);
    expect(await push(undefined)).toEqual([]);
  });

  it('are those of the newest scrape where they change within a push, and each family once for many targets', async () => {
    const way = await Way.open();
    for (const name of ['a', 'b', 'c']) {
      await way.append({ ...scrape(way.clock, { table, target: target(name) }), metadata: [family('c', { help: 'Old.' })] });
      await way.clock.advance(1000);
      await way.append({ ...scrape(way.clock, { table, target: target(name) }), metadata: [family('c')] });
    }
    await way.send();
    expect(way.take().metadata).toEqual([family('c')]);
  });

  it('of families whose series are all dropped stay behind', async () => {
    const rule = { ...defaultRelabelConfig, sourceLabels: ['__name__'], regex: 'a_bucket|c', action: 'drop' as const };
    const way = await Way.open({ ...relayConfig, tenants: { acme: { ...tenantWithoutRules, writeRelabelConfigs: [rule] } } });
    const metadata = [family('a', { type: 'histogram' }), family('b', { type: 'counter' }), family('c'), family('renamed')];
    await way.append({ ...scrape(way.clock, { table }), metadata });
    await way.send();
    expect(way.take().metadata.map((one) => one.family)).toEqual(['b', 'renamed']);
  });

  it('are not sent to a receiver that does not want them', async () => {
    const way = await Way.open(withReceiver(relayConfig, { sendMetadata: false }));
    await way.append({ ...scrape(way.clock, { table }), metadata: [family('c')] });
    await way.send();
    expect(way.take().metadata).toEqual([]);
  });

  it('of many targets go over several pushes, as each has room', async () => {
    const way = await Way.open();
    const large = Array.from({ length: 900 }, (_, i) => family(`family_${1000 + i}`, { help: 'x'.repeat(1000) }));
    for (let i = 0; i < 4; i++) {
      const metadata = large.map((one) => ({ ...one, unit: String(i) }));
      await way.append({ ...scrape(way.clock, { table, target: target(`t${i}`) }), metadata });
    }
    await way.send();
    const first = way.take().metadata.length;
    expect(first).toBe(1800);
    for (let i = 0; i < 4; i++) await way.append({ ...scrape(way.clock, { table, target: target(`t${i}`), wallMs: way.clock.now() + 1 }) });
    await way.send();
    expect(way.take().metadata).toHaveLength(1800);
  });
});
