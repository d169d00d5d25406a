import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent-lite/agent.ts';
import { MAX_PUSHED_SERIES } from '../../../agent-lite/telemetry/pushed.ts';
import { REPORT_NAMES } from '../../../contract/report-series.ts';
import { createRig, type Rig } from './rig.ts';

let rig: Rig;
let agents: Agent[];
beforeEach(async () => {
  rig = await createRig();
  agents = [];
});
afterEach(async () => {
  rig.edge.always = { status: 503, type: 'text/plain', body: '' };
  await Promise.all(agents.map((agent) => stop(agent)));
  await rig.close();
});

async function start(...args: Parameters<Rig['start']>): Promise<Agent> {
  const agent = await rig.start(...args);
  agents.push(agent);
  return agent;
}
/** The clock has to go on for the deadline of the last push. */
async function stop(agent: Agent): Promise<void> {
  agents = agents.filter((other) => other !== agent);
  let stopped = false;
  const stopping = agent.stop().finally(() => {
    stopped = true;
  });
  await rig.until(() => stopped);
  await stopping;
}
const samplesOf = (name: string): number =>
  [...rig.edge.series].filter(([key]) => key.includes(`:${name}`)).reduce((sum, [, samples]) => sum + samples.length, 0);

describe('the agent', () => {
  it('scrapes its targets and itself, and the edge gets it', async () => {
    await start();
    await rig.until(() => samplesOf('temperature') >= 4 && rig.stored().includes('agent_lite_push_sent_bytes_total{agent-lite}'));
    expect(rig.stored()).toEqual(
      expect.arrayContaining(['temperature{room}', 'humidity{room}', ...REPORT_NAMES.map((name) => `${name}{room}`), 'up{agent-lite}']),
    );
    expect(rig.edge.disorder).toBe(0);
    const own = rig.stored().filter((series) => series.endsWith('{agent-lite}'));
    expect(own.length).toBeGreaterThan(REPORT_NAMES.length + 10);
    expect(own.length).toBeLessThanOrEqual(MAX_PUSHED_SERIES + REPORT_NAMES.length);
  });

  it('tells its state on the page, as JSON and as metrics', async () => {
    const agent = await start();
    await rig.until(() => samplesOf('temperature') >= 2);
    const get = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${agent.port}${path}`)).text();
    expect(await get('/-/ready')).toBe('agent-lite is Ready.\n');
    expect(JSON.parse(await get('/api/v1/status'))).toMatchObject({
      data: {
        state: 'ok',
        edge: { url: rig.edgeUrl, failures: 0, clockOffsetMs: 0 },
        log: { mode: 'file', syncPolicy: 'interval', damagedPlaces: 0 },
        targets: [
          { job: 'room', health: 'up', samples: 2 },
          { job: 'agent-lite', health: 'up' },
        ],
      },
    });
    expect(await get('/')).toContain(rig.target.address);
    const metrics = await get('/metrics');
    expect(metrics).toMatch(/\nagent_lite_targets_up 2\n/);
    expect(metrics).toMatch(/\nagent_lite_push_requests_total\{code="stored"\} [1-9]/);
    expect(metrics).toMatch(/\nagent_lite_log_limit_bytes 67108864\n/);
  });

  it('says what is wrong while a target is down', async () => {
    rig.target.answer = (_, response) => response.writeHead(500).end();
    const agent = await start();
    await rig.until(() => rig.stored().includes('up{room}'));
    expect(agent.status().targets[0]).toMatchObject({ health: 'down', error: expect.stringContaining('500') });
    expect(rig.logger.text('warn')).toContain('Scrape failed');
  });
});

describe('stopping', () => {
  it('pushes what is left, and the next start goes on from there', async () => {
    const first = await start();
    await rig.until(() => samplesOf('temperature') >= 2);
    // Two targets at one interval: of three records at least one is the room's.
    await rig.until(() => (first.status().edge?.backlogRecords ?? 0) >= 3);
    const before = samplesOf('temperature');
    await stop(first);
    expect(first.status().edge?.backlogRecords).toBe(0);
    const pushed = samplesOf('temperature');
    expect(pushed).toBeGreaterThan(before);

    await start();
    await rig.until(() => samplesOf('temperature') >= pushed + 2);
    expect(rig.edge.disorder).toBe(0);
  });

  it('ends although the edge is gone; the rest waits in the log', async () => {
    rig.edge.always = 'lose_request';
    const first = await start();
    await rig.until(() => (first.status().edge?.backlogRecords ?? 0) >= 4 && (first.status().edge?.failures ?? 0) >= 2);
    await stop(first);
    await expect(fetch(`http://127.0.0.1:${first.port}/-/healthy`)).rejects.toThrow();
    expect(samplesOf('temperature')).toBe(0);

    rig.edge.always = 'ok';
    await start();
    await rig.until(() => samplesOf('temperature') >= 4);
    expect(rig.edge.disorder).toBe(0);
    expect(rig.edge.gaps).toEqual([]);
  });
});

describe('starting', () => {
  it('refuses an address that is taken, and leaves the log to the next start', async () => {
    const first = await start({ storagePath: join(rig.dir, 'other') });
    await expect(rig.start({ listen: { host: '127.0.0.1', port: first.port } })).rejects.toThrow(
      /web\.listen-address=127\.0\.0\.1:\d+.*cannot listen/,
    );
    await start();
  });

  it('refuses a log that another agent has', async () => {
    await start();
    await expect(rig.start()).rejects.toThrow(/process|lock|in use/i);
  });

  it('goes on in memory where the folder cannot be made', async () => {
    await writeFile(join(rig.dir, 'file'), '');
    const agent = await start({ storagePath: join(rig.dir, 'file/data') });
    await rig.until(() => samplesOf('temperature') >= 2);
    expect(agent.status().log).toMatchObject({ mode: 'memory', error: expect.stringContaining('ENOTDIR') });
  });
});

it('logs where it listens', async () => {
  const agent = await start();
  expect(rig.logger.text('info')).toContain(`http://127.0.0.1:${agent.port}/`);
});
