import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { err, ok, type Result } from '../../contract/result.ts';
import { type ConfigError, parseAgentConfig } from '../config/parse.ts';
import { type MigrateInput, migrate, type SourceKind, sourceKinds } from '../migrate/migrate.ts';
import { nearestName } from './nearest.ts';
import { systemErrorText } from './system-error.ts';

export interface MigrateCommand {
  readonly input: { readonly kind: 'file'; readonly path: string } | { readonly kind: 'flags'; readonly words: readonly string[] };
  readonly from: SourceKind;
  readonly edgeUrl: string | undefined;
  readonly tokenFile: string;
  readonly tenant: string | undefined;
  /** Undefined: to standard output. */
  readonly outputDir: string | undefined;
}

const FLAGS = ['from', 'edge.url', 'edge.token-file', 'edge.tenant', 'output-dir'] as const;
type FlagName = (typeof FLAGS)[number];

export const migrateHelp = `usage: agent-lite migrate [<flags>] [FILE]
       agent-lite migrate --from=vmagent [<flags>] -- -promscrape.config=... -remoteWrite.url=...

Makes of a configuration of Prometheus, Prometheus Agent, vmagent or a Helm chart: agent.yml for the device, relay.yml
with what belongs to the edge, and REPORT.md with all that is different. FILE is a prometheus.yml (the default), Helm
values, or a text with the flags of vmagent. Nothing of it is changed.

Flags:
  --from=auto             What FILE is. One of: [${sourceKinds.join(', ')}]
  --edge.url=URL          Address of your edge, for edge_push.
  --edge.token-file=PATH  Where the device's token is, for edge_push. Default: token
  --edge.tenant=NAME      Tenant in relay.yml. Default: what the tenant header of remote_write says, else "*"
  --output-dir=DIR        Write the three files there; without it they are printed. Files that exist are not replaced.
  -h, --help              Show this help.

Exit codes: 0 ok (read the report: parts may be left out), 1 the source cannot be read, 2 wrong usage.
`;

/** The arguments after `migrate`. */
export function parseMigrateArguments(args: readonly string[]): Result<MigrateCommand | 'help', string> {
  const end = args.indexOf('--');
  const own = end === -1 ? args : args.slice(0, end);
  const foreign = end === -1 ? [] : args.slice(end + 1);
  const values = new Map<FlagName, string>();
  const words: string[] = [];
  for (let i = 0; i < own.length; i++) {
    const arg = own[i] as string;
    if (arg === '-h' || arg === '--help') return ok('help');
    if (!arg.startsWith('-')) {
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const given = arg.slice(0, equals === -1 ? undefined : equals);
    const name = FLAGS.find((flag) => `--${flag}` === given);
    if (name === undefined) return err(unknownFlag(given));
    const next = own[i + 1];
    if (equals === -1 && (next === undefined || next.startsWith('-'))) return err(`${given}: expected a value`);
    values.set(name, equals === -1 ? (next ?? '') : arg.slice(equals + 1));
    if (values.get(name) === '') return err(`${given}: expected a value, got an empty one`);
    if (equals === -1) i++;
  }
  return command(values, words, foreign);
}

function unknownFlag(given: string): string {
  if (/^--?(?:remoteWrite|promscrape)\./.test(given)) return `${given}: flags of vmagent stand behind --`;
  const nearest = nearestName(given, ['--help', ...FLAGS.map((flag) => `--${flag}`)]);
  return `unknown flag ${given}${nearest === undefined ? '' : `, did you mean ${nearest}?`}`;
}

function command(
  values: ReadonlyMap<FlagName, string>,
  words: readonly string[],
  foreign: readonly string[],
): Result<MigrateCommand, string> {
  const from = sourceKinds.find((kind) => kind === (values.get('from') ?? 'auto'));
  if (from === undefined) return err(`--from: expected one of ${sourceKinds.join(', ')}, got ${JSON.stringify(values.get('from'))}`);
  if (words.length > 1) return err(`expected one file, got ${words.length}`);
  if (foreign.length > 0 && (words.length > 0 || (from !== 'vmagent' && from !== 'auto')))
    return err('flags behind -- are those of vmagent; expected no file and no other --from with them');
  const edgeUrl = values.get('edge.url');
  const url = edgeUrl !== undefined && URL.canParse(edgeUrl) ? new URL(edgeUrl) : undefined;
  if (
    edgeUrl !== undefined &&
    (!/^https?:$/.test(url?.protocol ?? '') || `${url?.username}${url?.password}${url?.search}${url?.hash}` !== '')
  )
    return err('--edge.url: expected an address such as https://edge.example.com, without user, password, ? and #');
  const tenant = values.get('edge.tenant');
  if (tenant !== undefined && !/^(?:[\w-]{1,64}|\*)$/.test(tenant))
    return err(`--edge.tenant: expected "*" or 1 to 64 letters, digits, _ and -, got ${JSON.stringify(tenant)}`);
  return ok({
    input: foreign.length > 0 ? { kind: 'flags', words: foreign } : { kind: 'file', path: words[0] ?? 'prometheus.yml' },
    from,
    edgeUrl,
    tokenFile: values.get('edge.token-file') ?? 'token',
    tenant,
    outputDir: values.get('output-dir'),
  });
}

export interface Output {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** Runs `agent-lite migrate`; resolves to the exit code. */
export async function runMigrate(args: readonly string[], { stdout, stderr }: Output): Promise<number> {
  const parsed = parseMigrateArguments(args);
  if (!parsed.ok) {
    stderr(`agent-lite: error: migrate: ${parsed.error}\nTry: agent-lite migrate --help\n`);
    return 2;
  }
  if (parsed.value === 'help') {
    stdout(migrateHelp);
    return 0;
  }
  const { input, outputDir, ...options } = parsed.value;
  const failed = (problem: string): number => {
    stderr(`${problem.trimEnd().replace(/^/gm, 'agent-lite: error: ')}\n`);
    return 1;
  };
  const baseDir = input.kind === 'file' ? dirname(resolve(input.path)) : process.cwd();
  let source: MigrateInput;
  try {
    source = input.kind === 'file' ? { name: input.path, content: readText(input.path) } : { name: 'command line', content: input.words };
  } catch (cause) {
    return failed(cause instanceof Error ? cause.message : String(cause));
  }
  const result = migrate(source, {
    ...options,
    check: (text) => checkAgentConfig(text, baseDir),
    read: (path) => readText(resolve(baseDir, path)),
  });
  if (!result.ok) return failed(result.error);
  const files = [
    ['agent.yml', result.value.agent],
    ['relay.yml', result.value.relay],
    ['REPORT.md', result.value.report],
  ] as const;
  if (outputDir === undefined) {
    for (const [name, text] of files) stdout(`# ---------- ${name} ----------\n${text}\n`);
    return 0;
  }
  try {
    await mkdir(outputDir, { recursive: true });
    // It may hold the passwords of targets.
    for (const [name, text] of files)
      await writeFile(join(outputDir, name), text, { flag: 'wx', mode: name === 'agent.yml' ? 0o600 : 0o644 });
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    return failed(`--output-dir=${outputDir}: ${exists ? 'has such files already; name another folder' : systemErrorText(cause)}`);
  }
  stdout(`Written to ${outputDir}: ${files.map(([name]) => name).join(', ')}. Read REPORT.md first.\n`);
  return 0;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Error(`${path}: ${systemErrorText(cause)}`, { cause });
  }
}

/** Variables of the device's environment are not known here: each has some value. So have the files that `scrape_config_files` names. */
export function checkAgentConfig(text: string, baseDir: string): readonly ConfigError[] {
  const files = { match: () => [], read: () => '{}' };
  const result = parseAgentConfig(text, { file: 'agent.yml', baseDir, env: anyVariable, files });
  return result.ok ? [] : result.error;
}

const anyVariable: Readonly<Record<string, string>> = new Proxy(
  {},
  { get: () => 'x', getOwnPropertyDescriptor: () => ({ value: 'x', configurable: true, enumerable: true }) },
);
