import { type BrowserContext, chromium } from 'playwright-core';
import type { Cleanup } from './cleanup.ts';

/** A headless Chromium with a profile of its own on the disk; `path` is the program's. */
export async function startChromium(cleanup: Cleanup, path: string): Promise<BrowserContext> {
  const profile = await cleanup.folder('chromium');
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env['CHROMIUM'] ?? path,
    headless: true,
    // Tests run as a container's root, with its small /dev/shm.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  cleanup.add(() => context.close());
  return context;
}
