import { err, ok, type Result } from '../../contract/result.ts';
import { type Flag, type FlagName, type FlagValues, flags, type RunOptions, readOptions } from './flags.ts';
import { nearestName } from './nearest.ts';

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'check-config'; readonly file: string }
  | { readonly kind: 'run'; readonly options: RunOptions };

/** Reads the arguments after the program's name. An error is a usage error: exit code 2. */
export function parseCommandLine(args: readonly string[]): Result<Command, string> {
  const values = Object.fromEntries(flags.map((flag) => [flag.name, flag.default])) as Record<FlagName, string>;
  const words: string[] = [];
  let onlyWords = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (onlyWords || !arg.startsWith('-') || arg === '-') {
      words.push(arg);
      continue;
    }
    if (arg === '--') {
      onlyWords = true;
      continue;
    }
    if (arg === '-h' || arg === '--help') return ok({ kind: 'help' });
    if (arg === '--version') return ok({ kind: 'version' });
    const equals = arg.indexOf('=');
    const given = arg.slice(arg.startsWith('--') ? 2 : 1, equals === -1 ? undefined : equals);
    const negated = given.startsWith('no-') && isBoolean(given.slice('no-'.length));
    const name = negated ? given.slice('no-'.length) : given;
    if (!arg.startsWith('--') || !isFlag(name)) return err(unknown('flag', arg.slice(0, equals === -1 ? undefined : equals), flagNames));
    if (negated && equals !== -1) return err(`--${given}: expected no value`);
    if (isBoolean(name) && equals === -1) {
      values[name] = negated ? 'false' : 'true';
      continue;
    }
    if (equals !== -1) {
      values[name] = arg.slice(equals + 1);
      continue;
    }
    const next = args[i + 1];
    if (next === undefined || next.startsWith('--')) return err(`--${name}: expected a value, such as --${name}=${values[name]}`);
    values[name] = next;
    i++;
  }
  return command(words, values);
}

function command(words: readonly string[], values: FlagValues): Result<Command, string> {
  const [name, ...rest] = words;
  if (name === undefined) {
    const options = readOptions(values);
    return options.ok ? ok({ kind: 'run', options: options.value }) : options;
  }
  if (name === 'help') return ok({ kind: 'help' });
  if (name === 'migrate') return err('migrate: expected the command before its flags: agent-lite migrate [<flags>] [FILE]');
  if (name === 'wal') return err('wal: expected the command before its flags: agent-lite wal inspect|verify|dump|repair [<flags>] DIR');
  if (name !== 'check-config') return err(unknown('command', name, ['check-config', 'help', 'migrate', 'wal']));
  const [file, ...more] = rest;
  if (more.length > 0) return err(`check-config: expected one file, got ${rest.length}`);
  return ok({ kind: 'check-config', file: file ?? values['config.file'] });
}

const flagNames = ['--help', '--version', ...flags.map((flag) => `--${flag.name}`)];
const isBoolean = (name: string): boolean => (flags as readonly Flag[]).some((flag) => flag.name === name && flag.boolean === true);
const isFlag = (name: string): name is FlagName => flags.some((flag) => flag.name === name);

function unknown(what: 'flag' | 'command', given: string, known: readonly string[]): string {
  const nearest = nearestName(given, known);
  return `unknown ${what} ${given}${nearest === undefined ? '' : `, did you mean ${nearest}?`}`;
}
