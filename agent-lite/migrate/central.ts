/** What an agent does not do, by key of `prometheus.yml`, and which part of a central system does it. */
export const centralKeys: Readonly<Record<string, string>> = {
  rule_files:
    'an agent evaluates no alerting or recording rules. Give the files to Thanos Ruler (`thanos rule --rule-file=...`) or to the ruler of your receiver; a recording rule that only saved bandwidth is replaced by `write_relabel_configs` in relay.yml',
  alerting:
    'an agent sends no alerts. Alertmanager is told by what evaluates the rules: Thanos Ruler (`--alertmanagers.config`); `alert_relabel_configs` go along (`--alert.relabel-config`)',
  remote_read: 'an agent answers no queries. Ask Thanos Query, or the query side of your receiver',
  storage:
    'an agent has no time series database. Retention belongs to Thanos Compactor (`--retention.resolution-raw`), `out_of_order_time_window` to Thanos Receive (`--tsdb.out-of-order.time-window`) and then to `out_of_order_time_window` in relay.yml; the log on the device has `--storage.agent.retention.size`',
  otlp: 'an agent receives nothing, it scrapes. Send OTLP to Thanos Receive (`/api/v1/otlp`) or to an OpenTelemetry Collector',
  tracing: 'the agent sends no traces',
  runtime: 'it sets the garbage collector of Go; Node has its own (docs/device.md)',
};

/** Keys of `global` that only a server with queries and rules has. */
export const centralGlobalKeys: Readonly<Record<string, string>> = {
  evaluation_interval: 'belongs to what evaluates rules (Thanos Ruler: `--eval-interval`)',
  rule_query_offset: 'belongs to what evaluates rules (Thanos Ruler: `--rule-query-offset`)',
  query_log_file: 'belongs to what answers queries (Thanos Query Frontend: `--query-frontend.log-queries-longer-than`)',
};
