import { COMMIT_DURATION, expandHistograms } from '../histogram.ts';
import { addTotals, type Totals } from './counters.ts';
import type { LaneTrouble } from './lane-options.ts';
import type { Backlog } from './ledger.ts';

export interface ShardState {
  /** Of the commit side. */
  readonly totals: Totals;
  /** Of the slowest receiver. */
  readonly backlog: Backlog;
  readonly now: number;
  readonly drains: readonly DrainState[];
  /** By receiver that is gone from the configuration. */
  readonly formerTotals: ReadonlyMap<string, Totals>;
  readonly devices: number;
  readonly activeLogs: number;
  readonly devicesWithSeveral: number;
  readonly forgottenLogs: number;
  readonly memoryBytes: number;
  /** It takes nothing more: a newer generation does. */
  readonly closed: boolean;
  /** Shards of earlier generations that must be drained first. */
  readonly waitsFor: number;
}
export interface DrainState {
  readonly receiver: string;
  readonly totals: Totals;
  readonly backlog: Backlog;
  readonly troubles: readonly LaneTrouble[];
  readonly clockOffsetMs: number | undefined;
}

const series = (name: string, label: string, ...values: readonly string[]): readonly string[] =>
  values.map((value) => `${name}{${label}="${value}"}`);

/** There at 0 from the start: a counter that comes into being at 1 has not increased, and its alert would miss the first event. */
const FROM_THE_START: readonly string[] = [
  ...series('relay_shard_busy_total', 'reason', 'memory', 'buffer', 'commit', 'handover'),
  ...series('relay_commit_failures_total', 'outcome', 'exists', 'unknown', 'timeout'),
  ...series('relay_positions_skipped_total', 'reason', 'unknown', 'evicted', 'set_aside', 'damaged'),
];
/** The same of each receiver. */
const DRAIN_FROM_THE_START: Totals = Object.fromEntries(
  [
    'relay_lost_samples_total',
    ...series('relay_dead_letters_total', 'reason', 'refused', 'partly_refused', 'repeat_refused', 'too_large', 'malformed'),
    ...series('relay_dropped_samples_total', 'reason', 'buffer_full', 'too_old', 'receiver_removed'),
  ].map((name) => [name, 0]),
);
/** At 0 from the start as well. The times of a receiver come with its first answer. */
const HISTOGRAMS: readonly string[] = [COMMIT_DURATION];

/** Counters and gauges of one shard; docs/metrics.md says what each means. */
export function shardValues(state: ShardState): Record<string, number> {
  const { backlog, now } = state;
  const values: Record<string, number> = Object.fromEntries(FROM_THE_START.map((name) => [name, 0]));
  addTotals(values, state.totals);
  for (const [receiver, totals] of state.formerTotals) addTotals(values, ofReceiver(receiver, totals));
  for (const drain of state.drains) addTotals(values, ofReceiver(drain.receiver, drainValues(drain, now)));
  values['relay_buffer_bytes'] = backlog.bytes;
  values['relay_buffer_objects'] = backlog.objects;
  values['relay_buffer_oldest_age_seconds'] = ageSeconds(backlog, now);
  values['relay_devices'] = state.devices;
  values['relay_device_logs_active'] = state.activeLogs;
  values['relay_devices_with_several_logs'] = state.devicesWithSeveral;
  values['relay_device_logs_forgotten'] = state.forgottenLogs;
  values['relay_isolate_budget_bytes'] = state.memoryBytes;
  values['relay_shard_closed'] = state.closed ? 1 : 0;
  values['relay_shard_waits_for_shards'] = state.waitsFor;
  return expandHistograms(values, HISTOGRAMS);
}

function drainValues({ totals, backlog, troubles, clockOffsetMs }: DrainState, now: number): Totals {
  const values: Record<string, number> = { ...DRAIN_FROM_THE_START };
  addTotals(values, totals);
  values['relay_receiver_backlog_bytes'] = backlog.bytes;
  values['relay_receiver_oldest_age_seconds'] = ageSeconds(backlog, now);
  for (const kind of ['retrying', 'stopped', 'refused'] as const) {
    values[`relay_lanes_in_trouble{kind="${kind}"}`] = troubles.filter((trouble) => trouble.kind === kind).length;
  }
  if (clockOffsetMs !== undefined) values['relay_clock_offset_seconds'] = clockOffsetMs / 1000;
  return values;
}

const ageSeconds = ({ oldestMs }: Backlog, now: number): number => (oldestMs === undefined ? 0 : Math.max(0, now - oldestMs) / 1000);

/** The names of receivers are checked by the configuration: nothing in them needs escaping. */
const ofReceiver = (receiver: string, totals: Totals): Totals =>
  Object.fromEntries(
    Object.entries(totals).map(([name, value]) => {
      const [metric = '', labels = '}'] = name.split(/\{(.*)/s);
      return [`${metric}{receiver="${receiver}"${labels === '}' ? '' : ','}${labels}`, value];
    }),
  );
