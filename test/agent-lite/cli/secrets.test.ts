import { EventEmitter } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommandLine } from '../../../agent-lite/cli/run.ts';
import { type FakeTarget, startTarget, status } from '../../fakes/target.ts';

/** All secrets that a configuration can hold, each of them named, are looked for in everything the agent says. */

let dir = '';
let target: FakeTarget;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'agent-lite-secrets-'));
  target = await startTarget(status(500, 'no'));
});
afterAll(async () => {
  await target.close();
  await rm(dir, { recursive: true, force: true });
});

/** Nothing listens on port 1. */
const config = (): string => `
global: { scrape_interval: 100ms, scrape_timeout: 100ms }
scrape_configs:
  - job_name: basic
    basic_auth: { username: SECRET-01, password: SECRET-02 }
    http_headers: { X-A: { values: [SECRET-03], secrets: [SECRET-04], files: [secret] } }
    static_configs: [{ targets: ["${target.address}"] }]
  - job_name: token
    authorization: { credentials: SECRET-05 }
    proxy_url: http://user:SECRET-06@127.0.0.1:1
    static_configs: [{ targets: ["10.255.255.1:80"] }]
  - job_name: tunnel
    scheme: https
    proxy_url: http://user:SECRET-07@${target.address}
    proxy_connect_header: { X-B: [SECRET-08] }
    tls_config: { ca: SECRET-09 }
    static_configs: [{ targets: ["10.255.255.1:443"] }]
  - job_name: certificates
    scheme: https
    tls_config: { cert: SECRET-10, key: SECRET-11 }
    static_configs: [{ targets: ["${target.address}"] }]
  - job_name: oauth2
    oauth2: { client_id: a, client_secret: SECRET-12, token_url: "http://${target.address}/token", endpoint_params: { b: SECRET-13 } }
    static_configs: [{ targets: ["${target.address}"] }]
  - job_name: bad-file
    authorization: { credentials_file: bad-secret }
    static_configs: [{ targets: ["${target.address}"] }]
  - job_name: address
    static_configs: [{ targets: ["me:SECRET-14@h:1"] }]
  - job_name: dropped
    static_configs: [{ targets: ["http://me:SECRET-15@h:1"] }]
    relabel_configs: [{ action: drop }]
  - job_name: discovered
    http_sd_configs: [{ url: "http://127.0.0.1:1/", refresh_interval: 100ms, authorization: { credentials: SECRET-16 } }]
edge_push:
  url: http://127.0.0.1:1
  push_interval: 100ms
  authorization: { credentials: SECRET-17 }
  http_headers: { X-C: { secrets: [SECRET-18] } }
remote_write:
  - url: http://${target.address}/?token=SECRET-19
    headers: { X-D: SECRET-20 }
    basic_auth: { username: a, password: SECRET-21 }
  - url: http://${target.address}/write
    name: refusing
    authorization: { credentials: SECRET-22 }
`;

it('secrets are neither in the log at its finest nor on any page nor in errors', async () => {
  await writeFile(join(dir, 'secret'), 'SECRET-23\n');
  await writeFile(join(dir, 'bad-secret'), 'SECRET-24\nsecond line\n');
  const path = join(dir, 'agent.yml');
  await writeFile(path, config());
  const said: string[] = [];
  const events = new EventEmitter();
  const around = {
    stdout: (text: string) => said.push(text),
    stderr: (text: string) => said.push(text),
    env: {},
    events,
    exit: () => {},
  };
  const all = (): string => said.join('');

  expect(await runCommandLine(['check-config', path], around)).toBe(0);
  const flags = [
    '--log.level=debug',
    '--web.enable-lifecycle',
    '--web.listen-address=127.0.0.1:0',
    `--storage.agent.path=${join(dir, 'data')}`,
  ];
  const code = runCommandLine([`--config.file=${path}`, ...flags], around);
  await expect.poll(all).toContain('agent-lite is running');
  const url = /web=(http\S+)/.exec(all())?.[1] ?? '';
  const get = async (page: string, method = 'GET'): Promise<string> => (await fetch(url + page, { method })).text();
  const targets = async (): Promise<{ health: string }[]> => JSON.parse(await get('api/v1/status')).data.targets;
  await expect.poll(async () => (await targets()).filter(({ health }) => health === 'down').length, { timeout: 10_000 }).toBe(6);
  await expect.poll(all, { timeout: 10_000 }).toContain('Push failed');
  await expect.poll(all, { timeout: 10_000 }).toMatch(/level=(?:WARN|ERROR).*component=remote_write/);

  await writeFile(
    path,
    config().replace('{ credentials: SECRET-17 }', 'SECRET-17').replace('password: SECRET-21', 'password: [SECRET-21]'),
  );
  said.push(await get('-/reload', 'POST'));
  expect(all()).toContain('edge_push.authorization: expected a map');
  events.emit('SIGHUP', 'SIGHUP');
  for (const page of ['', 'metrics', 'api/v1/status', '-/ready', 'nope']) said.push(await get(page));
  // Else what waits for the receivers is tried until the last moment.
  target.answer = status(204);
  events.emit('SIGTERM', 'SIGTERM');
  await code;

  expect(all()).toContain('bad-file');
  const found = [...all().matchAll(/.*(SECRET-\d\d).*/g)].map(([line, secret]) => `${secret}: ${line}`);
  expect(found).toEqual([]);
  // What is sent arrives where it should, so that the search above had something to find.
  const sent = JSON.stringify(target.requests.map(({ headers }) => headers));
  const basic = Buffer.from('SECRET-01:SECRET-02').toString('base64');
  for (const secret of [basic, 'SECRET-03', 'SECRET-04', 'SECRET-22', 'SECRET-23']) expect(sent).toContain(secret);
}, 60_000);
