import { wireLimits } from '../../contract/limits.ts';
import { defaultReceiver, defaultTenant } from '../../functions/config/defaults.ts';
import type { ReceiverConfig, RelayConfig, TenantConfig } from '../../functions/config/types.ts';

export const tenantWithoutRules: TenantConfig = { ...defaultTenant, minPushIntervalMs: 0 };

export const testReceiver: ReceiverConfig = {
  ...defaultReceiver,
  name: 'test',
  url: 'http://127.0.0.1:1/api/v1/write',
  kind: 'prometheus',
  remoteTimeoutMs: 1000,
};

export const withReceiver = (config: RelayConfig, receiver: Partial<ReceiverConfig>): RelayConfig => ({
  ...config,
  receivers: [{ ...testReceiver, ...receiver }],
});

/** A configuration as small as it can be: one tenant `acme`, no rules. */
export const relayConfig: RelayConfig = {
  receivers: [testReceiver],
  routes: [{ tenants: '*', receivers: ['test'] }],
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
  log: { samplingFraction: 0, repeatIntervalMs: 60_000 },
  tenants: { acme: tenantWithoutRules },
};
