import type { DeviceStatus, DevicesRequest, ListedDevices, ShardStub } from '../model.ts';
import { forEachShard } from './shards.ts';

/** What the shards of a tenant, `names`, know of its devices. Two generations may know one: the newer push counts. */
export async function listDevices(
  names: readonly string[],
  stub: (name: string) => ShardStub,
  request: DevicesRequest,
): Promise<ListedDevices> {
  const found = new Map<string, DeviceStatus>();
  const unreachable: string[] = [];
  await forEachShard(
    names,
    async (name) => {
      // One more than is shown tells whether there is one.
      for (const status of await stub(name).devices({ ...request, limit: request.limit + 1 })) {
        const known = found.get(status.device);
        if (known === undefined || known.pushedMs < status.pushedMs) found.set(status.device, status);
      }
    },
    (name) => unreachable.push(name),
  );
  const sorted = [...found.values()].sort((a, b) => (a.device < b.device ? -1 : 1));
  const devices = sorted.slice(0, request.limit);
  const last = devices.at(-1);
  return {
    devices,
    ...(sorted.length > request.limit && last !== undefined ? { next: last.device } : {}),
    unreachable: unreachable.sort(),
  };
}
