import { VERSION } from '../../contract/version.ts';
import type { Clock, Logger } from '../model.ts';
import { createWebClock } from '../platform/clock-web.ts';
import { type HeldLock, takeLock } from '../platform/lock-web.ts';
import type { CompileRelabel } from '../scrape/target.ts';
import { consoleLogger } from './console-logger.ts';
import { type AgentEvents, createEmitter, type Listener, type Role } from './events.ts';
import { lateCollector } from './late-collector.ts';
import { watchLifeCycle } from './life-cycle.ts';
import { type BrowserAgentOptions, type BrowserSettings, defaultBrowserOptions, settle, type TargetOptions } from './options.ts';
import type { PageCollector } from './page-collector.ts';
import { type Session, startSession } from './session.ts';
import {
  type BrowserAgentStatus,
  type PageTargetStatus,
  readStorage,
  type StorageStatus,
  standbyStatus,
  targetStatus,
  UNKNOWN_STORAGE,
} from './status.ts';
import { hasRules, type PageTargets, pageTargets } from './targets.ts';

export interface BrowserAgent {
  /**
   * Resolves once this page is the leader, or knows that another tab is. Rejects where the browser lacks what is needed (a
   * secure context, Web Locks), or the log cannot be opened.
   */
  start(): Promise<void>;
  /** Stops scraping, pushes what it can within `deadlineMs` (default {@link FINAL_PUSH_MS}), closes the log. May be started again. */
  stop(deadlineMs?: number): Promise<void>;
  /** Pushes now what is in the log, and resolves to how many scrapes still wait in it. On standby there is nothing to push. */
  flush(): Promise<{ readonly waiting: number }>;
  status(): BrowserAgentStatus;
  /** Calls `listener` at each such event until the returned function is called. */
  on<K extends keyof AgentEvents>(name: K, listener: Listener<K>): () => void;
}

/** Of the last push at the end; what is left waits in the log. */
export const FINAL_PUSH_MS = 5_000;
/** A page whose log was taken from it does not fight for it. */
const AFTER_TAKEOVER_MS = 1_000;
/** How often the browser is asked for what the origin stores. */
const STORAGE_LOOK_MS = 60_000;

/**
 * The agent in a page or a dedicated worker. Of all tabs of an origin that use the same log name ONE scrapes and pushes, the
 * leader; another takes over when it closes. In-page targets of the others are not scraped meanwhile.
 *
 * Throws TypeError where an option makes no sense.
 *
 * @example
 * const agent = createAgent({
 *   targets: [{ job: 'kiosk', metrics: () => register.metrics(), contentType: register.contentType }],
 *   edgePush: { url: 'https://edge.example.com', token: () => fetch('/metrics-token').then((answer) => answer.text()) },
 * });
 * agent.on('role', ({ role }) => console.info(role));
 * await agent.start();
 */
export function createAgent(options: BrowserAgentOptions): BrowserAgent {
  const clock = options.clock ?? createWebClock();
  const logger = options.logger ?? consoleLogger(clock, console);
  const base = globalThis.location?.href ?? '';
  const collector = (options.pageMetrics ?? defaultBrowserOptions.pageMetrics) ? lateCollector(loadCollector) : undefined;
  const page: readonly TargetOptions[] = collector === undefined ? [] : [{ job: 'page', metrics: () => collector.expose() }];
  return new PageAgent(settle(options), pageTargets([...options.targets, ...page], base), { clock, logger, base, collector });
}

interface PageTools {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The page's address. */
  readonly base: string;
  readonly collector: PageCollector | undefined;
}

class PageAgent implements BrowserAgent {
  readonly #settings: BrowserSettings;
  readonly #targets: PageTargets;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #base: string;
  readonly #collector: PageCollector | undefined;
  readonly #events;
  readonly on: BrowserAgent['on'];
  #role: Role = 'stopped';
  #reason: string | undefined;
  #storage: StorageStatus = UNKNOWN_STORAGE;
  #storageLookMs = Number.NEGATIVE_INFINITY;
  #session: Session | undefined;
  #running: { readonly stopping: AbortController; readonly done: Promise<void> } | undefined;
  #finalPushMs = FINAL_PUSH_MS;

  constructor(settings: BrowserSettings, targets: PageTargets, { clock, logger, base, collector }: PageTools) {
    this.#settings = settings;
    this.#targets = targets;
    this.#clock = clock;
    this.#logger = logger;
    this.#base = base;
    this.#collector = collector;
    this.#events = createEmitter((err) => logger.log('error', 'A listener of the agent failed', { err }));
    this.on = this.#events.on;
    this.on('scrape', () => void this.#lookAtStorage());
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) throw new Error('agent: expected it to be stopped, it is running');
    checkPlatform();
    const stopping = new AbortController();
    let known = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      known = resolve;
    });
    const done = this.#run(stopping.signal, known);
    this.#running = { stopping, done };
    try {
      await Promise.race([begun, done]);
    } catch (cause) {
      this.#running = undefined;
      throw cause;
    }
    // Without it the failure of a later turn would be nobody's; the role tells.
    done.catch(() => undefined);
  }

  async stop(deadlineMs = FINAL_PUSH_MS): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#finalPushMs = deadlineMs;
    running.stopping.abort();
    await running.done.catch(() => undefined);
    if (this.#running === running) this.#running = undefined;
    this.#become('stopped');
  }

  async flush(): Promise<{ readonly waiting: number }> {
    await this.#session?.flush();
    return { waiting: this.#session?.edge().backlogRecords ?? 0 };
  }

  status(): BrowserAgentStatus {
    const session = this.#session;
    return {
      version: VERSION,
      role: this.#role,
      reason: this.#reason,
      edge: session?.edge(),
      token: session?.token(),
      online: navigator.onLine,
      log: session?.log(),
      storage: this.#storage,
      targets: this.#targetStatus(session),
      refusedTargets: session?.scraping.refused() ?? [],
    };
  }

  #targetStatus(session: Session | undefined): readonly PageTargetStatus[] {
    if (session !== undefined) return targetStatus(session, (url) => this.#targets.functions.has(url), this.#clock);
    return this.#role === 'standby' ? standbyStatus(this.#targets) : [];
  }

  /** One turn as the leader after the other, until it is stopped. `known` is called whenever the role is settled. */
  async #run(stopping: AbortSignal, known: () => void): Promise<void> {
    try {
      this.#become('starting');
      this.#collector?.start();
      const compileRelabel = await rules(this.#settings);
      if (this.#settings.log.persist) await askForPersistence(this.#logger);
      await this.#lookAtStorage();
      while (!stopping.aborted) {
        const claim = await this.#waitForTurn(stopping, known);
        if (claim === undefined) break;
        const reason = await this.#lead(claim, compileRelabel, stopping, known);
        if (reason === undefined) break;
        this.#become('standby', reason);
        await this.#clock.sleep(AFTER_TAKEOVER_MS, stopping);
      }
    } catch (cause) {
      this.#become('failed', cause instanceof Error ? cause.message : String(cause));
      throw cause;
    } finally {
      this.#collector?.stop();
    }
  }

  async #waitForTurn(stopping: AbortSignal, known: () => void): Promise<HeldLock | undefined> {
    const { name } = this.#settings.log;
    const free = await takeLock(navigator.locks, name);
    if (free !== undefined) return free;
    this.#become('standby', this.#reason ?? 'another tab of this origin scrapes and pushes; nothing of this page is scraped meanwhile');
    known();
    return takeLock(navigator.locks, name, stopping);
  }

  /** Until the agent stops (undefined), or another page has taken the log (why). */
  async #lead(claim: HeldLock, compileRelabel: CompileRelabel, stopping: AbortSignal, known: () => void): Promise<string | undefined> {
    const over = new AbortController();
    let reason: string | undefined;
    const end = (why?: string): void => {
      reason ??= why;
      over.abort();
    };
    const stop = (): void => end();
    stopping.addEventListener('abort', stop);
    const events = this.#events;
    const session = await startSession({
      ...{ settings: this.#settings, targets: this.#targets, compileRelabel, claim, clock: this.#clock, logger: this.#logger },
      events,
      instance: instanceOf(this.#base),
      onSuperseded: end,
    });
    let isFrozen = false;
    const unwatch = watchLifeCycle({
      hidden: () => session.hurry(),
      frozen() {
        // Nothing of this page may ever run again: another tab takes over, by its own term of the log. All else waits until this one
        // is back: a transaction that is frozen half way would stand in the way of that tab.
        isFrozen = true;
        claim.release();
      },
      back: () => (isFrozen ? end('the browser froze this page; nothing of it was scraped meanwhile') : session.hurry()),
      changed: () => events.emit('change', undefined),
    });
    this.#session = session;
    this.#become('leader');
    known();
    try {
      if (!over.signal.aborted && !stopping.aborted) await new Promise((resolve) => over.signal.addEventListener('abort', resolve));
      await session.stop(reason === undefined ? this.#finalPushMs : 0);
    } finally {
      unwatch();
      stopping.removeEventListener('abort', stop);
      this.#session = undefined;
    }
    return reason;
  }

  async #lookAtStorage(): Promise<void> {
    if (this.#clock.boot() - this.#storageLookMs < STORAGE_LOOK_MS) return;
    this.#storageLookMs = this.#clock.boot();
    this.#storage = await readStorage(navigator.storage);
  }

  #become(role: Role, reason?: string): void {
    if (role === this.#role && reason === this.#reason) return;
    this.#role = role;
    this.#reason = reason;
    this.#logger.log(
      role === 'failed' ? 'error' : 'info',
      `The agent of this page is now: ${role}`,
      reason === undefined ? {} : { reason },
    );
    this.#events.emit('role', { role, reason });
    this.#events.emit('change', undefined);
  }
}

function checkPlatform(): void {
  if (!globalThis.isSecureContext)
    throw new Error(
      'expected a secure context: serve the page by https, or from localhost; elsewhere browsers give no Web Locks and no SHA-256',
    );
  for (const [name, there] of [
    ['Web Locks', typeof navigator.locks?.request === 'function'],
    ['IndexedDB', typeof indexedDB === 'object'],
    ['CompressionStream', typeof CompressionStream === 'function'],
  ] as const)
    if (!there) throw new Error(`expected a browser with ${name}, this one has none`);
}

/** Rules need a module of their own, which is loaded only then. */
async function rules({ targets }: BrowserSettings): Promise<CompileRelabel> {
  if (!hasRules(targets)) return () => (labels) => labels;
  return (await import('./relabelling.ts')).compileRules;
}

const loadCollector = async (): Promise<PageCollector> => (await import('./page-sources-web.ts')).createWebPageCollector();

/** Workers cannot ask. */
async function askForPersistence(logger: Logger): Promise<void> {
  const granted = await navigator.storage.persist?.().catch(() => false);
  if (granted !== true) logger.log('warn', 'The browser does not promise to keep the log: it may be evicted when space is short', {});
}

const instanceOf = (base: string): string => (URL.canParse(base) && new URL(base).host) || 'page';
