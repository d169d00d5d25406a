import { ColumnsDecoder } from '../contract/decode-columns.ts';
import type { WireLimits } from '../contract/limits.ts';
import { compileRelabel } from '../contract/relabel.ts';
import { SnappyDecoder } from '../contract/snappy.ts';
import { KnownTokens } from './auth/known-tokens.ts';
import { outgoingOf, receiversOf } from './config/routes.ts';
import type { Outgoing, ReceiverConfig, RelayConfig, TenantConfig } from './config/types.ts';
import type { Settings } from './env.ts';
import { listDevices } from './fleet/devices.ts';
import { Layouts } from './fleet/layout.ts';
import { ShardRegistry } from './fleet/registry.ts';
import { shardsOf } from './fleet/shards.ts';
import { BlockWriter } from './ingest/block-writer.ts';
import type { SeriesRules } from './ingest/labels.ts';
import { LivingShapes } from './ingest/living-shapes.ts';
import { MemoryBudget } from './ingest/memory-budget.ts';
import { ReceiverTime } from './ingest/receiver-time.ts';
import { LabelCache } from './ingest/remote-write/label-cache.ts';
import { LineupCache } from './ingest/remote-write/lineup.ts';
import { PlainMemory } from './ingest/remote-write/plain-request.ts';
import { SeriesCache } from './ingest/series-cache.ts';
import { type SeriesHash, seriesHash } from './ingest/series-hash.ts';
import { TableUse } from './ingest/table-use.ts';
import { type BlobCache, TableSource } from './ingest/tables.ts';
import { Tally } from './ingest/tally.ts';
import type { EdgeLog } from './log.ts';
import type { DevicesRequest, ListedDevices, ObjectStore, ShardStub, Verdict } from './model.ts';

/** What lives as long as the isolate, whatever the configuration. */
export interface Isolate {
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Names one request in logs and answers. */
  readonly newRequestId: () => string;
  readonly log: EdgeLog;
  readonly memory: MemoryBudget;
  readonly workspace: Workspace;
  readonly tally: Tally;
}

/** Memory that requests use one after the other, each without a pause: getting it anew would cost more than much of the work in it. */
export interface Workspace {
  /** Of the bodies of remote write. */
  readonly snappy: SnappyDecoder;
  /** Of fragments. */
  readonly block: BlockWriter;
  /** Of the cells of pushes. */
  readonly columns: ColumnsDecoder;
  readonly shapes: LivingShapes;
  /** Of series that need no more than to be copied. */
  readonly plain: PlainMemory;
}

/** 128 MB are for everything in an isolate, perhaps with shards beside the Worker: 40 MiB are theirs, the rest is code and slack. */
const REQUEST_BYTES = 40 * 1024 * 1024;
const TABLE_CACHE_BYTES = 12 * 1024 * 1024;
const SERIES_CACHE_BYTES = 12 * 1024 * 1024;
const LABEL_CACHE_BYTES = 6 * 1024 * 1024;
const LINEUP_CACHE_BYTES = 8 * 1024 * 1024;

export function createIsolate(rim: Pick<Isolate, 'now' | 'newRequestId' | 'log'>): Isolate {
  return {
    ...rim,
    memory: new MemoryBudget(REQUEST_BYTES, rim.now),
    workspace: {
      snappy: new SnappyDecoder(),
      block: new BlockWriter(),
      columns: new ColumnsDecoder(),
      shapes: new LivingShapes(),
      plain: new PlainMemory(),
    },
    tally: new Tally(),
  };
}

/** The platform's services, behind the interfaces of model.ts. */
export interface Services {
  readonly store: ObjectStore;
  /** Undefined where the store can be used, else what is wrong with it. Rejects where it does not answer. */
  readonly checkStore: () => Promise<string | undefined>;
  readonly cache: BlobCache | undefined;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** A new stub each time: one that failed once is of no more use. */
  readonly shard: (name: string) => ShardStub;
  /** One POST of a block to the receiver in the name of a tenant. Throws where a secret of the receiver is not set. */
  readonly send: (receiver: ReceiverConfig, tenant: string, block: Uint8Array<ArrayBuffer>) => Promise<Verdict>;
  /** The part of a configuration that holds for a tenant; undefined where it has none. */
  readonly findTenant: (config: RelayConfig, tenant: string) => TenantConfig | undefined;
  /** Told once for each tenant and isolate where the configured shards are not those in use. */
  readonly onLayoutConflict: (words: string) => void;
}

/** Everything that depends on one configuration: made anew, with empty caches, when that changes. */
export interface Edge {
  readonly settings: Settings;
  readonly store: ObjectStore;
  readonly checkStore: Services['checkStore'];
  readonly shard: (name: string) => ShardStub;
  readonly tables: TableSource;
  readonly tableUse: TableUse;
  readonly series: SeriesCache;
  /** Of the settings' key. */
  readonly tokens: KnownTokens;
  /** What is kept of the series of standard senders. */
  readonly senders: { readonly labels: LabelCache; readonly lineups: LineupCache };
  readonly registry: ShardRegistry;
  readonly layouts: Layouts;
  /** What is known of a tenant's devices. */
  readonly devices: (tenant: string, request: DevicesRequest) => Promise<ListedDevices>;
  readonly tenant: (name: string) => Tenant | undefined;
  /** Origins that any tenant allows. */
  readonly corsOrigins: ReadonlySet<string>;
  readonly send: Services['send'];
}

export interface Tenant extends CompiledTenant {
  readonly outgoing: Outgoing;
  /** How old samples may be that come behind newer ones, ms: the least window of the tenant's receivers; 0: strictly in order. */
  readonly freshWindowMs: number;
  /** What the clock of its receiver says. */
  readonly receiverTime: ReceiverTime;
}

/** The part that tenants without settings of their own have in common. */
interface CompiledTenant {
  readonly rules: SeriesRules;
  readonly minPushIntervalMs: number;
  readonly dropPushDown: boolean;
  /** The configuration's, lowered where the tenant has lower ones. */
  readonly limits: RelayConfig['limits'];
  readonly revokedDevices: ReadonlySet<string>;
  readonly tokensNotBeforeMs: number | undefined;
  readonly corsOrigins: ReadonlySet<string>;
  readonly browserTokens: TenantConfig['browserTokens'];
}

export function createEdge(
  settings: Settings,
  { store, checkStore, cache, now, shard, send, findTenant, onLayoutConflict }: Services,
): Edge {
  const { config } = settings;
  // Tenants without a name of their own share one part of the configuration, so its rules are compiled once.
  const compiled = new WeakMap<TenantConfig, CompiledTenant>();
  const receiverTimes = new Map(config.receivers.map(({ name }) => [name, new ReceiverTime()]));
  const outgoing = (tenant: string) => outgoingOf(receiversOf(config, tenant) ?? []);
  const hash = seriesHash(settings.deviceTokenKey);
  const tableUse = new TableUse({ store, cache, now });
  const registry = new ShardRegistry(store);
  return {
    settings,
    store,
    checkStore,
    shard,
    tables: new TableSource({ store, cache, use: tableUse, limits: config.limits, memoryBytes: TABLE_CACHE_BYTES }),
    tableUse,
    series: new SeriesCache(SERIES_CACHE_BYTES),
    tokens: new KnownTokens(),
    senders: { labels: new LabelCache(LABEL_CACHE_BYTES), lineups: new LineupCache(LINEUP_CACHE_BYTES) },
    registry,
    devices: async (tenant, request) => listDevices(await registry.ofTenant(tenant), shard, request),
    layouts: new Layouts({
      store,
      now,
      generation: config.shard.generation,
      shards: (tenant) => shardsOf(config, outgoing(tenant)),
      onConflict: onLayoutConflict,
    }),
    corsOrigins: new Set(Object.values(config.tenants).flatMap(({ corsOrigins }) => corsOrigins)),
    send,
    tenant(name) {
      const part = findTenant(config, name);
      const out = outgoing(name);
      const receiverTime = receiverTimes.get(out.receiver);
      if (part === undefined || receiverTime === undefined) return undefined;
      const tenant = compiled.get(part) ?? compileTenant(part, config, hash);
      compiled.set(part, tenant);
      return { ...tenant, outgoing: out, freshWindowMs: out.outOfOrderTimeWindowMs, receiverTime };
    },
  };
}

function compileTenant(part: TenantConfig, { identityLabel, limits: all }: RelayConfig, hash: SeriesHash): CompiledTenant {
  const limits = lowered(all, part.limits.wire);
  const rules: SeriesRules = {
    identityLabel,
    externalLabels: part.externalLabels,
    reservedLabels: new Set(part.reservedLabels),
    rules: compileRelabel(part.writeRelabelConfigs),
    limits,
    hash,
  };
  const { minPushIntervalMs, dropPushDown, tokensNotBeforeMs, browserTokens } = part;
  const [revokedDevices, corsOrigins] = [new Set(part.revokedDevices), new Set(part.corsOrigins)];
  return { rules, minPushIntervalMs, dropPushDown, limits, revokedDevices, tokensNotBeforeMs, corsOrigins, browserTokens };
}

/** A tenant's own limits never raise those of the file. */
function lowered(all: RelayConfig['limits'], own: Partial<WireLimits>): RelayConfig['limits'] {
  const names = Object.keys(own) as (keyof WireLimits)[];
  return { ...all, ...Object.fromEntries(names.map((name) => [name, Math.min(all[name], own[name] ?? all[name])])) };
}
