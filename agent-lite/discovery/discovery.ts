import type { TargetGroup } from '../config/types.ts';

/** Finds targets and goes on watching for changes. */
export interface Discovery {
  /**
   * Calls `update` with all groups it knows, each time they may have changed. Resolves after the first call; goes on in the
   * background until `signal` aborts. Does not reject: what cannot be read is logged, and what was known stays.
   */
  start(update: (groups: readonly TargetGroup[]) => void, signal: AbortSignal): Promise<void>;
}

/** `static_configs`: the targets stand in the configuration. */
export function staticDiscovery(groups: readonly TargetGroup[]): Discovery {
  return {
    async start(update) {
      update(groups);
    },
  };
}
