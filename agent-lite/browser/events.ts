import type { Labels } from '../../contract/labels.ts';

/**
 * `stopped`: before start and after stop. `starting`. `leader`: this page scrapes and pushes. `standby`: another tab of the
 * origin does; this one scrapes NOTHING, its in-page targets included, until it takes over. `failed`: see the error.
 */
export type Role = 'stopped' | 'starting' | 'leader' | 'standby' | 'failed';

/** What happens, for whoever listens. */
export interface AgentEvents {
  readonly role: { readonly role: Role /** Why, where there is more to say. */; readonly reason: string | undefined };
  /** A scrape is in the log. */
  readonly scrape: { readonly labels: Labels; readonly timeMs: number; readonly samples: number; readonly position: number };
  /** A request to the edge has ended. `status` undefined: no answer, for `error`. */
  readonly push: {
    readonly method: string;
    readonly path: string;
    readonly bytes: number;
    readonly status: number | undefined;
    readonly error: string | undefined;
  };
  /** Something that `status()` shows has changed. */
  readonly change: undefined;
}
export type Listener<K extends keyof AgentEvents> = (event: AgentEvents[K]) => void;

export interface Emitter {
  on<K extends keyof AgentEvents>(name: K, listener: Listener<K>): () => void;
  emit<K extends keyof AgentEvents>(name: K, event: AgentEvents[K]): void;
}

/** A listener that throws harms nobody else; `failed` is told. */
export function createEmitter(failed: (error: unknown) => void): Emitter {
  const listeners: { [K in keyof AgentEvents]: Set<Listener<K>> } = {
    role: new Set(),
    scrape: new Set(),
    push: new Set(),
    change: new Set(),
  };
  return {
    on(name, listener) {
      listeners[name].add(listener);
      return () => listeners[name].delete(listener);
    },
    emit(name, event) {
      for (const listener of [...listeners[name]]) {
        try {
          listener(event);
        } catch (error) {
          failed(error);
        }
      }
    },
  };
}
