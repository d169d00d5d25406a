import { err, ok, type Result } from '../contract/result.ts';
import { createApp, MAX_SHARDS } from './app.ts';
import type { Bindings } from './bindings.ts';
import { edgeCache } from './buffer/edge-cache.ts';
import type { OpenStore } from './buffer/open.ts';
import { settingsOf, storeOf } from './bundled.ts';
import { tenantConfig } from './config/parse.ts';
import type { ReceiverConfig } from './config/types.ts';
import { createEdge, createIsolate, type Edge } from './edge.ts';
import type { SettingErrors } from './env.ts';
import { pokeAll } from './fleet/shards.ts';
import { TABLES_DELETED, WORKER_COUNTS } from './fleet/worker-counts.ts';
import { deleteUnusedTables } from './ingest/table-use.ts';
import { describeError, EdgeLog } from './log.ts';
import type { ShardStub } from './model.ts';
import { receiverFaults, receiverOf } from './send.ts';

/** The Worker: platform in, app out. The one place on the edge with a clock and randomness of its own. */

export { Shard } from './shard/shard.ts';

const now = (): number => Date.now();
const isolate = createIsolate({ now, newRequestId: () => crypto.randomUUID(), log: new EdgeLog((line) => console.log(line), now) });

/** One edge for each settings object; settings stay the same object while their texts do. */
const edges = new WeakMap<object, Edge>();

function edgeOf(bindings: Bindings): Result<Edge, SettingErrors> {
  const settings = settingsOf(bindings);
  if (!settings.ok) return err(settings.error);
  const known = edges.get(settings.value);
  if (known !== undefined) return ok(known);
  const faults = settings.value.config.receivers.flatMap((receiver) => receiverFaults(receiver, { ...bindings }));
  if (faults.length > 0) return err(faults);
  const opened = storeOf(settings.value, bindings);
  if (!opened.ok) return err(opened.error);
  const edge = createEdge(settings.value, servicesOf(bindings, opened.value));
  edges.set(settings.value, edge);
  isolate.log.configure(settings.value.config.log);
  return ok(edge);
}

const servicesOf = (bindings: Bindings, { store, check }: OpenStore) => ({
  store,
  checkStore: check,
  now,
  cache: edgeCache(caches.default),
  // A stub's methods are those of the class, made asynchronous; the platform's type cannot say so across a version change.
  shard: (name: string): ShardStub => bindings.SHARD.get(bindings.SHARD.idFromName(name)) as unknown as ShardStub,
  send: (receiver: ReceiverConfig, tenant: string, block: Uint8Array<ArrayBuffer>) =>
    receiverOf(receiver, tenant, { ...bindings }).send(block),
  findTenant: tenantConfig,
  onLayoutConflict: (words: string) => isolate.log.error('the shards in use are not those of the configuration', { words }),
});

const app = createApp(edgeOf, isolate);

/** Each minute: wakes all shards, then deletes what is no longer used. What is not configured has no shards to wake; /-/ready tells. */
async function watchdog(bindings: Bindings): Promise<void> {
  const edge = edgeOf(bindings);
  if (!edge.ok) return;
  const { registry, shard, store } = edge.value;
  await pokeAll(await registry.list(MAX_SHARDS), shard, (name, error) =>
    isolate.log.error('shard could not be woken', { shard: name, error: describeError(error) }),
  );
  try {
    const deleted = await deleteUnusedTables({ store, now });
    if (deleted > 0) await shard(WORKER_COUNTS).count({ [TABLES_DELETED]: deleted });
  } catch (error) {
    isolate.log.error('unused series tables could not be deleted', { error: describeError(error) });
  }
}

export default {
  fetch: (request, bindings, context) => app.fetch(request, bindings, context),
  scheduled: (_event, bindings) => watchdog(bindings),
} satisfies ExportedHandler<Bindings>;
