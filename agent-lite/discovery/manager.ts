import type { ScrapeConfig, SdConfig, TargetGroup } from '../config/types.ts';
import type { Clock, Logger } from '../model.ts';
import type { Discovery } from './discovery.ts';

export interface DiscoveryManagerOptions {
  /** May throw, where the configuration cannot work; the others go on. */
  readonly discoveryFor: (config: SdConfig) => Discovery;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly logger: Logger;
  /** Told all jobs with what is known of them, each time that may have changed. */
  readonly found: (jobs: readonly FoundJob[]) => void;
}
export interface FoundJob {
  readonly config: ScrapeConfig;
  readonly groups: readonly TargetGroup[];
}

export interface DiscoveryManager {
  /** Makes these the jobs. A discovery that was there before, with the same settings, goes on with all it knows. */
  apply(jobs: readonly ScrapeConfig[]): void;
  stop(): void;
}

interface Running {
  /** Undefined until it has been heard. */
  groups: readonly TargetGroup[] | undefined;
  readonly ended: AbortController;
}

/** So long the jobs before stay in place while new discoveries have not been heard; then the new ones start with what is known. */
const PATIENCE_MS = 5000;

/**
 * Runs one discovery for equal settings, whichever jobs have them (discovery/manager.go). Jobs are told together, so that a
 * reload does not stop targets which a moment later are found again.
 */
export function createDiscoveryManager({ discoveryFor, clock, logger, found }: DiscoveryManagerOptions): DiscoveryManager {
  const running = new Map<string, Running>();
  let jobs: readonly ScrapeConfig[] = [];
  /** Of the last apply. `idle`: nothing may be told, since its discoveries are not all started, or all is over. */
  let state: 'idle' | 'waiting' | 'told' = 'idle';
  let patience = new AbortController();
  const keyOf = (config: SdConfig): string => JSON.stringify(config);

  function tell(): void {
    state = 'told';
    patience.abort();
    found(jobs.map((config) => ({ config, groups: config.discovery.flatMap((sd) => running.get(keyOf(sd))?.groups ?? []) })));
  }
  function heard(): void {
    const all = (): boolean => [...running.values()].every(({ groups }) => groups !== undefined);
    if (state === 'told' || (state === 'waiting' && all())) tell();
  }
  function start(key: string, config: SdConfig): void {
    const entry: Running = { groups: undefined, ended: new AbortController() };
    running.set(key, entry);
    const update = (groups: readonly TargetGroup[]): void => {
      if (entry.ended.signal.aborted) return;
      entry.groups = groups;
      heard();
    };
    try {
      // Does not reject: discovery logs what it cannot read.
      void discoveryFor(config).start(update, entry.ended.signal);
    } catch (error) {
      const err = error instanceof Error ? error.message : String(error);
      logger.log('error', 'Discovery cannot work', { mechanism: config.kind, err });
      update([]);
    }
  }

  return {
    apply(next) {
      patience.abort();
      patience = new AbortController();
      const { signal } = patience;
      jobs = next;
      state = 'idle';
      const wanted = new Map(next.flatMap(({ discovery }) => discovery.map((sd) => [keyOf(sd), sd] as const)));
      for (const [key, { ended }] of running) {
        if (wanted.has(key)) continue;
        ended.abort();
        running.delete(key);
      }
      for (const [key, sd] of wanted) if (!running.has(key)) start(key, sd);
      state = 'waiting';
      heard();
      void clock.sleep(PATIENCE_MS, signal).then(() => {
        if (!signal.aborted) tell();
      });
    },
    stop() {
      state = 'idle';
      patience.abort();
      for (const { ended } of running.values()) ended.abort();
      running.clear();
    },
  };
}
