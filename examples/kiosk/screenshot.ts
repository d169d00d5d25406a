import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { readFlags, readHttpUrl, runCommand } from '../../infra/local/arguments.ts';

const USAGE = `Usage: npm run example:kiosk:screenshot [-- --url http://127.0.0.1:8080/ --out docs/images]

Takes pictures of the kiosk's page while "npm run example:kiosk" runs, at the width of a desk and of a phone.
Environment: CHROMIUM names the browser (default /usr/bin/chromium).`;

const SIZES = [
  { name: 'kiosk-desktop.png', width: 1100, height: 1620 },
  { name: 'kiosk-phone.png', width: 390, height: 1700 },
] as const;
const ORDERS = { espresso: 7, cappuccino: 4, tea: 2 } as const;

await runCommand(USAGE, async () => {
  const flags = readFlags(
    { url: { type: 'string', default: 'http://127.0.0.1:8080/' }, out: { type: 'string', default: 'docs/images' } },
    process.argv.slice(2),
  );
  const url = readHttpUrl('--url', flags.url);
  const folder = resolve(flags.out);
  await mkdir(folder, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage({ colorScheme: 'light' });
    await page.goto(url);
    for (const [product, count] of Object.entries(ORDERS)) for (let i = 0; i < count; i++) await page.click(`#${product}`);
    // A few rounds, so that there is something to see.
    const shows = (id: string, text: RegExp): Promise<void> =>
      page.locator(`#${id}`).filter({ hasText: text }).waitFor({ timeout: 120_000 });
    await shows('scraped-targets-up', /^4 of 4$/);
    await shows('pushed-taken', /^\d\d+$/);
    await shows('logged-waiting', /^[0-2]$/);
    for (const { name, width, height } of SIZES) {
      await page.setViewportSize({ width, height });
      await page.screenshot({ path: join(folder, name), animations: 'disabled' });
      process.stdout.write(`${join(flags.out, name)}\n`);
    }
  } finally {
    await browser.close();
  }
});
