import { formatDuration } from '../../contract/yaml/units.ts';
import type { ReceiverConfig } from '../config/types.ts';
import type { DeadLetterHeader } from '../dead-letter.ts';

/**
 * Why a receiver cannot take a letter's samples any more, or undefined. Prometheus, Thanos and Mimir refuse what is older than
 * the newest sample by more than their window, and the newest is about now. VictoriaMetrics takes samples of any age within its
 * retention.
 */
export function tooOldFor(receiver: ReceiverConfig, { samples, minMs }: DeadLetterHeader, nowMs: number): string | undefined {
  // Metadata and exemplars alone have no time that could be too old.
  if (samples === 0 || receiver.kind === 'victoriametrics') return undefined;
  const { name, outOfOrderTimeWindowMs: window } = receiver;
  const ageMs = nowMs - minMs;
  if (ageMs <= window) return undefined;
  const oldest = `the oldest sample is ${formatDuration(Math.ceil(ageMs / 1000) * 1000)} old`;
  const takes = window === 0 ? 'takes no late samples' : `takes samples that are at most ${formatDuration(window)} late`;
  return (
    `receiver ${name} ${takes} (out_of_order_time_window is ${formatDuration(window)}), and ${oldest}. ` +
    'Give the receiver a greater window, write it to out_of_order_time_window in relay.yml, deploy, and replay again.'
  );
}
