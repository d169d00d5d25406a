import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runRelay, USAGE } from '../../../infra/relay-cli/relay.ts';
import { relayConfig, withReceiver } from '../../fakes/relay-config.ts';
import { TestEdge } from '../../fakes/worker.ts';
import { HOUR, putLetter } from '../../functions/admin/letters.ts';

const TOKEN = 'a-token-of-the-operator-32-bytes';
const EDGE = ['--edge', 'http://127.0.0.1:8787'];

interface Options {
  readonly windowMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly localToken?: string;
}

function setup({ windowMs = 0, env = { ADMIN_TOKEN: TOKEN }, localToken }: Options = {}) {
  const sent: string[] = [];
  const edge = new TestEdge({
    config: withReceiver(relayConfig, { outOfOrderTimeWindowMs: windowMs }),
    adminToken: TOKEN,
    send: async (_receiver, tenant) => {
      sent.push(tenant);
      return { kind: 'done', status: 204, words: '' };
    },
  });
  const asked: string[] = [];
  const run = async (...args: readonly string[]) => {
    let out = '';
    let err = '';
    const code = await runRelay(args, {
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      env,
      fetch: (url, init) => {
        asked.push(url);
        const { pathname, search } = new URL(url);
        return edge.fetch(pathname + search, init);
      },
      localAdminToken: async () => localToken,
    });
    return { code, out, err };
  };
  return { edge, run, sent, asked };
}

describe('the command line', () => {
  it.each([[['--help']], [['dead-letters', '--help']]])('%j shows the usage', async (args) => {
    expect(await setup().run(...args)).toEqual({ code: 0, out: `${USAGE}\n`, err: '' });
  });

  const id = 'acme/001900000000000-1.0-000000000001-0';
  const bad: readonly [args: readonly string[], message: string][] = [
    [[], 'expected check-config or dead-letters, got nothing'],
    [['x'], 'expected check-config or dead-letters, got "x"'],
    [['check-config'], 'check-config: expected one FILE'],
    [['check-config', 'a', 'b'], 'check-config: expected one FILE'],
    [['dead-letters'], 'dead-letters: expected list, show, replay or drop, got nothing'],
    [['dead-letters', 'delete', id], 'dead-letters: expected list, show, replay or drop, got "delete"'],
    [['dead-letters', 'list', id], 'dead-letters list: expected no ID'],
    [['dead-letters', 'show'], 'dead-letters show: expected one ID'],
    [['dead-letters', 'drop'], 'dead-letters drop: expected IDs or --all'],
    [['dead-letters', 'drop', id, '--all'], 'dead-letters drop: expected IDs or --all'],
    [['dead-letters', 'drop', '../x'], 'dead-letters: expected an ID as in the list (TENANT/NAME), got "../x"'],
    [['dead-letters', 'drop', id, '--tenant', 'acme'], '--tenant: expected it with list or --all, not with an ID'],
    [['dead-letters', 'list', '--edge', 'ftp://x'], '--edge: expected an http or https address, got "ftp://x"'],
    [['dead-letters', 'list', '--edge', 'http://edge.example.com'], '--edge: expected https, since the admin token goes along'],
  ];
  it.each(bad)('%j exits with 2', async (args, message) => {
    const { run, asked } = setup();
    expect(await run(...args)).toEqual({ code: 2, out: '', err: `${message}\n\n${USAGE}\n` });
    expect(asked).toEqual([]);
  });

  it('refuses options that it does not know', async () => {
    const { code, err } = await setup().run('dead-letters', 'list', '--tennant', 'acme');
    expect([code, err]).toEqual([2, expect.stringContaining('--tennant')]);
  });
});

describe('the token', () => {
  it('of an edge on this machine is found in .dev.vars', async () => {
    expect((await setup({ env: {}, localToken: TOKEN }).run('dead-letters', 'list')).code).toBe(0);
  });

  it('is not sent to another edge unasked', async () => {
    const { run, asked } = setup({ env: {}, localToken: TOKEN });
    const { code, err } = await run('dead-letters', 'list', '--edge', 'https://edge.example.com');
    expect([code, err]).toEqual([2, expect.stringContaining("ADMIN_TOKEN: expected the edge's admin token, got none")]);
    expect(asked).toEqual([]);
  });

  it('that is wrong ends it with 1, and is not repeated', async () => {
    const { run } = setup({ env: { ADMIN_TOKEN: 'wrong-hunter2' } });
    expect(await run('dead-letters', 'drop', '--all')).toEqual({
      code: 1,
      out: '',
      err: 'the edge does not take this token: expected its ADMIN_TOKEN\n',
    });
  });

  it('in a file that is not there ends it with 1', async () => {
    const { code, err } = await setup().run('dead-letters', 'list', '--token-file', '/nonexistent/token');
    expect([code, err]).toEqual([1, '--token-file: /nonexistent/token cannot be read (ENOENT)\n']);
  });
});

describe('dead-letters', () => {
  it('list says when there is none', async () => {
    expect(await setup().run('dead-letters', 'list', ...EDGE)).toEqual({ code: 0, out: '', err: 'No dead letters.\n' });
  });

  it('list and show tell what and why, and cannot steer a terminal', async () => {
    const { edge, run } = setup();
    const id = await putLetter(edge.store, 1, { words: 'bad\u001b[2J\nsample', devices: ['a', 'b', 'c', 'd', 'e'] });
    const { out } = await run('dead-letters', 'list');
    expect(out).toMatch(
      /^acme\/\S+\n {2}refused: test answered 400: bad\?\[2J sample\n {2}1 samples of a, b, c and 2 more, 2026-11-22T11:00:00.000Z to 2026-11-22T11:00:00.000Z, \d+ bytes\n$/,
    );
    expect(JSON.parse((await run('dead-letters', 'list', '--json')).out)).toMatchObject({ id, reason: 'refused' });
    const shown = await run('dead-letters', 'show', id);
    expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/\nnode_load1\{device="gw-1"\} 0.5 \d+\n$/)]);
    expect(JSON.parse((await run('dead-letters', 'show', id, '--json')).out)).toMatchObject({ id, series: [{ moreSamples: 0 }] });
  });

  it('list stops at 100, --all does not', async () => {
    const { edge, run } = setup();
    for (let seq = 0; seq < 205; seq++) await putLetter(edge.store, seq);
    const some = await run('dead-letters', 'list', '--json');
    expect([some.out.split('\n').length - 1, some.err]).toEqual([100, 'There are more: --all lists every letter.\n']);
    const all = await run('dead-letters', 'list', '--json', '--all');
    expect([all.out.split('\n').length - 1, all.err]).toEqual([205, '']);
  });

  it('replay is refused without a window, with the reason and 1', async () => {
    const { edge, run, sent } = setup();
    const id = await putLetter(edge.store, 1);
    const { code, out, err } = await run('dead-letters', 'replay', id);
    expect([code, out, err]).toEqual([1, '', expect.stringContaining(`not replayed: ${id}: receiver test takes no late samples`)]);
    expect(sent).toEqual([]);
  });

  it('replay --all of a tenant takes what it can and tells the rest', async () => {
    const { edge, run, sent } = setup({ windowMs: 2 * HOUR });
    const fresh = [await putLetter(edge.store, 1), await putLetter(edge.store, 2)];
    const old = await putLetter(edge.store, 3, { minMs: 0 });
    await putLetter(edge.store, 4, { tenant: 'other' });
    const { code, out, err } = await run('dead-letters', 'replay', '--all', '--tenant', 'acme');
    expect([code, out]).toEqual([1, `${fresh.map((id) => `replayed ${id}\n`).join('')}2 replayed, 1 not\n`]);
    expect(err).toContain(`not replayed: ${old}: receiver test takes samples that are at most 2h late`);
    expect(sent).toEqual(['acme', 'acme']);
    expect((await run('dead-letters', 'replay', ...fresh)).code).toBe(1);
  });

  it('drop deletes by name or all', async () => {
    const { edge, run } = setup();
    const ids = [await putLetter(edge.store, 1), await putLetter(edge.store, 2), await putLetter(edge.store, 3, { tenant: 'other' })];
    expect(await run('dead-letters', 'drop', ids[0] ?? '')).toEqual({ code: 0, out: `dropped ${ids[0]}\n`, err: '' });
    expect((await run('dead-letters', 'drop', '--all', '--tenant', 'acme')).out).toBe(`dropped ${ids[1]}\n`);
    expect((await run('dead-letters', 'list', '--json')).out).toContain(ids[2]);
    expect(await run('dead-letters', 'drop', '--all')).toMatchObject({ code: 0 });
    expect((await run('dead-letters', 'list')).err).toBe('No dead letters.\n');
  });
});

describe('check-config', () => {
  it('accepts the bundled one', async () => {
    expect(await setup().run('check-config', 'infra/relay.yml')).toEqual({ code: 0, out: 'infra/relay.yml: valid\n', err: '' });
  });

  it('tells every fault with its place', async () => {
    // A configuration of the agent is none of the relay.
    const file = 'test/fixtures/config/agent/all-keys.good.yml';
    expect(await readFile(file, 'utf8')).toContain('scrape_configs:');
    const { code, out, err } = await setup().run('check-config', file);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(new RegExp(`^${file}:\\d+.*scrape_configs`, 'm'));
    expect(err).toMatch(/receivers/);
  });

  it('names a file that cannot be read', async () => {
    expect(await setup().run('check-config', '/nonexistent.yml')).toEqual({
      code: 1,
      out: '',
      err: '/nonexistent.yml: cannot be read (ENOENT)\n',
    });
  });
});
