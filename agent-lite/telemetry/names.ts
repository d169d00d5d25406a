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
