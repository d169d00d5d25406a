import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpClient } from '../../../agent-lite/model.ts';
import { ClockCorrection } from '../../../agent-lite/push/clock-correction.ts';
import { EdgeClient } from '../../../agent-lite/push/edge-client.ts';
import type { Round } from '../../../agent-lite/push/round.ts';
import { Sender } from '../../../agent-lite/push/sender.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { MemoryStore } from '../../../agent-lite/wal/memory-store.ts';
import type { Log } from '../../../agent-lite/wal/options.ts';
import { PUSH_PATH } from '../../../contract/push.ts';
import { defaultRelabelConfig, type RelabelConfig } from '../../../contract/relabel.ts';
import { snappyConcat, snappyUncompress } from '../../../contract/snappy.ts';
import type { TenantConfig } from '../../../functions/config/types.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';
import { relayConfig, tenantWithoutRules } from '../../fakes/relay-config.ts';
import { decodeWriteRequest } from '../../fakes/remote-write.ts';
import { logWorld } from '../../fakes/wal.ts';
import { NOW, TestEdge } from '../../fakes/worker.ts';
import { MemoryClockStore } from './rig.ts';
import { scrape, tableOf, target } from './scrapes.ts';

/**
 * Exactness: what is forwarded is the same with masks and without, whatever the rules, whenever they change, and though several
 * Workers with different rules answer in turn.
 */
const tables = [await tableOf('a', 'b', 'c', 'd', 'e', 'f'), await tableOf('b', 'c', 'x', 'y')] as const;
const EXEMPLAR = { row: 1, labels: [['trace_id', 'abc']], value: 0.5, ms: undefined } as const;

const drop = (regex: string, label = '__name__'): RelabelConfig => ({
  ...defaultRelabelConfig,
  sourceLabels: [label],
  regex,
  action: 'drop',
});
const keep = (regex: string): RelabelConfig => ({ ...drop(regex), action: 'keep' });
/** Makes b and c one series, of which the second is dropped. */
const merge: RelabelConfig = {
  ...defaultRelabelConfig,
  sourceLabels: ['__name__'],
  regex: 'b|c',
  targetLabel: '__name__',
  replacement: 'bc',
};

const edgeOf = (writeRelabelConfigs: readonly RelabelConfig[], tenant: Partial<TenantConfig> = {}): TestEdge =>
  new TestEdge({ config: { ...relayConfig, tenants: { acme: { ...tenantWithoutRules, writeRelabelConfigs, ...tenant } } } });

/** A device; `route` says which of the edges a request meets. */
class Device {
  readonly clock: ManualClock;
  readonly metrics = createRegistry();
  readonly codes: string[] = [];
  edges: readonly TestEdge[];
  route: () => number = () => 0;
  readonly #log: Log;
  #sender: Sender | undefined;

  private constructor(clock: ManualClock, log: Log, edges: readonly TestEdge[]) {
    this.clock = clock;
    this.#log = log;
    this.edges = edges;
  }

  static async open(edges: readonly TestEdge[], dropPushDown: boolean): Promise<Device> {
    const clock = new ManualClock({ now: NOW - 1_000_000 });
    const log: Log = await logWorld(clock).open(new MemoryStore(), { sync: 'never' });
    const device = new Device(clock, log, edges);
    const deflate = (bytes: Uint8Array) => Promise.resolve(new Uint8Array(deflateSync(bytes)));
    const client = new EdgeClient({ http: device.#http(), url: 'http://edge', timeoutMs: 1000, clock, deflate });
    const correction = await ClockCorrection.load(clock, new MemoryClockStore());
    device.#sender = new Sender({
      ...{ reader: log, client, correction, clock, logger: new FakeLogger(), metrics: device.metrics, deflate, version: 'test' },
      ...{ externalLabels: [], receiver: 'edge', maxCells: 100_000, dropPushDown, intervalMs: () => 60_000 },
    });
    return device;
  }

  #http(): HttpClient {
    return {
      request: async ({ method, url, headers, body }) => {
        const path = new URL(url).pathname;
        const send = async (edge: TestEdge): Promise<Response> => {
          const sent = body === undefined ? {} : { body: new Uint8Array(body) };
          return edge.fetch(path, { method, headers: { ...headers, authorization: await edge.token() }, ...sent });
        };
        // Workers share their tables.
        const responses = path === PUSH_PATH ? [await send(this.edges[this.route()] as TestEdge)] : await Promise.all(this.edges.map(send));
        const response = responses[0] as Response;
        if (path === PUSH_PATH) this.codes.push(String(response.status));
        return {
          status: response.status,
          headers: Object.fromEntries(response.headers),
          body: new Uint8Array(await response.arrayBuffer()),
        };
      },
      close: () => undefined,
    };
  }

  async scrape(value: number, table = 0): Promise<void> {
    for (const name of ['one', 'two']) {
      await this.#log.append({ ...scrape(this.clock, { target: target(name), table: tables[table % 2], value }), exemplars: [EXEMPLAR] });
    }
    await this.clock.advance(1000);
  }

  /** Until the edges have everything. */
  async send(): Promise<void> {
    this.codes.length = 0;
    let round: Round = { kind: 'again' };
    for (let i = 0; i < 30 && round.kind !== 'idle'; i++) {
      round = (await this.#sender?.round(new AbortController().signal)) ?? round;
      if (round.kind === 'failed') throw new Error(round.message);
    }
    expect(round.kind).toBe('idle');
  }

  get leftOut(): number {
    return this.#sender?.leftOutSeries ?? 0;
  }
}

/** What reached the shards of an edge, as a receiver reads it. Forgets it. */
function taken(edge: TestEdge): unknown {
  const fragments = edge.shard().requests.flatMap((request) => request.fragments);
  edge.shard().requests.length = 0;
  return fragments.length === 0
    ? []
    : decodeWriteRequest(snappyUncompress(snappyConcat(fragments.map(({ block }) => block)), 1 << 26)).series;
}

async function step(device: Device, value: number): Promise<void> {
  await device.scrape(value);
  await device.send();
}

describe('drop push-down', () => {
  it('leaves out what the rules drop once the edge has said so, and forwards the same', async () => {
    const edge = edgeOf([drop('a|d|e')]);
    const device = await Device.open([edge], true);
    const plainEdge = edgeOf([drop('a|d|e')]);
    const plain = await Device.open([plainEdge], false);
    for (let i = 0; i < 3; i++) {
      await step(device, i + 0.123456789);
      await step(plain, i + 0.123456789);
      expect(device.leftOut).toBe(i === 0 ? 0 : 6);
      expect(edge.shard().requests[0]?.counts['relay_samples_left_out_total']).toBe(i === 0 ? undefined : 6);
      expect(taken(edge)).toEqual(taken(plainEdge));
    }
    expect(plain.leftOut).toBe(0);
  });

  it('keeps all rows in the log: they travel as soon as a rule no longer drops them', async () => {
    const [before, after] = [edgeOf([drop('a|d')]), edgeOf([drop('a')])];
    const device = await Device.open([before], true);
    await step(device, 1);
    await step(device, 2);
    device.edges = [after];
    await step(device, 3);
    expect(device.codes).toContain('424');
    expect(device.leftOut).toBe(2);
    const plainEdge = edgeOf([drop('a')]);
    const plain = await Device.open([plainEdge], false);
    for (const value of [1, 2]) await step(plain, value);
    taken(plainEdge);
    await step(plain, 3);
    expect(taken(after)).toEqual(taken(plainEdge));
    expect(device.metrics.expose('all')).toContain('agent_lite_push_wrong_masks_total 1');
  });

  it('ends where two Workers call each other wrong', async () => {
    const edges = [edgeOf([drop('a')]), edgeOf([drop('b')])];
    const device = await Device.open(edges, true);
    let turn = 0;
    device.route = () => turn++ % 2;
    for (let i = 0; i < 6; i++) await step(device, i);
    for (const edge of edges) taken(edge);
  });

  it.each([
    ['device', true, false],
    ['edge', false, true],
  ])('is off where the %s has switched it off', async (_who, edgeHas, deviceHas) => {
    const edge = edgeOf([drop('a')], { dropPushDown: edgeHas });
    const device = await Device.open([edge], deviceHas);
    for (let i = 0; i < 3; i++) await step(device, i);
    expect(device.leftOut).toBe(0);
    expect(device.codes.every((code) => code === '200')).toBe(true);
  });

  it('is given up by a device when the edge switches it off', async () => {
    const device = await Device.open([edgeOf([drop('a')])], true);
    for (let i = 0; i < 2; i++) await step(device, i);
    expect(device.leftOut).toBe(2);
    device.edges = [edgeOf([drop('a')], { dropPushDown: false })];
    await step(device, 2);
    expect(device.leftOut).toBe(0);
  });

  it('never changes what is forwarded, through changes of rules and several rules at once', async () => {
    const rules = fc.array(
      fc.constantFrom(drop('a'), drop('b|c'), drop('d.*'), keep('[a-d]'), merge, drop('one', 'instance'), drop('.*')),
      { maxLength: 2 },
    );
    const steps = fc.array(
      fc.record({
        /** Of the Workers from now on; undefined: as before. */
        rules: fc.option(fc.array(rules, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 }),
        routes: fc.infiniteStream(fc.nat(2)),
        table: fc.nat(1),
      }),
      { minLength: 2, maxLength: 7 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        let edges: readonly TestEdge[] = [edgeOf([])];
        let plainEdges: readonly TestEdge[] = [edgeOf([])];
        const device = await Device.open(edges, true);
        const plain = await Device.open(plainEdges, false);
        for (const [i, { rules: changed, routes, table }] of all.entries()) {
          if (changed !== undefined) {
            edges = changed.map((one) => edgeOf(one));
            plainEdges = changed.map((one) => edgeOf(one));
          }
          Object.assign(device, { edges });
          Object.assign(plain, { edges: plainEdges });
          device.route = () => routes.next().value % edges.length;
          await device.scrape(i + 0.5, table);
          await device.send();
          const stored = edges.findIndex((edge) => edge.shard().requests.length > 0);
          plain.route = () => stored;
          await plain.scrape(i + 0.5, table);
          await plain.send();
          expect(edges.map(taken)).toEqual(plainEdges.map(taken));
        }
      }),
      { numRuns: 20 },
    );
  });
});
