import { err, ok, type Result } from '../../contract/result.ts';
import type { AgentOptions } from '../agent.ts';
import type { Level } from '../model.ts';
import { type LogFormat, levels } from '../telemetry/logger.ts';
import { parseDuration, parseListenAddress, parseSize } from './units.ts';

/** What the flags say, checked. */
export interface RunOptions extends AgentOptions {
  readonly configFile: string;
  readonly logLevel: Level;
  readonly logFormat: LogFormat;
}

export interface Flag {
  readonly name: string;
  readonly default: string;
  readonly help: string;
  readonly choices?: readonly string[];
  /** Given without a value: `--name` is true, `--no-name` false. */
  readonly boolean?: true;
}

/** In the order of `--help`. Names are Prometheus' where Prometheus has them. */
export const flags = [
  { name: 'config.file', default: 'agent.yml', help: 'Agent configuration file path.' },
  { name: 'web.listen-address', default: '127.0.0.1:9095', help: 'Address to listen on for the status page, /metrics and health.' },
  {
    name: 'web.enable-lifecycle',
    default: 'false',
    boolean: true,
    choices: ['true', 'false'],
    help: 'Enable reload and shutdown by HTTP requests: POST /-/reload, POST /-/quit.',
  },
  { name: 'storage.agent.path', default: 'data', help: 'Base path of the log in which samples wait until the edge has them.' },
  {
    name: 'storage.agent.retention.size',
    default: '512MiB',
    help: 'Most bytes the log may take. Beyond it the oldest samples are deleted, and counted. Units: B, KiB, MiB, GiB, TiB.',
  },
  {
    name: 'storage.agent.retention.max-time',
    default: '0s',
    help: 'Oldest age of samples to keep in the log, sent or not. 0s: no limit. Units: ms, s, m, h, d, w, y.',
  },
  {
    name: 'storage.agent.wal-sync',
    default: 'interval',
    choices: ['always', 'interval', 'never'],
    help: 'When the log is written through to the medium: after each scrape, every wal-sync-interval, or when the system likes. A power cut costs what is not written through and not yet pushed.',
  },
  { name: 'storage.agent.wal-sync-interval', default: '30s', help: 'With --storage.agent.wal-sync=interval: how often.' },
  {
    name: 'log.level',
    default: 'info',
    choices: levels,
    help: 'Only log messages with the given severity or above.',
  },
  { name: 'log.format', default: 'logfmt', choices: ['logfmt', 'json'], help: 'Output format of log messages.' },
] as const satisfies readonly Flag[];

export type FlagName = (typeof flags)[number]['name'];
export type FlagValues = Readonly<Record<FlagName, string>>;

/** Smaller logs cannot hold two segments of the least size. */
const MIN_RETENTION_BYTES = 4 * 2 ** 20;
const MIN_SYNC_INTERVAL_MS = 1000;

/** Checks the values; the error names the flag, what was expected and what it got. */
export function readOptions(values: FlagValues): Result<RunOptions, string> {
  for (const flag of flags as readonly Flag[]) {
    const value = values[flag.name as FlagName];
    if (flag.choices !== undefined && !flag.choices.includes(value))
      return err(`--${flag.name}: expected one of ${flag.choices.join(', ')}, got ${JSON.stringify(value)}`);
    if (value === '') return err(`--${flag.name}: expected a value, got an empty one`);
  }
  const size = parseSize(values['storage.agent.retention.size']);
  if (!size.ok) return err(`--storage.agent.retention.size: ${size.error}`);
  if (size.value < MIN_RETENTION_BYTES)
    return err(`--storage.agent.retention.size: expected at least 4MiB, got ${values['storage.agent.retention.size']}`);
  const age = parseDuration(values['storage.agent.retention.max-time']);
  if (!age.ok) return err(`--storage.agent.retention.max-time: ${age.error}`);
  const interval = parseDuration(values['storage.agent.wal-sync-interval']);
  if (!interval.ok) return err(`--storage.agent.wal-sync-interval: ${interval.error}`);
  if (interval.value < MIN_SYNC_INTERVAL_MS)
    return err(`--storage.agent.wal-sync-interval: expected at least 1s, got ${values['storage.agent.wal-sync-interval']}`);
  const listen = parseListenAddress(values['web.listen-address']);
  if (!listen.ok) return err(`--web.listen-address: ${listen.error}`);
  return ok({
    configFile: values['config.file'],
    storagePath: values['storage.agent.path'],
    retentionBytes: size.value,
    retentionMs: age.value,
    walSync: values['storage.agent.wal-sync'] as AgentOptions['walSync'],
    walSyncIntervalMs: interval.value,
    listen: listen.value,
    enableLifecycle: values['web.enable-lifecycle'] === 'true',
    logLevel: values['log.level'] as Level,
    logFormat: values['log.format'] as LogFormat,
  });
}
