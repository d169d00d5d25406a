import { wireLimits } from '../../contract/limits.ts';
import type { Result } from '../../contract/result.ts';
import {
  type Decoder,
  decodeYaml,
  duration,
  expected,
  FAILED,
  type Failed,
  fail,
  int,
  mapOf,
  object,
  optional,
  type Place,
  placeOf,
  refine,
  required,
  size,
  withDefault,
} from '../../contract/yaml/decode.ts';
import type { ConfigError } from '../../contract/yaml/errors.ts';
import { labelName } from '../../contract/yaml/relabel-config.ts';
import { DEFAULT_IDENTITY_LABEL, DEFAULT_LANES_WITH_WINDOW, defaultLimits, defaultLog, defaultShard } from './defaults.ts';
import { logConfig } from './log.ts';
import { checkRoutes, receivers, routes } from './route-config.ts';
import { tenantDecoder } from './tenant.ts';
import type { RelayConfig, ShardConfig, TenantConfig } from './types.ts';

export { type ConfigError, formatConfigErrors } from '../../contract/yaml/errors.ts';

/** Reads `relay.yml` (docs/configuration.md). */
export const parseRelayConfig = (text: string, file: string): Result<RelayConfig, readonly ConfigError[]> =>
  decodeYaml(text, file, relayConfig);

/** The settings of a tenant: its own, or those of `*`; undefined where neither is configured, which refuses the tenant. */
export function tenantConfig({ tenants }: RelayConfig, tenant: string): TenantConfig | undefined {
  return Object.hasOwn(tenants, tenant) ? tenants[tenant] : tenants['*'];
}

const shardFields = {
  generation: withDefault(int(1), defaultShard.generation),
  shards: withDefault(int(1, 1024), defaultShard.shards),
  lanes: optional(int(1, 64)),
  // Longer, and pushes would run into the device's timeout.
  commit_interval: withDefault(duration(10, 10_000), defaultShard.commitIntervalMs),
  max_buffer_size: withDefault(size(1024 ** 2), defaultShard.maxBufferBytes),
  dead_letter_retention: withDefault(duration(3_600_000, 10 * 365 * 86_400_000), defaultShard.deadLetterRetentionMs),
};
/** Lanes depend on the receiver, where they are not given. */
type RawShard = Omit<ShardConfig, 'lanes'> & { readonly lanes: number | undefined };
const rawShard: Decoder<RawShard> = refine(object(shardFields), (raw) => ({
  generation: raw.generation,
  shards: raw.shards,
  lanes: raw.lanes,
  commitIntervalMs: raw.commit_interval,
  maxBufferBytes: raw.max_buffer_size,
  deadLetterRetentionMs: raw.dead_letter_retention,
}));

// At most the contract's own: devices build what fits those, and the edge's memory is reckoned with them.
const limits: Decoder<RelayConfig['limits']> = refine(
  object({
    push_size_limit: withDefault(size(1, wireLimits.pushBytes), wireLimits.pushBytes),
    push_inflated_size_limit: withDefault(size(1, wireLimits.pushInflatedBytes), wireLimits.pushInflatedBytes),
    table_size_limit: withDefault(size(1, wireLimits.tableBytes), wireLimits.tableBytes),
    table_row_limit: withDefault(int(1, wireLimits.tableRows), wireLimits.tableRows),
    label_limit: withDefault(int(1, wireLimits.labelsPerSeries), wireLimits.labelsPerSeries),
    label_name_length_limit: withDefault(int(1, wireLimits.labelNameBytes), wireLimits.labelNameBytes),
    label_value_length_limit: withDefault(int(1, wireLimits.labelValueBytes), wireLimits.labelValueBytes),
    target_limit: withDefault(int(1, wireLimits.targetsPerPush), wireLimits.targetsPerPush),
    scrape_limit: withDefault(int(1, wireLimits.scrapesPerTarget), wireLimits.scrapesPerTarget),
    cell_limit: withDefault(int(1, wireLimits.cellsPerPush), wireLimits.cellsPerPush),
    too_far_in_future_time_window: withDefault(duration(1000, 86_400_000), defaultLimits.futureMs),
  }),
  (raw) => ({
    pushBytes: raw.push_size_limit,
    pushInflatedBytes: raw.push_inflated_size_limit,
    tableBytes: raw.table_size_limit,
    tableRows: raw.table_row_limit,
    labelsPerSeries: raw.label_limit,
    labelNameBytes: raw.label_name_length_limit,
    labelValueBytes: raw.label_value_length_limit,
    targetsPerPush: raw.target_limit,
    scrapesPerTarget: raw.scrape_limit,
    cellsPerPush: raw.cell_limit,
    futureMs: raw.too_far_in_future_time_window,
  }),
);

const tenants: Decoder<RelayConfig['tenants']> = refine(mapOf(tenantDecoder), (entries, place) => {
  if (entries.length === 0) return expected(place, 'at least one tenant, or "*" for all', 'none');
  const bad = entries.find(([name]) => name !== '*' && !/^[\w-]{1,64}$/.test(name));
  if (bad !== undefined) return fail(placeOf(place, bad[0]), 'expected "*" or a tenant name of 1 to 64 letters, digits, _ and -');
  return Object.fromEntries(entries);
});

const relayConfig: Decoder<RelayConfig> = refine(
  object({
    receivers: required(receivers),
    routes: optional(routes),
    identity_label: withDefault(labelName, DEFAULT_IDENTITY_LABEL),
    shard: withDefault<RawShard>(rawShard, { ...defaultShard, lanes: undefined }),
    limits: withDefault(limits, defaultLimits),
    log: withDefault(logConfig, defaultLog),
    tenants: required(tenants),
  }),
  (raw, place) => {
    const checked = checkRoutes(raw.routes, raw.receivers, Object.keys(raw.tenants), place);
    const shard =
      checked === FAILED ? FAILED : checkOrder(raw.shard, { receivers: raw.receivers, routes: checked }, placeOf(place, 'shard'));
    const identity = checkIdentity(raw.identity_label, raw.tenants, place);
    if (checked === FAILED || shard === FAILED || identity === FAILED) return FAILED;
    return {
      receivers: raw.receivers,
      routes: checked,
      identityLabel: identity,
      shard,
      limits: raw.limits,
      log: raw.log,
      tenants: raw.tenants,
    };
  },
);

/**
 * Prometheus and Thanos refuse samples that are older than the tenant's newest by more than an hour. Shards and lanes that
 * drain at different speeds would run into that, and what is refused is lost. Tenants whose route has such a receiver have one
 * of each; where every route has one, more are a mistake.
 */
function checkOrder(
  shard: RawShard,
  { receivers: all, routes: given }: Pick<RelayConfig, 'receivers' | 'routes'>,
  place: Place,
): ShardConfig | Failed {
  const ordered = new Set(all.filter(({ outOfOrderTimeWindowMs }) => outOfOrderTimeWindowMs === 0).map(({ name }) => name));
  const strict = given.map((route) => route.receivers.find((name) => ordered.has(name)));
  if (strict.includes(undefined)) return { ...shard, lanes: shard.lanes ?? DEFAULT_LANES_WITH_WINDOW };
  const reason = `would lose data: receiver ${strict[0]} takes no late samples (out_of_order_time_window is 0s), so expected 1`;
  const lanes = shard.lanes ?? 1;
  const problems = (['shards', 'lanes'] as const).filter((key) => ({ shards: shard.shards, lanes })[key] > 1);
  for (const key of problems) fail(placeOf(place, key), `${reason}, got ${key === 'shards' ? shard.shards : lanes}`);
  return problems.length === 0 ? { ...shard, lanes } : FAILED;
}

/** The label with the device's name comes from its token; nothing else may claim to set it. */
function checkIdentity(label: string, byName: RelayConfig['tenants'], place: Place): string | Failed {
  if (label === '__name__') return fail(placeOf(place, 'identity_label'), 'expected a label other than __name__, which is the metric');
  for (const [name, { externalLabels, reservedLabels }] of Object.entries(byName)) {
    const at = placeOf(placeOf(place, 'tenants'), name);
    if (externalLabels.some(([external]) => external === label)) {
      return fail(
        placeOf(placeOf(at, 'external_labels'), label),
        'this is the identity_label, which is set from the token; remove it here',
      );
    }
    if (reservedLabels.includes(label)) {
      return fail(placeOf(at, 'reserved_labels'), `expected labels other than the identity_label, got ${JSON.stringify(label)}`);
    }
  }
  return label;
}
