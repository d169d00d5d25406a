import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent-lite/agent.ts';
import { err, ok } from '../../../contract/result.ts';
import { createRig, labelsOfKey, type Rig } from './rig.ts';

let rig: Rig;
let agent: Agent;
beforeEach(async () => {
  rig = await createRig();
  agent = await rig.start();
  await rig.until(() => samplesOf('temperature') >= 2);
});
afterEach(async () => {
  rig.edge.always = { status: 503, type: 'text/plain', body: '' };
  await inTime(agent.stop());
  await rig.close();
});

/** The clock has to go on for what waits for it. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  await rig.until(() => settled);
  return watched;
}
const reload = () => inTime(agent.reload());
const samplesOf = (name: string): number =>
  [...rig.edge.series].filter(([key]) => key.includes(`:${name}`)).reduce((sum, [, samples]) => sum + samples.length, 0);
const get = async (path: string, method = 'GET'): Promise<Response> => fetch(`http://127.0.0.1:${agent.port}${path}`, { method });
const metric = async (name: string): Promise<number> =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await get('/metrics')).text())?.[1]);
const times = (name: string): number[] =>
  [...rig.edge.series].filter(([key]) => labelsOfKey(key)['__name__'] === name).flatMap(([, samples]) => samples.map(({ ms }) => ms));

describe('reloading', () => {
  it('takes new targets and ends old ones', async () => {
    await mkdir(join(rig.dir, 'sd'));
    await writeFile(join(rig.dir, 'sd/a.yml'), `- targets: ["${rig.target.address}"]\n  labels: { floor: "2" }\n`);
    rig.next = ok(rig.config(`- job_name: files\n  file_sd_configs: [{ files: ["sd/*.yml"] }]`));
    expect(await reload()).toEqual(ok(undefined));
    await rig.until(() => rig.stored().includes('temperature{files}'));
    expect(agent.status().targets.map(({ job }) => job)).toEqual(['agent-lite', 'files']);
  });

  it('leaves everything as it is where the file is bad, and says why', async () => {
    const before = await metric('agent_lite_config_last_reload_success_timestamp_seconds');
    expect(await metric('agent_lite_config_last_reload_successful')).toBe(1);
    rig.next = err('agent.yml:3: bad');
    const response = await inTime(get('/-/reload', 'POST'));
    expect([response.status, await response.text()]).toEqual([500, 'failed to reload config: agent.yml:3: bad\n']);
    expect(await metric('agent_lite_config_last_reload_successful')).toBe(0);
    expect(await metric('agent_lite_config_last_reload_success_timestamp_seconds')).toBe(before);
    expect(rig.logger.text('error')).toContain('agent.yml:3: bad');
    expect(await (await get('/')).text()).toContain('agent.yml:3: bad');
    const count = samplesOf('temperature');
    await rig.until(() => samplesOf('temperature') >= count + 2);

    rig.next = ok(rig.config());
    expect((await inTime(get('/-/reload', 'PUT'))).status).toBe(200);
    expect(await metric('agent_lite_config_last_reload_successful')).toBe(1);
    expect(await metric('agent_lite_config_last_reload_success_timestamp_seconds')).toBeGreaterThan(before);
    expect(agent.status().reloadError).toBeUndefined();
  });

  it('without a change disturbs nothing: same ticks, no markers, no push more', async () => {
    for (let i = 0; i < 3; i++) {
      rig.next = ok(rig.config());
      await reload();
      const count = samplesOf('temperature');
      await rig.until(() => samplesOf('temperature') >= count + 2);
    }
    const ticks = times('temperature');
    const [first = 0] = ticks;
    expect(ticks).toEqual(ticks.map((_, i) => first + i * 5000));
    expect([...rig.edge.series.values()].flat().filter(({ bits }) => bits === '7ff0000000000002')).toEqual([]);
    expect(agent.status().edge?.state).not.toBe('starting');
  });

  it('sends with changed external labels and intervals from the same cursor', async () => {
    rig.next = ok(rig.config(undefined, 'global: { scrape_interval: 5s, external_labels: { site: north } }', 'push_interval: 20s'));
    await reload();
    expect(agent.status().edge).toMatchObject({ pushIntervalMs: 20_000 });
    const count = samplesOf('temperature');
    await rig.until(() => samplesOf('temperature') >= count + 4);
    expect(rig.edge.pushes.at(-1)?.externalLabels).toEqual([['site', 'north']]);
    expect([rig.edge.disorder, rig.edge.gaps]).toEqual([0, []]);
    const ticks = times('temperature');
    expect(ticks).toEqual(ticks.map((_, i) => (ticks[0] ?? 0) + i * 5000));
  });

  it('goes on while the edge does not answer', async () => {
    rig.edge.always = 'lose_request';
    rig.next = ok(rig.config(undefined, undefined, 'push_interval: 20s'));
    expect(await reload()).toEqual(ok(undefined));
    rig.edge.always = 'ok';
    const count = samplesOf('temperature');
    await rig.until(() => samplesOf('temperature') >= count + 4);
    expect([rig.edge.disorder, rig.edge.gaps]).toEqual([0, []]);
  });

  it('refuses settings that cannot work before anything changes', async () => {
    const config = rig.config('- job_name: other');
    const bad = {
      ...config,
      edgePush: config.edgePush && { ...config.edgePush, http: { ...config.edgePush.http, proxyUrl: 'ftp://proxy' } },
    };
    rig.next = ok(bad);
    expect(await reload()).toMatchObject({ ok: false, error: expect.stringContaining('proxy_url') });
    expect(agent.status().targets.map(({ job }) => job)).toContain('room');
  });

  it('carries out one after the other', async () => {
    rig.next = ok(rig.config());
    expect(await inTime(Promise.all([agent.reload(), agent.reload(), agent.reload()]))).toEqual([
      ok(undefined),
      ok(undefined),
      ok(undefined),
    ]);
  });
});

it('/-/quit asks for the end', async () => {
  expect((await get('/-/quit', 'POST')).status).toBe(200);
  expect(rig.quits).toBe(1);
});
