import type { TargetGroup } from '../config/types.ts';
import type { Clock } from '../model.ts';
import type { Discovery } from './discovery.ts';

export interface PollingOptions {
  readonly refreshIntervalMs: number;
  readonly clock: Pick<Clock, 'sleep' | 'boot'>;
  /** All groups there are now. Rejects where that cannot be said: then the ones before stay. */
  readonly refresh: (signal: AbortSignal) => Promise<readonly TargetGroup[]>;
  /** Told of each rejection. */
  readonly failed: (error: unknown) => void;
}

/**
 * A discovery that asks again and again (discovery/refresh in Prometheus): at once, then at fixed ticks; a tick that passes
 * while a refresh still runs is made up for by one at its end. Groups are told where they differ.
 */
export function pollingDiscovery({ refreshIntervalMs, clock, refresh, failed }: PollingOptions): Discovery {
  return {
    async start(update, signal) {
      let told: string | undefined;
      const poll = async (): Promise<void> => {
        try {
          const groups = await refresh(signal);
          const text = JSON.stringify(groups);
          if (signal.aborted || text === told) return;
          told = text;
          update(groups);
        } catch (error) {
          if (!signal.aborted) failed(error);
        }
      };
      let tickMs = clock.boot();
      const goOn = async (): Promise<void> => {
        while (!signal.aborted) {
          tickMs += refreshIntervalMs;
          const lateMs = clock.boot() - tickMs;
          if (lateMs > refreshIntervalMs) tickMs += Math.floor(lateMs / refreshIntervalMs) * refreshIntervalMs;
          await clock.sleep(Math.max(0, tickMs - clock.boot()), signal);
          if (!signal.aborted) await poll();
        }
      };
      await poll();
      if (told === undefined && !signal.aborted) update([]);
      void goOn();
    },
  };
}
