import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { signToken } from '../../functions/auth/token.ts';
import { loadDeviceTokenKey } from '../../infra/local/dev-vars.ts';
import { startChromium } from './harness/browser.ts';
import { Cleanup } from './harness/cleanup.ts';
import { compare, type Scraped } from './harness/delivered.ts';
import { needProgram } from './harness/installed.ts';
import { startPageSite } from './harness/page-site.ts';
import { ROOT } from './harness/program.ts';
import { startPrometheus } from './harness/prometheus.ts';
import { EdgeUnderTest, IDENTITY, quickRelayConfig, TENANT } from './harness/stack.ts';
import { waitFor } from './harness/wait.ts';

/** The library as it is built, in a page of one origin; the edge in workerd at another, by CORS; a real Prometheus behind it. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const VALUES = ['1', 'NaN', '+Inf', '-Inf', '0.1', '5e-324', '1.7976931348623157e+308', '123456789012345678', '-1.5'];
const SCRAPES = 14;
const DEVICE = 'kiosk-1';

/** `self.call` of the page: the tests' own compiler knows no such name. */
const call = <T>(tab: Page, name: string): Promise<T> => tab.evaluate(`self.call(${JSON.stringify(name)})`);

describe('an agent in a browser', () => {
  it.for([
    { where: 'a page', path: '/', job: 'page' },
    { where: 'a dedicated worker', path: '/?worker', job: 'worker' },
  ])('in $where: Prometheus has every sample, bit for bit, markers included, over a time offline', async ({ path, job }, context) => {
    const chromiumPath = needProgram(context, 'chromium');
    const startMs = Date.now();
    const prometheus = await startPrometheus(cleanup, needProgram(context, 'prometheus'));
    const site = await startPageSite(cleanup);
    const edge = await EdgeUnderTest.start(
      cleanup,
      prometheus.writeUrl,
      `${quickRelayConfig}    cors_origins: [${JSON.stringify(site.origin)}]\n`,
    );
    const key = await loadDeviceTokenKey(`${ROOT}/.dev.vars`);
    const token = await signToken(key, { tenant: TENANT, device: DEVICE, expiresMs: Date.now() + 600_000, origins: [site.origin] });
    const instance = 'counter 1';
    site.configure({ edgeUrl: edge.url, token, job, instance, values: VALUES });

    const browser = await startChromium(cleanup, chromiumPath);
    const tab = await browser.newPage();
    await tab.goto(`${site.origin}${path}`);
    await tab.waitForFunction('self.ready === true');
    const told = (): Promise<readonly Scraped[]> => call(tab, 'told');
    await waitFor('samples to arrive', async () => (await prometheus.query(`steps_total{job="${job}"}`)).length > 0, 30_000);
    await browser.setOffline(true);
    const atOffline = (await told()).length;
    await waitFor('scrapes while it is offline', async () => (await told()).length >= atOffline + 5);
    const { edge: pushing } = await call<{ readonly edge?: { readonly backlogRecords: number } }>(tab, 'status');
    expect(pushing?.backlogRecords).toBeGreaterThanOrEqual(5);
    await browser.setOffline(false);
    await waitFor(`${SCRAPES} scrapes`, async () => (await told()).length >= SCRAPES, 30_000);

    const scraped = await call<readonly Scraped[]>(tab, 'stop');
    const look = async () =>
      compare({
        scraped,
        delivered: await prometheus.read({ job }, startMs - 60_000, Date.now() + 60_000),
        labels: { job, instance, [IDENTITY]: DEVICE },
        zeroHasNoSign: true,
      });
    await waitFor('everything to arrive', async () => (await look()).faults.length === 0, 30_000).catch(() => {
      // The comparison below says what is missing.
    });
    const outcome = await look();
    expect(outcome.faults, edge.program.describe()).toEqual([]);
    expect(outcome.scrapes).toBe(scraped.length);
    expect(outcome.markers).toBeGreaterThan(1);
    // As an operator would ask: each step once, in order.
    const steps = (await prometheus.rawValues(`steps_total{job="${job}",${IDENTITY}="${DEVICE}"}[10m]`)).flat();
    expect(steps).toEqual(scraped.map((_, i) => String(i + 1)));
    expect(await edge.program.stop()).toBe(0);
  });
});
