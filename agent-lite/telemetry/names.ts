import { type MetricSpec, pushedMetrics } from './pushed.ts';

/**
 * Every metric of the agent. A name that is not here is a programming error and throws. `pushed` ones are what the operator
 * of a fleet watches; the rest is only on the device's own /metrics, so that an agent on a metered link spends little on
 * itself. The `process_*` names are those of every Prometheus client.
 */
export const metricTable: Readonly<Record<string, MetricSpec>> = {
  ...pushedMetrics,

  agent_lite_config_last_reload_successful: { type: 'gauge', help: 'Whether the last configuration reload attempt was successful.' },
  agent_lite_config_last_reload_success_timestamp_seconds: {
    type: 'gauge',
    help: 'Timestamp of the last successful configuration reload.',
  },
  agent_lite_targets_refused: { type: 'gauge', help: 'Discovered addresses that cannot be scraped.' },
  agent_lite_target_limit_exceeded_total: { type: 'counter', help: 'Times a job had more targets than its target_limit.' },
  agent_lite_sd_refresh_failures_total: {
    type: 'counter',
    help: 'Lists of targets that could not be had; the targets known before stay.',
    labels: ['mechanism'],
    start: [{ mechanism: 'dns' }, { mechanism: 'file' }, { mechanism: 'http' }],
  },
  agent_lite_scrapes_total: { type: 'counter', help: 'Scrapes, failed ones included.' },
  agent_lite_scrapes_failed_total: { type: 'counter', help: 'Scrapes that failed.' },
  agent_lite_scrapes_missed_total: { type: 'counter', help: 'Scrapes left out because the one before, or the log, took too long.' },
  agent_lite_scraped_samples_total: { type: 'counter', help: 'Samples read from targets, before metric_relabel_configs.' },
  agent_lite_scraped_samples_dropped_total: {
    type: 'counter',
    help: 'Samples of a scrape that were not kept.',
    labels: ['reason'],
    start: [{ reason: 'duplicate' }, { reason: 'out_of_order' }, { reason: 'out_of_bounds' }],
  },
  agent_lite_scraped_exemplars_total: { type: 'counter', help: 'Exemplars read from targets that are new.' },
  agent_lite_scraped_exemplars_dropped_total: {
    type: 'counter',
    help: 'Exemplars of a scrape that were not kept, repeated ones left out.',
    labels: ['reason'],
    start: [{ reason: 'out_of_order' }, { reason: 'invalid' }],
  },
  agent_lite_scraped_metadata_dropped_total: {
    type: 'counter',
    help: 'HELP texts that were cut, and lines of metadata left out at a limit, in each scrape.',
    labels: ['reason'],
    start: [{ reason: 'cut' }, { reason: 'limit' }],
  },
  agent_lite_log_segments: { type: 'gauge', help: 'Segments of the log.' },
  agent_lite_log_unsynced_bytes: { type: 'gauge', help: 'Bytes that a power cut would take from the log.' },
  agent_lite_log_set_aside_bytes: { type: 'gauge', help: 'Bytes of records that could not be sent and are kept aside.' },
  agent_lite_log_records_total: { type: 'counter', help: 'Scrapes written to the log.' },
  agent_lite_log_exemplars_dropped_total: { type: 'counter', help: 'Exemplars beyond the limits of the log, left out.' },
  agent_lite_log_metadata_dropped_total: { type: 'counter', help: 'Times the metadata of a target were beyond the limits of the log.' },
  agent_lite_log_write_errors_total: { type: 'counter', help: 'Failed writes of the log.' },
  agent_lite_log_set_aside_evicted_total: { type: 'counter', help: 'Files of records kept aside that a limit removed.' },

  agent_lite_push_requests_total: { type: 'counter', help: 'Pushes by the code of the answer, or why there was none.', labels: ['code'] },
  agent_lite_push_wrong_masks_total: {
    type: 'counter',
    help: 'Pushes encoded again because the edge no longer drops what they left out.',
  },
  agent_lite_push_table_uploads_total: { type: 'counter', help: 'Series tables sent to the edge.' },
  agent_lite_push_scrapes_dropped_total: { type: 'counter', help: 'Scrapes left out because their time is not after the last one sent.' },
  agent_lite_push_set_aside_records_total: {
    type: 'counter',
    help: 'Records kept aside because the edge refused them or they have no place in time.',
    labels: ['reason'],
  },
  agent_lite_push_forks_total: {
    type: 'counter',
    help: 'Times the log took a new log_id, because the edge knew another content under the old one.',
  },
  agent_lite_push_backlog_bytes: { type: 'gauge', help: 'Bytes in the log that the edge has not acknowledged.' },
  agent_lite_push_behind_records: { type: 'gauge', help: 'Of the scrapes not acknowledged, those that are sent behind fresh ones.' },
  agent_lite_push_jumps_total: { type: 'counter', help: 'Times that a backlog was left behind, so that fresh samples go first.' },

  agent_lite_remote_write_samples_total: {
    type: 'counter',
    help: 'Samples that a receiver of remote_write has taken.',
    labels: ['remote_name'],
  },
  agent_lite_remote_write_samples_dropped_total: {
    type: 'counter',
    help: 'Samples that are not sent, or that the receiver refused for good; of partly_refused ones most were taken.',
    labels: ['remote_name', 'reason'],
  },
  agent_lite_remote_write_lost_records_total: {
    type: 'counter',
    help: 'Scrapes that the log no longer held when they were to be sent.',
    labels: ['remote_name', 'reason'],
  },
  agent_lite_remote_write_requests_total: {
    type: 'counter',
    help: 'Requests with samples by the status of the answer, or why there was none.',
    labels: ['remote_name', 'code'],
  },
  agent_lite_remote_write_metadata_requests_total: {
    type: 'counter',
    help: 'Requests with metadata by the status of the answer, or why there was none.',
    labels: ['remote_name', 'code'],
  },
  agent_lite_remote_write_failures_total: {
    type: 'counter',
    help: 'Requests that failed; their samples wait in the log.',
    labels: ['remote_name'],
  },
  agent_lite_remote_write_sent_bytes_total: {
    type: 'counter',
    help: 'Bytes of requests sent, compressed, repeats included.',
    labels: ['remote_name'],
  },
  agent_lite_remote_write_backlog_records: {
    type: 'gauge',
    help: 'Scrapes that the receiver has not taken yet.',
    labels: ['remote_name'],
  },
  agent_lite_remote_write_backlog_seconds: {
    type: 'gauge',
    help: 'Age of the oldest scrape that the receiver has not taken.',
    labels: ['remote_name'],
  },
  agent_lite_remote_write_shards: { type: 'gauge', help: 'Requests that may be under way at once.', labels: ['remote_name'] },
  agent_lite_remote_write_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When the receiver last took samples, by the clock of the device.',
    labels: ['remote_name'],
  },

  process_start_time_seconds: { type: 'gauge', help: 'Start time of the process since unix epoch in seconds.', pushed: 1 },
  process_cpu_seconds_total: { type: 'counter', help: 'Total user and system CPU time spent in seconds.', pushed: 1 },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory size in bytes.', pushed: 1 },
};
