import { decodeAnswer, type Push, type PushAnswer, TABLE_PATH } from '../../contract/push.ts';
import type { SeriesTable } from '../../contract/series-table.ts';
import { createApp } from '../../functions/app.ts';
import { signToken } from '../../functions/auth/token.ts';
import { memoryStore } from '../../functions/buffer/memory.ts';
import type { RelayConfig } from '../../functions/config/types.ts';
import { createEdge, createIsolate, type Edge, type Isolate, type Services } from '../../functions/edge.ts';
import type { SettingErrors } from '../../functions/env.ts';
import { WORKER_COUNTS } from '../../functions/fleet/worker-counts.ts';
import type { BlobCache } from '../../functions/ingest/tables.ts';
import { EdgeLog } from '../../functions/log.ts';
import type { ObjectStore, ShardStub } from '../../functions/model.ts';
import { deflate, pushBody } from './pushes.ts';
import { relayConfig } from './relay-config.ts';
import { FakeShard } from './shard-stub.ts';

export type Body = NonNullable<RequestInit['body']>;

export const NOW = Date.UTC(2026, 10, 22, 12);
export const KEY = '0123456789abcdef0123456789abcdef';

export interface TestEdgeOptions {
  readonly config?: RelayConfig;
  readonly cache?: BlobCache;
  readonly metricsToken?: string;
  readonly adminToken?: string;
  /** Where blocks for the receiver go; without it nothing may be sent. */
  readonly send?: Services['send'];
  readonly isolate?: Partial<Isolate>;
  /** Wall clock, ms; default stands still at {@link NOW}. */
  readonly now?: () => number;
  /** Instead of shards that only remember. */
  readonly shardStub?: (name: string) => ShardStub;
  /** Instead of an edge: what is wrong with its settings. */
  readonly errors?: SettingErrors;
  /** What is wrong with the bucket. */
  readonly checkStore?: string;
}

/** The whole Worker but its shards and its platform: real routes, tokens, tables and encoding. */
export class TestEdge {
  readonly shards = new Map<string, FakeShard>();
  /** Keeps what isolates count. */
  readonly workerCounts = new FakeShard();
  readonly logged: string[] = [];
  readonly store: ObjectStore;
  readonly isolate: Isolate;
  readonly edge: Edge;
  readonly #app: ReturnType<typeof createApp>;
  #requests = 0;
  #clock = NOW;

  constructor(options: TestEdgeOptions = {}) {
    const {
      config = relayConfig,
      cache,
      metricsToken,
      adminToken,
      send = nothingIsSent,
      isolate,
      errors,
      checkStore,
      now = () => NOW,
      shardStub,
    } = options;
    // Every look at this clock lets a second pass: the store takes one write a second and key.
    this.store = memoryStore({
      now: () => {
        this.#clock += 1000;
        return this.#clock;
      },
    });
    const services: Services = {
      store: this.store,
      checkStore: async () => {
        await this.store.head('v1/ready');
        return checkStore;
      },
      cache,
      now: isolate?.now ?? (() => NOW),
      send,
      shard: (name) => (name === WORKER_COUNTS ? this.workerCounts : (shardStub?.(name) ?? this.shard(name))),
      findTenant: (all, tenant) => all.tenants[tenant] ?? all.tenants['*'],
      onLayoutConflict: (words) => this.logged.push(words),
    };
    const newRequestId = () => {
      this.#requests++;
      return `request-${this.#requests}`;
    };
    const log = new EdgeLog((line) => this.logged.push(line), now);
    this.isolate = { ...createIsolate({ now, newRequestId, log }), ...isolate };
    const edge = createEdge({ config, deviceTokenKey: KEY, s3: undefined, metricsToken, adminToken }, services);
    this.edge = edge;
    this.#app = createApp(() => (errors === undefined ? { ok: true, value: edge } : { ok: false, error: errors }), this.isolate);
  }

  /** All that the Worker has counted itself, handed over or not. */
  counted(): Readonly<Record<string, number>> {
    void this.workerCounts.count(this.isolate.tally.take());
    return this.workerCounts.counted;
  }

  /** One shard of tenant acme by default: without an out-of-order window it has only that one. */
  shard(name = 'acme/1/0'): FakeShard {
    const shard = this.shards.get(name) ?? new FakeShard();
    this.shards.set(name, shard);
    return shard;
  }

  async token(tenant = 'acme', device = 'gw-1'): Promise<string> {
    return `Bearer ${await signToken(KEY, { tenant, device, expiresMs: NOW + 400 * 86_400_000 })}`;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const pending: Promise<unknown>[] = [];
    const context = { waitUntil: (work: Promise<unknown>) => void pending.push(work), passThroughOnException: () => {}, props: {} };
    const response = await this.#app.fetch(new Request(`http://edge${path}`, init), {}, context);
    await Promise.all(pending);
    return response;
  }

  /** Sends a body as a device would. */
  async send(body: Body, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
    const authorization = await this.token();
    return answered(await this.fetch('/api/v1/push', { method: 'POST', body, headers: { authorization, ...headers } }));
  }

  push(push: Push): Promise<Answered> {
    return this.send(pushBody(push));
  }

  async putTable(table: SeriesTable, body: Body = deflate(table.bytes), tenant = 'acme'): Promise<Answered> {
    const authorization = await this.token(tenant);
    return answered(await this.fetch(`${TABLE_PATH}${table.hash}`, { method: 'PUT', body, headers: { authorization } }));
  }
}

const nothingIsSent: Services['send'] = async () => {
  throw new Error('nothing was to be sent');
};

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly answer: PushAnswer;
}

export async function answered(response: Response): Promise<Answered> {
  const { status, headers } = response;
  return { status, headers, answer: decodeAnswer(new Uint8Array(await response.arrayBuffer())) };
}
