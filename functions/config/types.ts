/** `relay.yml` after defaults and validation. Durations are ms, sizes bytes. */
import type { Labels } from '../../contract/labels.ts';
import type { WireLimits } from '../../contract/limits.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';

export interface RelayConfig {
  /** At least one, each with a name of its own. */
  readonly receivers: readonly ReceiverConfig[];
  /** The first that takes a tenant counts. Every configured tenant has one. */
  readonly routes: readonly RouteConfig[];
  /** The label that carries the device's name. Set before the rules, restored after them. */
  readonly identityLabel: string;
  readonly shard: ShardConfig;
  readonly limits: WireLimits & {
    /** Samples may lie this far ahead of the edge's clock. */
    readonly futureMs: number;
  };
  readonly log: LogConfig;
  /** By tenant name; `*` stands for every tenant not named. */
  readonly tenants: Readonly<Record<string, TenantConfig>>;
}

export interface RouteConfig {
  /** `*`: all that no earlier route takes. */
  readonly tenants: readonly string[] | '*';
  /** Names. */
  readonly receivers: readonly string[];
}

/** What the receivers of a tenant have in common, since one stored copy is made for all of them. */
export interface Outgoing {
  /** Name of the one whose clock counts. */
  readonly receiver: string;
  readonly sendExemplars: boolean;
  readonly sendMetadata: boolean;
  /** Samples of a fragment at most. */
  readonly maxSamplesPerSend: number;
  /** The least of them. */
  readonly outOfOrderTimeWindowMs: number;
}

/** A secret of the Worker, by its name. */
export interface SecretName {
  readonly env: string;
}
export type ReceiverAuthorization =
  | { readonly kind: 'basic'; readonly username: string | SecretName; readonly password: SecretName }
  /** `Authorization: <type> <credentials>`. */
  | { readonly kind: 'token'; readonly type: string; readonly credentials: SecretName };

export interface LogConfig {
  /** Of all requests so many have a line in the log, whatever became of them; 0 to 1. */
  readonly samplingFraction: number;
  /** An isolate repeats a line of the same message no more often. */
  readonly repeatIntervalMs: number;
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
  readonly headers: readonly { readonly name: string; readonly value: string | SecretName }[];
  readonly authorization: ReceiverAuthorization | undefined;
  /** Name of the Worker's binding whose `fetch` is used, such as a client certificate's or a private network's; empty: the global one. */
  readonly binding: string;
  /** While the buffer is full: devices wait for this receiver, or it loses the oldest that it did not get. */
  readonly onFull: 'block' | 'drop_oldest';
  readonly queue: {
    /** Samples of a POST at most. */
    readonly maxSamplesPerSend: number;
    /** How long a POST that could hold more waits for it, from the commit of its oldest samples on. 0: not at all. */
    readonly batchSendDeadlineMs: number;
    /** Fragments whose newest sample is older are not sent any more. 0: never. */
    readonly sampleAgeLimitMs: number;
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
  /** Devices leave out of their pushes what the rules drop anyway. */
  readonly dropPushDown: boolean;
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
  /** Pages that may read the answers to what they send with this tenant's tokens. */
  readonly corsOrigins: readonly string[];
  /** Renewal of tokens that name origins; undefined: none. `maxAgeMs` since the first was issued. */
  readonly browserTokens: { readonly lifetimeMs: number; readonly maxAgeMs: number } | undefined;
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
