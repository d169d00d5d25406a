import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { labelValue, METRIC_NAME } from '../../contract/labels.ts';
import { signToken } from '../../functions/auth/token.ts';
import { bundleBrowser } from '../../infra/build-browser.ts';
import { loadDeviceTokenKey } from '../../infra/local/dev-vars.ts';
import { type DevToolsTab, type RawChromium, startRawChromium } from '../browser/harness/devtools.ts';
import { Cleanup } from '../e2e/harness/cleanup.ts';
import { type StrictReceiver, startStrictReceiver } from '../e2e/harness/ledger.ts';
import { ROOT } from '../e2e/harness/program.ts';
import { type HandedOut, numberedSeries } from '../e2e/harness/scripted-target.ts';
import { EdgeUnderTest, quickRelayConfig, TENANT } from '../e2e/harness/stack.ts';
import { sleep, waitFor } from '../e2e/harness/wait.ts';
import { Cable } from '../soak/cable.ts';
import { type Account, LossError } from './account.ts';
import { type ArrivedSeries, accountNumbered, type Death, NUMBERED_SERIES } from './numbered.ts';
import type { Shared } from './scenario.ts';

const SCRAPE_MS = 250;
const SETTLE_MS = 90_000;
/** A tab's process may ask once more before it is gone. */
const GONE_MS = 500;
const DEVICE = 'kiosk-1';

/** Of what a page's agent says of itself (`BrowserAgentStatus`), what is looked at here. */
export interface PageStatus {
  readonly role: string;
  readonly log?: { readonly mode: string; readonly deletions: number; readonly counters: { readonly evicted: number } };
  readonly edge?: { readonly backlogRecords: number };
}

const page = (edgeUrl: string, token: string): string => `
import { createAgent } from '/dist/agent-lite.js';
const agent = createAgent({
  targets: [{ job: 'ledger', url: '/metrics', scrapeIntervalMs: ${SCRAPE_MS} }],
  edgePush: { url: '${edgeUrl}', token: '${token}', pushIntervalMs: 400 },
  // Of small segments, so that a limit has some to take.
  log: { name: 'ledger', limitBytes: 64 * 1024 },
  ownMetrics: false,
});
self.agentStatus = () => agent.status();
self.failure = undefined;
agent.start().catch((error) => { self.failure = String(error); });
self.ready = true;
`;

/**
 * The library for pages as it is built, in tabs of a real Chromium whose log is in its IndexedDB; their site hands out numbered scrapes
 * and remembers them. Behind a cable is the real edge in workerd, and a strict receiver.
 */
export class BrowserRig {
  readonly chromium: RawChromium;
  readonly origin: string;
  readonly cable: Cable;
  readonly handedOut: readonly HandedOut[];
  readonly deaths: Death[] = [];
  readonly destroyed: Death[] = [];
  /** A tab without an agent: what it asks the browser for concerns the others. */
  readonly #console: DevToolsTab;
  readonly #edge: EdgeUnderTest;
  readonly #strict: StrictReceiver;
  #accounted = 0;
  /** At the receiver, and told by an earlier account. */
  #duplicated = 0;

  private constructor(
    parts: Pick<BrowserRig, 'chromium' | 'origin' | 'cable' | 'handedOut'>,
    browserConsole: DevToolsTab,
    edge: EdgeUnderTest,
    strict: StrictReceiver,
  ) {
    this.#console = browserConsole;
    this.chromium = parts.chromium;
    this.origin = parts.origin;
    this.cable = parts.cable;
    this.handedOut = parts.handedOut;
    this.#edge = edge;
    this.#strict = strict;
  }

  static async start({ after }: Shared): Promise<BrowserRig> {
    const cleanup = new Cleanup();
    after(() => cleanup.run());
    const strict = await startStrictReceiver(cleanup);
    const handedOut: HandedOut[] = [];
    const site = await startSite(cleanup, handedOut);
    const relayConfig = `${quickRelayConfig}    cors_origins: [${JSON.stringify(site.origin)}]\n`;
    const edge = await EdgeUnderTest.start(cleanup, strict.url, relayConfig);
    const cable = await Cable.start(edge.port);
    cleanup.add(() => cable.stop());
    const key = await loadDeviceTokenKey(`${ROOT}/.dev.vars`);
    const expiresMs = Date.now() + 86_400_000;
    site.script = page(cable.url, await signToken(key, { tenant: TENANT, device: DEVICE, expiresMs, origins: [site.origin] }));
    const chromium = await startRawChromium();
    cleanup.add(() => chromium.close());
    const browserConsole = await chromium.tab('about:blank', 'true');
    return new BrowserRig({ chromium, origin: site.origin, cable, handedOut }, browserConsole, edge, strict);
  }

  /** A new tab, whose agent begins at once; it is the one that is seen. */
  tab(): Promise<DevToolsTab> {
    return this.chromium.tab(`${this.origin}/`, 'self.ready === true');
  }

  async status(tab: DevToolsTab): Promise<PageStatus> {
    const failure = await tab.evaluate('self.failure');
    if (failure !== undefined) throw new Error(`the agent in the page gave up: ${String(failure)}`);
    return JSON.parse(String(await tab.evaluate('JSON.stringify(self.agentStatus())'))) as PageStatus;
  }

  /** Waits until the agent of `tab` is as `is` wants it. */
  async becomes(tab: DevToolsTab, what: string, is: (status: PageStatus) => boolean, timeoutMs = 60_000): Promise<PageStatus> {
    let status: PageStatus | undefined;
    const look = async (): Promise<PageStatus | false> => {
      status = await this.status(tab);
      return is(status) && status;
    };
    return waitFor(what, look, timeoutMs, () => JSON.stringify(status));
  }

  /** Waits until one of these tabs leads. */
  leader(tabs: readonly DevToolsTab[]): Promise<DevToolsTab> {
    return waitFor(
      'a tab to lead',
      async () => {
        for (const tab of tabs) if ((await this.status(tab)).role === 'leader') return tab;
        return undefined;
      },
      30_000,
      () => this.#edge.program.describe(),
    );
  }

  /** Bytes that the origin may store beside what it has; undefined: as many as ever. The browser looks when a log is opened. */
  async limitStorage(freeBytes: number | undefined): Promise<void> {
    const { origin } = this;
    const { usage } = (await this.#console.send('Storage.getUsageAndQuota', { origin })) as { readonly usage: number };
    const quota = freeBytes === undefined ? {} : { quotaSize: usage + freeBytes };
    await this.#console.send('Storage.overrideQuotaForOrigin', { origin, ...quota });
  }

  /** As the browser does it when space is short, or a user who clears site data. */
  async clearStorage(): Promise<void> {
    await this.#console.send('Storage.clearDataForOrigin', { origin: this.origin, storageTypes: 'indexeddb' });
  }

  /** `harm` ends an agent, or its lead: the answer that it is reading may be lost. */
  async dies(harm: () => Promise<void>): Promise<void> {
    const fromMs = Date.now();
    await harm();
    this.deaths.push({ fromMs, toMs: Date.now() + GONE_MS });
  }

  /** When the first scrape was made that no account knows to have arrived. */
  get unsettledFromMs(): number {
    return this.handedOut[this.#accounted]?.askedMs ?? Date.now();
  }

  async scrapes(count: number): Promise<void> {
    const before = this.handedOut.length;
    await waitFor(`${count} scrapes`, () => this.handedOut.length >= before + count, 30_000 + count * SCRAPE_MS);
  }

  /** Waits until everything handed out so far has arrived, and gives the account of what no earlier one was given of. */
  async settle(dropped = 0): Promise<Account> {
    await this.scrapes(2);
    // The newest may still be read.
    const to = this.handedOut.length - 1;
    for (const deadline = performance.now() + SETTLE_MS; ; await sleep(100)) {
      const evidence = { handedOut: this.handedOut, from: this.#accounted, to, arrived: this.#arrived(), dropped };
      const { account, faults } = accountNumbered({ ...evidence, deaths: this.deaths, destroyed: this.destroyed });
      if (faults.length === 0) {
        this.#accounted = to;
        const duplicated = this.#duplicates();
        const more = duplicated - this.#duplicated;
        this.#duplicated = duplicated;
        if (more > 0) throw new LossError(`expected nothing to be sent twice, got ${more} samples`, account);
        return account;
      }
      if (performance.now() < deadline) continue;
      throw new LossError(`${faults[0]} (${faults.length} in all)\n${this.#edge.program.describe()}`, account);
    }
  }

  #arrived(): readonly ArrivedSeries[] {
    const { receiver } = this.#strict;
    return receiver.tenants
      .flatMap((name) => [...receiver.tenant(name).series.values()])
      .map(({ labels, samples }) => ({ name: labelValue(labels, METRIC_NAME), series: labelValue(labels, 'series'), samples }));
  }

  #duplicates(): number {
    const { receiver } = this.#strict;
    const sent = receiver.requests.reduce((sum, { status, samples }) => (status < 300 ? sum + samples : sum), 0);
    return Math.max(0, sent - receiver.tenants.reduce((sum, name) => sum + receiver.tenant(name).samples, 0));
  }
}

/** `script`: what its page runs. */
async function startSite(cleanup: Cleanup, handedOut: HandedOut[]): Promise<{ readonly origin: string; script: string }> {
  const { files } = await bundleBrowser();
  const site = { origin: '', script: '' };
  const bodyOf = (path: string): readonly [type: string, body: string | Uint8Array] | undefined => {
    if (path === '/') return ['text/html', '<!doctype html><script type="module" src="/page.js"></script>'];
    if (path === '/page.js') return ['text/javascript', site.script];
    if (path === '/metrics') return ['text/plain; version=0.0.4; charset=utf-8', handOut(handedOut)];
    const built = files.get(path.slice('/dist/'.length));
    return built === undefined ? undefined : ['text/javascript', built];
  };
  const server: Server = createServer((request, response) => {
    const found = bodyOf(new URL(request.url ?? '/', 'http://site').pathname);
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': found?.[0] ?? 'text/plain' }).end(found?.[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.add(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  site.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return site;
}

function handOut(handedOut: HandedOut[]): string {
  const number = handedOut.length + 1;
  const text = numberedSeries(number, NUMBERED_SERIES);
  handedOut.push({ number, askedMs: Date.now(), text, complete: true });
  return text;
}
