import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EdgeServer, sampleValue, startEdge } from './harness/edge.ts';
import { openRawSite, type RawSite, type RawTab } from './harness/raw-chromium.ts';
import type { AgentSettings } from './page/agents.ts';

/** What a browser does with tabs that nobody looks at: the real thing, with real events. */

const NOW = Date.UTC(2026, 5, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let site: RawSite;
let edge: EdgeServer;
let edgeMs = NOW;
let logs = 0;
const tabs: RawTab[] = [];

beforeAll(async () => {
  site = await openRawSite();
});
afterAll(() => site.close());
beforeEach(async () => {
  edgeMs = NOW;
  edge = await startEdge(site.origin, () => edgeMs);
});
afterEach(async () => {
  for (const tab of tabs.splice(0)) await tab.close().catch(() => undefined);
  await edge.close();
});

async function open(): Promise<RawTab> {
  const tab = await site.tab();
  tabs.push(tab);
  return tab;
}
/** Its turns to push are an hour apart, so what comes sooner was hurried. */
const settings = (): AgentSettings => ({
  targets: [{ kind: 'counter', job: 'page', scrapeIntervalMs: 15_000 }],
  edgePush: { url: edge.url, token: 'a-token', pushIntervalMs: HOUR },
  log: { name: `life-${++logs}` },
  ownMetrics: false,
  manualFrom: NOW,
});
async function started(tab: RawTab, options: AgentSettings): Promise<number> {
  const id = await tab.call('agents', 'create', options);
  await tab.call('agents', 'start', id);
  return id;
}
async function advance(tab: RawTab, id: number, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) {
    edgeMs += 5_000;
    await tab.call('agents', 'advance', id, 5_000);
  }
}
const stored = (): readonly (number | 'stale')[] =>
  edge.stored({ __name__: 'handed_out_total', job: 'page', instance: new URL(site.origin).host }).map(sampleValue);
const role = async (tab: RawTab, id: number) => (await tab.call('agents', 'status', id)).role;

describe('a tab that nobody looks at', () => {
  it('pushes what it has when it is hidden, and when it is seen again', async () => {
    const tab = await open();
    const id = await started(tab, settings());
    await advance(tab, id, MINUTE);
    const before = await tab.call('agents', 'handedOut');
    expect(stored().length).toBeLessThan(before.length);
    const other = await open();
    await expect.poll(stored).toEqual(before);
    expect(await tab.evaluate('document.visibilityState')).toBe('hidden');
    await advance(tab, id, MINUTE);
    const meanwhile = await tab.call('agents', 'handedOut');
    expect(meanwhile.length).toBe(before.length + 4);
    expect(stored()).toEqual(before);
    await tab.show();
    await expect.poll(stored).toEqual(meanwhile);
    await other.close();
  });

  it('frozen, another tab takes over at once; resumed, it stands by and says so; nothing is lost or told twice', async () => {
    const options = settings();
    const first = await open();
    const id = await started(first, options);
    await advance(first, id, MINUTE);
    const before = await first.call('agents', 'handedOut');
    const second = await open();
    const standby = await started(second, options);
    expect(await role(second, standby)).toBe('standby');
    await second.call('agents', 'advance', standby, MINUTE);
    await first.setLifecycle('frozen');
    await expect.poll(() => role(second, standby)).toBe('leader');
    await advance(second, standby, MINUTE);
    await first.setLifecycle('active');
    await first.show();
    await expect.poll(() => role(first, id)).toBe('standby');
    expect((await first.call('agents', 'status', id)).reason).toMatch(/froze this page|another tab/);
    await first.call('agents', 'advance', id, 2 * MINUTE);
    expect(await first.call('agents', 'handedOut')).toEqual(before);
    await second.call('agents', 'stop', standby);
    const after = await second.call('agents', 'handedOut');
    expect(after.length).toBeGreaterThanOrEqual(4);
    expect(stored()).toEqual([...before, ...after]);
    expect(edge.edge.disorder).toBe(0);
  });

  it('frozen and resumed alone, it leads again and goes on with its log', async () => {
    const tab = await open();
    const id = await started(tab, settings());
    await advance(tab, id, MINUTE);
    await open();
    await tab.setLifecycle('frozen');
    edgeMs += 8 * HOUR;
    await tab.setLifecycle('active');
    await tab.show();
    await tab.call('agents', 'stepWall', id, 8 * HOUR);
    await expect
      .poll(async () => {
        await advance(tab, id, 5_000);
        return role(tab, id);
      })
      .toBe('leader');
    await advance(tab, id, MINUTE);
    await tab.call('agents', 'stop', id);
    const told = await tab.call('agents', 'handedOut');
    expect(stored()).toEqual(told);
    const times = edge.stored({ __name__: 'handed_out_total', job: 'page', instance: new URL(site.origin).host }).map(({ ms }) => ms);
    expect(times[0]).toBeLessThan(NOW + MINUTE);
    expect(times.at(-1)).toBeGreaterThan(NOW + 8 * HOUR);
    expect(edge.edge.disorder).toBe(0);
  });

  it('discarded, its log waits for its next life', async () => {
    const options = settings();
    edge.offline = true;
    const tab = await open();
    const id = await started(tab, options);
    await advance(tab, id, MINUTE);
    const before = await tab.call('agents', 'handedOut');
    expect(before.length).toBeGreaterThan(3);
    await open();
    await tab.discard();
    edge.offline = false;
    const next = await open();
    const again = await started(next, { ...options, manualFrom: edgeMs });
    // The browser takes a moment to see that the other is gone.
    await expect.poll(() => role(next, again)).toBe('leader');
    await advance(next, again, MINUTE);
    await next.call('agents', 'stop', again);
    expect(stored()).toEqual([...before, ...(await next.call('agents', 'handedOut'))]);
  });

  it('throttled, it scrapes less often, never in a burst, and each time is the true one', async () => {
    const { manualFrom: _, ...options } = settings();
    const began = Date.now();
    edge.hold = () => {
      edgeMs = Date.now();
      return undefined;
    };
    const tab = await open();
    const id = await started(tab, { ...options, targets: [{ kind: 'counter', job: 'page', scrapeIntervalMs: 100 }] });
    await expect.poll(() => tab.call('agents', 'scrapes', id)).toBeGreaterThan(10);
    await open();
    const hiddenFrom = Date.now();
    const before = await tab.call('agents', 'scrapes', id);
    await expect.poll(() => tab.call('agents', 'scrapes', id)).toBeGreaterThanOrEqual(before + 8);
    const hiddenTo = Date.now();
    const hidden = (await tab.call('agents', 'scrapes', id)) - before;
    // Once a second, where it would have been ten times; the browser takes a moment to begin with it.
    expect(hidden).toBeLessThan((hiddenTo - hiddenFrom) / 100 / 2);
    await tab.show();
    await tab.call('agents', 'stop', id);
    const told = await tab.call('agents', 'handedOut');
    expect(stored()).toEqual(told);
    const times = edge.stored({ __name__: 'handed_out_total', job: 'page', instance: new URL(site.origin).host }).map(({ ms }) => ms);
    expect(times[0]).toBeGreaterThanOrEqual(began);
    expect(times.at(-1)).toBeLessThanOrEqual(Date.now());
    expect(times.every((ms, i) => i === 0 || ms > (times[i - 1] ?? 0))).toBe(true);
  });
});
