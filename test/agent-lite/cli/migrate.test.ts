import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrateHelp, parseMigrateArguments, runMigrate } from '../../../agent-lite/cli/migrate.ts';

const defaults = { from: 'auto', edgeUrl: undefined, tokenFile: 'token', tenant: undefined, outputDir: undefined };

describe('arguments', () => {
  const cases: [args: string[], is: unknown][] = [
    [[], { ...defaults, input: { kind: 'file', path: 'prometheus.yml' } }],
    [['a.yml', '--output-dir=out'], { ...defaults, input: { kind: 'file', path: 'a.yml' }, outputDir: 'out' }],
    [
      ['--edge.url', 'https://e', '--edge.tenant=acme', '--edge.token-file=/t'],
      { ...defaults, input: { kind: 'file', path: 'prometheus.yml' }, edgeUrl: 'https://e', tenant: 'acme', tokenFile: '/t' },
    ],
    [
      ['--from=vmagent', '--', '-remoteWrite.url=a'],
      { ...defaults, from: 'vmagent', input: { kind: 'flags', words: ['-remoteWrite.url=a'] } },
    ],
    [['x', '-h'], 'help'],
  ];
  it.each(cases)('%j', (args, value) => {
    expect(parseMigrateArguments(args)).toEqual({ ok: true, value });
  });

  const refused: [args: string[], error: string][] = [
    [['--fron=helm'], 'unknown flag --fron, did you mean --from?'],
    [['-remoteWrite.url=a'], '-remoteWrite.url: flags of vmagent stand behind --'],
    [['--from=chef'], '--from: expected one of auto, prometheus, vmagent, helm, got "chef"'],
    [['--from'], '--from: expected a value'],
    [['--output-dir='], '--output-dir: expected a value, got an empty one'],
    [['a', 'b'], 'expected one file, got 2'],
    [['a', '--', '-x'], 'flags behind -- are those of vmagent; expected no file and no other --from with them'],
    [['--edge.url=edge.example.com'], '--edge.url: expected an address such as https://edge.example.com, without user, password, ? and #'],
    [
      ['--edge.url=https://u:SECRET@e'],
      '--edge.url: expected an address such as https://edge.example.com, without user, password, ? and #',
    ],
    [['--edge.tenant=a b'], '--edge.tenant: expected "*" or 1 to 64 letters, digits, _ and -, got "a b"'],
  ];
  it.each(refused)('%j: refused', (args, error) => {
    expect(parseMigrateArguments(args)).toEqual({ ok: false, error });
  });

  it('help fits 120 columns', () => {
    for (const line of migrateHelp.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });
});

describe('the command', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'migrate-'));
    await writeFile(join(folder, 'prometheus.yml'), 'scrape_configs: [{ job_name: node, static_configs: [{ targets: ["a:1"] }] }]\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const said = { stdout: '', stderr: '' };
    const code = await runMigrate(args, {
      stdout: (text) => {
        said.stdout += text;
      },
      stderr: (text) => {
        said.stderr += text;
      },
    });
    return { code, ...said };
  }

  it('prints the three files', async () => {
    const { code, stdout, stderr } = await run(join(folder, 'prometheus.yml'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/^# -{10} .* -{10}$/gm)).toEqual(
      ['agent.yml', 'relay.yml', 'REPORT.md'].map((name) => `# ---------- ${name} ----------`),
    );
  });

  it('writes them, and never over others', async () => {
    const out = join(folder, 'a', 'b');
    const first = await run(join(folder, 'prometheus.yml'), `--output-dir=${out}`);
    expect(first).toEqual({ code: 0, stdout: `Written to ${out}: agent.yml, relay.yml, REPORT.md. Read REPORT.md first.\n`, stderr: '' });
    expect(await readFile(join(out, 'agent.yml'), 'utf8')).toContain('job_name: node');
    expect((await stat(join(out, 'agent.yml'))).mode & 0o777).toBe(0o600);
    const second = await run(join(folder, 'prometheus.yml'), `--output-dir=${out}`);
    expect(second).toEqual({
      code: 1,
      stdout: '',
      stderr: `agent-lite: error: --output-dir=${out}: has such files already; name another folder\n`,
    });
  });

  it('reads the files that flags in a file name from its folder', async () => {
    await writeFile(join(folder, 'flags'), '-promscrape.config=prometheus.yml -remoteWrite.url=http://a/api/v1/write');
    const { code, stdout } = await run(join(folder, 'flags'));
    expect(code).toBe(0);
    expect(stdout).toContain('job_name: node');
  });

  it.each([
    ['a file that is not there', ['/does-not-exist/p.yml'], 1, '/does-not-exist/p.yml: no such file'],
    ['a wrong flag', ['--x'], 2, 'migrate: unknown flag --x'],
  ])('fails on %s', async (_, args, code, problem) => {
    const result = await run(...args);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(`agent-lite: error: ${problem}`);
  });

  it('shows its help', async () => {
    expect(await run('--help')).toEqual({ code: 0, stdout: migrateHelp, stderr: '' });
  });
});
