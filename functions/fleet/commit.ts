import type { CommitRequest, CommitResult, Identity, ShardStub } from '../model.ts';
import type { Layouts, Place } from './layout.ts';
import type { ShardRegistry } from './registry.ts';

/** Newer generations that one push follows. Each is a deployment; more at once is a fault. */
const MAX_HOPS = 3;
const LOST_RETRY_MS = 5_000;

export interface CommitRoute {
  readonly layouts: Layouts;
  readonly registry: ShardRegistry;
  /** A new stub each time. */
  readonly shard: (name: string) => ShardStub;
  /** Each shard that is asked. */
  readonly onPlace: (place: Place) => void;
}

/**
 * Hands a push to its device's shard, and follows it to a newer generation. Layout, then registration, then commit: a shard
 * that lists the registry at its first commit, and its predecessors that do the same, cannot miss each other. Rejects where
 * store or shard do.
 */
export async function commitToShard(identity: Identity, request: CommitRequest, route: CommitRoute): Promise<CommitResult> {
  const { layouts, registry, shard, onPlace } = route;
  for (let hop = 0; hop <= MAX_HOPS; hop++) {
    const place = await layouts.place(identity);
    onPlace(place);
    await registry.register(place.name);
    const answer = await shard(place.name).commit(request);
    if (answer.kind !== 'moved') return answer;
    // Another push of this isolate may have learnt of the same generation: then the next round goes there.
    if (!layouts.follow(identity.tenant, answer.generation) && (await layouts.place(identity)).name === place.name) break;
  }
  return { kind: 'busy', retryAfterMs: LOST_RETRY_MS, reason: 'the shards of the tenant are being changed' };
}
