import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { PageParts } from '../page/main.ts';
import { bundlePage } from './bundle.ts';
import { CHROMIUM, CONTAINER_FLAGS } from './devtools.ts';

/** A headless Chromium with a profile of its own on the disk, and a site on loopback whose pages can do what test/browser/page offers. */
export interface Site {
  readonly origin: string;
  readonly context: BrowserContext;
  /** A new tab that has loaded the site. Rejects where its script fails. */
  tab(): Promise<Page>;
  close(): Promise<void>;
}

/** The site of test/browser/page. */
export const servePage = async (): Promise<Server> =>
  serve({
    '/': ['text/html', '<!doctype html><script src="/page.js"></script>'],
    '/page.js': ['text/javascript', await bundlePage('main.ts')],
  });

export async function openSite(): Promise<Site> {
  const profile = await mkdtemp(join(tmpdir(), 'agent-lite-chromium-'));
  const server = await servePage();
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: [...CONTAINER_FLAGS],
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    context,
    async tab() {
      const page = await context.newPage();
      const errors: Error[] = [];
      page.on('pageerror', (error) => errors.push(error));
      await page.goto(`${origin}/`);
      if (errors[0] !== undefined) throw errors[0];
      return page;
    },
    async close() {
      await context.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Files = Readonly<Record<string, readonly [type: string, text: string]>>;

async function serve(files: Files): Promise<Server> {
  const server = createServer((request, response) => {
    const file = files[new URL(request.url ?? '/', 'http://site').pathname];
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': file?.[0] ?? 'text/plain' }).end(file?.[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** What a function of a page's part takes, and what it yields once it has left the page. */
export type Parts = PageParts;
export type FunctionOf<P extends keyof Parts, F extends keyof Parts[P]> = Parts[P][F] extends (...args: infer A) => infer R
  ? { readonly args: A; readonly result: Awaited<R> }
  : never;

/** Calls `page.<part>.<name>` in a page. */
export function inPage<P extends keyof Parts, F extends keyof Parts[P] & string>(
  page: Page,
  part: P,
  name: F,
  ...args: FunctionOf<P, F>['args']
): Promise<FunctionOf<P, F>['result']> {
  return page.evaluate(
    ([from, what, given]) => {
      const parts: unknown = Reflect.get(globalThis, 'page');
      const functions: unknown = Reflect.get(parts as object, from);
      const call = Reflect.get(functions as object, what) as (...all: readonly unknown[]) => unknown;
      return call(...given);
    },
    [part, name, args] as const,
  ) as Promise<FunctionOf<P, F>['result']>;
}
