import { addTotals, type Totals } from './counters.ts';
import type { LaneTrouble } from './lane.ts';
import type { Backlog } from './ledger.ts';

export interface ShardState {
  readonly totals: readonly Totals[];
  readonly backlog: Backlog;
  readonly now: number;
  readonly troubles: readonly LaneTrouble[];
  readonly devices: number;
  readonly activeLogs: number;
  readonly devicesWithSeveral: number;
  readonly forgottenLogs: number;
  readonly memoryBytes: number;
}

/** Counters and gauges of one shard; SCHEMA.md says what each means. */
export function shardValues(state: ShardState): Record<string, number> {
  const { backlog, now, troubles } = state;
  const values: Record<string, number> = {};
  for (const totals of state.totals) addTotals(values, totals);
  values['relay_buffer_bytes'] = backlog.bytes;
  values['relay_buffer_objects'] = backlog.objects;
  values['relay_buffer_oldest_age_seconds'] = backlog.oldestMs === undefined ? 0 : Math.max(0, now - backlog.oldestMs) / 1000;
  for (const kind of ['retrying', 'stopped', 'refused'] as const) {
    values[`relay_lanes_in_trouble{kind="${kind}"}`] = troubles.filter((trouble) => trouble.kind === kind).length;
  }
  values['relay_devices'] = state.devices;
  values['relay_device_logs_active'] = state.activeLogs;
  values['relay_devices_with_several_logs'] = state.devicesWithSeveral;
  values['relay_device_logs_forgotten'] = state.forgottenLogs;
  values['relay_isolate_budget_bytes'] = state.memoryBytes;
  return values;
}
