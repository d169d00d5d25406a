import { expect, it } from 'vitest';
import { pokeAll, shardsOf } from '../../../functions/fleet/shards.ts';
import { relayConfig } from '../../fakes/relay-config.ts';
import { FakeShard } from '../../fakes/shard-stub.ts';

it('gives a tenant one shard where a receiver of its route has no out-of-order window', () => {
  expect(shardsOf(relayConfig, { outOfOrderTimeWindowMs: 0 })).toBe(1);
  expect(shardsOf(relayConfig, { outOfOrderTimeWindowMs: 3_600_000 })).toBe(4);
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
