import type { AddressInfo } from 'node:net';
import { type FunctionOf, type Parts, servePage } from './chromium.ts';
import { type DevToolsTab, startRawChromium } from './devtools.ts';

/** The site of test/browser/page in a Chromium that nothing is made up for. */
export interface RawSite {
  readonly origin: string;
  /** A new tab that has loaded the site; it is the one that is seen. */
  tab(): Promise<RawTab>;
  close(): Promise<void>;
}

export interface RawTab extends DevToolsTab {
  call<P extends keyof Parts, F extends keyof Parts[P] & string>(
    part: P,
    name: F,
    ...args: FunctionOf<P, F>['args']
  ): Promise<FunctionOf<P, F>['result']>;
}

export async function openRawSite(): Promise<RawSite> {
  const server = await servePage();
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const chromium = await startRawChromium();
  return {
    origin,
    async tab() {
      const tab = await chromium.tab(`${origin}/`, "'page' in globalThis");
      return {
        ...tab,
        async call(part, name, ...args) {
          return (await tab.evaluate(`page[${JSON.stringify(part)}][${JSON.stringify(name)}](...${JSON.stringify(args)})`)) as never;
        },
      };
    },
    async close() {
      await chromium.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
