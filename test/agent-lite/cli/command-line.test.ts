import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../agent-lite/cli/command-line.ts';
import type { RunOptions } from '../../../agent-lite/cli/flags.ts';
import { helpText } from '../../../agent-lite/cli/help.ts';

const defaults: RunOptions = {
  configFile: 'agent.yml',
  storagePath: 'data',
  retentionBytes: 512 * 2 ** 20,
  retentionMs: 0,
  walSync: 'interval',
  walSyncIntervalMs: 30_000,
  listen: { host: '127.0.0.1', port: 9095 },
  enableLifecycle: false,
  logLevel: 'info',
  logFormat: 'logfmt',
};

describe('flags', () => {
  it.each<[string, string[], Partial<RunOptions>]>([
    ['none: the defaults', [], {}],
    ['--flag=value', ['--config.file=/etc/a.yml'], { configFile: '/etc/a.yml' }],
    ['--flag value', ['--config.file', '/etc/a.yml', '--log.level', 'debug'], { configFile: '/etc/a.yml', logLevel: 'debug' }],
    ['the last one wins', ['--log.level=debug', '--log.level=warn'], { logLevel: 'warn' }],
    ['a value with =', ['--storage.agent.path=a=b'], { storagePath: 'a=b' }],
    ['a value that starts with one dash', ['--storage.agent.path', '-x'], { storagePath: '-x' }],
    ['a flag without a value', ['--web.enable-lifecycle', '--log.level=warn'], { enableLifecycle: true, logLevel: 'warn' }],
    ['the same with one', ['--web.enable-lifecycle=true'], { enableLifecycle: true }],
    ['the last word of it', ['--web.enable-lifecycle', '--no-web.enable-lifecycle'], {}],
    ['sizes', ['--storage.agent.retention.size=1GB'], { retentionBytes: 2 ** 30 }],
    [
      'durations',
      ['--storage.agent.retention.max-time=2w3d', '--storage.agent.wal-sync-interval=1m30s'],
      { retentionMs: 17 * 86_400_000, walSyncIntervalMs: 90_000 },
    ],
    ['all interfaces', ['--web.listen-address=:80'], { listen: { host: '', port: 80 } }],
    ['IPv6', ['--web.listen-address=[::1]:0'], { listen: { host: '::1', port: 0 } }],
    ['sync and format', ['--storage.agent.wal-sync=always', '--log.format=json'], { walSync: 'always', logFormat: 'json' }],
  ])('%s', (_, args, expected) => {
    expect(parseCommandLine(args)).toEqual({ ok: true, value: { kind: 'run', options: { ...defaults, ...expected } } });
  });

  it.each<[string, string[], string]>([
    ['unknown, near a known one', ['--config.fil=x'], 'unknown flag --config.fil, did you mean --config.file?'],
    [
      'unknown, near a known one of another family',
      ['--storage.tsdb.path=x'],
      'unknown flag --storage.tsdb.path, did you mean --storage.agent.path?',
    ],
    ['one dash', ['-config.file=x'], 'unknown flag -config.file, did you mean --config.file?'],
    ['unknown, near none', ['--zzz'], 'unknown flag --zzz'],
    ['of the object prototype', ['--__proto__=1'], 'unknown flag --__proto__'],
    ['value missing at the end', ['--config.file'], '--config.file: expected a value, such as --config.file=agent.yml'],
    [
      'value missing before a flag',
      ['--config.file', '--log.level=info'],
      '--config.file: expected a value, such as --config.file=agent.yml',
    ],
    ['empty value', ['--storage.agent.path='], '--storage.agent.path: expected a value, got an empty one'],
    ['choice', ['--log.level=trace'], '--log.level: expected one of debug, info, warn, error, got "trace"'],
    [
      'size without a unit',
      ['--storage.agent.retention.size=512'],
      '--storage.agent.retention.size: expected a size with a unit such as 512MiB or 1GiB, got "512"',
    ],
    ['size too small', ['--storage.agent.retention.size=1MiB'], '--storage.agent.retention.size: expected at least 4MiB, got 1MiB'],
    [
      'duration',
      ['--storage.agent.retention.max-time=5 days'],
      '--storage.agent.retention.max-time: expected a duration such as 30s, 5m or 1h30m, got "5 days"',
    ],
    [
      'sync interval too short',
      ['--storage.agent.wal-sync-interval=10ms'],
      '--storage.agent.wal-sync-interval: expected at least 1s, got 10ms',
    ],
    ['port', ['--web.listen-address=localhost'], '--web.listen-address: expected host:port such as 127.0.0.1:9095, got "localhost"'],
    ['port too great', ['--web.listen-address=:65536'], '--web.listen-address: expected host:port such as 127.0.0.1:9095, got ":65536"'],
    ['command', ['check-confg'], 'unknown command check-confg, did you mean check-config?'],
    ['too many files', ['check-config', 'a', 'b'], 'check-config: expected one file, got 2'],
  ])('refuses: %s', (_, args, message) => {
    expect(parseCommandLine(args)).toEqual({ ok: false, error: message });
  });
});

describe('commands', () => {
  it.each<[string[], unknown]>([
    [['--help'], { kind: 'help' }],
    [['-h'], { kind: 'help' }],
    [['help'], { kind: 'help' }],
    [['--version'], { kind: 'version' }],
    [['check-config', 'a.yml'], { kind: 'check-config', file: 'a.yml' }],
    [['check-config', '--', '-a.yml'], { kind: 'check-config', file: '-a.yml' }],
    [['check-config'], { kind: 'check-config', file: 'agent.yml' }],
    [['--config.file=b.yml', 'check-config'], { kind: 'check-config', file: 'b.yml' }],
  ])('%j', (args, command) => {
    expect(parseCommandLine(args)).toEqual({ ok: true, value: command });
  });
});

it('help names every flag once, aligned, in 100 columns', () => {
  const lines = helpText().split('\n');
  const columns = lines.filter((line) => /^ +(-h|--)/.test(line)).map((line) => /^ +(?:-h, )?--\S+ +/.exec(line)?.[0].length);
  expect(columns).toHaveLength(12);
  expect(new Set(columns).size).toBe(1);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
});
