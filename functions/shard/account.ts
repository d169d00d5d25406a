import type { AccountRequest, AccountResult } from '../model.ts';
import type { Counters, Totals } from './counters.ts';
import type { Limited, Limits } from './limits.ts';
import type { TableQuota } from './table-quota.ts';

export const LIMITS_FROM_THE_START: Totals = Object.fromEntries(
  [
    'device_offences',
    ...['tenant', 'device'].flatMap((owner) =>
      ['ingestion_rate', 'active_series', 'table_rows', 'table_bytes'].map((what) => `${owner}_${what}`),
    ),
  ].map((limit) => [`relay_limited_total{limit="${limit}"}`, 0]),
);

export const limitGauges = (limits: Limits): Totals =>
  Object.fromEntries([
    ['relay_active_series', limits.activeSeries],
    ['relay_devices_refused', limits.offences.refused],
  ]);

export interface AccountDeps {
  readonly limits: Limits;
  readonly tables: TableQuota;
  readonly counters: Counters;
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Counts what a device does beside its pushes, and says whether it may. Throws where SQLite does. */
export function account({ device, table, offence }: AccountRequest, deps: AccountDeps): AccountResult {
  const { limits, tables, counters } = deps;
  if (offence !== undefined) noteOffence(device, offence, deps);
  const refusedMs = limits.offences.refusedMs(device);
  const limited: Limited | undefined =
    refusedMs > 0
      ? { limit: 'device_offences', key: 'device_limits.max_offences', retryAfterMs: refusedMs }
      : table && tables.take(device, table);
  if (limited === undefined) return { kind: 'ok' };
  // What is only reported was refused for itself already.
  if (table !== undefined) counters.add(`relay_limited_total{limit="${limited.limit}"}`);
  return busyBy(limited);
}

export function noteOffence(device: string, reason: string, { limits, counters, log }: Omit<AccountDeps, 'tables'>): void {
  if (!limits.offences.add(device, reason)) return;
  counters.add('relay_device_refusals_total');
  log('a device is refused for a while: its pushes are malformed or refused by a receiver, again and again', { device, reason });
}

export const busyBy = ({ limit, key, retryAfterMs }: Limited) =>
  ({ kind: 'busy', limit, retryAfterMs, reason: `over ${key} of the tenant's configuration` }) as const;
