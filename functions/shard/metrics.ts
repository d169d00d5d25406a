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
  readonly receiverOffsetMs: number | undefined;
}

const series = (name: string, label: string, ...values: readonly string[]): readonly string[] =>
  values.map((value) => `${name}{${label}="${value}"}`);

/** There at 0 from the start: a counter that comes into being at 1 has not increased, and its alert would miss the first event. */
const FROM_THE_START: readonly string[] = [
  'relay_lost_samples_total',
  ...series('relay_dead_letters_total', 'reason', 'refused', 'partly_refused', 'repeat_refused', 'too_large', 'malformed'),
  ...series('relay_shard_busy_total', 'reason', 'memory', 'buffer', 'commit'),
  ...series('relay_commit_failures_total', 'outcome', 'exists', 'unknown', 'timeout'),
  ...series('relay_positions_skipped_total', 'reason', 'unknown', 'evicted', 'set_aside', 'damaged'),
];

/** Counters and gauges of one shard; docs/metrics.md says what each means. */
export function shardValues(state: ShardState): Record<string, number> {
  const { backlog, now, troubles } = state;
  const values: Record<string, number> = Object.fromEntries(FROM_THE_START.map((name) => [name, 0]));
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
  if (state.receiverOffsetMs !== undefined) values['relay_clock_offset_seconds'] = state.receiverOffsetMs / 1000;
  return values;
}
