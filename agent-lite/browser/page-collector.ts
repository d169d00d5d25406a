/** What a page or worker knows of itself, as an exposition. What a browser does not offer is left out, never given as 0. */
export interface PageSources {
  /** Undefined in workers. Times are ms since the navigation began; 0: has not happened yet. */
  navigation(): { readonly responseStart: number; readonly domContentLoadedEventEnd: number; readonly loadEventEnd: number } | undefined;
  /** Only some browsers tell, and they round. */
  memory(): { readonly usedJSHeapSize: number; readonly jsHeapSizeLimit: number } | undefined;
  online(): boolean;
  storage(): Promise<{ readonly usage?: number; readonly quota?: number }>;
  /** Calls `add` with the duration of each long task, ms, those before included. Undefined where the browser does not tell them. */
  longTasks(add: (durationMs: number) => void): (() => void) | undefined;
}

export interface PageCollector {
  /** Text format 0.0.4. Never rejects. */
  expose(): Promise<string>;
  /** Begins to count; counters go on where they were. */
  start(): void;
  stop(): void;
}

export function createPageCollector(sources: PageSources): PageCollector {
  let tasks = 0;
  let taskMs = 0;
  let end: (() => void) | undefined;
  return {
    start() {
      end ??= sources.longTasks((durationMs) => {
        tasks++;
        taskMs += durationMs;
      });
    },
    stop() {
      end?.();
      end = undefined;
    },
    async expose() {
      const navigation = sources.navigation();
      const memory = sources.memory();
      const storage = await sources.storage().catch(() => undefined);
      const counted = end !== undefined;
      return [
        metric('page_long_tasks_total', 'counter', 'Tasks that blocked the page for 50 ms or more.', counted ? tasks : undefined),
        metric('page_long_task_seconds_total', 'counter', 'Time of those tasks.', counted ? taskMs / 1000 : undefined),
        metric('page_navigation_response_seconds', 'gauge', 'From the navigation to the first byte.', happened(navigation?.responseStart)),
        metric(
          'page_navigation_dom_seconds',
          'gauge',
          'From the navigation to the parsed document.',
          happened(navigation?.domContentLoadedEventEnd),
        ),
        metric('page_navigation_load_seconds', 'gauge', 'From the navigation to the load event.', happened(navigation?.loadEventEnd)),
        metric('page_heap_used_bytes', 'gauge', 'JavaScript heap in use, rounded by the browser.', memory?.usedJSHeapSize),
        metric('page_heap_limit_bytes', 'gauge', 'JavaScript heap the page may take.', memory?.jsHeapSizeLimit),
        metric('page_online', 'gauge', 'Whether the browser believes that it has a network.', sources.online() ? 1 : 0),
        metric('page_storage_used_bytes', 'gauge', 'What the origin stores, estimated by the browser.', storage?.usage),
        metric('page_storage_quota_bytes', 'gauge', 'What the origin may store, estimated by the browser.', storage?.quota),
      ].join('');
    },
  };
}

const happened = (ms: number | undefined): number | undefined => (ms === undefined || ms <= 0 ? undefined : ms / 1000);

const metric = (name: string, type: 'counter' | 'gauge', help: string, value: number | undefined): string =>
  value === undefined ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`;
