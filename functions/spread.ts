import { crc32c } from '../contract/crc32c.ts';

const encoder = new TextEncoder();

/**
 * Index of a device's shard in a generation of `shards`. Worker and shards must agree on it, and stored data depend on it: a
 * device that changed its shard within a generation could overtake its own backlog.
 * Not the hash that chooses the lane within a shard: with that one, all devices of a shard could share a lane.
 */
export function shardIndex(device: string, shards: number): number {
  let h = crc32c(encoder.encode(device));
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) % shards;
}
