import { ABSENT } from '../../contract/cells.ts';
import { VERSION } from '../../contract/version.ts';
import { createWebClient } from '../http/client-web.ts';
import { type Clock, type HttpClient, HttpError, type Logger } from '../model.ts';
import { openLogOrMemory } from '../open-log.ts';
import { columnCompression, deflate, randomBytes, readAll, sha256 } from '../platform/bytes-web.ts';
import type { HeldLock } from '../platform/lock-web.ts';
import { createPusher, type PusherStatus } from '../push/pusher.ts';
import { createScrapeManager, type ScrapeManager } from '../scrape/manager.ts';
import type { CompileRelabel } from '../scrape/target.ts';
import { pushedMetrics } from '../telemetry/pushed.ts';
import { registryOf } from '../telemetry/table-registry.ts';
import { IndexedDbStore } from '../wal/indexeddb-store.ts';
import type { LogStatus } from '../wal/options.ts';
import type { Emitter } from './events.ts';
import type { BrowserSettings } from './options.ts';
import type { Files } from './renewed-token.ts';
import { createTargetClient, PAGE_HEADERS } from './target-client.ts';
import type { PageTargets } from './targets.ts';
import { askedTokens, fixedToken, type TokenSource, type TokenStatus, withToken } from './token.ts';

export interface SessionSetup {
  readonly settings: BrowserSettings;
  readonly targets: PageTargets;
  readonly compileRelabel: CompileRelabel;
  /** Held until the session has stopped. */
  readonly claim: HeldLock;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Emitter;
  /** Of the page: the `instance` of the agent's own metrics. */
  readonly instance: string;
  /** Another page has the log: nothing more is written, read or sent. The session must be stopped. */
  readonly onSuperseded: (reason: string) => void;
}

/** What a page does while it is the leader: the whole agent but discovery. */
export interface Session {
  readonly scraping: ScrapeManager;
  edge(): PusherStatus;
  log(): LogStatus & { readonly deletions: number };
  token(): TokenStatus;
  /** Pushes what is in the log now. */
  flush(): Promise<void>;
  /** As {@link Pusher.hurry}. */
  hurry(): void;
  /** Sends what it can within `deadlineMs`; the rest waits in the log. Then gives up the lock. */
  stop(deadlineMs: number): Promise<void>;
}

const EDGE_CURSOR = 'edge';
const CLOCK_FILE = 'clock.json';

/** Opens the log and begins. Rejects where that cannot be done; the claim is then given back. */
export async function startSession(setup: SessionSetup): Promise<Session> {
  const { settings, claim, clock, logger, events } = setup;
  const component = (name: string): Logger => ({ log: (level, text, fields) => logger.log(level, text, { component: name, ...fields }) });
  // It has no /metrics of its own, so what nobody would see is not counted, and its names and texts not loaded.
  const metrics = registryOf(pushedMetrics, 'ignore');
  metrics.set('agent_lite_build_info', 1, { version: VERSION });
  let superseded = false;

  const store = new IndexedDbStore({
    ...{ factory: indexedDB, name: settings.log.name, durability: settings.log.sync === 'always' ? 'strict' : 'relaxed' },
    // Given up by the session, not by the log: one that goes on in memory is still the only one that scrapes.
    claim: async () => ({ release: () => undefined, lost: claim.lost }),
    randomId: () => crypto.randomUUID(),
    onSuperseded(reason) {
      superseded = true;
      setup.onSuperseded(reason);
    },
  });
  const giveBack = (cause: unknown): never => {
    claim.release();
    throw cause;
  };
  const web = { clock, readAll, fetch: (url: string, init: RequestInit) => fetch(url, init) };
  // What is under way when the page is closed arrives all the same.
  const edgeClient = createWebClient({ ...web, followRedirects: false, keepalive: true });
  const http = observed(edgeClient, events, () => superseded);
  const tokens = await tokensOf(settings.edge, { http, clock, logger: component('token'), store }).catch(giveBack);
  const { log, unreadable } = await openLogOrMemory(
    store,
    'the browser gives this page no database (a private window, or blocked site data?)',
    {
      ...{ clock, metrics, sha256, randomBytes, logger: component('wal'), compression: columnCompression },
      limitBytes: settings.log.limitBytes,
      maxAgeMs: settings.log.maxAgeMs,
      sync: settings.log.sync,
      syncIntervalMs: settings.log.syncIntervalMs,
    },
  ).catch(giveBack);
  await log.retainCursors([EDGE_CURSOR]);

  const scraping = createScrapeManager({
    ...{ clock, metrics, sha256, headersOf: () => PAGE_HEADERS, logger: component('scrape') },
    ...{ resolve: setup.targets.resolve, compileRelabel: setup.compileRelabel },
    offsetSeed: log.logId,
    httpClientFor: () =>
      createTargetClient(setup.targets.functions, createWebClient({ ...web, followRedirects: true, keepalive: false }), clock),
    async append(scrape) {
      const { position } = await log.append(scrape);
      const samples = scrape.cells?.states.reduce((count, state) => (state === ABSENT ? count : count + 1), 0) ?? 0;
      events.emit('scrape', { labels: scrape.target, timeMs: scrape.wallMs, samples, position });
    },
  });

  const pusher = createPusher({
    ...{ reader: log, clock, metrics, deflate, logger: component('push'), version: VERSION },
    ...{ url: settings.edge.url, pushIntervalMs: settings.edge.pushIntervalMs, remoteTimeoutMs: settings.edge.remoteTimeoutMs },
    externalLabels: settings.externalLabels,
    receiver: EDGE_CURSOR,
    http: withToken(http, tokens),
    tokenVersion: () => tokens.version(),
    clockStore: {
      load: async () => decode(await store.readFile(CLOCK_FILE)),
      // Without it the edge is asked for the time again after the next start.
      save: (text) => store.replaceFile(CLOCK_FILE, new TextEncoder().encode(text), true).catch(() => undefined),
    },
    onChange: () => events.emit('change', undefined),
  });

  metrics.onCollect(() => {
    metrics.set('agent_lite_targets_up', scraping.targets().filter(({ health }) => health === 'up').length);
    metrics.set('agent_lite_log_limit_bytes', settings.log.limitBytes);
    metrics.set('agent_lite_push_backlog_seconds', (pusher.status().backlogAgeMs ?? 0) / 1000);
  });
  const own = {
    job: 'agent-lite',
    instance: setup.instance,
    intervalMs: ownInterval(setup.targets),
    exposition: () => metrics.expose('pushed'),
  };
  scraping.apply(setup.targets.jobs, settings.ownMetrics ? [own] : []);
  pusher.start();

  return {
    scraping,
    edge: () => pusher.status(),
    log() {
      const status = log.status();
      const inMemory = unreadable === undefined ? {} : ({ mode: 'memory', reason: unreadable } as const);
      return { ...status, ...inMemory, deletions: store.deletions };
    },
    token: () => tokens.status(),
    flush: () => pusher.flush(),
    hurry: () => pusher.hurry(),
    async stop(deadlineMs) {
      await scraping.stop();
      await pusher.stop(superseded ? 0 : deadlineMs);
      await log.close();
      claim.release();
    },
  };
}

interface TokenTools {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Files;
}

/** Renewal is a module of its own, which is loaded only then. */
async function tokensOf(edge: BrowserSettings['edge'], { http, clock, logger, store }: TokenTools): Promise<TokenSource> {
  const { token, url, renewToken, keepToken, remoteTimeoutMs } = edge;
  if (typeof token === 'function') return askedTokens(token, clock);
  if (!renewToken) return fixedToken(token);
  const { keptToken, renewedToken } = await import('./renewed-token.ts');
  const kept = keepToken ? keptToken(store, token) : undefined;
  return renewedToken({ token, url, timeoutMs: remoteTimeoutMs, http, clock, logger, kept });
}

/** As often as the page's most frequent target, but not more than once in 15 s. */
const ownInterval = ({ jobs }: PageTargets): number =>
  Math.max(15_000, Math.min(60_000, ...jobs.map(({ config }) => config.scrapeIntervalMs)));

const decode = (bytes: Uint8Array | undefined): string | undefined => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));

/** Tells the listeners how each request ended. A page that is no longer the leader sends nothing more. */
function observed(client: HttpClient, events: Emitter, isOver: () => boolean): HttpClient {
  return {
    async request(request) {
      if (isOver()) throw new HttpError('aborted', 'another tab pushes this log now');
      const { method, url, body } = request;
      const told = { method, path: new URL(url).pathname, bytes: body?.length ?? 0 };
      try {
        const response = await client.request(request);
        events.emit('push', { ...told, status: response.status, error: undefined });
        return response;
      } catch (error) {
        events.emit('push', { ...told, status: undefined, error: error instanceof Error ? error.message : String(error) });
        throw error;
      }
    },
    close: () => client.close(),
  };
}
