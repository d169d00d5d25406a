import type { DevicePositions, HandOverRequest, ShardStub } from '../model.ts';
import { formatShardName, type ShardName } from './keys.ts';

/** Characters of positions in one answer: far below the 32 MiB that a call between objects takes, whatever devices do. */
export const PAGE_CHARACTERS = 1024 * 1024;
/** Predecessors asked at a time. */
const PARALLEL = 6;

/** What shards ask of each other. */
export type Peer = Pick<ShardStub, 'handOver' | 'drained'>;

export interface Inheritance {
  /** Each device once. */
  readonly devices: readonly DevicePositions[];
  /** Shards that were closed. */
  readonly names: readonly string[];
}

/**
 * Closes shards of earlier generations and collects the devices that now belong to who asks. All of them are asked, not only the
 * generation before: a shard there that was never used has taken over nothing. Rejects where one of them does.
 */
export async function takeOver(
  earlier: readonly ShardName[],
  request: HandOverRequest,
  peer: (name: string) => Peer,
): Promise<Inheritance> {
  const pages = new Map<ShardName, DevicePositions[]>();
  const rest = earlier.values();
  const worker = async (): Promise<void> => {
    // All workers draw from the one iterator.
    for (const shard of rest) pages.set(shard, await allPages(formatShardName(shard), request, peer));
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  // The newest generation that knows a device had taken over all that the ones before it knew.
  const newestFirst = [...pages].sort(([a], [b]) => b.generation - a.generation);
  const found = new Map<string, readonly [generation: number, positions: DevicePositions]>();
  for (const [{ generation }, devices] of newestFirst) {
    for (const positions of devices) {
      const known = found.get(positions[0]);
      if (known === undefined) found.set(positions[0], [generation, positions]);
      else if (known[0] === generation) found.set(positions[0], [generation, merged(known[1], positions)]);
    }
  }
  return { devices: [...found.values()].map(([, positions]) => positions), names: earlier.map(formatShardName) };
}

async function allPages(name: string, request: HandOverRequest, peer: (name: string) => Peer): Promise<DevicePositions[]> {
  const devices: DevicePositions[] = [];
  for (let after: string | undefined; ; ) {
    const page = await peer(name).handOver(after === undefined ? request : { ...request, after });
    for (const positions of page.devices) devices.push(positions);
    if (page.next === undefined) return devices;
    after = page.next;
  }
}

/** Two shards of one generation know a device only where its shards were changed without a new generation: the later word counts. */
function merged([device, one]: DevicePositions, [, other]: DevicePositions): DevicePositions {
  const logs = new Map(one.map((log) => [log[0], log]));
  for (const log of other) {
    const known = logs.get(log[0]);
    if (known === undefined || known[3] < log[3]) logs.set(log[0], log);
  }
  return [device, [...logs.values()].sort((a, b) => a[3] - b[3])];
}
