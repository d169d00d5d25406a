import type { WireLimits } from '../../contract/limits.ts';
import { wireLimits } from '../../contract/limits.ts';
import { isOrigin } from '../../contract/origin.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';
import {
  bool,
  type Decoded,
  type Decoder,
  duration,
  expected,
  int,
  list,
  nonEmptyString,
  object,
  optional,
  placeOf,
  refine,
  size,
  withDefault,
} from '../../contract/yaml/decode.ts';
import { isNothing } from '../../contract/yaml/document.ts';
import { labelName, labels, relabelConfigs } from '../../contract/yaml/relabel-config.ts';
import { defaultBrowserTokens, defaultTenant } from './defaults.ts';
import type { TenantConfig, UsageLimits } from './types.ts';

/** Fields of {@link UsageLimits}; 0 takes a limit away. */
const usageFields = (defaults: UsageLimits) => ({
  ingestion_rate: withDefault(int(0), defaults.ingestionRate),
  ingestion_burst_size: withDefault(int(0), defaults.ingestionBurstSize),
  max_active_series: withDefault(int(0), defaults.maxActiveSeries),
  table_rows_per_day: withDefault(int(0), defaults.tableRowsPerDay),
  table_size_per_day: withDefault(size(), defaults.tableBytesPerDay),
});
const usage = (raw: Decoded<ReturnType<typeof usageFields>>): UsageLimits => ({
  ingestionRate: raw.ingestion_rate,
  ingestionBurstSize: raw.ingestion_burst_size,
  maxActiveSeries: raw.max_active_series,
  tableRowsPerDay: raw.table_rows_per_day,
  tableBytesPerDay: raw.table_size_per_day,
});

/** Keys of `limits` at the top of the file that a tenant may have lower. */
const wireFields = {
  push_size_limit: optional(size(1, wireLimits.pushBytes)),
  push_inflated_size_limit: optional(size(1, wireLimits.pushInflatedBytes)),
  table_size_limit: optional(size(1, wireLimits.tableBytes)),
  table_row_limit: optional(int(1, wireLimits.tableRows)),
  label_limit: optional(int(1, wireLimits.labelsPerSeries)),
  label_name_length_limit: optional(int(1, wireLimits.labelNameBytes)),
  label_value_length_limit: optional(int(1, wireLimits.labelValueBytes)),
};
function wire(raw: Decoded<typeof wireFields>): Partial<WireLimits> {
  const lowered: Record<string, number | undefined> = {
    pushBytes: raw.push_size_limit,
    pushInflatedBytes: raw.push_inflated_size_limit,
    tableBytes: raw.table_size_limit,
    tableRows: raw.table_row_limit,
    labelsPerSeries: raw.label_limit,
    labelNameBytes: raw.label_name_length_limit,
    labelValueBytes: raw.label_value_length_limit,
  };
  return Object.fromEntries(Object.entries(lowered).filter(([, value]) => value !== undefined));
}

const limits: Decoder<TenantConfig['limits']> = refine(
  object({ ...usageFields(defaultTenant.limits), max_buffer_size: optional(size(1024 ** 2)), ...wireFields }),
  (raw) => ({ ...usage(raw), maxBufferBytes: raw.max_buffer_size, wire: wire(raw) }),
);

const deviceLimits: Decoder<TenantConfig['deviceLimits']> = refine(
  object({ ...usageFields(defaultTenant.deviceLimits), max_offences: withDefault(int(0), defaultTenant.deviceLimits.maxOffences) }),
  (raw) => ({ ...usage(raw), maxOffences: raw.max_offences }),
);

const deviceName: Decoder<string> = refine(nonEmptyString, (name, place) =>
  /^[\w-]{1,64}$/.test(name) ? name : expected(place, 'the name of a device: 1 to 64 letters, digits, _ and -', JSON.stringify(name)),
);

/** RFC 3339 with a zone: a time without one would mean another moment on each machine. Returns ms since 1970. */
const time: Decoder<number> = refine(nonEmptyString, (text, place) => {
  const ms = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? expected(place, 'a time such as 2026-01-31T12:00:00Z', JSON.stringify(text)) : ms;
});

const origin: Decoder<string> = refine(nonEmptyString, (text, place) =>
  isOrigin(text)
    ? text
    : expected(place, 'an origin as browsers send it, such as https://kiosk.example.com (no path, no pattern)', JSON.stringify(text)),
);

const browserTokens: Decoder<TenantConfig['browserTokens']> = refine(
  object({
    lifetime: withDefault(duration(60_000, 7 * 86_400_000), defaultBrowserTokens.lifetimeMs),
    max_age: withDefault(duration(60_000, 10 * 365 * 86_400_000), defaultBrowserTokens.maxAgeMs),
  }),
  (raw, place) =>
    raw.max_age < raw.lifetime
      ? expected(placeOf(place, 'max_age'), `at least the lifetime, ${raw.lifetime / 1000}s`, `${raw.max_age / 1000}s`)
      : { lifetimeMs: raw.lifetime, maxAgeMs: raw.max_age },
);

const tenant: Decoder<TenantConfig> = refine(
  object({
    external_labels: withDefault(labels, defaultTenant.externalLabels),
    write_relabel_configs: withDefault<readonly RelabelConfig[]>(relabelConfigs, defaultTenant.writeRelabelConfigs),
    reserved_labels: withDefault<readonly string[]>(list(labelName), defaultTenant.reservedLabels),
    min_push_interval: withDefault(duration(), defaultTenant.minPushIntervalMs),
    drop_push_down: withDefault(bool, defaultTenant.dropPushDown),
    limits: withDefault(limits, defaultTenant.limits),
    device_limits: withDefault(deviceLimits, defaultTenant.deviceLimits),
    revoked_devices: withDefault<readonly string[]>(list(deviceName), defaultTenant.revokedDevices),
    tokens_not_before: optional(time),
    cors_origins: withDefault<readonly string[]>(list(origin), defaultTenant.corsOrigins),
    browser_tokens: optional(browserTokens),
  }),
  (raw) => ({
    externalLabels: raw.external_labels,
    writeRelabelConfigs: raw.write_relabel_configs,
    reservedLabels: raw.reserved_labels,
    minPushIntervalMs: raw.min_push_interval,
    dropPushDown: raw.drop_push_down,
    limits: raw.limits,
    deviceLimits: raw.device_limits,
    revokedDevices: raw.revoked_devices,
    tokensNotBeforeMs: raw.tokens_not_before,
    corsOrigins: raw.cors_origins,
    browserTokens: raw.browser_tokens,
  }),
);

/** An entry of `tenants`. One that is named without any setting has the defaults. */
export const tenantDecoder: Decoder<TenantConfig> = (place) => (isNothing(place.node) ? defaultTenant : tenant(place));
