import { type Flag, flags } from './flags.ts';

/** As Prometheus lays it out: names left, what they do beside them, at most `width` columns. */
export function helpText(width = 100): string {
  const rows: [string, string][] = [
    ['-h, --help', 'Show this help.'],
    ['    --version', 'Show the version.'],
    ...(flags as readonly Flag[]).map((flag): [string, string] => [
      flag.boolean
        ? `    --[no-]${flag.name}`
        : `    --${flag.name}=${flag.choices === undefined ? JSON.stringify(flag.default) : flag.default}`,
      flag.choices === undefined || flag.boolean ? flag.help : `${flag.help} One of: [${flag.choices.join(', ')}]`,
    ]),
  ];
  const column = Math.max(...rows.map(([left]) => left.length)) + 2;
  const lines = rows.flatMap(([left, right]) =>
    wrap(right, width - column - 2).map((text, i) => `  ${(i === 0 ? left : '').padEnd(column)}${text}`),
  );
  return [
    'usage: agent-lite [<flags>] [<command>]',
    '',
    'Prometheus agent for devices: scrapes targets, keeps a log, pushes it to the edge over HTTPS.',
    '',
    'Flags:',
    ...lines,
    '',
    'Commands:',
    '  check-config [FILE]  Check the configuration file and the files it names, then exit.',
    '  migrate [FILE]       Make agent.yml, relay.yml and a report of a prometheus.yml, Helm values or',
    '                       flags of vmagent. See agent-lite migrate --help.',
    '  wal COMMAND DIR      Inspect, verify, dump or repair the log. See agent-lite wal --help.',
    '',
    'SIGTERM stops: what was not pushed waits in the log. SIGHUP reloads the configuration.',
    'Exit codes: 0 ok, 1 failure, 2 usage.',
    '',
  ].join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
