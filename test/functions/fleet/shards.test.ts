import { expect, it } from 'vitest';
import { pokeAll, shardOf } from '../../../functions/fleet/shards.ts';
import { relayConfig } from '../../fakes/relay-config.ts';
import { FakeShard } from '../../fakes/shard-stub.ts';

const inOrder = { outOfOrderTimeWindowMs: 0 };
const withWindow = { outOfOrderTimeWindowMs: 3_600_000 };

it('gives a tenant one shard where the receiver has no out-of-order window', () => {
  const names = Array.from({ length: 100 }, (_, i) => shardOf({ tenant: 'acme', device: `gw-${i}` }, relayConfig, inOrder));
  expect(new Set(names)).toEqual(new Set(['acme/1/0']));
});

it('spreads devices evenly, and always alike', () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 4000; i++) {
    const name = shardOf({ tenant: 'acme', device: `gw-${i}` }, relayConfig, withWindow);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(['acme/1/0', 'acme/1/1', 'acme/1/2', 'acme/1/3']);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  // Stored data depend on it: a device that moved without a new generation could overtake its own backlog.
  expect(shardOf({ tenant: 'acme', device: 'gw-1' }, relayConfig, withWindow)).toBe('acme/1/1');
});

it('wakes every shard, also behind one that fails', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `acme/1/${i}`);
  const shards = new Map(names.map((name) => [name, new FakeShard()]));
  const stub = (name: string) => shards.get(name) ?? new FakeShard();
  stub('acme/1/3').result = new Error('gone');
  const failed: string[] = [];
  await pokeAll(names, stub, (name) => failed.push(name));
  expect([...shards.values()].map(({ pokes }) => pokes)).toEqual(names.map(() => 1));
  expect(failed).toEqual(['acme/1/3']);
});
