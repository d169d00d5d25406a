import { wireLimits } from '../../contract/limits.ts';
import type { LogConfig, ReceiverConfig, RelayConfig, ShardConfig, TenantConfig } from './types.ts';

/** What a key of `relay.yml` that is not given means. Durations are ms, sizes bytes. */

const DAY = 86_400_000;

export const defaultReceiver: Omit<ReceiverConfig, 'name' | 'url' | 'kind'> = {
  tenantHeader: '',
  outOfOrderTimeWindowMs: 0,
  remoteTimeoutMs: 30_000,
  // Unlike Prometheus: what the devices took the trouble to send should not vanish without being asked to.
  sendExemplars: true,
  sendMetadata: true,
  headers: [],
  authorization: undefined,
  binding: '',
  onFull: 'block',
  queue: {
    // Prometheus' 2000 is for many shards of one sender. A POST here joins many devices, and 4 MiB bound it: one lane with a
    // round trip of 200 ms so sends 200,000 samples/s.
    maxSamplesPerSend: 50_000,
    // What is committed is a second old and has many devices in it already.
    batchSendDeadlineMs: 0,
    sampleAgeLimitMs: 0,
    minBackoffMs: 30,
    // Prometheus' 5 s is for one sender. Here every tenant is one, and a receiver that comes back meets all of them.
    maxBackoffMs: 30_000,
  },
};

export const defaultShard: Omit<ShardConfig, 'lanes'> = {
  generation: 1,
  shards: 1,
  // One object a second and shard is what the edge's price is reckoned with.
  commitIntervalMs: 1000,
  maxBufferBytes: 10 * 1024 ** 3,
  deadLetterRetentionMs: 30 * DAY,
};
/** Where late samples are taken; else there can be one only. */
export const DEFAULT_LANES_WITH_WINDOW = 4;

export const DEFAULT_IDENTITY_LABEL = 'device_id';

export const defaultLimits: RelayConfig['limits'] = {
  ...wireLimits,
  // What Prometheus grants a scraped timestamp.
  futureMs: 600_000,
};

export const defaultLog: LogConfig = {
  // A thousand devices that push each 15 s have a line in 15 s.
  samplingFraction: 0.001,
  repeatIntervalMs: 60_000,
};

export const defaultTenant: TenantConfig = {
  externalLabels: [],
  writeRelabelConfigs: [],
  reservedLabels: [],
  minPushIntervalMs: 1000,
  dropPushDown: true,
  // Far above what a tenant of many shards brings; there so that no bug of one is everybody's bill.
  limits: {
    ingestionRate: 2_000_000,
    ingestionBurstSize: 200_000_000,
    maxActiveSeries: 10_000_000,
    tableRowsPerDay: 100_000_000,
    tableBytesPerDay: 10 * 1024 ** 3,
    maxBufferBytes: undefined,
    wire: {},
  },
  // A large Prometheus is a device, too. The burst is a day of a device with 1000 series, four times a minute.
  deviceLimits: {
    ingestionRate: 100_000,
    ingestionBurstSize: 10_000_000,
    maxActiveSeries: 500_000,
    tableRowsPerDay: 10_000_000,
    tableBytesPerDay: 1024 ** 3,
    maxOffences: 10,
  },
  revokedDevices: [],
  tokensNotBeforeMs: undefined,
  corsOrigins: [],
  browserTokens: undefined,
};
/** Where `browser_tokens` is there at all. */
export const defaultBrowserTokens = { lifetimeMs: 3_600_000, maxAgeMs: 30 * DAY };
