import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PUSH_PATH } from '../../contract/push.ts';
import { TOKEN_PATH } from '../../contract/token.ts';
import { signToken, type TokenClaims } from '../../functions/auth/token.ts';
import type { TenantConfig } from '../../functions/config/types.ts';
import { relayConfig, tenantWithoutRules } from '../fakes/relay-config.ts';
import { KEY, NOW, TestEdge } from '../fakes/worker.ts';
import { advance as advanceBoth, started as startedIn } from './harness/agent-in-page.ts';
import { inPage, openSite, type Site } from './harness/chromium.ts';
import { type ServedEdge, serveEdge } from './harness/real-edge.ts';
import type { AgentSettings } from './page/agents.ts';

/** The edge's own CORS and tokens, with a browser as the judge. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let site: Site;
let served: ServedEdge;
let tab: Page;
let logs = 0;
const time = { ms: NOW };

beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());
beforeEach(async () => {
  time.ms = NOW;
  tab = await site.tab();
});
afterEach(async () => {
  for (const page of site.context.pages()) await page.close();
  await served.close();
});

async function edgeFor(acme: Partial<TenantConfig> = {}): Promise<void> {
  const browserTokens = { lifetimeMs: HOUR, maxAgeMs: 10 * HOUR };
  const tenants = { acme: { ...tenantWithoutRules, corsOrigins: [site.origin], browserTokens, ...acme } };
  served = await serveEdge(new TestEdge({ config: { ...relayConfig, tenants }, now: () => time.ms }));
}
const token = (claims: Partial<TokenClaims> = {}): Promise<string> =>
  signToken(KEY, { tenant: 'acme', device: 'kiosk-1', origins: [site.origin], issuedMs: NOW, expiresMs: NOW + HOUR, ...claims });
const started = (edgePush: Omit<AgentSettings['edgePush'], 'url'>, name = `token-${++logs}`): Promise<number> =>
  startedIn(tab, {
    targets: [{ kind: 'counter', job: 'page', scrapeIntervalMs: MINUTE }],
    edgePush: { pushIntervalMs: MINUTE, ...edgePush, url: served.url },
    log: { name },
    ownMetrics: false,
    manualFrom: time.ms,
  });
const advance = (id: number, ms: number): Promise<void> => advanceBoth(tab, id, ms, time, MINUTE);
const status = (id: number) => inPage(tab, 'agents', 'status', id);
const count = (text: string): number => served.answers.filter((answer) => answer === text).length;

describe('tokens of pages, at the edge itself', () => {
  it('a page of the tenant pushes; permission is remembered', async () => {
    await edgeFor();
    const id = await started({ token: await token() });
    await advance(id, 5 * MINUTE);
    await expect.poll(() => status(id)).toMatchObject({ edge: { state: 'ok', error: undefined } });
    expect(count(`POST ${PUSH_PATH} 200`)).toBeGreaterThanOrEqual(4);
    expect(count(`OPTIONS ${PUSH_PATH} 204`)).toBe(1);
    await inPage(tab, 'agents', 'stop', id, 0);
  });

  it('a page of no tenant is stopped by its browser before it shows the token', async () => {
    await edgeFor({ corsOrigins: ['https://kiosk.example.com'] });
    const id = await started({ token: await token() });
    await advance(id, 2 * MINUTE);
    expect((await status(id)).edge).toMatchObject({ state: 'retrying', error: expect.stringMatching(/CORS/) });
    expect(served.answers.every((answer) => answer.startsWith('OPTIONS '))).toBe(true);
    await inPage(tab, 'agents', 'stop', id, 0);
  });

  it('is renewed without a refusal for as long as max_age allows, and then says so', async () => {
    await edgeFor({ browserTokens: { lifetimeMs: 5 * MINUTE, maxAgeMs: 30 * MINUTE } });
    const id = await started({ token: await token({ expiresMs: NOW + 5 * MINUTE }), renewToken: true });
    await advance(id, 29 * MINUTE);
    await expect.poll(() => status(id)).toMatchObject({ edge: { state: 'ok' }, token: { endsInMs: expect.any(Number) } });
    expect(count(`POST ${TOKEN_PATH} 200`)).toBeGreaterThanOrEqual(6);
    expect(count(`POST ${PUSH_PATH} 401`)).toBe(0);
    await advance(id, 4 * MINUTE);
    expect(await status(id)).toMatchObject({ edge: { state: 'unauthorized', error: expect.stringMatching(/expired/) } });
    expect((await status(id)).edge?.backlogRecords).toBeGreaterThan(0);
    await inPage(tab, 'agents', 'stop', id, 0);
  });

  it('renewed, it survives a reload where it is kept, though the given one has ended', async () => {
    await edgeFor();
    const edgePush = { token: await token({ expiresMs: NOW + 5 * MINUTE }), renewToken: true, keepToken: true };
    const id = await started(edgePush, 'kept');
    await advance(id, 20 * MINUTE);
    await inPage(tab, 'agents', 'stop', id, 0);
    await tab.reload();
    const again = await started(edgePush, 'kept');
    await advance(again, 20 * MINUTE);
    await expect.poll(() => status(again)).toMatchObject({ edge: { state: 'ok' } });
    expect(count(`POST ${PUSH_PATH} 401`)).toBe(0);
    await inPage(tab, 'agents', 'stop', again, 0);
  });

  it('one that has ended can be read as such, and another is asked for at once', async () => {
    await edgeFor();
    const [ended, good] = [await token({ expiresMs: NOW - 1000 }), await token()];
    const id = await inPage(tab, 'agents', 'createAsking', {
      targets: [{ kind: 'counter', job: 'page', scrapeIntervalMs: MINUTE }],
      edgePush: { pushIntervalMs: MINUTE, url: served.url, token: ended },
      log: { name: `token-${++logs}` },
      ownMetrics: false,
      manualFrom: time.ms,
      tokenAfterRefusal: good,
    });
    await inPage(tab, 'agents', 'start', id);
    await advance(id, 2 * MINUTE);
    await expect.poll(() => status(id)).toMatchObject({ edge: { state: 'ok', failures: 0 } });
    expect(count(`POST ${PUSH_PATH} 401`)).toBe(1);
    await inPage(tab, 'agents', 'stop', id, 0);
  });

  it('a revoked device is told so, and keeps its samples', async () => {
    await edgeFor({ revokedDevices: ['kiosk-1'] });
    const id = await started({ token: await token(), renewToken: true });
    // Answers take real time, the clock that bounds them is moved by hand: a try may find that it has run out.
    await expect
      .poll(async () => {
        await advance(id, 5_000);
        return status(id);
      })
      .toMatchObject({ edge: { state: 'unauthorized' }, token: { error: expect.stringMatching(/401/) } });
    await inPage(tab, 'agents', 'stop', id, 0);
  });
});
