import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { advance as advanceBoth, started } from './harness/agent-in-page.ts';
import { inPage, openSite, type Site } from './harness/chromium.ts';
import { type EdgeServer, sampleValue, startEdge } from './harness/edge.ts';
import type { AgentSettings } from './page/agents.ts';

/** Any time after the agent was built: the edge and the pages agree on it. */
const NOW = Date.UTC(2026, 5, 1);
const MINUTE = 60_000;

let site: Site;
let edge: EdgeServer;
let tab: Page;
let logs = 0;
const time = { ms: NOW };

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());
beforeEach(async () => {
  time.ms = NOW;
  edge = await startEdge(site.origin, () => time.ms);
  tab = await site.tab();
});
afterEach(async () => {
  for (const page of site.context.pages()) await page.close();
  await edge.close();
});

const settings = (more: Partial<AgentSettings> = {}): AgentSettings => ({
  targets: [{ kind: 'counter', job: 'page', scrapeIntervalMs: 15_000 }],
  edgePush: { url: edge.url, token: 'a-token', pushIntervalMs: 30_000 },
  log: { name: `agent-${++logs}` },
  ownMetrics: false,
  manualFrom: NOW,
  ...more,
});
const host = (): string => new URL(site.origin).host;
const stored = (name: string, job = 'page'): readonly (number | 'stale')[] =>
  edge.stored({ __name__: name, job, instance: host() }).map(sampleValue);

const advance = (page: Page, id: number, ms: number): Promise<void> => advanceBoth(page, id, ms, time);

describe('an agent in a page', () => {
  it('scrapes a function, logs, pushes; every scrape handed out arrives once and in order', async () => {
    const id = await started(tab, settings());
    await advance(tab, id, 2 * MINUTE);
    await inPage(tab, 'agents', 'stop', id);
    const told = await inPage(tab, 'agents', 'handedOut');
    expect(told.length).toBeGreaterThanOrEqual(7);
    expect(stored('handed_out_total')).toEqual(told);
    expect(stored('up')).toEqual(told.map(() => 1));
    expect(edge.edge.disorder).toBe(0);
    expect([...edge.tokens]).toEqual(['Bearer a-token']);
    expect(await inPage(tab, 'agents', 'roles', id)).toEqual(['starting', 'leader', 'stopped']);
    expect(await inPage(tab, 'agents', 'scrapes', id)).toBe(told.length);
  });

  it.each([
    { kind: 'prom-client', name: 'clicks_total', labels: { button: 'buy "now"' }, value: 3 },
    { kind: 'openmetrics', name: 'taps_total', labels: {}, value: 2 },
  ] as const)("reads prom-client's register.metrics(): $kind", async ({ kind, name, labels, value }) => {
    const id = await started(tab, settings({ targets: [{ kind, job: 'shop', scrapeIntervalMs: 5_000 }] }));
    await advance(tab, id, 10_000);
    await inPage(tab, 'agents', 'stop', id);
    const series = edge.stored({ __name__: name, job: 'shop', instance: host(), ...labels }).map(sampleValue);
    expect(series.length).toBeGreaterThan(0);
    expect(new Set(series)).toEqual(new Set([value]));
  });

  it.each([
    { kind: 'hanging', error: /expected an exposition within 5000 ms/ },
    { kind: 'failing', error: /the registry is broken/ },
  ] as const)('a $kind function makes its target down, and no other', async ({ kind, error }) => {
    const id = await started(
      tab,
      settings({
        targets: [
          { kind, job: 'bad', scrapeIntervalMs: 5_000 },
          { kind: 'counter', job: 'page', scrapeIntervalMs: 5_000 },
        ],
      }),
    );
    await advance(tab, id, 20_000);
    const { targets } = await inPage(tab, 'agents', 'status', id);
    expect(targets.find(({ job }) => job === 'bad')).toMatchObject({ health: 'down', url: undefined, error: expect.stringMatching(error) });
    expect(targets.find(({ job }) => job === 'page')).toMatchObject({ health: 'up', error: undefined });
    await inPage(tab, 'agents', 'stop', id);
    expect(stored('up', 'bad')).toContain(0);
  });

  it('scrapes a URL of its own origin, and one of another that allows it', async () => {
    const exposition = 'temperature_celsius 21.5\n';
    for (const [url, headers] of [
      [`${site.origin}/own-metrics`, {}],
      ['http://exporter.test/metrics', { 'access-control-allow-origin': site.origin }],
      ['http://closed.test/metrics', { 'access-control-allow-origin': 'http://somebody-else.test' }],
    ] as const)
      await tab.route(url, (route) => route.fulfill({ body: exposition, contentType: 'text/plain; version=0.0.4', headers }));
    const id = await started(
      tab,
      settings({
        targets: [
          { job: 'own', url: '/own-metrics', scrapeIntervalMs: 5_000 },
          { job: 'other', url: 'http://exporter.test/metrics', scrapeIntervalMs: 5_000 },
          { job: 'closed', url: 'http://closed.test/metrics', scrapeIntervalMs: 5_000 },
        ],
      }),
    );
    await advance(tab, id, 10_000);
    const { targets } = await inPage(tab, 'agents', 'status', id);
    expect(targets.map(({ job, health }) => [job, health]).sort()).toEqual([
      ['closed', 'down'],
      ['other', 'up'],
      ['own', 'up'],
    ]);
    expect(targets.find(({ job }) => job === 'closed')?.error).toMatch(/CORS/);
    await inPage(tab, 'agents', 'stop', id);
    expect(edge.stored({ __name__: 'temperature_celsius', job: 'other', instance: 'exporter.test' }).map(sampleValue)).toContain(21.5);
  });

  it('asks a target of another origin without a preflight, which no exporter answers', async () => {
    const methods: (string | undefined)[] = [];
    const exporter = createServer((request, response) => {
      methods.push(request.method);
      response.writeHead(request.method === 'GET' ? 200 : 405, {
        'content-type': 'text/plain',
        'access-control-allow-origin': site.origin,
      });
      response.end('a 1\n');
    });
    await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(exporter.address() as AddressInfo).port}/metrics`;
    const id = await started(tab, settings({ targets: [{ job: 'other', url, scrapeIntervalMs: 5_000 }] }));
    await advance(tab, id, 15_000);
    const { targets } = await inPage(tab, 'agents', 'status', id);
    await inPage(tab, 'agents', 'stop', id);
    exporter.closeAllConnections();
    exporter.close();
    expect(targets).toMatchObject([{ job: 'other', health: 'up', url }]);
    expect(new Set(methods)).toEqual(new Set(['GET']));
  });

  it('loads relabelling where a target has a rule', async () => {
    const rule = { sourceLabels: ['__name__'], regex: 'handed_(.*)', targetLabel: '__name__', replacement: 'renamed_$1' };
    const id = await started(
      tab,
      settings({ targets: [{ job: 'own', url: '/rules', scrapeIntervalMs: 5_000, metricRelabelConfigs: [rule] }] }),
    );
    await tab.route(`${site.origin}/rules`, (route) => route.fulfill({ body: 'handed_out 1\n', contentType: 'text/plain' }));
    await advance(tab, id, 10_000);
    await inPage(tab, 'agents', 'stop', id);
    expect(edge.stored({ __name__: 'renamed_out', job: 'own', instance: host() }).map(sampleValue)).toContain(1);
  });

  it('offline it waits in the log; online again everything arrives, also after a reload of the page', async () => {
    const options = settings();
    edge.offline = true;
    const id = await started(tab, options);
    await advance(tab, id, 2 * MINUTE);
    const before = await inPage(tab, 'agents', 'handedOut');
    const offline = await inPage(tab, 'agents', 'status', id);
    expect(offline.edge).toMatchObject({ state: 'retrying', backlogRecords: before.length });
    expect(offline.edge?.error).toMatch(/cannot be reached/);
    expect(stored('handed_out_total')).toEqual([]);
    await tab.reload();
    edge.offline = false;
    time.ms += MINUTE;
    const again = await started(tab, { ...options, manualFrom: time.ms });
    await advance(tab, again, MINUTE);
    await inPage(tab, 'agents', 'stop', again);
    const after = await inPage(tab, 'agents', 'handedOut');
    expect(stored('handed_out_total')).toEqual([...before, ...after]);
    expect(edge.edge.disorder).toBe(0);
  });

  it('flush pushes at once and says what is left', async () => {
    const id = await started(tab, settings({ edgePush: { url: edge.url, token: 'a-token', pushIntervalMs: 3_600_000 } }));
    await advance(tab, id, 30_000);
    const told = await inPage(tab, 'agents', 'handedOut');
    await expect.poll(() => inPage(tab, 'agents', 'flush', id)).toEqual({ waiting: 0 });
    expect(stored('handed_out_total')).toEqual(told);
    edge.offline = true;
    await advance(tab, id, 30_000);
    expect((await inPage(tab, 'agents', 'flush', id)).waiting).toBeGreaterThan(0);
    expect((await inPage(tab, 'agents', 'pushes', id)).at(-1)).toMatchObject({ method: 'POST', status: undefined });
    await inPage(tab, 'agents', 'stop', id, 0);
  });

  it('two tabs: one leads; the other scrapes nothing, says so, and takes over when the first closes', async () => {
    const options = settings();
    const first = await started(tab, options);
    const second = await site.tab();
    const standby = await started(second, options);
    const waiting = await inPage(second, 'agents', 'status', standby);
    expect(waiting).toMatchObject({
      role: 'standby',
      reason: expect.stringMatching(/nothing of this page is scraped/),
      targets: [{ job: 'page', health: 'standby', url: undefined, labels: { job: 'page', instance: host() }, samples: undefined }],
    });
    await advance(tab, first, MINUTE);
    await inPage(second, 'agents', 'advance', standby, MINUTE);
    expect(await inPage(second, 'agents', 'handedOut')).toEqual([]);
    const before = await inPage(tab, 'agents', 'handedOut');
    await tab.close();
    await expect.poll(async () => (await inPage(second, 'agents', 'status', standby)).role).toBe('leader');
    await advance(second, standby, MINUTE);
    await inPage(second, 'agents', 'stop', standby);
    const after = await inPage(second, 'agents', 'handedOut');
    expect(after.length).toBeGreaterThan(0);
    expect(stored('handed_out_total')).toEqual([...before, ...after]);
  });

  it('a leader whose log was taken stands by, sends nothing more, and takes its turn later', async () => {
    const options = settings();
    const id = await started(tab, options);
    await advance(tab, id, 30_000);
    const second = await site.tab();
    const held = await second.evaluateHandle(async (name) => {
      let release = (): void => undefined;
      await new Promise<void>((taken) => {
        const until = new Promise<void>((resolve) => {
          release = resolve;
        });
        void navigator.locks.request(name ?? '', { steal: true }, () => {
          taken();
          return until;
        });
      });
      return { release };
    }, options.log?.name);
    await expect.poll(async () => (await inPage(tab, 'agents', 'status', id)).role).toBe('standby');
    const requests = edge.edge.requests.length;
    await advance(tab, id, MINUTE);
    expect(edge.edge.requests.length).toBe(requests);
    await held.evaluate(({ release }) => release());
    await expect
      .poll(async () => {
        await advance(tab, id, 1_000);
        return (await inPage(tab, 'agents', 'status', id)).role;
      })
      .toBe('leader');
    await advance(tab, id, MINUTE);
    await inPage(tab, 'agents', 'stop', id);
    expect(edge.edge.disorder).toBe(0);
    const told = await inPage(tab, 'agents', 'handedOut');
    expect(stored('handed_out_total').at(-1)).toBe(told.at(-1));
  });

  it('a full disk: the log goes on in memory, says so, and nothing is lost', async () => {
    const id = await started(tab, settings());
    await advance(tab, id, 30_000);
    edge.offline = true;
    await inPage(tab, 'durability', 'failWrites', 1_000_000);
    await advance(tab, id, 30_000);
    expect((await inPage(tab, 'agents', 'status', id)).log).toMatchObject({
      mode: 'memory',
      reason: expect.stringMatching('QuotaExceeded'),
    });
    await inPage(tab, 'durability', 'failWrites', 0);
    edge.offline = false;
    await advance(tab, id, 2 * MINUTE);
    expect((await inPage(tab, 'agents', 'status', id)).log).toMatchObject({ mode: 'file' });
    await inPage(tab, 'agents', 'stop', id);
    expect(stored('handed_out_total')).toEqual(await inPage(tab, 'agents', 'handedOut'));
  });

  it('without a database it waits in memory, says so, and pushes', async () => {
    await tab.evaluate(() => {
      indexedDB.open = () => {
        throw new DOMException('no storage here', 'SecurityError');
      };
    });
    const id = await started(tab, settings());
    await advance(tab, id, MINUTE);
    const { role, log } = await inPage(tab, 'agents', 'status', id);
    expect(role).toBe('leader');
    expect(log).toMatchObject({ mode: 'memory', reason: expect.stringMatching('no storage here') });
    // It is still the one that scrapes.
    expect(
      await tab.evaluate((lock) => navigator.locks.request(lock, { ifAvailable: true }, (held) => held !== null), `agent-${logs}`),
    ).toBe(false);
    await inPage(tab, 'agents', 'stop', id);
    expect(stored('handed_out_total')).toEqual(await inPage(tab, 'agents', 'handedOut'));
  });

  it('collects what the page knows of itself', async () => {
    // A scrape that took longer than the clock, which is moved by hand, let it leaves markers.
    const last = (name: string) => stored(name).findLast((value) => value !== 'stale') ?? 0;
    const id = await started(tab, settings({ targets: [], pageMetrics: true }));
    await tab.evaluate(() => {
      setTimeout(() => {
        const until = performance.now() + 80;
        while (performance.now() < until);
      });
    });
    // The browser tells of it when it has time.
    await expect
      .poll(async () => {
        await advance(tab, id, MINUTE);
        return last('page_long_tasks_total');
      })
      .toBeGreaterThan(0);
    await inPage(tab, 'agents', 'stop', id);
    expect(stored('page_online')).toContain(1);
    expect(last('page_long_task_seconds_total')).toBeGreaterThanOrEqual(0.05);
    for (const name of ['page_navigation_load_seconds', 'page_heap_used_bytes', 'page_storage_quota_bytes'])
      expect(last(name)).toBeGreaterThan(0);
  });

  it.each([
    { persist: true, answer: true, asked: 1 },
    { persist: true, answer: false, asked: 1 },
    { persist: false, answer: false, asked: 0 },
  ])(
    'asks the browser not to evict its log where that is wished, and tells what it says: $persist, $answer',
    async ({ persist, answer, asked }) => {
      await tab.evaluate((granted) => {
        let times = 0;
        navigator.storage.persist = async () => {
          times++;
          return granted;
        };
        navigator.storage.persisted = async () => times > 0 && granted;
        Object.assign(globalThis, { timesAsked: () => times });
      }, answer);
      const id = await started(tab, settings({ log: { name: `agent-${++logs}`, persist } }));
      const { storage } = await inPage(tab, 'agents', 'status', id);
      expect(storage).toMatchObject({ persisted: answer, usageBytes: expect.any(Number), quotaBytes: expect.any(Number) });
      expect(await tab.evaluate('timesAsked()')).toBe(asked);
      expect((await inPage(tab, 'agents', 'logged', id)).includes('may be evicted')).toBe(persist && !answer);
      await inPage(tab, 'agents', 'stop', id, 0);
    },
  );

  it('can be started again after a stop, but not twice', async () => {
    const id = await started(tab, settings());
    await expect(inPage(tab, 'agents', 'start', id)).rejects.toThrow(/expected it to be stopped/);
    await inPage(tab, 'agents', 'stop', id);
    await inPage(tab, 'agents', 'start', id);
    await advance(tab, id, MINUTE);
    await inPage(tab, 'agents', 'stop', id);
    expect(stored('handed_out_total')).toEqual(await inPage(tab, 'agents', 'handedOut'));
  });

  it('its database deleted: goes on, says so, and sends nothing wrong', async () => {
    const options = settings();
    edge.offline = true;
    const id = await started(tab, options);
    await advance(tab, id, MINUTE);
    await tab.evaluate((name) => {
      const request = indexedDB.deleteDatabase(name ?? '');
      return new Promise((resolve) => {
        request.onsuccess = resolve;
      });
    }, options.log?.name);
    edge.offline = false;
    await advance(tab, id, 2 * MINUTE);
    const { log } = await inPage(tab, 'agents', 'status', id);
    expect(log?.deletions).toBeGreaterThan(0);
    await inPage(tab, 'agents', 'stop', id);
    const told = await inPage(tab, 'agents', 'handedOut');
    const arrived = stored('handed_out_total');
    expect(arrived.at(-1)).toBe(told.at(-1));
    expect(told).toEqual(expect.arrayContaining([...arrived]));
    expect(new Set(arrived).size).toBe(arrived.length);
    expect(edge.edge.gaps.length).toBeGreaterThan(0);
  });
});
