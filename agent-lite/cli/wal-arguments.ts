import { err, ok, type Result } from '../../contract/result.ts';
import { nearestName } from './nearest.ts';

export const walActions = ['inspect', 'verify', 'dump', 'repair'] as const;

export interface WalCommand {
  readonly action: (typeof walActions)[number];
  readonly directory: string;
  readonly json: boolean;
  /** Times of samples, ms. */
  readonly from: number;
  readonly to: number;
  readonly aside: boolean;
}

export const walHelp = `usage: agent-lite wal inspect|verify|dump|repair [<flags>] DIR

Looks into the log of an agent, running or not. DIR is its --storage.agent.path. Only repair changes anything.

  inspect  Segments, records, series, samples, times, cursors and damage.
  verify   Damage only. Exit code 1 where there is some that has not been set aside.
  dump     The samples in Prometheus' text format with timestamps, as the device's clock had them. Staleness markers
           and damage are told as comments.
  repair   Copies damaged parts to DIR/set-aside, cuts off a torn end, makes damaged small files anew. Never deletes
           what can be read. Refuses while an agent runs on DIR.

Flags:
  --json       inspect, verify, repair: as JSON.
  --from=TIME  dump: samples from this time on. RFC 3339, or seconds since 1970.
  --to=TIME    dump: samples up to this time.
  --set-aside  dump: the records in DIR/set-aside instead of those of the log.
  -h, --help   Show this help.

Exit codes: 0 ok, 1 damage found (verify) or failure, 2 wrong usage.
`;

const FLAGS = ['--json', '--set-aside', '--from', '--to', '--help'];

/** The arguments after `wal`. */
export function parseWalArguments(args: readonly string[]): Result<WalCommand | 'help', string> {
  const words: string[] = [];
  const times = { '--from': Number.NEGATIVE_INFINITY, '--to': Number.POSITIVE_INFINITY };
  const given = new Set<string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '-h' || arg === '--help') return ok('help');
    if (!arg.startsWith('-')) {
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const name = arg.slice(0, equals === -1 ? undefined : equals);
    if (name === '--from' || name === '--to') {
      const text = equals === -1 ? args[++i] : arg.slice(equals + 1);
      const time = parseTime(text ?? '');
      if (time === undefined)
        return err(`${name}: expected a time such as 2026-01-31T12:00:00Z or seconds since 1970, got ${JSON.stringify(text ?? '')}`);
      times[name] = time;
    } else if (!FLAGS.includes(name) || equals !== -1) {
      const nearest = nearestName(name, FLAGS);
      return err(`unknown flag ${arg}${nearest === undefined ? '' : `, did you mean ${nearest}?`}`);
    }
    given.add(name);
  }
  return command(words, given, times);
}

function command(
  [word, directory, ...more]: readonly string[],
  given: ReadonlySet<string>,
  times: Readonly<Record<'--from' | '--to', number>>,
): Result<WalCommand, string> {
  if (word === undefined) return err(`expected one of ${walActions.join(', ')}`);
  const action = walActions.find((name) => name === word);
  if (action === undefined) {
    const nearest = nearestName(word, walActions);
    return err(`unknown command ${word}${nearest === undefined ? '' : `, did you mean ${nearest}?`}`);
  }
  if (directory === undefined) return err(`${action}: expected the folder of a log, the agent's --storage.agent.path`);
  if (more.length > 0) return err(`${action}: expected one folder, got ${more.length + 1}`);
  for (const name of given) if ((name === '--json') === (action === 'dump')) return err(`${action}: ${name} does not go with it`);
  return ok({
    ...{ action, directory, json: given.has('--json') },
    ...{ from: times['--from'], to: times['--to'], aside: given.has('--set-aside') },
  });
}

/** As the HTTP interface of Prometheus takes times. ms; undefined: neither form. */
function parseTime(text: string): number | undefined {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
