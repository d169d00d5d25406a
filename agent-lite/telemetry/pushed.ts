export interface MetricSpec {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Label names. */
  readonly labels?: readonly string[];
  /** Label values that exist from the start at 0, so that `rate()` sees the first event. */
  readonly start?: readonly Readonly<Record<string, string>>[];
  /** Travels to the receiver with job="agent-lite"; then the number of its series at most. */
  readonly pushed?: number;
}

/** With the five report series of the agent's own target (`up`, ...) this makes 25 series a device. */
export const MAX_PUSHED_SERIES = 20;

/**
 * What the operator of a fleet watches, whatever the agent runs on: the library for pages has no other metrics. The rest is in
 * `names.ts`.
 */
export const pushedMetrics: Readonly<Record<string, MetricSpec>> = {
  agent_lite_build_info: { type: 'gauge', help: 'Constant 1, labelled by the version of the agent.', labels: ['version'], pushed: 1 },
  agent_lite_targets: { type: 'gauge', help: 'Targets that are scraped.', pushed: 1 },
  agent_lite_targets_up: { type: 'gauge', help: 'Targets whose last scrape succeeded.', pushed: 1 },
  agent_lite_log_bytes: { type: 'gauge', help: 'Bytes of the log.', pushed: 1 },
  agent_lite_log_limit_bytes: { type: 'gauge', help: 'Bytes the log may take.', pushed: 1 },
  agent_lite_log_in_memory: { type: 'gauge', help: 'Whether scrapes wait in memory (1), because the disk fails.', pushed: 1 },
  agent_lite_log_damaged_total: { type: 'counter', help: 'Damaged places met in the log; what they held is skipped.', pushed: 1 },
  agent_lite_log_evicted_records_total: {
    type: 'counter',
    help: 'Scrapes deleted at a limit of the log before the receiver had them.',
    labels: ['receiver'],
    start: [{ receiver: 'edge' }],
    // One more without a receiver, where none has a cursor yet.
    pushed: 2,
  },
  agent_lite_push_failures_total: { type: 'counter', help: 'Pushes that failed; their samples wait in the log.', pushed: 1 },
  agent_lite_push_left_out_samples_total: {
    type: 'counter',
    help: 'Of the samples that the edge has acknowledged, those that did not travel because its rules drop them.',
    pushed: 1,
  },
  agent_lite_push_samples_total: { type: 'counter', help: 'Samples that the edge has acknowledged.', pushed: 1 },
  agent_lite_push_sent_bytes_total: { type: 'counter', help: 'Bytes of pushes sent, compressed, repeats included.', pushed: 1 },
  agent_lite_push_backlog_records: { type: 'gauge', help: 'Scrapes that the edge has not acknowledged.', pushed: 1 },
  agent_lite_push_backlog_seconds: { type: 'gauge', help: 'Age of the oldest scrape that the edge has not acknowledged.', pushed: 1 },
  agent_lite_push_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When the edge last acknowledged a push, by the clock of the device.',
    pushed: 1,
  },
  agent_lite_push_clock_offset_seconds: { type: 'gauge', help: 'The time of the edge minus that of the device.', pushed: 1 },
};
