import type { ShardConfig, TenantConfig, UsageLimits } from '../config/types.ts';
import type { CommitRequest } from '../model.ts';
import { estimateSketch, joinSketch, SKETCH_BYTES } from '../series-sketch.ts';
import { Offences } from './offences.ts';
import { TokenBucket } from './token-bucket.ts';

/** Series count as active until the window after the one in which they had samples ends. */
export const ACTIVE_WINDOW_MS = 30 * 60_000;
/** A device over its number of series asks again after this long, ms: it may have fewer by then, or somebody has raised the limit. */
const SERIES_RETRY_MS = 60_000;
/** Waits are never longer, ms: devices do not wait longer either, and limits may be raised meanwhile. */
const MAX_RETRY_MS = 3_600_000;

export interface ShardLimits {
  /** This shard's share. */
  readonly tenant: UsageLimits;
  readonly device: TenantConfig['deviceLimits'];
}

/** Why something is not taken now; the name stands in metrics. */
export interface Limited {
  readonly limit: `${'tenant' | 'device'}_${'ingestion_rate' | 'active_series' | 'table_rows' | 'table_bytes'}` | 'device_offences';
  /** For the sender: the key of relay.yml. */
  readonly key: string;
  readonly retryAfterMs: number;
}

/** A tenant's limits for one of its shards. */
export function shardLimits({ limits, deviceLimits }: TenantConfig, shards: number): ShardLimits {
  const share = (value: number): number => (value === 0 ? 0 : Math.max(1, Math.floor(value / shards)));
  return {
    tenant: {
      ingestionRate: share(limits.ingestionRate),
      ingestionBurstSize: share(limits.ingestionBurstSize),
      maxActiveSeries: share(limits.maxActiveSeries),
      tableRowsPerDay: share(limits.tableRowsPerDay),
      tableBytesPerDay: share(limits.tableBytesPerDay),
    },
    device: deviceLimits,
  };
}

/** Bytes that one of a tenant's shards may hold: its part of the tenant's own limit, else what every shard may. */
export function bufferShare({ limits }: TenantConfig, { maxBufferBytes, shards }: Pick<ShardConfig, 'maxBufferBytes' | 'shards'>): number {
  return limits.maxBufferBytes === undefined ? maxBufferBytes : Math.floor(limits.maxBufferBytes / shards);
}

/** What a shard without limits is given. */
export const UNLIMITED: ShardLimits = (() => {
  const none = { ingestionRate: 0, ingestionBurstSize: 0, maxActiveSeries: 0, tableRowsPerDay: 0, tableBytesPerDay: 0 };
  return { tenant: none, device: { ...none, maxOffences: 0 } };
})();

interface DeviceUse {
  readonly samples: TokenBucket;
  /** Series of this window, and of the one before; undefined: none. */
  current: Uint8Array | undefined;
  before: Uint8Array | undefined;
  /** Estimate of both together. */
  active: number;
}

/**
 * What the devices of a shard have used of their limits: samples by token buckets, active series by sketches. Lives as long as the
 * instance; a shard that nobody asks for a minute or two forgets, which is about what its buckets do in that time anyway.
 */
export class Limits {
  readonly offences: Offences;
  readonly #limits: ShardLimits;
  readonly #now: () => number;
  readonly #samples: TokenBucket;
  readonly #devices = new Map<string, DeviceUse>();
  #active = 0;
  #window: number;

  /** @param now wall clock, ms */
  constructor(limits: ShardLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.offences = new Offences(limits.device.maxOffences, now);
    this.#samples = bucketOf(limits.tenant, now());
    this.#window = windowOf(now());
  }

  /** Estimated, of all devices. */
  get activeSeries(): number {
    this.#rotate();
    return this.#active;
  }

  /** Undefined: it may be stored. Charges nothing, so what is refused for another reason costs nothing. */
  check(request: Pick<CommitRequest, 'device' | 'fragments' | 'sketch'>): Limited | undefined {
    this.#rotate();
    const now = this.#now();
    const { tenant, device } = this.#limits;
    const samples = samplesOf(request);
    // Without samples it may tell of a gap, and costs nothing.
    if (samples === 0) return undefined;
    const refusedMs = this.offences.refusedMs(request.device);
    if (refusedMs > 0) return { limit: 'device_offences', key: 'device_limits.max_offences', retryAfterMs: refusedMs };
    const use = this.#devices.get(request.device);
    const deviceWait = use?.samples.waitMs(samples, now) ?? 0;
    if (deviceWait > 0) return rate('device', deviceWait);
    const tenantWait = this.#samples.waitMs(samples, now);
    if (tenantWait > 0) return rate('tenant', tenantWait);
    if (request.sketch === undefined) return undefined;
    const all = joined(use);
    if (!joinSketch(all, request.sketch)) return undefined;
    const active = estimateSketch(all);
    const known = use?.active ?? 0;
    if (device.maxActiveSeries > 0 && active > device.maxActiveSeries) return series('device');
    if (tenant.maxActiveSeries > 0 && this.#active - known + active > tenant.maxActiveSeries) return series('tenant');
    return undefined;
  }

  /** It is going to be stored. */
  charge(request: Pick<CommitRequest, 'device' | 'fragments' | 'sketch'>): void {
    const now = this.#now();
    const samples = samplesOf(request);
    if (samples === 0) return;
    const use = this.#devices.get(request.device) ?? this.#newDevice(request.device, now);
    use.samples.take(samples, now);
    this.#samples.take(samples, now);
    if (request.sketch === undefined) return;
    use.current ??= new Uint8Array(SKETCH_BYTES);
    if (joinSketch(use.current, request.sketch)) this.#estimate(use);
  }

  #newDevice(device: string, now: number): DeviceUse {
    const use = { samples: bucketOf(this.#limits.device, now), current: undefined, before: undefined, active: 0 };
    this.#devices.set(device, use);
    return use;
  }

  #estimate(use: DeviceUse): void {
    this.#active -= use.active;
    use.active = use.current === undefined && use.before === undefined ? 0 : estimateSketch(joined(use));
    this.#active += use.active;
  }

  /** Begins a new window when it is time; forgets devices that have sent nothing for two. */
  #rotate(): void {
    const window = windowOf(this.#now());
    if (window === this.#window) return;
    const next = window === this.#window + 1;
    this.#window = window;
    for (const [device, use] of this.#devices) {
      use.before = next ? use.current : undefined;
      use.current = undefined;
      this.#estimate(use);
      if (use.before === undefined && use.samples.waitMs(Number.POSITIVE_INFINITY, this.#now()) === 0) this.#devices.delete(device);
    }
  }
}

const windowOf = (ms: number): number => Math.floor(ms / ACTIVE_WINDOW_MS);
const bucketOf = ({ ingestionRate, ingestionBurstSize }: UsageLimits, now: number): TokenBucket =>
  new TokenBucket(ingestionRate, ingestionBurstSize, now);

function joined(use: DeviceUse | undefined): Uint8Array {
  const all = new Uint8Array(SKETCH_BYTES);
  if (use?.current !== undefined) joinSketch(all, use.current);
  if (use?.before !== undefined) joinSketch(all, use.before);
  return all;
}

const samplesOf = ({ fragments }: Pick<CommitRequest, 'fragments'>): number => fragments.reduce((sum, { samples }) => sum + samples, 0);

const block = (owner: 'tenant' | 'device'): string => (owner === 'tenant' ? 'limits' : 'device_limits');
const rate = (owner: 'tenant' | 'device', waitMs: number): Limited => ({
  limit: `${owner}_ingestion_rate`,
  key: `${block(owner)}.ingestion_rate`,
  retryAfterMs: Math.min(MAX_RETRY_MS, waitMs),
});
const series = (owner: 'tenant' | 'device'): Limited => ({
  limit: `${owner}_active_series`,
  key: `${block(owner)}.max_active_series`,
  retryAfterMs: SERIES_RETRY_MS,
});
