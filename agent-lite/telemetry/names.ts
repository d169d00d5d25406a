export interface MetricSpec {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Label names, all of them always given. */
  readonly labels?: readonly string[];
  /** Label values that exist from the start at 0, so that `rate()` sees the first event. */
  readonly start?: readonly Readonly<Record<string, string>>[];
  /** Travels to the receiver with job="agent-lite". */
  readonly pushed?: true;
}

/** With the five report series of the agent's own target (`up`, ...) this makes 25 series a device. */
export const MAX_PUSHED_SERIES = 20;

/**
 * Every metric of the agent. A name that is not here is a programming error and throws. `pushed` ones are what the operator
 * of a fleet watches; the rest is only on the device's own /metrics, so that an agent on a metered link spends little on
 * itself. The `process_*` names are those of every Prometheus client.
 */
export const metricTable: Readonly<Record<string, MetricSpec>> = {
  agent_lite_push_samples_total: { type: 'counter', help: 'Samples that the edge has acknowledged.', pushed: true },
  agent_lite_push_sent_bytes_total: { type: 'counter', help: 'Bytes of push bodies sent, repeated ones included.', pushed: true },
  agent_lite_push_failures_total: { type: 'counter', help: 'Pushes that failed; samples wait in the log.', pushed: true },
  agent_lite_push_scrapes_dropped_total: {
    type: 'counter',
    help: 'Scrapes not sent because their time is not after one already sent for their target.',
    pushed: true,
  },
  agent_lite_push_set_aside_records_total: {
    type: 'counter',
    help: 'Records kept on the device because the edge refused them or their time is not known.',
    labels: ['reason'],
    start: [{ reason: 'malformed' }, { reason: 'too_large' }, { reason: 'clock' }, { reason: 'unplaceable' }],
  },
  agent_lite_push_backlog_records: { type: 'gauge', help: 'Scrapes in the log that the edge has not acknowledged.', pushed: true },
  agent_lite_push_backlog_bytes: { type: 'gauge', help: 'Bytes of the log that the edge has not acknowledged.', pushed: true },
  agent_lite_push_clock_offset_seconds: { type: 'gauge', help: "The edge's clock minus the device's, when last heard.", pushed: true },
  agent_lite_push_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When the edge last acknowledged samples, by the clock of the device.',
  },
  agent_lite_push_requests_total: {
    type: 'counter',
    help: "Pushes by the edge's answer, or by the kind of failure where it did not answer.",
    labels: ['code'],
    start: [{ code: 'stored' }],
  },
  agent_lite_push_table_uploads_total: { type: 'counter', help: 'Series tables uploaded.' },
  agent_lite_push_forks_total: {
    type: 'counter',
    help: 'New names of the log, taken because the edge had other records under the old one.',
  },
  agent_lite_build_info: {
    type: 'gauge',
    help: 'Constant 1, labelled by the version of the agent.',
    labels: ['version'],
    pushed: true,
  },
  process_start_time_seconds: { type: 'gauge', help: 'Start time of the process since unix epoch in seconds.', pushed: true },
  process_cpu_seconds_total: { type: 'counter', help: 'Total user and system CPU time spent in seconds.', pushed: true },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory size in bytes.', pushed: true },
};
