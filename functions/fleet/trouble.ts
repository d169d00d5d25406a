import type { ShardStub } from '../model.ts';
import { forEachShard } from './shards.ts';

const MEANING: Readonly<Record<string, string>> = {
  retrying: 'the receiver does not answer, or asks for time',
  stopped: 'address or credentials of the receiver, or the bucket, are wrong',
  refused: 'the receiver refuses whole requests',
};
const SERIES = /^relay_lanes_in_trouble\{receiver="([^"]+)",kind="([a-z]+)"\}$/;

/** One line for each shard, receiver and kind of trouble, in the order of `names`; nothing that is stored is lost by any of them. */
export async function listTroubles(
  names: readonly string[],
  stub: (name: string) => ShardStub,
  failed: (name: string, error: unknown) => void,
): Promise<readonly string[]> {
  const lines = new Map<string, readonly string[]>();
  await forEachShard(
    names,
    async (name) => {
      lines.set(name, troublesOf(name, (await stub(name).metrics()).values));
    },
    (name, error) => {
      lines.set(name, [`shard ${name}: does not answer`]);
      failed(name, error);
    },
  );
  return names.flatMap((name) => lines.get(name) ?? []);
}

function troublesOf(shard: string, values: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(values).flatMap(([series, lanes]) => {
    const [, receiver, kind = ''] = SERIES.exec(series) ?? [];
    if (receiver === undefined || lanes === 0) return [];
    return [`shard ${shard}, receiver ${receiver}: ${lanes} ${lanes === 1 ? 'lane' : 'lanes'} ${kind}: ${MEANING[kind] ?? 'see the log'}`];
  });
}
