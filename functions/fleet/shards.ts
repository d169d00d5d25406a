import type { Outgoing, RelayConfig } from '../config/types.ts';
import { ACK_DURATION, expandHistograms } from '../histogram.ts';
import type { ShardMetrics, ShardStub } from '../model.ts';
import { TextFormat } from './text-format.ts';

/**
 * Shards that the configuration gives a tenant. Without an out-of-order window a receiver refuses what is an hour behind the
 * tenant's newest sample; shards drain at different speeds, so the tenant then has only one.
 */
export const shardsOf = (
  { shard }: Pick<RelayConfig, 'shard'>,
  { outOfOrderTimeWindowMs }: Pick<Outgoing, 'outOfOrderTimeWindowMs'>,
): number => (outOfOrderTimeWindowMs > 0 ? shard.shards : 1);

/** Calls to other objects that are open at once. */
const PARALLEL = 6;

/** Runs `task` for each name, some at a time; a failure is told to `failed` and holds nobody up. */
export async function forEachShard(
  names: readonly string[],
  task: (name: string) => Promise<void>,
  failed: (name: string, error: unknown) => void,
): Promise<void> {
  const rest = names.values();
  const worker = async (): Promise<void> => {
    // All workers draw from the one iterator.
    for (const name of rest) {
      try {
        await task(name);
      } catch (error) {
        failed(name, error);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** The watchdog: wakes every shard, since an alarm that failed six times is never called again. */
export function pokeAll(
  names: readonly string[],
  stub: (name: string) => ShardStub,
  failed: (name: string, error: unknown) => void,
): Promise<void> {
  return forEachShard(names, (name) => stub(name).poke(), failed);
}

/**
 * Prometheus' text format: every shard's counters and gauges, with its tenant and its place as labels; then those of the Worker.
 * @param workers totals of the object that keeps what isolates count; undefined where it did not answer
 */
export async function gatherMetrics(
  names: readonly string[],
  stub: (name: string) => ShardStub,
  workers: Readonly<Record<string, number>> | undefined,
  failed: (name: string, error: unknown) => void,
): Promise<string> {
  const byShard = new Map<string, ShardMetrics>();
  let failures = 0;
  await forEachShard(
    names,
    async (name) => {
      byShard.set(name, await stub(name).metrics());
    },
    (name, error) => {
      failures++;
      failed(name, error);
    },
  );
  const text = new TextFormat();
  for (const name of names) {
    const [tenant, generation, index] = name.split('/');
    text.add(byShard.get(name)?.values ?? {}, `tenant="${tenant}",shard="${generation}/${index}"`);
  }
  if (workers !== undefined) text.add(expandHistograms(workers, [ACK_DURATION]));
  text.gauge('relay_shards', names.length);
  text.gauge('relay_shards_unreachable', failures + (workers === undefined ? 1 : 0));
  return text.toString();
}
