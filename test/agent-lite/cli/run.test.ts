import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../agent-lite/cli/run.ts';
import { systemErrorText } from '../../../agent-lite/cli/system-error.ts';
import { VERSION } from '../../../contract/version.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'agent-lite-cli-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function surroundings() {
  const out: string[] = [];
  const err: string[] = [];
  const exits: number[] = [];
  return {
    out,
    err,
    exits,
    around: {
      stdout: (text: string) => out.push(text),
      stderr: (text: string) => err.push(text),
      env: {},
      events: new EventEmitter(),
      exit: (code: number) => exits.push(code),
    },
  };
}
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { around, out, err } = surroundings();
  return { code: await runCommandLine(args, around), out: out.join(''), err: err.join('') };
}
async function file(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text);
  return join(dir, name);
}

/** Nothing listens on port 1, so pushes fail at once. */
const EDGE = 'edge_push: { url: "http://127.0.0.1:1", authorization: { credentials_file: token } }\n';
const NODE = 'scrape_configs: [{ job_name: node, static_configs: [{ targets: ["127.0.0.1:1"] }] }]\n';

describe('commands', () => {
  it('--version', async () => expect(await run('--version')).toMatchObject({ code: 0, out: expect.stringContaining(VERSION), err: '' }));
  it('--help', async () => expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('--config.file'), err: '' }));
  it('usage errors give 2 and name --help', async () => {
    expect(await run('--log.levle=info')).toEqual({
      code: 2,
      out: '',
      err: 'agent-lite: error: unknown flag --log.levle, did you mean --log.level?\nTry: agent-lite --help\n',
    });
  });
});

describe('check-config', () => {
  it('finds a good file good', async () => {
    await file('token', 'secret\n');
    const path = await file('good.yml', NODE + EDGE);
    expect(await run('check-config', path)).toEqual({
      code: 0,
      out: `Checking ${path}\n  SUCCESS: ${path} is valid: 1 in scrape_configs, pushed to http://127.0.0.1:1\n`,
      err: '',
    });
  });

  it.each<[string, string, RegExp]>([
    ['broken YAML', 'scrape_configs: [', /broken YAML\.yml:1/],
    ['an unknown key', `scrap_configs: []\n${EDGE}`, /an unknown key\.yml:1: .*scrap_configs.*scrape_configs/],
    ['a wrong type', `global: { scrape_interval: 5 }\n${EDGE}`, /a wrong type\.yml:1: global\.scrape_interval/],
    ['no edge', NODE, /edge_push: expected edge_push or remote_write/],
    ['a missing token', EDGE.replace('token', 'no-token'), /edge_push\.authorization\.credentials_file: .*no-token: no such file/],
    [
      'a missing certificate',
      EDGE.replace(' } }', ' }, tls_config: { ca_file: ca.pem } }'),
      /edge_push\.tls_config\.ca_file: .*ca\.pem: no such file/,
    ],
  ])('refuses %s', async (name, text, message) => {
    const path = await file(`${name}.yml`, text);
    const { code, err } = await run('check-config', path);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(err).toMatch(/^( {2}FAILED: .*\n)+$/);
  });

  it('says what to do about a missing file', async () => {
    const path = join(dir, 'nope.yml');
    expect(await run('check-config', path)).toMatchObject({
      code: 1,
      err: `  FAILED: ${path}: no such file. Name the configuration with --config.file=PATH.\n`,
    });
  });

  it.each([
    ['EACCES', 'permission denied: let the user the agent runs as read it'],
    ['EISDIR', 'is a folder, expected a file'],
    ['EWHATEVER', 'what the system said'],
  ])('explains %s', (code, text) => {
    expect(systemErrorText(Object.assign(new Error('what the system said'), { code }))).toBe(text);
  });
});

describe('running', () => {
  it('runs until SIGTERM and gives 0, also while the edge is away', async () => {
    await file('token', 'secret\n');
    const path = await file('run.yml', NODE + EDGE);
    const { around, err, exits } = surroundings();
    const code = runCommandLine(
      [`--config.file=${path}`, `--storage.agent.path=${join(dir, 'data')}`, '--web.listen-address=127.0.0.1:0'],
      around,
    );
    await expect.poll(() => err.join('')).toContain('agent-lite is running');
    const url = /web=(http\S+)/.exec(err.join(''))?.[1] ?? '';
    expect(await (await fetch(`${url}-/ready`)).text()).toBe('agent-lite is Ready.\n');
    await file('run.yml', 'broken: [');
    around.events.emit('SIGHUP', 'SIGHUP');
    await expect.poll(() => err.join('')).toContain('Configuration not reloaded');
    around.events.emit('SIGTERM', 'SIGTERM');
    expect(await code).toBe(0);
    expect(err.join('')).toContain('agent-lite has stopped');
    expect(exits).toEqual([]);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('reloads and ends by HTTP with --web.enable-lifecycle', async () => {
    await file('token', 'secret\n');
    await file('job.yml', 'scrape_configs: [{ job_name: one, static_configs: [{ targets: ["127.0.0.1:1"] }] }]');
    const path = await file('lifecycle.yml', `scrape_config_files: [j?b.yml]\n${EDGE}`);
    const { around, err } = surroundings();
    const flags = ['--web.enable-lifecycle', `--storage.agent.path=${join(dir, 'data3')}`, '--web.listen-address=127.0.0.1:0'];
    const code = runCommandLine([`--config.file=${path}`, ...flags], around);
    await expect.poll(() => err.join('')).toContain('agent-lite is running');
    const url = /web=(http\S+)/.exec(err.join(''))?.[1] ?? '';
    const post = async (action: string): Promise<[number, string]> => {
      const response = await fetch(`${url}-/${action}`, { method: 'POST' });
      return [response.status, await response.text()];
    };
    const jobs = async (): Promise<string[]> =>
      JSON.parse(await (await fetch(`${url}api/v1/status`)).text()).data.targets.map(({ job }: { job: string }) => job);
    expect(await jobs()).toEqual(['one', 'agent-lite']);

    await file('job.yml', 'scrape_configs: [{ job_name: two, static_configs: [{ targets: ["127.0.0.1:1"] }] }]');
    expect(await post('reload')).toEqual([200, '']);
    expect(await jobs()).toEqual(['agent-lite', 'two']);

    await file('job.yml', 'scrape_configs: [{ job_name: three, interval: 5s }]');
    expect(await post('reload')).toEqual([
      500,
      expect.stringMatching(/^failed to reload config: \S+job\.yml:1: scrape_configs\[0\]\.interval: unknown key/),
    ]);
    await file('job.yml', 'scrape_configs: [{ job_name: three, authorization: { credentials_file: gone } }]');
    expect(await post('reload')).toEqual([
      500,
      expect.stringMatching(/scrape_configs\[three\]\.authorization\.credentials_file: .*no such file/),
    ]);
    expect(await jobs()).toEqual(['agent-lite', 'two']);

    expect(await post('quit')).toEqual([200, 'Requesting termination... Goodbye!\n']);
    expect(await code).toBe(0);
  });

  it.each<[string, string[], RegExp]>([
    ['a missing configuration', ['--config.file=/nope.yml'], /^agent-lite: error: \/nope\.yml: no such file/],
    ['a broken one', ['--config.file=DIR/broken.yml'], /^agent-lite: error: .*broken\.yml:1/],
  ])('gives 1 for %s', async (_, args, message) => {
    await file('broken.yml', 'a: [');
    const { code, err } = await run(...args.map((arg) => arg.replace('DIR', dir)));
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });

  it('gives 1 where the page cannot be listened on, and says which flag helps', async () => {
    const path = await file('taken.yml', NODE + EDGE);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, err } = await run(
      `--config.file=${path}`,
      `--storage.agent.path=${join(dir, 'data2')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    );
    taken.close();
    expect(code).toBe(1);
    expect(err).toMatch(/level=ERROR .*--web\.listen-address=127\.0\.0\.1:\d+.*EADDRINUSE/);
  });
});
