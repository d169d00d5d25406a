import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { advance as advanceBoth, started } from './harness/agent-in-page.ts';
import { inPage, openSite, type Site } from './harness/chromium.ts';
import { type EdgeServer, sampleValue, startEdge } from './harness/edge.ts';
import type { AgentSettings } from './page/agents.ts';

/** Pages that lose their network, their clock, or their life in the middle of a push. */

const NOW = Date.UTC(2026, 5, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

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
  await site.context.setOffline(false);
  for (const page of site.context.pages()) await page.close();
  await edge.close();
});

const settings = (more: Partial<AgentSettings> = {}): AgentSettings => ({
  targets: [{ kind: 'counter', job: 'page', scrapeIntervalMs: 15_000 }],
  edgePush: { url: edge.url, token: 'a-token', pushIntervalMs: 30_000 },
  log: { name: `network-${++logs}` },
  ownMetrics: false,
  manualFrom: NOW,
  ...more,
});
const samples = () => edge.stored({ __name__: 'handed_out_total', job: 'page', instance: new URL(site.origin).host });
const stored = (): readonly (number | 'stale')[] => samples().map(sampleValue);

const advance = (page: Page, id: number, ms: number): Promise<void> => advanceBoth(page, id, ms, time);
/** In its next life on this page's log; until all has arrived. */
async function lifeAfter(options: AgentSettings): Promise<readonly number[]> {
  const page = await site.tab();
  const id = await started(page, { ...options, manualFrom: time.ms });
  await expect.poll(async () => (await inPage(page, 'agents', 'status', id)).role).toBe('leader');
  await advance(page, id, MINUTE);
  await inPage(page, 'agents', 'stop', id);
  return inPage(page, 'agents', 'handedOut');
}

describe('a page without a network', () => {
  it('says so, and pushes at once when the browser has one again', async () => {
    const id = await started(tab, settings({ edgePush: { url: edge.url, token: 'a-token', pushIntervalMs: HOUR } }));
    await advance(tab, id, 10_000);
    await site.context.setOffline(true);
    await advance(tab, id, 2 * MINUTE);
    await inPage(tab, 'agents', 'flush', id);
    const offline = await inPage(tab, 'agents', 'status', id);
    expect(offline).toMatchObject({ online: false, edge: { state: 'retrying' } });
    const before = await inPage(tab, 'agents', 'handedOut');
    expect(stored().length).toBeLessThan(before.length);
    await advance(tab, id, 5_000);
    await site.context.setOffline(false);
    // A try that is under way may fail still; the next comes a second later, long before the next interval.
    const told = await inPage(tab, 'agents', 'handedOut');
    await expect
      .poll(async () => {
        await advance(tab, id, 1_000);
        // While the clock moves there are more.
        return stored().slice(0, told.length);
      })
      .toEqual(told);
    expect(await inPage(tab, 'agents', 'status', id)).toMatchObject({ online: true });
    await inPage(tab, 'agents', 'stop', id, 0);
  });
});

describe('every sample is accounted for', () => {
  it('handed out = arrived + in the log + dropped by its limit, offline, over a reload, and online again', async () => {
    const options = settings({
      targets: [{ kind: 'noise', job: 'page', scrapeIntervalMs: 15_000 }],
      log: { name: `accounts-${++logs}`, limitBytes: 64 * 1024 },
    });
    const id = await started(tab, options);
    const count = async (page: Page, agent: number) => {
      const { edge: push, log } = await inPage(page, 'agents', 'status', agent);
      return { waiting: push?.backlogRecords ?? Number.NaN, dropped: log?.counters.evicted ?? Number.NaN };
    };
    await advance(tab, id, 2 * MINUTE);
    await inPage(tab, 'agents', 'flush', id);
    edge.offline = true;
    await advance(tab, id, 8 * MINUTE);
    const first = await inPage(tab, 'agents', 'handedOut');
    const offline = await count(tab, id);
    expect(offline.dropped).toBeGreaterThan(0);
    expect(offline.waiting).toBeGreaterThan(0);
    expect(stored().length + offline.waiting + offline.dropped).toBe(first.length);

    await tab.reload();
    await inPage(tab, 'agents', 'goOnFrom', first.length);
    const again = await started(tab, { ...options, manualFrom: time.ms });
    await advance(tab, again, 4 * MINUTE);
    const second = await inPage(tab, 'agents', 'handedOut');
    const reloaded = await count(tab, again);
    expect(reloaded.dropped).toBeGreaterThan(0);
    expect(stored().length + reloaded.waiting + offline.dropped + reloaded.dropped).toBe(first.length + second.length);

    edge.offline = false;
    await advance(tab, again, 2 * MINUTE);
    await inPage(tab, 'agents', 'flush', again);
    const online = await count(tab, again);
    const last = await inPage(tab, 'agents', 'handedOut');
    // Until its next try the page may drop a few more.
    const dropped = offline.dropped + online.dropped;
    expect(online.waiting).toBe(0);
    expect(stored().length + dropped).toBe(first.length + last.length);
    // The edge was told of what is missing: so many records, as a gap.
    expect(edge.edge.gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0)).toBeGreaterThanOrEqual(dropped);
    // What arrived was told, each once and in order; what is missing is the oldest of the stretch without a network.
    const all = [...first, ...last];
    const arrived = stored();
    const missing = all.filter((value) => !arrived.includes(value));
    expect(arrived).toEqual(all.filter((value) => arrived.includes(value)));
    expect(missing).toEqual(all.slice((missing[0] ?? 0) - 1, (missing[0] ?? 0) - 1 + dropped));
    expect(edge.edge.disorder).toBe(0);
    await inPage(tab, 'agents', 'stop', again);
  });
});

describe('a page that is closed while a push is under way', () => {
  /** Resolves when the edge is at this moment of a request, which then waits until it is let go. */
  function holdAt(moment: 'arrived' | 'done', method: string) {
    let letGo = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      edge.hold = (now, what) => {
        if (now !== moment || what !== method) return undefined;
        edge.hold = () => undefined;
        resolve();
        return until;
      };
    });
    return { reached, letGo };
  }

  it.each([
    { name: 'its permission is asked for (preflight)', moment: 'arrived', method: 'OPTIONS' },
    { name: 'it has arrived', moment: 'arrived', method: 'POST' },
    { name: 'it is stored and not answered', moment: 'done', method: 'POST' },
  ] as const)('the push comes to its end where $name, and its next life repeats nothing', async ({ moment, method }) => {
    const options = settings({ edgePush: { url: edge.url, token: 'a-token', pushIntervalMs: HOUR } });
    const id = await started(tab, options);
    await advance(tab, id, MINUTE);
    const told = await inPage(tab, 'agents', 'handedOut');
    expect(stored().length).toBeLessThan(told.length);
    const held = holdAt(moment, method);
    // Nobody waits for it: the page will be gone.
    void inPage(tab, 'agents', 'flush', id).catch(() => undefined);
    await held.reached;
    await tab.goto('about:blank');
    await tab.close();
    held.letGo();
    await expect.poll(stored).toEqual(told);
    const after = await lifeAfter(options);
    expect(stored()).toEqual([...told, ...after]);
    expect(edge.edge.disorder).toBe(0);
  });

  it('what is too long to outlive it waits in the log', async () => {
    const options = settings({
      targets: [{ kind: 'noise', job: 'page', scrapeIntervalMs: 15_000 }],
      edgePush: { url: edge.url, token: 'a-token', pushIntervalMs: HOUR },
    });
    const id = await started(tab, options);
    await advance(tab, id, 2 * MINUTE);
    const told = await inPage(tab, 'agents', 'handedOut');
    const held = holdAt('arrived', 'OPTIONS');
    void inPage(tab, 'agents', 'flush', id).catch(() => undefined);
    await held.reached;
    await tab.goto('about:blank');
    await tab.close();
    held.letGo();
    const after = await lifeAfter(options);
    expect(stored()).toEqual([...told, ...after]);
  });

  it('pushes also where other scripts of the page use up what may outlive it', async () => {
    const never = new Promise<void>(() => undefined);
    await tab.route('**/beacon', () => never);
    expect(await tab.evaluate(() => navigator.sendBeacon('/beacon', new Uint8Array(64 * 1024 - 1)))).toBe(true);
    expect(await tab.evaluate(() => navigator.sendBeacon('/beacon', new Uint8Array(2)))).toBe(false);
    const id = await started(tab, settings());
    await advance(tab, id, 3 * MINUTE);
    const told = await inPage(tab, 'agents', 'handedOut');
    await inPage(tab, 'agents', 'stop', id);
    expect(stored()).toEqual(told);
  });
});

describe('a clock that is changed', () => {
  it.each([
    ['an hour ahead', HOUR],
    ['an hour back', -HOUR],
    ['to 1970', -NOW],
  ])('by somebody, %s: the samples keep their true times', async (_name, stepMs) => {
    const id = await started(tab, settings());
    await advance(tab, id, MINUTE);
    await inPage(tab, 'agents', 'stepWall', id, stepMs);
    await advance(tab, id, 3 * MINUTE);
    await inPage(tab, 'agents', 'stop', id);
    const told = await inPage(tab, 'agents', 'handedOut');
    expect(stored()).toEqual(told);
    const times = samples().map(({ ms }) => ms);
    expect(times.every((ms, i) => i === 0 || Math.abs(ms - (times[i - 1] ?? 0) - 15_000) <= 5_000)).toBe(true);
    expect(edge.edge.disorder).toBe(0);
  });

  it.each([
    ['the clock of the page slept too', true],
    ['the clock of the page went on', false],
  ])('a machine that slept for eight hours: %s', async (_name, stoodStill) => {
    const id = await started(tab, settings());
    await advance(tab, id, MINUTE);
    time.ms += 8 * HOUR;
    if (stoodStill) await inPage(tab, 'agents', 'stepWall', id, 8 * HOUR);
    else await inPage(tab, 'agents', 'wakeAfter', id, 8 * HOUR);
    await advance(tab, id, 2 * MINUTE);
    await inPage(tab, 'agents', 'stop', id);
    const told = await inPage(tab, 'agents', 'handedOut');
    // No burst for what was missed.
    expect(told.length).toBeLessThan(16);
    expect(stored()).toEqual(told);
    const times = samples().map(({ ms }) => ms);
    const gap = Math.max(...times.map((ms, i) => ms - (times[i - 1] ?? ms)));
    expect(Math.abs(gap - 8 * HOUR)).toBeLessThan(MINUTE);
    expect(edge.edge.disorder).toBe(0);
  });
});
