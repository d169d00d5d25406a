/** `relay.yml` after defaults and validation. Durations are ms, sizes bytes. */
import type { Labels } from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';

export interface RelayConfig {
  readonly receiver: ReceiverConfig;
  /** The label that carries the device's name. Set before the rules, restored after them. */
  readonly identityLabel: string;
  readonly shard: ShardConfig;
  readonly limits: WireLimits & {
    /** Samples may lie this far ahead of the edge's clock. */
    readonly futureMs: number;
  };
  /** By tenant name; `*` stands for every tenant not named. */
  readonly tenants: Readonly<Record<string, TenantConfig>>;
}

export type ReceiverKind = 'thanos' | 'prometheus' | 'mimir' | 'victoriametrics';
export interface ReceiverConfig {
  readonly name: string;
  readonly url: string;
  readonly kind: ReceiverKind;
  /** Header that tells the tenant, e.g. THANOS-TENANT; empty: none is sent. */
  readonly tenantHeader: string;
  /** 0: the receiver refuses late samples, so one shard and one lane per tenant keep the order. */
  readonly outOfOrderTimeWindowMs: number;
  readonly remoteTimeoutMs: number;
  /** Whether exemplars go along with their samples. */
  readonly sendExemplars: boolean;
  /** Whether types, help texts and units of metric families are sent. */
  readonly sendMetadata: boolean;
  /** Extra headers; `{ env: NAME }` takes the value from a secret. */
  readonly headers: readonly { readonly name: string; readonly value: string | { readonly env: string } }[];
  readonly queue: {
    readonly maxSamplesPerSend: number;
    readonly minBackoffMs: number;
    readonly maxBackoffMs: number;
  };
}

export interface ShardConfig {
  /** Bumped when shards or lanes change. */
  readonly generation: number;
  readonly shards: number;
  readonly lanes: number;
  readonly commitIntervalMs: number;
  /** Stored and not yet forwarded, per shard; over it devices are told to wait. */
  readonly maxBufferBytes: number;
  /** How long dead letters are kept. */
  readonly deadLetterRetentionMs: number;
}

export interface TenantConfig {
  readonly externalLabels: Labels;
  readonly writeRelabelConfigs: readonly RelabelConfig[];
  /** Label names stripped from device data, e.g. one from which Thanos takes the tenant. */
  readonly reservedLabels: readonly string[];
  readonly minPushIntervalMs: number;
  /** Of all its devices together; usage and buffer are shared out evenly to its shards. */
  readonly limits: UsageLimits & {
    /** Stored and not yet forwarded; undefined: shard.max_buffer_size for each shard. */
    readonly maxBufferBytes: number | undefined;
    /** Lowered for this tenant. */
    readonly wire: Partial<WireLimits>;
  };
  /** Of each of its devices. */
  readonly deviceLimits: UsageLimits & {
    /** Refused pushes within ten minutes that make a device be refused for a while. 0: any number. */
    readonly maxOffences: number;
  };
  /** Devices whose tokens are not taken any more. */
  readonly revokedDevices: readonly string[];
  /** Tokens issued before are not taken, nor those that do not say when. Ms since 1970; undefined: all are. */
  readonly tokensNotBeforeMs: number | undefined;
}

/** What is counted in shards over time. 0: no limit. */
export interface UsageLimits {
  /** Samples a second, in the long run. */
  readonly ingestionRate: number;
  /** Samples that may come at once after a quiet time. */
  readonly ingestionBurstSize: number;
  readonly maxActiveSeries: number;
  /** New series tables. */
  readonly tableRowsPerDay: number;
  readonly tableBytesPerDay: number;
}
