import { deflateSync } from 'node:zlib';
import { expect } from 'vitest';
import { type HttpClient, HttpError, type Scrape } from '../../../agent-lite/model.ts';
import { ClockCorrection } from '../../../agent-lite/push/clock-correction.ts';
import { EdgeClient } from '../../../agent-lite/push/edge-client.ts';
import type { Round } from '../../../agent-lite/push/round.ts';
import { Sender } from '../../../agent-lite/push/sender.ts';
import { createRegistry } from '../../../agent-lite/telemetry/registry.ts';
import { MemoryStore } from '../../../agent-lite/wal/memory-store.ts';
import type { Log } from '../../../agent-lite/wal/options.ts';
import { PUSH_PATH } from '../../../contract/push.ts';
import { snappyConcat, snappyUncompress } from '../../../contract/snappy.ts';
import { ManualClock } from '../../fakes/clock.ts';
import { FakeLogger } from '../../fakes/logger.ts';
import { decodeWriteRequest, type WriteRequest } from '../../fakes/remote-write.ts';
import { logWorld } from '../../fakes/wal.ts';
import { NOW, type TestEdge } from '../../fakes/worker.ts';
import { MemoryClockStore } from './rig.ts';

/** A device; `route` says which of the edges a request meets. */
export class Device {
  readonly clock: ManualClock;
  readonly metrics = createRegistry();
  readonly codes: string[] = [];
  uploads = 0;
  edges: readonly TestEdge[];
  route: () => number = () => 0;
  /** Whether the answer to a push gets lost on its way. */
  loses: () => boolean = () => false;
  readonly #log: Log;
  readonly #dropPushDown: boolean;
  #sender: Sender | undefined;

  private constructor(clock: ManualClock, log: Log, edges: readonly TestEdge[], dropPushDown: boolean) {
    this.clock = clock;
    this.#log = log;
    this.edges = edges;
    this.#dropPushDown = dropPushDown;
  }

  static async open(edges: readonly TestEdge[], dropPushDown: boolean): Promise<Device> {
    const clock = new ManualClock({ now: NOW - 1_000_000 });
    const log: Log = await logWorld(clock).open(new MemoryStore(), { sync: 'never' });
    const device = new Device(clock, log, edges, dropPushDown);
    await device.restart();
    return device;
  }

  /** What only the process knew, such as masks, is gone. */
  async restart(): Promise<void> {
    const { clock, metrics } = this;
    const deflate = (bytes: Uint8Array) => Promise.resolve(new Uint8Array(deflateSync(bytes)));
    const client = new EdgeClient({ http: this.#http(), url: 'http://edge', timeoutMs: 1000, clock, deflate });
    const correction = await ClockCorrection.load(clock, new MemoryClockStore());
    this.#sender = new Sender({
      ...{ reader: this.#log, client, correction, clock, logger: new FakeLogger(), metrics, deflate, version: 'test' },
      ...{ externalLabels: [], receiver: 'edge', maxCells: 100_000, dropPushDown: this.#dropPushDown, intervalMs: () => 60_000 },
    });
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
        if (path === PUSH_PATH && this.loses()) throw new HttpError('timeout', 'lost');
        if (method === 'PUT') this.uploads++;
        return {
          status: response.status,
          headers: Object.fromEntries(response.headers),
          body: new Uint8Array(await response.arrayBuffer()),
        };
      },
      close: () => undefined,
    };
  }

  /** Returns its position. */
  async append(scrape: Scrape): Promise<number> {
    return (await this.#log.append(scrape)).position;
  }

  /** One request, and whatever comes of it. */
  async round(): Promise<Round | undefined> {
    return this.#sender?.round(new AbortController().signal);
  }

  /** Until the edges have everything. */
  async send(): Promise<void> {
    this.codes.length = 0;
    let round: Round = { kind: 'again' };
    for (let i = 0; i < 30 && round.kind !== 'idle'; i++) {
      round = (await this.round()) ?? round;
      if (round.kind === 'failed') throw new Error(round.message);
    }
    expect(round.kind).toBe('idle');
  }

  get leftOut(): number {
    return this.#sender?.leftOutSeries ?? 0;
  }
}

/** What reached the shards of an edge, as a receiver reads it. Forgets it. */
export function taken(edge: TestEdge): WriteRequest['series'] {
  const fragments = edge.shard().requests.flatMap((request) => request.fragments);
  edge.shard().requests.length = 0;
  return fragments.length === 0
    ? []
    : decodeWriteRequest(snappyUncompress(snappyConcat(fragments.map(({ block }) => block)), 1 << 26)).series;
}
