import { wireLimits } from '../../contract/limits.ts';
import { defaultTenant } from '../../functions/config/defaults.ts';
import type { RelayConfig, TenantConfig } from '../../functions/config/types.ts';

export const tenantWithoutRules: TenantConfig = { ...defaultTenant, minPushIntervalMs: 0 };

/** A configuration as small as it can be: one tenant `acme`, no rules. */
export const relayConfig: RelayConfig = {
  receiver: {
    name: 'test',
    url: 'http://127.0.0.1:1/api/v1/write',
    kind: 'prometheus',
    tenantHeader: '',
    sendExemplars: true,
    sendMetadata: true,
    outOfOrderTimeWindowMs: 0,
    remoteTimeoutMs: 1000,
    headers: [],
    queue: { maxSamplesPerSend: 2000, minBackoffMs: 30, maxBackoffMs: 5000 },
  },
  identityLabel: 'device',
  shard: {
    generation: 1,
    shards: 4,
    lanes: 4,
    commitIntervalMs: 10,
    maxBufferBytes: 1_000_000,
    deadLetterRetentionMs: 86_400_000,
  },
  limits: { ...wireLimits, futureMs: 60_000 },
  tenants: { acme: tenantWithoutRules },
};
