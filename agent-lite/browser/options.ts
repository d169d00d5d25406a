import { isValidName, type Labels, sortLabels } from '../../contract/labels.ts';
import type { RelabelConfig } from '../../contract/relabel.ts';
import type { Clock, Logger } from '../model.ts';
import { type AskForToken, checkToken } from './token.ts';

/** What `createAgent` takes, and the defaults. Durations are ms, sizes bytes. */

/** What a target has besides where its exposition comes from. Words and meaning are those of a `scrape_config`. */
export interface TargetSettings {
  /** The `job` label. */
  readonly job: string;
  /** The `instance` label. Default: host and port of the URL; of a function, those of the page. */
  readonly instance?: string;
  /** Further target labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Default {@link defaultBrowserOptions}`.scrapeIntervalMs`. */
  readonly scrapeIntervalMs?: number;
  /** Default 10 s, or the interval where that is shorter. */
  readonly scrapeTimeoutMs?: number;
  /** Samples of one scrape; more fail it. Default 0: no limit. */
  readonly sampleLimit?: number;
  readonly honorLabels?: boolean;
  /** `metric_relabel_configs`. Keys that are not given have Prometheus' defaults. With the first rule the relabelling code is loaded. */
  readonly metricRelabelConfigs?: readonly Partial<RelabelConfig>[];
}
/** An exposition at a URL. From another origin only where its answers allow this page's origin by CORS. */
export interface UrlTarget extends TargetSettings {
  /** Relative ones count from the page's address. */
  readonly url: string;
}
/** An exposition made in this page or worker, such as `() => register.metrics()` of prom-client. */
export interface FunctionTarget extends TargetSettings {
  readonly metrics: () => string | Promise<string>;
  /** Of what `metrics` yields. Default: Prometheus' text format; prom-client tells its own as `register.contentType`. */
  readonly contentType?: string;
}
export type TargetOptions = UrlTarget | FunctionTarget;

export interface EdgePushOptions {
  /** Of the edge, without the protocol's paths. */
  readonly url: string;
  /**
   * A device's token, or where to get one: asked before each request, so keep it while it is good, but not where `refused` says that
   * the edge does not take it. A rejection is tried again later.
   */
  readonly token: string | AskForToken;
  /** Lets the edge exchange the token for a fresh one before it ends. Only for a token that names origins, where the tenant allows it. */
  readonly renewToken?: boolean;
  /** Keeps the last renewed token in the log's database, for the next life of the page; all scripts of the origin can read it there. */
  readonly keepToken?: boolean;
  readonly pushIntervalMs?: number;
  /** Of one request. */
  readonly remoteTimeoutMs?: number;
}

export interface BrowserLogOptions {
  /** Names the database, and the lock by which the tabs of an origin agree on one leader. */
  readonly name?: string;
  /** At the limit the oldest scrapes go, counted. The browser's quota may be reached earlier, with the same effect. */
  readonly limitBytes?: number;
  /** Older scrapes go, acknowledged or not; 0: none does. */
  readonly maxAgeMs?: number;
  /** `always`: every scrape is written with durability `strict`. `interval`, `never`: `relaxed`, which a power cut may take. */
  readonly sync?: 'always' | 'interval' | 'never';
  readonly syncIntervalMs?: number;
  /** Asks the browser not to evict the origin's storage when space is short (some browsers ask the user). */
  readonly persist?: boolean;
}

export interface BrowserAgentOptions {
  readonly targets: readonly TargetOptions[];
  readonly edgePush: EdgePushOptions;
  readonly log?: BrowserLogOptions;
  /** Labels that every series gets on its way out. */
  readonly externalLabels?: Readonly<Record<string, string>>;
  /** Whether the agent's own metrics are scraped, too (`job="agent-lite"`, at most 25 series). */
  readonly ownMetrics?: boolean;
  /** Whether the page itself is a target (`job="page"`): long tasks, navigation timing, memory, online state, storage. */
  readonly pageMetrics?: boolean;
  /** Default: warnings and errors go to the console. */
  readonly logger?: Logger;
  /** Time and randomness; tests give their own. */
  readonly clock?: Clock;
}

export const defaultBrowserOptions = {
  scrapeIntervalMs: 60_000,
  scrapeTimeoutMs: 10_000,
  pushIntervalMs: 60_000,
  remoteTimeoutMs: 30_000,
  logName: 'agent-lite',
  limitBytes: 64 * 1024 * 1024,
  maxAgeMs: 0,
  renewToken: false,
  keepToken: false,
  sync: 'interval',
  syncIntervalMs: 30_000,
  persist: false,
  ownMetrics: true,
  pageMetrics: false,
} as const;

export interface BrowserSettings {
  readonly targets: readonly TargetOptions[];
  readonly edge: {
    readonly url: string;
    readonly token: string | AskForToken;
    readonly renewToken: boolean;
    readonly keepToken: boolean;
    readonly pushIntervalMs: number;
    readonly remoteTimeoutMs: number;
  };
  readonly log: Required<BrowserLogOptions>;
  readonly externalLabels: Labels;
  readonly ownMetrics: boolean;
}

/** Throws TypeError with the place, what was expected and what was given. */
export function settle(options: BrowserAgentOptions): BrowserSettings {
  const { edgePush, log = {}, targets } = options;
  const { token } = edgePush;
  const defaults = defaultBrowserOptions;
  const { renewToken = defaults.renewToken, keepToken = defaults.keepToken } = edgePush;
  if (typeof token !== 'function') checkToken(token);
  else if (renewToken) throw new TypeError('edgePush.renewToken: expected a token as text; a function renews tokens itself');
  if (keepToken && !renewToken) throw new TypeError('edgePush.keepToken: expected renewToken with it; only renewed tokens are kept');
  const settings: BrowserSettings = {
    targets,
    edge: {
      url: edgeUrl(edgePush.url),
      ...{ token, renewToken, keepToken },
      pushIntervalMs: positive('edgePush.pushIntervalMs', edgePush.pushIntervalMs ?? defaults.pushIntervalMs),
      remoteTimeoutMs: positive('edgePush.remoteTimeoutMs', edgePush.remoteTimeoutMs ?? defaults.remoteTimeoutMs),
    },
    log: {
      name: log.name ?? defaults.logName,
      limitBytes: positive('log.limitBytes', log.limitBytes ?? defaults.limitBytes),
      maxAgeMs: log.maxAgeMs ?? defaults.maxAgeMs,
      sync: log.sync ?? defaults.sync,
      syncIntervalMs: positive('log.syncIntervalMs', log.syncIntervalMs ?? defaults.syncIntervalMs),
      persist: log.persist ?? defaults.persist,
    },
    externalLabels: labelsOf('externalLabels', options.externalLabels ?? {}),
    ownMetrics: options.ownMetrics ?? defaults.ownMetrics,
  };
  if (settings.log.name === '') throw new TypeError('log.name: expected a name, got an empty one');
  return settings;
}

/** Sorted; an empty value is as good as none. Throws TypeError. */
export function labelsOf(place: string, record: Readonly<Record<string, string>>): Labels {
  for (const [name, value] of Object.entries(record)) {
    if (!isValidName(name)) throw new TypeError(`${place}: expected label names, got ${JSON.stringify(name)}`);
    if (typeof value !== 'string') throw new TypeError(`${place}.${name}: expected a string, got ${typeof value}`);
  }
  return sortLabels(Object.entries(record).filter(([, value]) => value !== ''));
}

export function positive(place: string, value: number): number {
  if (!(Number.isFinite(value) && value > 0)) throw new TypeError(`${place}: expected a number above 0, got ${value}`);
  return value;
}

function edgeUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new TypeError(`edgePush.url: expected https://…, got ${JSON.stringify(text)}`);
  if (url.username !== '' || url.password !== '')
    throw new TypeError('edgePush.url: expected no user and password; give the token as edgePush.token');
  return text.replace(/\/+$/, '');
}
