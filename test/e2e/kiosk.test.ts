import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { childPids } from '../../infra/local/ports.ts';
import { startChromium } from './harness/browser.ts';
import { Cleanup } from './harness/cleanup.ts';
import { needProgram } from './harness/installed.ts';
import { freePort, NODE, Program } from './harness/program.ts';
import { waitFor } from './harness/wait.ts';

/** `npm run example:kiosk` as somebody uses it who tries it out: the page at one port, the edge at another, Prometheus behind it. */
const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const shown = async (tab: Page, id: string): Promise<string> => (await tab.locator(`#${id}`).textContent()) ?? '';

async function startKiosk(): Promise<{ readonly program: Program; readonly pageUrl: string; readonly receiverUrl: string }> {
  const [port, edgePort, receiverPort] = [await freePort(), await freePort(), await freePort()];
  const state = await cleanup.folder('kiosk');
  const args = [`--port=${port}`, `--edge-port=${edgePort}`, `--receiver-port=${receiverPort}`, `--state=${state}`];
  const program = await Program.start('kiosk', NODE, [join('examples/kiosk/start.ts'), ...args]);
  cleanup.add(() => program.stop());
  const pageUrl = `http://127.0.0.1:${port}/`;
  await program.prints(`page       ${pageUrl}`, 90_000);
  return { program, pageUrl, receiverUrl: `http://127.0.0.1:${receiverPort}` };
}

it('the kiosk shows what it does, waits while it is offline, and its orders arrive; a second tab stands by; Ctrl-C ends all', async (context) => {
  needProgram(context, 'prometheus');
  const chromiumPath = needProgram(context, 'chromium');
  const { program, pageUrl, receiverUrl } = await startKiosk();
  const ask = async (expression: string): Promise<readonly { metric: Record<string, string>; value: [number, string] }[]> => {
    const answer = await fetch(`${receiverUrl}/api/v1/query?query=${encodeURIComponent(expression)}`);
    return ((await answer.json()) as { data: { result: { metric: Record<string, string>; value: [number, string] }[] } }).data.result;
  };
  const browser = await startChromium(cleanup, chromiumPath);
  const tab = await browser.newPage();
  const faults: string[] = [];
  tab.on('pageerror', (error) => faults.push(error.message));
  await tab.goto(pageUrl);
  await waitFor('the page to lead', async () => (await shown(tab, 'role')) === 'leader');
  for (let i = 0; i < 3; i++) await tab.click('#espresso');
  await tab.click('#tea');
  await tab.fill('#celsius', '71.5');
  const orders = (product: string): string => `kiosk_orders_total{job="kiosk",product="${product}"}`;
  await waitFor(
    'orders to arrive',
    async () => (await ask(orders('espresso')))[0]?.value[1] === '3',
    60_000,
    () => program.describe(),
  );

  await tab.click('#offline');
  await waitFor('scrapes to wait', async () => Number(await shown(tab, 'logged-waiting')) >= 4, 60_000);
  expect(await shown(tab, 'network')).toBe('offline');
  for (let i = 0; i < 2; i++) await tab.click('#espresso');
  await tab.click('#flush');
  await waitFor('a try that failed', async () => (await shown(tab, 'answers')).includes('no answer'));
  await waitFor('the button to tell', async () => /^\d+ scrapes wait$/.test(await shown(tab, 'flushed')));
  expect((await ask(orders('espresso')))[0]?.value[1]).toBe('3');

  const second = await browser.newPage();
  await second.goto(pageUrl);
  await waitFor('the second tab to stand by', async () => (await shown(second, 'role')) === 'standby');
  expect(await shown(second, 'notice')).toMatch(/another tab of this origin scrapes and pushes; nothing of this page is scraped/);
  expect(await second.locator('#targets [data-job=kiosk]').textContent()).toContain('not scraped here');

  await tab.bringToFront();
  await tab.click('#offline');
  await waitFor(
    'the rest to arrive',
    async () => (await ask(orders('espresso')))[0]?.value[1] === '5',
    60_000,
    () => program.describe(),
  );
  const [tea] = await ask(orders('tea'));
  expect(tea?.value[1]).toBe('1');
  // The name is the cookie's, not the page's.
  expect(tea?.metric['device_id']).toMatch(/^kiosk-[0-9a-f]{8}$/);
  expect((await ask('kiosk_warmer_celsius{job="kiosk"}'))[0]?.value[1]).toBe('71.5');
  // Nothing is missing of the time offline: the machine counts how often it was asked.
  const [asked] = await ask('count_over_time(machine_scrapes_total[10m]) - max_over_time(machine_scrapes_total[10m])');
  expect(asked?.value[1]).toBe('0');
  for (const job of ['kiosk', 'machine', 'agent-lite'])
    await waitFor(`${job} to be up`, async () => (await ask(`up{job="${job}"}`))[0]?.value[1] === '1', 60_000);

  await tab.close();
  await waitFor('the second tab to take over', async () => (await shown(second, 'role')) === 'leader');
  await second.click('#cappuccino');
  await waitFor('its order to arrive', async () => (await ask(orders('cappuccino')))[0]?.value[1] === '1', 60_000);
  await second.close();
  expect(faults).toEqual([]);

  const edges = await childPids(program.pid, 'node');
  program.kill('SIGINT');
  expect(await program.exited()).toBe(0);
  const alive = [...edges, ...(await childPids(program.pid, 'prometheus'))].filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
  expect(alive).toEqual([]);
}, 300_000);
